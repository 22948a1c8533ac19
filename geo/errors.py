"""Errors of the domain, in one tree.

::

    WanggeError
    ├── InputError          what came in cannot be used; the caller has to change it
    │   ├── FileError           a file is missing, empty, unreadable or of an unknown format
    │   ├── CrsError            a coordinate reference system is missing, geographic where metres are needed, or wrong
    │   ├── DatumError          a datum is not declared, not known, or mixed
    │   ├── GeometryError       geometries are missing, of the wrong type or invalid
    │   ├── ColumnError         a column is missing or holds what it must not
    │   └── CodeError           a grid code is malformed, double or has no parent
    ├── ImpossibleError     what was asked cannot be done with this (sound) input, and the message says why
    ├── RefusedEdit         an edit of a draft would break the division; says kind, place and reason, and what would pass
    └── RefusedStep         a step of a case is not possible now; says kind and reason, the state, and what would pass

Each message is one line that says what is wrong, where, and what to do. ``ids`` carries the labels of the rows that it is about,
``geometry`` the place, both for programs; ``give`` the argument that would help, which the command line shows as an option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any


class WanggeError(Exception):
    """Base of all errors that wangge raises on purpose.

    Parameters
    ----------
    message
        One line: what is wrong, where, what to do. Counts are written by :func:`geo.wording.counted`.
    ids
        Labels of the rows or cells concerned.
    geometry
        A shapely geometry that shows the place, in the CRS of the input.
    give
        The argument that would help, by name, with an example value. Appended to the message.
    """

    def __init__(
        self,
        message: str,
        *,
        ids: Sequence[Any] = (),
        geometry: Any = None,
        give: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        example = ", ".join(f"{name}={value!r}" for name, value in give.items())
        super().__init__(f"{message} ({example})" if example else message)
        self.message = message
        self.ids = tuple(ids)
        self.geometry = geometry
        self.give = dict(give)


class InputError(WanggeError, ValueError):
    """The input is unusable."""


class FileError(InputError):
    """A file is missing, empty, unreadable or of an unknown format."""


class CrsError(InputError):
    """A coordinate reference system is missing or not the kind that is needed."""


class DatumError(InputError):
    """A datum is not declared or not known."""


class GeometryError(InputError):
    """Geometries are missing, of the wrong type or invalid."""


class ColumnError(InputError):
    """A column is missing or holds what it must not."""


class CodeError(InputError):
    """A grid code is malformed, double or has no parent."""


class ImpossibleError(WanggeError):
    """What was asked cannot be done with this input, although the input is sound."""


class RefusedEdit(WanggeError):  # noqa: N818 - a refusal is an answer, and its name is promised to other programs
    """An edit of a draft that would break the division; the draft is unchanged.

    Parameters
    ----------
    kind
        ``crosses``, ``touches``, ``flips``, ``encloses``, ``self_crossing``, ``misses``, ``outline``, ``detached``, ``ring``,
        ``locked``, ``stale``, ``retired``, ``too_small`` or ``cut_building``.
    zh, en
        The reason in words.
    cells
        Codes of the cells concerned.
    geometry
        The place, in the CRS of the division.
    proposal
        An edit that would pass, or None.

    Attributes
    ----------
    position
        Which edit of a list was refused, from 0; set by the draft.
    revisions
        Of a ``stale`` edit, the revisions of the changes that are in its way.
    """

    def __init__(
        self,
        kind: str,
        zh: str,
        en: str,
        *,
        cells: Sequence[str] = (),
        geometry: Any = None,
        proposal: Any = None,
    ) -> None:
        super().__init__(f"{en} ({kind})", ids=cells, geometry=geometry)
        self.kind = kind
        self.zh = zh
        self.en = en
        self.cells = tuple(cells)
        self.proposal = proposal
        self.position: int | None = None
        self.revisions: tuple[int, ...] = ()


class RefusedStep(WanggeError):  # noqa: N818 - a refusal is an answer, and its name is promised to other programs
    """A step of a case that is not possible now; the case is unchanged.

    Parameters
    ----------
    kind
        ``stale`` (another step was taken in between), ``time``, ``chain``, ``client``, ``state``, ``role``, ``reason``,
        ``missing``, ``own_work``, ``third_return``, ``limit``, ``unanswered``, ``undo``, ``merge``, ``recurrence``.
    zh, en
        The reason in words.
    case
        The current case; its number is in ``ids``.
    proposal
        An action that would pass, or None.
    """

    def __init__(self, kind: str, zh: str, en: str, *, case: Any = None, proposal: Any = None) -> None:
        super().__init__(f"{en} ({kind})", ids=() if case is None else (case.case_id,))
        self.kind = kind
        self.zh = zh
        self.en = en
        self.case = case
        self.proposal = proposal


def first_labels(labels: Sequence[Any], most: int = 5) -> str:
    """Name the first few of many labels in a message: ``'a, b, c and 7 more'``."""
    shown = ", ".join(str(label) for label in list(labels)[:most])
    rest = len(labels) - most
    return f"{shown} and {rest} more" if rest > 0 else shown
