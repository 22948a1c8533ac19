"""Rule sets: the conditions for a visit, and the number of visits that a cell needs per day.

A rule set has an id and a version, which every verdict records. An existing rule set is never changed: changes are made in
a new file with a new version.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import tomllib
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo.arrays import Ints
from geo.errors import ColumnError, FileError, InputError
from geo.tracks.limits import MovementLimits

#: Whose visits count: anyone's; those of the leader (格长) and declared deputies; or, with ``auto``, the leader's if cells and
#: tracks name persons, and anyone's otherwise.
WHO = ("auto", "anyone", "leader")

#: Means of patrol: on foot, by vehicle, or either.
MODES = ("foot", "vehicle", "any")


@dataclass(frozen=True)
class Rules(MovementLimits):
    """One version of a rule set. The defaults are the street's rule: each second-level grid at least twice a day.

    Attributes
    ----------
    id, version, title
        Id of the rule set, its version, and its name for people.
    visits_per_day
        Visits that a cell needs in one local day. The street's rule says two.
    min_stay_s
        Minimum stay inside the cell. Crossing an average second-level grid (side 221 m) takes a walker 170 s and a car 20 s, so
        one minute keeps all walks and excludes most drives.
    confidence
        Minimum probability, given the positioning errors, that a stay was long enough to count. Half of the road length of the
        model street lies within 10 m of a border, where errors put a walker on either side.
    doubt
        Probability from which a stay that does not count may still have been a visit, and leaves the cell ``unknown`` if it
        could be the missing visit. Below it the stay is attributed to the neighbouring cell.
    merge_gap_s
        Stays in one cell separated by less than this are one visit: five minutes in the neighbouring cell, in a shop or across
        the road do not make a second patrol.
    min_between_s
        Minimum time between the end of one counted visit and the start of the next, regardless of the person. Two visits a day
        are meant as two rounds; half an hour distinguishes a second round from an interrupted first one. It also prevents
        officers who walk together, and one walk recorded on two phones, from counting twice.
    hours_from, hours_to
        Local time of duty, ``[from, to)``. Stays outside these hours do not count.
    max_patrol_speed_m_s
        Mean speed above which a visit is a drive, not a patrol. Walking is 1.4 m/s and pushing a loaded bicycle is not faster;
        4 m/s (14 km/h) leaves a margin for the additional length due to noise. Within 15 % of it a stay may leave the verdict
        open.
    reach_m
        Distance that a silent device may have gone from its last and next fix: cells within it are in doubt.
    who
        ``leader``: visits of the leader of the cell and of declared deputies count. ``anyone``: all visits do. ``auto``:
        decided by :func:`geo.patrols.persons.who_counts`.
    mode
        ``foot``: movement faster than `max_patrol_speed_m_s` does not count. ``vehicle``: slower movement does not. ``any``:
        both count; for large parks, where `min_stay_s` should be chosen for vehicles too.
    seen_cells_share, seen_roads_share
        Additional requirement: share of the cell's third-level cells, and of its road length, that must have been seen on the
        day. The street's rule requires visits only, so the default is none.
    holds_from
        First local day on which this version is valid; None for a version without a start.
    class_column, class_values
        In a part for a class of cells: the column of the cells and its values that define the class, ``kind`` and ``park``.
    classes
        Parts for classes of cells, first match first; values missing in a part are those of the main rules.
    earlier
        Earlier versions, used for days before `holds_from`.
    """

    id: str = "street-twice-a-day"
    version: str = "2"
    title: str = ""
    visits_per_day: int = 2
    min_stay_s: float = 60.0
    confidence: float = 0.95
    doubt: float = 0.04
    merge_gap_s: float = 300.0
    min_between_s: float = 1800.0
    hours_from: dt.time = dt.time(6, 0)
    hours_to: dt.time = dt.time(22, 0)
    max_patrol_speed_m_s: float = 4.0
    reach_m: float = 150.0
    who: str = "auto"
    mode: str = "foot"
    seen_cells_share: float = 0.0
    seen_roads_share: float = 0.0
    holds_from: dt.date | None = None
    class_column: str = ""
    class_values: tuple[str, ...] = ()
    classes: tuple[Rules, ...] = ()
    earlier: tuple[Rules, ...] = ()

    def __post_init__(self) -> None:
        faults = _faults(self)
        if faults:
            raise InputError(f"rules {self.name}: " + "; ".join(faults))

    @property
    def name(self) -> str:
        """Id and version as recorded in verdicts: ``street-twice-a-day@1``."""
        return f"{self.id}@{self.version}"

    @property
    def heading(self) -> str:
        """The title or, without one, the requirement."""
        return self.title or f"每日巡查不少于{self.visits_per_day}次"

    def to_dict(self, *, parts: bool = True) -> dict[str, Any]:
        """All values as JSON types; times of day and days in ISO 8601, None for missing values.

        Parameters
        ----------
        parts
            Whether the parts for classes and the earlier versions are included.

        >>> Rules(hours_from=dt.time(7)).to_dict()["hours_from"]
        '07:00:00'
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            key: [part.to_dict() for part in value]
            if key in _STRUCTURE
            else list(value)
            if isinstance(value, tuple)
            else value.isoformat()
            if isinstance(value, dt.time | dt.date)
            else value
            for key, value in sorted(values.items())
            if parts or key not in _STRUCTURE
        }

    def on(self, day: dt.date) -> Rules:
        """The version valid on a day.

        Raises
        ------
        InputError
            If there is none.
        """
        versions = sorted((self, *self.earlier), key=lambda rules: rules.holds_from or dt.date.min)
        held = [rules for rules in versions if rules.holds_from is None or rules.holds_from <= day]
        if not held:
            raise InputError(
                f"rules {self.name} hold from {versions[0].holds_from}, not yet on {day}; give the earlier rules"
            )
        return held[-1]

    def by_class(self, cells: pd.DataFrame) -> Iterator[tuple[Rules, Ints]]:
        """Yield each part of the rules with the positions of its cells, without overlap.

        Raises
        ------
        ColumnError
            If the cells lack a column that defines a class.
        """
        left = np.ones(len(cells), dtype=bool)
        for part in self.classes:
            if part.class_column not in cells:
                raise ColumnError(f"cells: no column '{part.class_column}', by which {part.name} tells a class")
            mine = left & cells[part.class_column].astype(str).isin(part.class_values).to_numpy()
            left &= ~mine
            if mine.any():
                yield part, np.flatnonzero(mine)
        if left.any() or len(cells) == 0:
            yield self, np.flatnonzero(left)

    @classmethod
    def read(cls, path: str | os.PathLike[str], *more: str | os.PathLike[str]) -> Rules:
        """Read a rule set from a TOML file, or its versions from several files.

        Parameters
        ----------
        path, more
            Files with one key per attribute; `id` and `version` are required, others have defaults. Times of day are TOML
            local times (``hours_from = 06:00:00``) or text (``"06:00"``), days TOML dates or text. A table ``[[class]]`` with
            ``column`` and ``values`` contains the differences for a class of cells. Of several files all but one need
            ``holds_from``.

        Raises
        ------
        FileError
            If a file is missing or not TOML.
        InputError
            If a key is unknown, a required one is missing, a value has the wrong type or is out of range, or two versions
            start on the same day.
        """
        versions = sorted((_read(one) for one in (path, *more)), key=lambda rules: rules.holds_from or dt.date.min)
        for one, two in pairwise(versions):
            if one.holds_from == two.holds_from:
                raise InputError(
                    f"rules {one.name} and {two.name} both hold from {one.holds_from or 'always'}; say when each begins"
                )
        return dataclasses.replace(versions[-1], earlier=tuple(versions[:-1]))


def _read(path: str | os.PathLike[str]) -> Rules:
    """One rule set from one file."""
    name = Path(path).name
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise FileError(f"{path}: no such file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, OSError) as error:
        raise FileError(f"{name}: cannot be read as TOML ({error})") from error
    parts = values.pop("class", [])
    whole = _typed(name, values, required=("id", "version"))
    if not (isinstance(parts, list) and all(isinstance(part, dict) for part in parts)):
        raise InputError(f"{name}: class is a list of tables; write [[class]]")
    classes = []
    for part in parts:
        known = {"column": "class_column", "values": "class_values"}
        typed = _typed(
            name, {known.get(key, key): value for key, value in part.items()}, required=tuple(known.values())
        )
        label = ",".join(typed["class_values"])
        classes.append(Rules(**{**whole, "version": f"{whole['version']}#{label}", **typed}))
    return Rules(**whole, classes=tuple(classes))


#: Attributes that are not keys of a file.
_STRUCTURE = ("classes", "earlier")


def _typed(file: str, values: dict[str, Any], *, required: tuple[str, ...]) -> dict[str, Any]:
    """Values of one table, converted to the types of the attributes."""
    types = {field.name: str(field.type) for field in dataclasses.fields(Rules) if field.name not in _STRUCTURE}
    unknown = [key for key in values if key not in types]
    if unknown:
        raise InputError(f"{file}: unknown key {', '.join(unknown)}; known are {', '.join(types)}")
    missing = [key for key in required if key not in values]
    if missing:
        reason = "every verdict names its rule set and version" if "id" in required else "they make the class"
        raise InputError(f"{file}: {' and '.join(missing)} missing; {reason}")
    return {key: _value(file, key, types[key], value) for key, value in values.items()}


def _value(file: str, key: str, kind: str, value: Any) -> Any:
    """Convert a TOML value to the type of its attribute, or raise with the reason."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("dt.time", "dt.date | None"):
        type_, example = (dt.time, "06:00") if kind == "dt.time" else (dt.date, "2026-03-01")
        if isinstance(value, type_) and not isinstance(value, dt.datetime):
            return value
        try:
            return type_.fromisoformat(str(value))
        except ValueError as error:
            what = "a time of day" if kind == "dt.time" else "a day"
            raise InputError(f'{file}: {key} = {value!r} is not {what}; write "{example}"') from error
    if kind == "tuple[str, ...]" and isinstance(value, list | str):
        return tuple(map(str, [value] if isinstance(value, str) else value))
    if kind == "int" and number and value == int(value):
        return int(value)
    if kind == "float" and number:
        return float(value)
    if kind == "str" and (isinstance(value, str) or number):
        return str(value)
    raise InputError(f"{file}: {key} = {value!r} is not of type {kind}")


def _faults(rules: Rules) -> list[str]:
    """All faults in the values of a rule set."""
    positive = (
        "visits_per_day",
        "max_gap_s",
        "max_patrol_speed_m_s",
        "max_speed_m_s",
        "max_accuracy_m",
        "default_accuracy_m",
    )
    not_negative = ("min_stay_s", "merge_gap_s", "min_between_s", "reach_m")
    faults = [
        f"{key} is {getattr(rules, key):g}, it must be above 0" for key in positive if not getattr(rules, key) > 0
    ]
    faults += [
        f"{key} is {getattr(rules, key):g}, it must not be negative"
        for key in not_negative
        if not getattr(rules, key) >= 0
    ]
    if not 0 < rules.doubt < rules.confidence < 1:
        faults.append(
            f"doubt {rules.doubt:g} and confidence {rules.confidence:g} must be between 0 and 1, doubt the lesser"
        )
    if not rules.hours_from < rules.hours_to:
        faults.append(f"hours_from {rules.hours_from:%H:%M} must be before hours_to {rules.hours_to:%H:%M}")
    faults += [
        f"{key} is '{getattr(rules, key)}', it must be one of {', '.join(words)}"
        for key, words in (("who", WHO), ("mode", MODES))
        if getattr(rules, key) not in words
    ]
    faults += [
        f"{key} is {getattr(rules, key):g}, it must be a share between 0 and 1"
        for key in ("seen_cells_share", "seen_roads_share")
        if not 0 <= getattr(rules, key) <= 1
    ]
    try:
        zoneinfo.ZoneInfo(rules.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        faults.append(f"zone '{rules.zone}' is not a known time zone; use a name such as Asia/Shanghai")
    return faults


#: The street's rule.
DEFAULT_RULES = Rules()
