"""Verdicts of a run with their intermediate results, computed from fixes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from api.commands import Progress, silent
from geo.days import local_days
from geo.layers import Division, Level
from geo.patrols import VERDICTS, Rules, by_group, clean, presences, seen, verify, visits, who_counts
from geo.patrols.clocks import clock_shifts, corrected, with_corrected
from geo.patrols.wording import SPARSE_S
from geo.texts import Text
from geo.tracks.fix_values import utc
from geo.tracks.sorting import by_time, numbered


@dataclass(frozen=True)
class Verified:
    """Verdicts with their intermediate results.

    Attributes
    ----------
    visits, verdicts
        Results of :func:`geo.patrols.visits` and :func:`geo.patrols.verify`; the verdicts of all days.
    days
        Local days judged, in order.
    fixes, marked
        Number of fixes read, and number of fixes with each mark.
    refused
        Number of unreadable rows; an unreadable file counts as one.
    unread_files
        Names of unreadable files.
    sources
        SHA-256 of each file by its name.
    cleaned, presences
        The fixes with their marks, and the times inside cells.
    seen
        Observed shares of the third-level cells on each day, if requested.
    counted_persons
        The reason why visits of leaders only, or of anyone, count.
    clock_shifts
        Clock errors of devices, hours; see :func:`geo.patrols.clocks.clock_shifts`.
    sparse
        Number of devices with an interval of at least four minutes, and the typical interval of their fixes, seconds.
    """

    visits: pd.DataFrame
    verdicts: pd.DataFrame
    days: tuple[date, ...]
    rules: Rules
    fixes: int
    marked: dict[str, int]
    refused: int
    cleaned: pd.DataFrame
    presences: pd.DataFrame
    seen: pd.DataFrame | None = None
    unread_files: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    counted_persons: Text = field(default_factory=lambda: Text("", ""))
    clock_shifts: dict[str, int] = field(default_factory=dict)
    sparse: tuple[int, float] = (0, 0.0)

    def counts(self, day: date | None = None) -> dict[str, int]:
        """Number of cells in each of the four states, on one day or on all."""
        rows = self.verdicts if day is None else self.verdicts[pd.to_datetime(self.verdicts["day"]).dt.date == day]
        found = rows["verdict"].value_counts()
        return {state: int(found.get(state, 0)) for state in VERDICTS}

    def gaps(self) -> tuple[int, float]:
        """Number of gaps of devices in or near the cells on the judged days, and the longest of them, seconds."""
        today = self.presences["day"].isin(self.days)
        silent = self.presences[today & (self.presences["kind"] == "unknown")].drop_duplicates(
            ["device", "officer", "start"]
        )
        return len(silent), float(silent["duration_s"].max()) if len(silent) else 0.0

    def saving_devices(self) -> int:
        """Number of devices that rested without sending fixes, in a cell on the judged days."""
        rested = self.presences["day"].isin(self.days) & (self.presences["resting_s"] > 0)
        return int(self.presences.loc[rested, "device"].nunique())

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        expected, hidden = (float(self.verdicts[name].sum()) for name in ("visits_expected", "visits_hidden"))
        return {
            "rules": self.rules.name,
            "who": {"counts": self.rules.who, "why_zh": self.counted_persons.zh, "why_en": self.counted_persons.en},
            "clocks_off_h": dict(sorted(self.clock_shifts.items())),
            "sparse_devices": {"number": self.sparse[0], "usual_s": self.sparse[1]},
            "saving_devices": self.saving_devices(),
            "visits_counted": int(self.verdicts["visits"].sum()),
            "visits_expected": round(expected, 1),
            "visits_hidden": round(hidden, 1),
            "fixes": self.fixes,
            "refused_rows": self.refused,
            "files_not_read": list(self.unread_files),
            "marked": self.marked,
            "silences": dict(zip(("number", "longest_s"), self.gaps(), strict=True)),
            "days": {day.isoformat(): self.counts(day) for day in self.days},
        }


@dataclass(frozen=True)
class Study:
    """The cells of a run.

    Attributes
    ----------
    cells
        The input: a division, or one layer.
    judged
        The cells that get a verdict, in a metric CRS.
    inner
        The cells of the level below, whose observed shares are recorded; `judged` if there is none.
    """

    cells: Division | gpd.GeoDataFrame
    judged: gpd.GeoDataFrame
    inner: gpd.GeoDataFrame

    def names(self) -> dict[str, str]:
        """Names of the cells of all levels by code."""
        cells = self.cells
        layers = [cells.layer(level) for level in Level] if isinstance(cells, Division) else [cells]
        return {
            code: str(name)
            for layer in layers
            if "name" in layer
            for code, name in zip(layer["code"], layer["name"], strict=True)
            if pd.notna(name)
        }


def verify_tracks(
    tracks: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    rules: Rules,
    days: Sequence[date] | None = None,
    inner: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    progress: Progress = silent,
) -> Verified:
    """Compute verdicts from fixes.

    Parameters
    ----------
    tracks
        Fixes as returned by :func:`geo.patrols.read_tracks`, with or without points.
    cells
        The cells to judge.
    days
        Local days to judge; by default all days with fixes.
    inner, roads
        Cells of the level below, whose observed shares are computed, and roads in them. Required by rules with a minimum share.
    """
    rules, why = who_counts(rules, cells, tracks["officer"].unique() if "officer" in tracks else ())
    progress("清洗轨迹 cleaning", 0.2)
    marked = clean(tracks, rules=rules)
    progress("格内停留 presences", 0.4)
    found = presences(marked, cells, rules=rules)
    progress("巡查 visits", 0.7)
    made = visits(found, rules=rules, cells=cells)
    shifts = clock_shifts(tracks, rules)
    # Fixes of a clock with an error of hours do not add days.
    judged = tuple(days) if days else days_of(_right_times(tracks, shifts), rules.zone)
    progress("网格内覆盖 coverage inside", 0.75)
    looked = (
        None
        if inner is None
        else pd.concat([seen(marked, inner, day=day, roads=roads, rules=rules) for day in judged], ignore_index=True)
    )
    shares = None if looked is None or inner is None or "parent" not in inner else by_group(looked, inner)
    progress("核验 verdicts", 0.85)
    verdicts = [verify(made, cells, presences=found, coverage=shares, rules=rules, day=day) for day in judged]
    if shifts:
        right = _with_clocks_corrected(tracks, found, shifts, cells, rules)
        other = visits(right, rules=rules, cells=cells)
        verdicts = [
            with_corrected(table, verify(other, cells, presences=right, coverage=shares, rules=rules, day=day), shifts)
            for table, day in zip(verdicts, judged, strict=True)
        ]
    reasons = marked.loc[marked["mark"] != "", "mark"].value_counts()
    return Verified(
        visits=made,
        verdicts=pd.concat(verdicts, ignore_index=True),
        days=judged,
        rules=rules,
        fixes=len(tracks),
        marked={str(reason): int(number) for reason, number in reasons.items()},
        refused=len(tracks.attrs.get("refused", ())),
        cleaned=marked,
        presences=found,
        seen=looked,
        unread_files=tuple(str(row["source"]) for row in tracks.attrs.get("refused", ()) if row["row"] is None),
        sources=dict(tracks.attrs.get("sources", {})),
        counted_persons=why,
        clock_shifts=shifts,
        sparse=_sparse_devices(marked),
    )


def _right_times(tracks: pd.DataFrame, shifts: dict[str, int]) -> pd.DataFrame:
    """Times of all fixes, corrected for devices with wrong clocks."""
    if not shifts:
        return tracks
    right = tracks[~tracks["device"].astype(str).isin(list(shifts))]
    both: pd.DataFrame = pd.concat([right[["time"]], corrected(tracks, shifts)[["time"]]])
    return both


def _with_clocks_corrected(
    tracks: pd.DataFrame, found: pd.DataFrame, shifts: dict[str, int], cells: gpd.GeoDataFrame, rules: Rules
) -> pd.DataFrame:
    """The presences, recomputed for devices with wrong clocks."""
    right = presences(clean(corrected(tracks, shifts), rules=rules), cells, rules=rules)
    both: pd.DataFrame = pd.concat([found[~found["device"].astype(str).isin(list(shifts))], right], ignore_index=True)
    return both


def _sparse_devices(cleaned: pd.DataFrame) -> tuple[int, float]:
    """Number of devices with an interval of at least four minutes, and the typical interval of their fixes, seconds."""
    device, _ = numbered(cleaned["device"])
    time = utc(cleaned["time"]).view(np.int64)
    order = by_time(device, time)
    step_s = np.diff(time[order]) / 1e6
    same = np.diff(device[order]) == 0
    usual = pd.Series(step_s[same]).groupby(device[order][1:][same]).median()
    sparse = usual[usual >= SPARSE_S]
    return len(sparse), float(sparse.median()) if len(sparse) else 0.0


def days_of(tracks: pd.DataFrame, zone: str) -> tuple[date, ...]:
    """Local days with fixes."""
    return tuple(np.unique(local_days(utc(tracks["time"]).view(np.int64), zone)).tolist())
