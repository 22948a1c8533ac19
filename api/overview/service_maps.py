"""Maps of the server, drawn from the database; their background comes from a file in the folder of the pages."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Engine

from api.database import read_version, session
from api.database.events import last_event
from api.files.background import read_background
from api.overview.drawn_pages import Drawing
from api.settings import Settings
from maps import render

if TYPE_CHECKING:
    from api.overview.days import JudgedDay
    from api.overview.week_cases import View
    from api.snapshot import Snapshot

#: File with the background in the folder of the pages, one layer of each kind; optional.
BACKGROUND = "background.gpkg"

#: Text for a grid without a stored verdict on a judged day.
NOTHING = ("当日没有收到该网格内的定位。", "No fix was received from this grid on this day.")


def background_of(settings: Settings) -> dict[str, Any]:
    """Existing background layers, except buildings, which are too many for a page."""
    path = Path(settings.pages) / BACKGROUND
    if not path.is_file():
        return {}
    layers = _layers(path, path.stat().st_mtime_ns)
    return {kind: layer for kind, layer in layers.items() if kind != "buildings"}


@lru_cache(maxsize=2)
def _layers(
    path: Path, _changed_ns: int
) -> dict[str, gpd.GeoDataFrame]:  # The modification time is part of the cache key.
    return read_background(path)


def fairness_of(engine: Engine, snapshot: Snapshot, settings: Settings, old: int | None) -> str:
    """HTML of the fairness page of the current version, compared with the version `old`.

    Raises
    ------
    NotStoredError
        If there is no version with this number.
    """
    from api.commands.maps import draw_fairness

    before = None
    if old is not None:
        with session(engine) as opened:
            before = read_version(opened, old)
    drawn, _ = draw_fairness(snapshot.division, old=before, backdrop=background_of(settings))
    return render(drawn)


def coverage_of(engine: Engine, snapshot: Snapshot, settings: Settings, view: View, day: date | None) -> Drawing | None:
    """How the coverage map is drawn; None if no verdict visible to the reader is stored.

    Parameters
    ----------
    day
        Day shown first; by default the latest one.
    """
    from api.database.verdicts import last_verdict_day
    from api.overview.days import judged_days
    from maps.coverage import MOST_DAYS

    with session(engine) as opened:
        # Before the verdicts: an event between the two is heard although it is shown, never missed.
        event = last_event(opened, view.street)
        latest = last_verdict_day(opened, view.street)
        if latest is None:
            return None
        end = latest if day is None or (latest - day).days < MOST_DAYS else day
        days = judged_days(opened, view.street, end, days=MOST_DAYS, may_see=view.may_see)
    shown = day if day in days else max(days, default=None)
    if shown is None:
        return None
    newest = max((verdict.id for judged in days.values() for verdict in judged.verdicts.values()), default=0)
    seen = tuple(sorted(days[shown].grids)) if view.may_see is not None else None
    return Drawing(
        ("coverage", snapshot.version.id, shown, end, seen),
        lambda: _drawn_coverage(engine, snapshot, settings, days, shown),
        state=newest,
        event=event,
    )


def _drawn_coverage(
    engine: Engine, snapshot: Snapshot, settings: Settings, days: dict[date, JudgedDay], shown: date
) -> str:
    from api.database.verdicts import verdict_values
    from maps import coverage_map

    known = set(snapshot.division.second["code"].astype(str))
    with session(engine) as opened:
        values = verdict_values(opened, [verdict.id for verdict in days[shown].verdicts.values()])
    rows = []
    for day, judged in days.items():
        for code in judged.grids:
            if code not in known:
                continue
            verdict = judged.verdicts.get(code)
            row: dict[str, Any] = {"code": code, "day": day, "verdict": judged.state(code), "rules": judged.rules}
            if verdict is None:
                row |= {"visits": 0, "reason_zh": NOTHING[0], "reason_en": NOTHING[1]}
            else:
                row |= values.get(verdict.id, {}) | {"visits": verdict.visits, "required": verdict.required, "day": day}
            rows.append(row)
    table = pd.DataFrame(rows)
    table["required"] = table["required"].fillna(table["required"].max()) if "required" in table else None
    drawn = coverage_map(snapshot.division, table, day=shown, zone=settings.zone, **background_of(settings))
    return render(drawn)
