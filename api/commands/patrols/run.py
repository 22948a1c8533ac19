"""``wangge patrols``: reads tracks and cells; writes verdicts, evidence, tables and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.commands import Progress, silent
from api.commands.patrols.history import EarlierRun, changes_of, facts_of
from api.commands.patrols.verified import Study, Verified, verify_tracks
from api.files.inputs import read_cells, read_table
from api.files.outputs import require_folder, write_set
from api.files.reading_notices import give_reading_notices
from api.files.small_input import few_vertices
from geo.errors import ImpossibleError, InputError
from geo.kernels import uncompiled
from geo.layers import Division, to_metric
from geo.patrols import Rules, assign_holders
from geo.tracks.reading.read import read_fixes

#: Maximum number of days; more indicate a mistake in --from or --to.
MOST_DAYS = 366
#: Default number of days after which an unseen third-level grid is a blind spot.
BLIND_DAYS = 7


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
    """Parse a column map of the command line: ``time=2,lon=X`` to names and positions.

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
    """The given files, and all files in a given folder and below it, except hidden ones; the reader refuses files that are not
    tracks.

    Raises
    ------
    InputError
        If a folder contains no file.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        if not inside:
            raise InputError(f"{path}: the folder contains no file")
        files += inside
    return files


@dataclass(frozen=True)
class PatrolOptions:
    """Options of a run in addition to tracks, cells and folder.

    Attributes
    ----------
    rules_paths
        Files of rule sets, one for each version; the built-in rule set by default.
    layer, code
        Layer of the cells, and the column of their code.
    datum, zone, columns
        Options for reading the tracks: datum of their coordinates, zone of times without one, columns by name or position.
    days
        Local days to judge; by default all days with fixes.
    now
        The current time, timezone-aware; later fixes are reported.
    with_touched, by_device
        See :func:`api.commands.patrols.routes.write_routes`; cells touched are always written if there are roads.
    before
        Folder of an earlier run whose verdicts are compared.
    blind_days
        See :func:`api.commands.patrols.tables.write_tables`.
    holders
        Table of the holders of devices: `device`, `holder`, `from`, `to`; see :func:`geo.patrols.assign_holders`.
    due_at, roster, route, device, checkpoints
        See :mod:`api.commands.patrols.plans`: a time; a roster; a planned route, the device that walked it, its checkpoints.
    """

    rules_paths: tuple[Path, ...] = ()
    layer: str | None = None
    code: str | None = None
    datum: str | None = None
    zone: str | None = None
    columns: dict[str, str | int] | None = None
    days: tuple[date, ...] | None = None
    now: datetime | None = None
    with_touched: bool = False
    by_device: bool = False
    before: Path | None = None
    blind_days: int = BLIND_DAYS
    due_at: str | None = None
    roster: Path | None = None
    route: Path | None = None
    device: str | None = None
    checkpoints: Path | None = None
    holders: Path | None = None

    def __post_init__(self) -> None:
        if (self.checkpoints is not None or self.device is not None) and self.route is None:
            raise InputError("--checkpoints and --device go with --route")


@dataclass(frozen=True)
class PatrolRun:
    """Result of a run.

    Attributes
    ----------
    verified
        The verdicts with their intermediate results.
    written
        The files.
    figures
        Figures of the optional results: `due`, `feasibility`, `route`, `restated`.
    """

    verified: Verified
    written: list[Path]
    figures: dict[str, Any]


def patrol_files(
    paths: Sequence[Path],
    cells_path: Path,
    folder: Path,
    *,
    options: PatrolOptions = PatrolOptions(),
    backdrop: dict[str, gpd.GeoDataFrame | None] | None = None,
    progress: Progress = silent,
    tell: Callable[[Verified], None] | None = None,
) -> PatrolRun:
    """Verify the tracks of files and write all results; the pages show the last day.

    Parameters
    ----------
    tell
        Called with the verdicts before anything is written, so that they can be shown a second earlier.

    Raises
    ------
    InputError
        If the earlier run would be overwritten.
    ImpossibleError
        If the tracks have no usable fix.
    """
    before, backdrop = options.before, backdrop or {}
    if before is not None and before.resolve() == folder.resolve():
        raise InputError(
            f"--before {before}: is where the new verdicts go; write them elsewhere (-o), nothing is overwritten"
        )
    require_folder(folder)
    earlier = None if before is None else EarlierRun.read(before)
    rules = Rules.read(*options.rules_paths) if options.rules_paths else Rules()
    cells = read_cells(cells_path, layer=options.layer, code=options.code)
    progress("读取轨迹 reading", 0.0)
    tracks = _tracks_of(paths, options, rules)
    judged = cells.second if isinstance(cells, Division) else to_metric(cells)
    study = Study(cells, judged, cells.third if isinstance(cells, Division) else judged)
    # A fix is used in cleaning, presences and routes, so it counts as ten vertices.
    with uncompiled(when=few_vertices(cells, points=10 * len(tracks))):
        verified = verify_tracks(
            tracks,
            study.judged,
            rules=rules,
            days=options.days,
            inner=study.inner,
            roads=backdrop.get("roads"),
            progress=progress,
        )
        if tell is not None:
            tell(verified)
        facts = facts_of(verified, cells_path, study.cells)
        restated = None if earlier is None else earlier.compare_with(verified, facts)
        progress("写表 writing", 0.9)

        def write(inside: Path) -> tuple[dict[str, Any], list[Path]]:
            from api.commands.patrols.tables import write_tables  # openpyxl: 0.3 s of CPU

            written = write_tables(
                verified,
                study,
                inside,
                refused=tracks.attrs.get("refused", []),
                facts=facts,
                restated=restated,
                blind_days=options.blind_days,
            )
            figures, plans = _plans(verified, study, inside, options, backdrop)
            return figures, [*written, *plans, *_drawn(verified, study, inside, options, backdrop, progress)]

        figures, written = write_set(folder, write)
        if restated is not None:
            figures["restated"] = changes_of(restated)
        return PatrolRun(verified, written, figures)


def _tracks_of(paths: Sequence[Path], options: PatrolOptions, rules: Rules) -> pd.DataFrame:
    """Fixes of the files, with the holders of their devices if a table is given."""
    tracks = read_fixes(
        files_of(paths), datum=options.datum, zone=options.zone, columns=options.columns, now=options.now
    )
    give_reading_notices(tracks.attrs)
    if options.holders is not None:
        attrs = tracks.attrs
        tracks = assign_holders(tracks, read_table(options.holders), zone=rules.zone)
        tracks.attrs = attrs
    if tracks.empty:
        raise ImpossibleError("the tracks have no usable fix: " + _refusals(tracks))
    return tracks


def _plans(
    verified: Verified, study: Study, folder: Path, options: PatrolOptions, backdrop: dict[str, Any]
) -> tuple[dict[str, Any], list[Path]]:
    """The requested plans: due cells, feasibility of the roster, and comparison with a planned route."""
    figures: dict[str, Any] = {}
    made: list[Path] = []
    if options.due_at is None and options.roster is None and options.route is None:
        return figures, made
    from api.commands.patrols.plans import moment, write_due, write_feasible, write_route

    if options.due_at is not None:
        now = moment(options.due_at, verified.rules.zone)
        figures["due"], path = write_due(verified, study.judged, folder, now=now)
        made.append(path)
    if options.roster is not None:
        figures["feasibility"], path = write_feasible(
            study.judged, options.roster, folder, verified, datum=options.datum
        )
        made.append(path)
    if options.route is not None:
        figures["route"], paths = write_route(
            verified,
            study.cells,
            options.route,
            folder,
            device=options.device,
            checkpoints_path=options.checkpoints,
            backdrop=backdrop,
        )
        made += paths
    return figures, made


def _drawn(
    verified: Verified,
    study: Study,
    folder: Path,
    options: PatrolOptions,
    backdrop: dict[str, Any],
    progress: Progress,
) -> list[Path]:
    """Cells touched and routes, as requested, and the two pages."""
    written: list[Path] = []
    roads = backdrop.get("roads")
    if options.with_touched or options.by_device or roads is not None:
        from api.commands.patrols.routes import write_routes

        progress("路线 routes", 0.9)
        written += write_routes(
            verified.cleaned,
            study.inner,
            folder,
            days=verified.days,
            rules=verified.rules,
            roads=roads,
            by_device=options.by_device,
        )
    from api.commands.patrols.drawing import draw_pages  # Imports folium: 0.4 s of CPU.

    progress("绘图 drawing", 0.95)
    shown = study.cells if isinstance(study.cells, Division) else study.judged
    return [*written, *draw_pages(shown, verified, folder, backdrop=backdrop)]


def _refusals(tracks: pd.DataFrame) -> str:
    refused = tracks.attrs.get("refused", [])
    return str(refused[0].get("reason", refused[0])) if refused else "the files are empty"
