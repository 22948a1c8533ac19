"""Incidents and their hot spots as tables; incidents are cached, and only new rows are read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Engine

from api.database import session
from api.database.incident_changes import WITHDRAWN, IncidentState, apply_changes, incident_state, incidents_since
from api.ogc.catalogue import HOT_SPOTS, INCIDENTS
from api.ogc.coordinate_systems import DEGREES
from api.ogc.feature_table import FeatureTable
from api.ogc.properties import plain_values
from api.ogc.publication.published import Published
from api.ogc.query import Interval
from geo.layers import Level

#: Maximum number of intervals whose hot spots are cached.
MOST_SPANS = 8


class IncidentTables:
    """Tables of the incidents of one street; thread-safe."""

    def __init__(self, engine: Engine, street: int) -> None:
        self._engine = engine
        self._street = street
        self._lock = threading.Lock()
        self._state = IncidentState()
        self._rows: dict[int, dict[str, Any]] = {}
        self._table = _table([], IncidentState())
        self._hot: OrderedDict[tuple[Any, ...], FeatureTable] = OrderedDict()

    def incidents(self) -> FeatureTable:
        """All incidents with corrections applied, except withdrawn ones, ordered by number."""
        with self._lock, session(self._engine) as opened:
            state = incident_state(opened, self._street)
            if state == self._state:
                return self._table
            if state.count < self._state.count or state.last < self._state.last:
                # Retention has removed rows: re-read all.
                self._rows, self._state = {}, IncidentState()
            rows, corrections = incidents_since(opened, self._street, self._state)
            self._rows |= {row["id"]: {**row, "corrections": 0} for row in rows}
            for number, changes in corrections:
                if number in self._rows:
                    # Copied, because the old row may be in an answer that is being written.
                    self._rows[number] = dict(self._rows[number])
                    apply_changes(self._rows[number], changes)
                    self._rows[number]["corrections"] += 1
            self._state = state
            self._table = _table([row for row in self._rows.values() if not row.get(WITHDRAWN)], state)
            return self._table

    def hot_spots(self, found: Published, when: Interval | None) -> FeatureTable:
        """Counts and Gi* of second- and third-level cells, from the incidents of an interval."""
        table = self.incidents()
        key = (table.tag, found.version.id, when)
        with self._lock:
            if key in self._hot:
                self._hot.move_to_end(key)
                return self._hot[key]
        made = _hot_spots(table, found, when)
        with self._lock:
            self._hot[key] = made
            while len(self._hot) > MOST_SPANS:
                self._hot.popitem(last=False)
        return made


def _table(rows: list[dict[str, Any]], state: IncidentState) -> FeatureTable:
    places = np.empty(len(rows), dtype=object)
    if rows:
        places[:] = shapely.points([row["lon"] for row in rows], [row["lat"] for row in rows])
    return FeatureTable(
        ids=[str(row["id"]) for row in rows],
        properties=INCIDENTS.properties,
        values={e.name: plain_values([row[e.name] for row in rows], e.kind) for e in INCIDENTS.properties},
        geometry=places,
        native=DEGREES,
        tag=f"incidents-{state.count}-{state.last}-{state.correction}",
    )


def _hot_spots(table: FeatureTable, found: Published, when: Interval | None) -> FeatureTable:
    import geopandas as gpd
    import pandas as pd

    from geo.incidents import assign, counts, hotspots, mark_default_points

    chosen = np.ones(len(table), dtype=bool)
    if when is not None:
        times, missing = table.comparable("reported_at")
        chosen = ~missing
        chosen &= times >= _bound(when.start, "0001-01-01")
        chosen &= times <= _bound(when.end, "9999-12-31")
    points = gpd.GeoDataFrame(geometry=gpd.GeoSeries(table.geometry[chosen], crs="EPSG:4326"))
    points["address"] = [table.values["address"][row] for row in np.flatnonzero(chosen)]
    marked, _ = mark_default_points(points)
    assigned = assign(marked[~marked["default_point"].astype(bool)], found.division)
    counted = counts(assigned, found.division)
    frames = []
    for level in (Level.SECOND, Level.THIRD):
        cells = found.division.layer(level)
        tested = hotspots(counted, cells)
        frames.append(tested.assign(level=int(level), name=cells["name"].to_numpy() if "name" in cells else None))
    joined = pd.concat(frames, ignore_index=True)
    values = {e.name: plain_values(joined[e.name].tolist(), e.kind) for e in HOT_SPOTS.properties}
    span = "" if when is None else f"{when.start}/{when.end}"
    return FeatureTable(
        ids=[str(code) for code in joined["code"]],
        properties=HOT_SPOTS.properties,
        values=values,
        geometry=np.asarray(joined.geometry.array, dtype=object),
        native=found.version.srid,
        tag=f"hotspots-{table.tag}-{found.version.id}-{span}",
    )


def _bound(moment: Any, otherwise: str) -> np.datetime64:
    return np.datetime64(otherwise if moment is None else moment.replace(tzinfo=None), "us")
