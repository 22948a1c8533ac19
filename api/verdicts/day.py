"""Verdicts of a day from the stored fixes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Engine

from api.database import current_version, read_version, session
from api.database.verdicts import rule_texts
from api.errors import NotStoredError
from api.verdicts.reading import read_tracks_of
from api.verdicts.staffing import with_roster
from geo.layers import Division
from geo.patrols import Rules, clean, due, evidence, presences, seen, verify, visits


@dataclass(frozen=True)
class Basis:
    """Basis of the verdicts of a day: the version of the division valid on it, and a rule set."""

    street: int
    version: int
    digest: str
    division: Division
    rules: Rules

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """The second-level grids, for which verdicts are computed."""
        return self.division.second


@dataclass(frozen=True)
class Judged:
    """Verdicts of a day with their intermediate results."""

    basis: Basis
    day: date
    tracks: pd.DataFrame
    presences: pd.DataFrame
    visits: pd.DataFrame
    verdicts: pd.DataFrame


def rules_of(engine: Engine, street: int, name: str | None = None) -> Rules:
    """A stored rule set with its earlier versions; by default the street's.

    Parameters
    ----------
    name
        Name of a rule set, or name and version (``id@version``); by default the one stored last.

    Raises
    ------
    NotStoredError
        If there is none of this name.
    """
    with session(engine) as opened:
        texts = rule_texts(opened, street, name)
    if not texts:
        if name in (None, Rules().id, Rules().name):
            return Rules()
        raise NotStoredError(f"there is no rule set '{name}'")
    with TemporaryDirectory() as folder:
        paths = []
        for k, text in enumerate(texts):
            paths.append(Path(folder) / f"rules{k}.toml")
            paths[-1].write_text(text, encoding="utf-8")
        return Rules.read(*paths)


def basis_of(engine: Engine, street: int, day: date, *, street_code: str | None = None, rules: Rules) -> Basis:
    """Read the version in force on a day, with the leaders and deputies of the roster.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    with session(engine) as opened:
        version = current_version(opened, day=day, street_code=street_code)
        division = with_roster(opened, street, read_version(opened, version.id), day)
        return Basis(street, version.id, version.digest, division, rules)


def judge(engine: Engine, basis: Basis, day: date) -> Judged:
    """Compute the verdicts of a day from its stored fixes. Nothing is written."""
    tracks = read_tracks_of(engine, basis.street, day, basis.rules.zone)
    return judge_tracks(basis, day, tracks)


def judge_tracks(basis: Basis, day: date, tracks: pd.DataFrame) -> Judged:
    """Compute the verdicts of a day from the given fixes."""
    rules, cells = basis.rules, basis.cells
    cleaned = clean(tracks, rules=rules)
    found = presences(cleaned, cells, rules=rules)
    made = visits(found, rules=rules, cells=cells)
    return Judged(basis, day, cleaned, found, made, verify(made, cells, presences=found, rules=rules, day=day))


def due_list(judged: Judged, now: datetime) -> pd.DataFrame:
    """Remaining visits at a given time of the day."""
    moment = pd.Timestamp(now)
    until = judged.tracks[judged.tracks["time"] <= moment]
    points = gpd.GeoDataFrame(until, geometry=gpd.points_from_xy(until["lon"], until["lat"]), crs="EPSG:4326")
    return due(judged.visits, points, judged.basis.cells, now=moment, rules=judged.basis.rules)


def coverage(judged: Judged) -> pd.DataFrame:
    """Observed share of each third-level grid."""
    return seen(judged.tracks, judged.basis.division.third, day=judged.day, rules=judged.basis.rules)


def evidence_of(judged: Judged, code: str) -> dict[str, Any]:
    """Evidence of the verdict of one cell; the same input gives the same record and hash."""
    return evidence(
        code,
        day=judged.day,
        tracks=judged.tracks,
        presences=judged.presences,
        visits=judged.visits,
        verdicts=judged.verdicts,
        cells=judged.basis.cells,
        rules=judged.basis.rules,
        division=judged.basis.digest,
    )
