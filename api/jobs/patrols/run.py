"""Tracks of one or more days to visits and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.inputs import read_cells
from api.jobs import Progress, silent
from api.jobs.patrols.history import EarlierRun, facts_of, write_facts
from api.jobs.patrols.routes import write_ways
from api.jobs.patrols.tables import BLIND_DAYS, write_all
from api.outputs import make_folder
from geo.days import dates_of
from geo.errors import ImpossibleError, InputError
from geo.layers import Division, Level, to_metric
from geo.patrols import (
    REASONS,
    VERDICTS,
    Rules,
    by_group,
    clean,
    presences,
    read_tracks,
    seen,
    verify,
    visits,
)

#: A span of more days is taken for a mistake in --from or --to.
MOST_DAYS = 366


@dataclass(frozen=True)
class Verified:
    """Verdicts with what they rest on.

    Attributes
    ----------
    visits, verdicts
        Frames as :func:`geo.patrols.visits` and :func:`geo.patrols.verify` give them; the verdicts of all days.
    days
        Local days judged, in order.
    fixes, marked
        Number of fixes read, and of those that carry a mark, by mark.
    refused
        Number of rows that could not be read; a whole file is one.
    unread
        Names of the files of which nothing could be read.
    sources
        SHA-256 of each file by its name.
    cleaned, presences
        The fixes with their marks, and the times inside cells.
    seen
        What was seen of the third-level cells on each day, if that was asked for.
    """

    visits: pd.DataFrame
    verdicts: pd.DataFrame
    days: tuple[date, ...]
    rules: Rules
    fixes: int
    marked: dict[str, int]
    refused: int
    cleaned: gpd.GeoDataFrame
    presences: pd.DataFrame
    seen: pd.DataFrame | None = None
    unread: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)

    def counts(self, day: date | None = None) -> dict[str, int]:
        """Number of cells in each of the four states, of one day or of all."""
        rows = self.verdicts if day is None else self.verdicts[pd.to_datetime(self.verdicts["day"]).dt.date == day]
        found = rows["verdict"].value_counts()
        return {state: int(found.get(state, 0)) for state in VERDICTS}

    def gaps(self) -> tuple[int, float]:
        """Number of silences of devices in or near the cells on the days judged, and the longest of them in seconds."""
        today = self.presences["day"].isin(self.days)
        silent = self.presences[today & (self.presences["kind"] == "unknown")].drop_duplicates(
            ["device", "officer", "start"]
        )
        return len(silent), float(silent["duration_s"].max()) if len(silent) else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The figures, for a document."""
        expected, hidden = (float(self.verdicts[name].sum()) for name in ("visits_expected", "visits_hidden"))
        return {
            "rules": self.rules.name,
            "visits_counted": int(self.verdicts["visits"].sum()),
            "visits_expected": round(expected, 1),
            "visits_hidden": round(hidden, 1),
            "fixes": self.fixes,
            "refused_rows": self.refused,
            "files_not_read": list(self.unread),
            "marked": self.marked,
            "silences": dict(zip(("number", "longest_s"), self.gaps(), strict=True)),
            "days": {day.isoformat(): self.counts(day) for day in self.days},
        }


#: What more is made of the verdicts: it takes them, the cells as read and the cells judged, and gives the files written.
Plans = Callable[[Verified, "Division | gpd.GeoDataFrame", gpd.GeoDataFrame], list[Path]]


def verify_tracks(
    tracks: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    rules: Rules,
    days: Sequence[date] | None = None,
    inner: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    progress: Progress = silent,
) -> Verified:
    """Go from fixes to verdicts.

    Parameters
    ----------
    tracks
        Fixes as :func:`geo.patrols.read_tracks` gives them.
    cells
        The cells that are judged.
    days
        Local days to judge; by default those on which there are fixes.
    inner, roads
        Cells of the level below, of which it is told what was seen, and roads in them. Rules that ask for a share need them.
    """
    progress("清洗轨迹 cleaning", 0.2)
    marked = clean(tracks, rules=rules)
    progress("在格时间 presences", 0.4)
    found = presences(marked, cells, rules=rules)
    progress("巡查 visits", 0.7)
    made = visits(found, rules=rules, cells=cells)
    judged = tuple(days) if days else days_of(tracks, rules.zone)
    progress("网格内覆盖 coverage inside", 0.75)
    looked = (
        None
        if inner is None
        else pd.concat([seen(marked, inner, day=day, roads=roads, rules=rules) for day in judged], ignore_index=True)
    )
    shares = None if looked is None or inner is None or "parent" not in inner else by_group(looked, inner)
    progress("核验 verdicts", 0.85)
    verdicts = [verify(made, cells, presences=found, coverage=shares, rules=rules, day=day) for day in judged]
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
        unread=tuple(str(row["source"]) for row in tracks.attrs.get("refused", ()) if row["row"] is None),
        sources=dict(tracks.attrs.get("sources", {})),
    )


def days_of(tracks: gpd.GeoDataFrame, zone: str) -> tuple[date, ...]:
    """Local days on which there are fixes."""
    return tuple(sorted(set(dates_of(tracks["time"], zone))))


def days_between(first: date, last: date) -> tuple[date, ...]:
    """All days from the first to the last.

    Raises
    ------
    InputError
        If the last day is before the first, or more than a year after it.
    """
    if not first <= last:
        raise InputError(f"--from {first} is after --to {last}")
    if (last - first).days >= MOST_DAYS:
        raise InputError(f"--from {first} --to {last}: at most {MOST_DAYS} days at one time")
    return tuple(day.date() for day in pd.date_range(first, last))


def column_map(text: str | None) -> dict[str, str | int] | None:
    """Column map of the command line: ``time=2,lon=X`` to names and positions.

    Raises
    ------
    InputError
        If a part is not of the form ``ours=theirs``.
    """
    if text is None:
        return None
    parts = [part.partition("=") for part in text.split(",")]
    if not all(ours.strip() and theirs.strip() for ours, _, theirs in parts):
        raise InputError(
            f"'{text}' is no map of columns; write it as time=定位时间,lon=X,lat=Y or device=0,time=1,lon=2,lat=3"
        )
    return {ours.strip(): int(theirs) if theirs.strip().isdecimal() else theirs.strip() for ours, _, theirs in parts}


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those in a named folder and below it, but hidden ones; what is no track the reader refuses.

    Raises
    ------
    InputError
        If a folder holds no file.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        if not inside:
            raise InputError(f"{path}: the folder holds no file")
        files += inside
    return files


def patrol_files(
    paths: Sequence[Path],
    cells_path: Path,
    folder: Path,
    *,
    rules_paths: Sequence[Path] = (),
    layer: str | None = None,
    code: str | None = None,
    datum: str | None = None,
    zone: str | None = None,
    columns: dict[str, str | int] | None = None,
    days: Sequence[date] | None = None,
    backdrop: dict[str, gpd.GeoDataFrame | None] | None = None,
    plans: Plans | None = None,
    with_touched: bool = False,
    by_device: bool = False,
    before: Path | None = None,
    blind_days: int = BLIND_DAYS,
    progress: Progress = silent,
) -> tuple[Verified, list[Path], pd.DataFrame | None]:
    """Judge tracks from files and write all that the checker needs; see :func:`write_all`.

    Parameters
    ----------
    with_touched, by_device
        See :func:`api.jobs.patrols.routes.write_ways`; cells touched are told whenever there are roads.
    before
        Folder of an earlier run, whose verdicts are put beside the new ones.
    blind_days
        See :func:`write_all`.

    Returns
    -------
    tuple
        The verdicts, the files written, and the verdicts beside those of `before`. The maps show the last day.

    Raises
    ------
    InputError
        If the earlier run would be overwritten.
    """
    if before is not None and before.resolve() == folder.resolve():
        raise InputError(
            f"--before {before}: is where the new verdicts go; write them elsewhere (-o), nothing is overwritten"
        )
    earlier = None if before is None else EarlierRun.read(before)
    rules = Rules.read(*rules_paths) if rules_paths else Rules()
    cells = read_cells(cells_path, layer=layer, code=code)
    progress("读取轨迹 reading", 0.0)
    tracks = read_tracks(files_of(paths), datum=datum, zone=zone, columns=columns)
    if tracks.empty:
        raise ImpossibleError("the tracks have no usable fix: " + _refusals(tracks))
    judged = cells.second if isinstance(cells, Division) else to_metric(cells)
    inner = cells.third if isinstance(cells, Division) else judged
    roads = (backdrop or {}).get("roads")
    verified = verify_tracks(tracks, judged, rules=rules, days=days, inner=inner, roads=roads, progress=progress)
    make_folder(folder)
    progress("写表 writing", 0.9)
    facts = facts_of(verified, cells_path, cells)
    restated = None if earlier is None else earlier.beside(verified, facts)
    written = write_all(
        verified,
        judged,
        inner,
        folder,
        refused=tracks.attrs.get("refused", []),
        division=facts["cells"]["digest"],
        names=_names(cells),
        restated=restated,
        blind_days=blind_days,
    )
    written.append(write_facts(facts, folder))
    if plans is not None:
        written += plans(verified, cells, judged)
    if with_touched or by_device or roads is not None:
        progress("路线 routes", 0.9)
        written += write_ways(
            verified.cleaned, inner, folder, days=verified.days, rules=rules, roads=roads, by_device=by_device
        )
    progress("绘图 drawing", 0.95)
    shown = cells if isinstance(cells, Division) else judged
    written.append(draw_coverage(shown, verified, folder / "coverage.html", backdrop=backdrop or {}))
    written.append(draw_checker(shown, verified, folder / "checker.html", backdrop=backdrop or {}))
    return verified, written, restated


def _names(cells: Division | gpd.GeoDataFrame) -> dict[str, str]:
    """Names of the cells of all levels by code."""
    layers = [cells.layer(level) for level in Level] if isinstance(cells, Division) else [cells]
    return {
        code: str(name)
        for layer in layers
        if "name" in layer
        for code, name in zip(layer["code"], layer["name"], strict=True)
        if pd.notna(name)
    }


def draw_checker(
    division: Division | gpd.GeoDataFrame, verified: Verified, path: Path, *, backdrop: dict[str, Any]
) -> Path:
    """Draw the checker's page of the last day judged: map, reasons, replay."""
    from maps import save
    from maps.checker import checker_map

    drawn = checker_map(
        division,
        verified.verdicts,
        verified.cleaned,
        day=verified.days[-1],
        visits=verified.visits,
        visit_reasons=REASONS,
        zone=verified.rules.zone,
        max_gap_s=verified.rules.max_gap_s,
        **backdrop,
    )
    save(drawn, path)
    return path


def draw_coverage(
    division: Division | gpd.GeoDataFrame, verified: Verified, path: Path, *, backdrop: dict[str, Any], **texts: Any
) -> Path:
    """Draw the coverage map of the last day judged."""
    from maps import coverage_map, save

    drawn = coverage_map(
        division,
        verified.verdicts,
        day=verified.days[-1],
        visits=verified.visits,
        visit_reasons=REASONS,
        zone=verified.rules.zone,
        **backdrop,
        **texts,
    )
    save(drawn, path)
    return path


def _refusals(tracks: gpd.GeoDataFrame) -> str:
    refused = tracks.attrs.get("refused", [])
    return str(refused[0].get("reason", refused[0])) if refused else "the files are empty"
