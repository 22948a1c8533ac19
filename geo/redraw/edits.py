"""Edits as described by planners: frozen values that can be stored, sent and replayed.

Coordinates are metres in the CRS of the division, rounded to the 1 mm lattice when an edit is applied; codes are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import shapely
from shapely import LineString

from geo.errors import InputError

#: A place: easting and northing in metres.
Place = tuple[float, float]


class Edit:
    """Base class of all edits."""

    def to_dict(self) -> dict[str, Any]:
        """The edit as JSON values: its name under ``edit``, lines as lists of coordinates."""
        values: dict[str, Any] = {"edit": type(self).__name__}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, LineString):
                value = shapely.get_coordinates(value).tolist()
            values[field.name] = list(value) if isinstance(value, tuple) else value
        return values


@dataclass(frozen=True)
class MoveVertex(Edit):
    """Move the vertex or node at `at` to `to`, in all cells that share it."""

    at: Place
    to: Place


@dataclass(frozen=True)
class InsertVertex(Edit):
    """Insert a vertex at `at` into the edge at that place; the edge bends by less than 1 mm."""

    at: Place


@dataclass(frozen=True)
class RemoveVertex(Edit):
    """Remove the vertex at `at`; a node, where three or more borders meet, cannot be removed."""

    at: Place


@dataclass(frozen=True)
class SlideNode(Edit):
    """Slide the node at `at` along one of its borders to the place `to` on it; the border itself is unchanged."""

    at: Place
    to: Place


@dataclass(frozen=True)
class Reshape(Edit):
    """Replace the border between the first and the last vertex of a line by the line.

    Both must be vertices of one chain of arcs: of one border between two cells, two second-level grids or two communities.
    """

    line: LineString


@dataclass(frozen=True)
class Split(Edit):
    """Split a cell along a line, which may extend past it; the part with more residents keeps the code."""

    code: str
    line: LineString


@dataclass(frozen=True)
class Merge(Edit):
    """Merge cells of one level into `into`, by default the one with most residents; the other codes are retired."""

    codes: tuple[str, ...]
    into: str | None = None


@dataclass(frozen=True)
class Transfer(Edit):
    """Move third-level cells to the second-level grid `to`; they get new codes there, the old ones are retired."""

    codes: tuple[str, ...]
    to: str


@dataclass(frozen=True)
class Redivide(Edit):
    """Redivide a second-level grid or a community inside its outline.

    `counts` are the numbers of cells below it: third-level cells of a second-level grid, or second-level grids and third-level
    cells of a community. `seed` makes the result reproducible.
    """

    code: str
    counts: tuple[int, ...]
    seed: int


@dataclass(frozen=True)
class Rename(Edit):
    """Change the name of a cell."""

    code: str
    name: str


@dataclass(frozen=True)
class Recode(Edit):
    """Change the code of a third-level cell to a free one under the same parent; the old one is retired."""

    code: str
    to: str


@dataclass(frozen=True)
class SetLeader(Edit):
    """Set the leader of a cell; None for no leader."""

    code: str
    leader: str | None


@dataclass(frozen=True)
class Lock(Edit):
    """Lock cells and their descendants against changes."""

    codes: tuple[str, ...]


@dataclass(frozen=True)
class Unlock(Edit):
    """Unlock cells."""

    codes: tuple[str, ...]


@dataclass(frozen=True)
class LockOutline(Edit):
    """Lock the outline of the street, the default in a new draft."""


@dataclass(frozen=True)
class UnlockOutline(Edit):
    """Allow edits to change the outline of the street."""


@dataclass(frozen=True)
class Comment(Edit):
    """Add a comment at a place; it changes no cell."""

    at: Place
    text: str


#: Maximum absolute coordinate of any projected CRS, metres.
_FARTHEST_M = 1e8

KINDS: Mapping[str, type[Edit]] = {
    kind.__name__: kind
    for kind in (
        *(MoveVertex, InsertVertex, RemoveVertex, SlideNode, Reshape),
        *(Split, Merge, Transfer, Redivide),
        *(Rename, Recode, SetLeader, Lock, Unlock, LockOutline, UnlockOutline, Comment),
    )
}


def edit_from_dict(values: Mapping[str, Any]) -> Edit:
    """Parse the result of :meth:`Edit.to_dict`.

    Raises
    ------
    InputError
        If the kind is unknown, or a field is missing, superfluous or malformed; the message names it.
    """
    kind = KINDS.get(str(values.get("edit")))
    if kind is None:
        raise InputError(f"no edit is called {values.get('edit')!r}; known are {', '.join(KINDS)}")
    names = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    given = {name: value for name, value in values.items() if name != "edit"}
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"{kind.__name__} has no {', '.join(unknown)}; it takes {', '.join(names) or 'nothing'}")
    missing = [name for name, field in names.items() if name not in given and field.default is MISSING]
    if missing:
        raise InputError(f"{kind.__name__} needs {', '.join(missing)}")
    try:
        return kind(**{name: _value(name, value) for name, value in given.items()})
    except ValueError as error:
        raise InputError(f"{kind.__name__}: {error}") from error


#: Text fields, and those that may also be None.
_TEXTS, _OPTIONAL = ("code", "name", "text", "into", "leader"), ("into", "leader")


def _value(name: str, value: Any) -> Any:
    if name == "line":
        points = [_place(name, point) for point in value] if isinstance(value, list | tuple) else []
        if len(points) < 2:
            raise ValueError("line needs at least two points")
        return LineString(points)
    if name == "at" or (name == "to" and isinstance(value, list | tuple)):
        return _place(name, value)
    if name in ("codes", "counts"):
        kind: type = str if name == "codes" else int
        if not isinstance(value, list | tuple) or not all(type(v) is kind for v in value):
            raise ValueError(f"{name} must be a list of {'texts' if kind is str else 'whole numbers'}")
        return tuple(value)
    if name in (*_TEXTS, "to") and not (isinstance(value, str) or (value is None and name in _OPTIONAL)):
        raise ValueError(f"{name} must be a text")
    if name == "seed" and (type(value) is not int or value < 0):
        raise ValueError("seed must be a whole number of at least 0")
    return value


def _place(name: str, value: Any) -> Place:
    pair = value if isinstance(value, list | tuple) else ()
    if len(pair) != 2 or not all(type(v) in (int, float) and abs(v) <= _FARTHEST_M for v in pair):
        raise ValueError(f"{name} is no place in metres of the division's CRS")
    return float(pair[0]), float(pair[1])
