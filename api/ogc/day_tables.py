"""Verdicts and coverage of a local day as tables, recomputed only if its fixes, rules or grids have changed."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, func, select

from api.database import session
from api.database.models import FixRow
from api.errors import NotStoredError, QueryError
from api.ingest.fix import microseconds
from api.ogc.catalogue import COVERAGE, VERDICTS, Collection
from api.ogc.feature_table import FeatureTable
from api.ogc.properties import plain_values
from api.ogc.query import Interval, local_day
from api.routes.verdicts import JUDGING
from geo.layers import Division

if TYPE_CHECKING:
    from api.verdicts.day import Basis

#: Maximum number of days kept in memory.
MOST_DAYS = 8


class DayTables:
    """Tables of the judged days of one street; thread-safe."""

    def __init__(self, engine: Engine, street: int, *, street_code: str | None, zone: ZoneInfo) -> None:
        self._engine = engine
        self._street = street
        self._code = street_code
        self._zone = zone
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], dict[str, FeatureTable]] = OrderedDict()

    def table(self, collection: Collection, when: Interval | None, today: date) -> FeatureTable | None:
        """Verdicts or coverage of the day of an interval; None if no division was in force.

        Raises
        ------
        QueryError
            If the interval is longer than a local day.
        """
        from api.verdicts.day import basis_of, coverage, judge, rules_of

        day = _day_of(when, today, self._zone)
        try:
            rules = rules_of(self._engine, self._street)
            basis = basis_of(self._engine, self._street, day, street_code=self._code, rules=rules)
        except NotStoredError:
            return None
        key = (day, basis.version, hashlib.sha256(repr(rules).encode()).hexdigest()[:16], self._fixes(day))
        with self._lock:
            made = self._kept.get(key, {})
            if collection.id in made:
                self._kept.move_to_end(key)
                return made[collection.id]
        with JUDGING:
            judged = judge(self._engine, basis, day)
            found = {
                VERDICTS.id: _table(VERDICTS, judged.verdicts, basis, basis.division.second, key),
                COVERAGE.id: _table(COVERAGE, coverage(judged), basis, basis.division.third, key),
            }
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > MOST_DAYS:
                self._kept.popitem(last=False)
        return found[collection.id]

    def _fixes(self, day: date) -> tuple[int, int]:
        """Number of fixes of a local day, and time at which the last one was received."""
        span = local_day(day, self._zone)
        assert span.start is not None
        assert span.end is not None
        query = select(func.count(), func.coalesce(func.max(FixRow.received_us), 0)).where(
            FixRow.street == self._street,
            FixRow.time_us >= microseconds(span.start),
            FixRow.time_us <= microseconds(span.end),
        )
        with session(self._engine) as opened:
            count, received = opened.execute(query).one()
        return int(count), int(received)


def _day_of(when: Interval | None, today: date, zone: ZoneInfo) -> date:
    if when is None:
        return today
    if when.start is None or when.end is None:
        raise QueryError("datetime: this collection is of one day; give a day", parameter="datetime", position=0)
    first, last = when.start.astimezone(zone).date(), when.end.astimezone(zone).date()
    if first != last:
        raise QueryError(
            f"datetime: this collection is of one day, the interval is of {(last - first) // timedelta(days=1) + 1}",
            parameter="datetime",
            position=0,
        )
    if not 1990 <= first.year < 2100:
        raise QueryError(f"datetime: {first} is not a day from 1990 to 2099", parameter="datetime", position=0)
    return first


def _table(collection: Collection, rows: Any, basis: Basis, cells: Any, key: tuple[Any, ...]) -> FeatureTable:
    """Table of a judged day's rows with their cells, given in the same order."""
    if rows["code"].tolist() != cells["code"].tolist():
        raise AssertionError("rows and cells differ")
    joined = rows.assign(name=cells["name"].to_numpy() if "name" in cells else None)
    return FeatureTable(
        ids=[str(code) for code in cells["code"]],
        properties=collection.properties,
        values={e.name: plain_values(joined[e.name].tolist(), e.kind) for e in collection.properties},
        geometry=np.asarray(cells.geometry.array, dtype=object),
        native=_srid(basis.division),
        tag=f"{collection.id}-{'-'.join(map(str, key))}",
    )


def _srid(division: Division) -> int:
    from api.database.rows import srid_of

    return srid_of(division)
