"""Runs the demonstration on the model street."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd

from api.commands import Progress, silent
from api.commands.demo.cases import TELEPHONES, ZONE, compared, evening_of, simulate_month, store_month, write_papers
from api.commands.demo.staff import store_week
from api.commands.demo.store import (
    Ground,
    Judged,
    fill_store,
    opened_store,
    store_judged,
    verified_before,
    write_background,
)
from api.commands.duty_papers import Source, facts_of
from api.commands.incidents.assignment import Assigned, assign_incidents
from api.commands.incidents.drawing import draw_heat
from api.commands.patrols.drawing import draw_checker, draw_coverage
from api.commands.patrols.verified import Verified, verify_tracks
from api.database import session
from api.deployment.second_process import Meanwhile, second_process
from api.files.documents import write_json
from api.files.outputs import staged_folder, write_csv
from geo.coverage import Report, check_division
from geo.coverage.report import percent
from geo.divide import assign_leaders, divide
from geo.duty.ledgers.burden import burden
from geo.incidents.quality_flags import mark_default_points, mark_repeats
from geo.layers import Division, Level, write_division
from geo.patrols import VERDICTS, Rules
from geo.sample import ModelStreet, model_street, simulate_incidents, simulate_patrols
from geo.sample.days.patrols import PatrolTruth
from geo.sample.spoiled import spoiled_layer
from maps import check_map, save
from maps.encoding.cells import encode_levels

#: Numbers of communities, second-level and third-level grids of the model street.
COUNTS = (13, 255, 3052)

#: The days of the demonstration are fixed (a Monday, and the month before it), so that the same seed writes the same files.
PATROL_DAY = date(2026, 3, 2)
INCIDENTS_FROM = date(2026, 2, 1)
INCIDENT_DAYS = 30
OFFICERS = 255

#: Text shown on every map of the demonstration.
NOTE = (
    "演示数据：模型街道、模拟轨迹与模拟案件，不是法定边界，也不是真实记录。",
    "Demonstration: a model street with simulated tracks and incidents; neither legal boundaries nor real records.",
)


#: Days before the patrol day whose verdicts are stored.
DAYS_BEFORE = 7

#: Steps of a demonstration.
STEPS = 16


@dataclass
class Step:
    """One step of the demonstration: what was done, the result, and the time taken."""

    name: str
    found: str
    seconds: float


@dataclass
class Demo:
    """Files and figures of the demonstration."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    report: Report | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Time of all steps."""
        return sum(step.seconds for step in self.steps)

    @property
    def moment(self) -> datetime:
        """The end of its simulated month of cases."""
        return evening_of(PATROL_DAY)

    @property
    def database(self) -> Path:
        """The database that was filled."""
        return self.folder / "wangge.sqlite"


def run_demo(folder: Path, *, seed: int, progress: Progress = silent) -> Demo:
    """Divide the model street, check it, verify a day of patrols, count a month of incidents and handle them as cases.

    Parameters
    ----------
    folder
        Output folder; created if it does not exist.
    seed
        Seed of the division and of the simulations. The street is always the same.

    Returns
    -------
    Demo
        Steps with their times; ``figures`` are the results for programs.

    Notes
    -----
    What other steps do not need at once is computed in a second process. Its steps have the time for which they were waited for.
    """
    with second_process() as meanwhile:
        meanwhile(import_libraries)
        with staged_folder(folder) as inside:
            demo = Demo(inside)
            clock = _Clock(demo, progress)
            division, incidents, judged = _files(demo, seed, clock, progress, meanwhile)
        # The database may contain versions already, so it is filled in place, after the files have been moved into place.
        demo.folder = folder
        _stored(demo, seed, clock, division, incidents, judged)
    return demo


def _files(
    demo: Demo, seed: int, clock: _Clock, progress: Progress, meanwhile: Meanwhile
) -> tuple[Division, gpd.GeoDataFrame, list[Callable[[], Judged]]]:
    """Write all files that need no database: the division, its assigned incidents, and the verdicts to store, day by day."""
    folder = demo.folder
    street = model_street()
    clock.done(
        "模型街道 model street", f"{len(street.buildings):,} 栋建筑 buildings, {len(street.roads):,} 条道路 roads"
    )
    backdrop = _backdrop(street)
    background = meanwhile(partial(write_background, {**backdrop, "buildings": street.buildings}, folder))
    marked = meanwhile(partial(marked_incidents, street, seed))
    division = _divide(street, seed, clock, progress)
    example = meanwhile(partial(write_check_example, division, folder, backdrop))
    demo.report = _check(division, demo, clock)
    assigned = _incidents(marked(), division, demo, clock)
    heat = meanwhile(partial(draw_heat, division, assigned, folder / "heat.html", backdrop=backdrop, note=NOTE))
    ground = Ground(street.roads, street.communities, division.second)
    week = [
        meanwhile(partial(verified_before, ground, PATROL_DAY, back, seed=seed)) for back in range(DAYS_BEFORE, 0, -1)
    ]
    verified = _patrols(street, division, seed, demo, clock, backdrop)
    clock.done("检查示例 check map", f"faulty.gpkg: {example()} 处问题 findings")
    clock.done("热力图 heat map", heat().name)
    background()
    return division, assigned.incidents, [*week, lambda: (verified.verdicts, verified.visits)]


def _stored(
    demo: Demo,
    seed: int,
    clock: _Clock,
    division: Division,
    incidents: gpd.GeoDataFrame,
    judged: list[Callable[[], Judged]],
) -> None:
    """Fill the database: the division, the incidents and their cases until the evening of the patrol day, the verdicts; and
    compare the stored cases with the truth.
    """
    until = evening_of(PATROL_DAY)
    stored = fill_store(demo.database, division, incidents, valid_from=INCIDENTS_FROM, note=NOTE[0])
    clock.done("入库 store", stored)
    month = simulate_month(division, incidents, seed=seed, since=INCIDENTS_FROM, until=until)
    clock.done(
        "模拟办件 simulate cases",
        f"{len(month.made.reports):,} 件上报 reports, {len(month.made.book.cases):,} 件办件 cases",
    )
    with opened_store(demo.database, str(division.street["code"].iloc[0])) as (engine, street, version):
        clock.done("办件入库 store cases", store_month(engine, street, month, version=version))
        clock.done(
            "值班与通知 staff", store_week(engine, street, division, day=PATROL_DAY, at=_morning(PATROL_DAY), zone=ZONE)
        )
        # From the last day: those that the second process has not begun are computed here.
        days = [day() for day in reversed(judged)][::-1]
        clock.done("核验入库 store verdicts", store_judged(engine, street, days, version=version, day=PATROL_DAY))
        with session(engine) as opened:
            source = Source(opened, street, division, until, ZONE, TELEPHONES)
            facts = facts_of(source, INCIDENTS_FROM, PATROL_DAY + timedelta(days=1))
            found, demo.figures["duty"] = compared(facts, month)
            write_csv(burden(facts), demo.folder / "burden.csv")
            clock.done("办件核对 check cases", found)
            clock.done("议程、简报、台账 papers", write_papers(source, facts, demo.folder, day=PATROL_DAY))


def import_libraries() -> None:
    """Import what the functions of the second process need, while the street is made."""
    import_module("folium")
    import_module("numba")


def marked_incidents(street: ModelStreet, seed: int) -> gpd.GeoDataFrame:
    """Simulated incidents of the month, with repeats and default points marked."""
    rng = np.random.default_rng(seed)
    incidents, _ = simulate_incidents(street, rng=rng, start=INCIDENTS_FROM, days=INCIDENT_DAYS)
    return mark_default_points(mark_repeats(incidents))[0]


def write_check_example(division: Division, folder: Path, backdrop: dict[str, gpd.GeoDataFrame]) -> int:
    """Write a copy of the division with four faults, because a valid division has no findings, and the map of its check.

    Returns
    -------
    int
        Number of findings.
    """
    faulty = division.with_layer(Level.THIRD, spoiled_layer(division.third))
    write_division(faulty, folder / "faulty.gpkg")
    found = check_division(faulty)
    save(check_map(found, faulty, source="faulty.gpkg", note=NOTE, **backdrop), folder / "check.html")
    return len(found.findings)


def _morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=ZoneInfo(ZONE))


class _Clock:
    """Measures the time of consecutive steps."""

    def __init__(self, demo: Demo, progress: Progress) -> None:
        self._demo, self._progress = demo, progress
        self._started = time.perf_counter()

    def done(self, name: str, found: str) -> None:
        now = time.perf_counter()
        self._demo.steps.append(Step(name, found, now - self._started))
        self._started = now
        # Any value that advances the progress bar.
        self._progress(name, min(len(self._demo.steps) / STEPS, 1.0))


def _divide(street: ModelStreet, seed: int, clock: _Clock, progress: Progress) -> Division:
    barriers = pd.concat([street.railways, street.water], ignore_index=True)
    drawn = divide(
        street.outline,
        roads=street.roads,
        buildings=street.buildings,
        barriers=gpd.GeoDataFrame(barriers, crs=street.outline.crs),
        communities=street.communities,
        counts=COUNTS,
        valid_from=INCIDENTS_FROM,
        rng=seed,
        progress=lambda step, done: progress(f"划分 {step}", 0.1 + done / 10),
    )
    division = assign_leaders(drawn)
    staff = division.second["staff_kind"].value_counts()
    counts = " / ".join(f"{number:,}" for number in division.counts)
    leaders = f"格长 leaders: 街道干部 officials {staff['official']}, 社区工作者 community workers {staff['community_worker']}"
    clock.done("划分 divide", f"{counts} 个网格 grids; {leaders}")
    return division


def _check(division: Division, demo: Demo, clock: _Clock) -> Report:
    report = check_division(division, expected=COUNTS)
    write_division(division, demo.folder / "division.gpkg")
    write_json({"file": "division.gpkg", **report.to_dict()}, demo.folder / "report.json")
    street, finest = report.levels[0], report.levels[-1]
    demo.figures["check"] = {
        "ok": report.ok,
        "counts": list(division.counts),
        "area_km2": street.area_m2 / 1e6,
        "covered": finest.covered,
        "overlap_m2": finest.overlap_m2,
        "findings": report.counts(),
    }
    errors = int((report.findings["severity"] == "error").sum())
    clock.done(
        "检查 check",
        f"{street.area_m2 / 1e6:.2f} km², 覆盖 covered {percent(min(level.covered or 0.0 for level in report.levels))}, "
        f"重叠 overlap {sum(level.overlap_m2 for level in report.levels):.2f} m², 错误 errors {errors}",
    )
    return report


def _patrols(
    street: ModelStreet, division: Division, seed: int, demo: Demo, clock: _Clock, backdrop: dict[str, gpd.GeoDataFrame]
) -> Verified:
    tracks, truth = simulate_patrols(
        street, division, rng=np.random.default_rng(seed), day=PATROL_DAY, officers=OFFICERS
    )
    clock.done(
        "模拟巡查 simulate patrols", f"{len(tracks):,} 个定位点 fixes, {tracks['device'].nunique()} 台设备 devices"
    )
    verified = verify_tracks(tracks, division.second, rules=Rules(), days=[PATROL_DAY])
    write_csv(verified.visits, demo.folder / "visits.csv", zone=verified.rules.zone)
    write_csv(verified.verdicts, demo.folder / "verdicts.csv")
    pd.DataFrame(tracks.drop(columns="geometry")).to_parquet(demo.folder / "tracks.parquet", index=False)
    states = verified.counts()
    wrong = false_met(verified, truth)
    demo.figures["patrols"] = {**verified.to_dict(), "falsely_met": wrong}
    clock.done(
        "巡查核验 verify",
        ", ".join(f"{zh} {en} {states[state]}" for state, (zh, en) in VERDICTS.items())
        + f"; 误判达标 falsely met {wrong}",
    )
    grids = encode_levels(division)
    draw_coverage(division, verified, demo.folder / "coverage.html", backdrop=backdrop, note=NOTE, grids=grids)
    draw_checker(division, verified, demo.folder / "checker.html", backdrop=backdrop, grids=grids)
    clock.done("覆盖图与核验页 coverage and checker", "coverage.html, checker.html")
    return verified


def false_met(verified: Verified, truth: PatrolTruth) -> int:
    """Cells judged met although they were not according to the simulation's truth."""
    judged = verified.verdicts.set_index("code")["verdict"]
    true = truth.verdicts.set_index("code")["verdict"].reindex(judged.index)
    return int(((judged == "met") & (true != "met")).sum())


def _incidents(marked: gpd.GeoDataFrame, division: Division, demo: Demo, clock: _Clock) -> Assigned:
    result = assign_incidents(marked, division)
    write_csv(result.incidents, demo.folder / "incidents.csv")
    write_csv(result.counts, demo.folder / "counts.csv")
    figures = result.to_dict()
    demo.figures["incidents"] = figures
    clock.done(
        "案件落格 incidents",
        f"{figures['incidents']:,} 件 incidents, 在街道内 inside {figures['inside']:,}, "
        "热点 hot spots: "
        f"二级 second {figures['hot_cells']['second']}, 三级 third {figures['hot_cells']['third']}",
    )
    return result


def _backdrop(street: ModelStreet) -> dict[str, gpd.GeoDataFrame]:
    """Background layers of the maps."""
    return {"roads": street.roads, "water": street.water, "green": street.green, "railways": street.railways}
