"""Incidents and cases of the first page: those of the last seven days, and overdue ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.database.duty.overdue import has_cases, overdue_cases, report_places
from api.database.incidents import incident_places
from geo.duty import Case

#: Maximum number of kinds and grids of the week's incidents, and of overdue cases listed.
LISTED, OVERDUE = 4, 5
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class View:
    """Rights of the reader of a page.

    Attributes
    ----------
    street
        Number of the street in the database.
    zone
        Time zone of the local day.
    may_see
        Whether the reader may see a grid; None for all of them.
    persons
        Whether leaders are named; not for the public.
    incidents
        Whether the reader may see incidents.
    cases
        Whether the reader may see the number of overdue cases.
    named_cases
        Whether the reader may see single cases; others see only their number.
    case_scopes
        Codes of cells whose cases the reader may see; None for all.
    """

    street: int
    zone: str
    may_see: Callable[[str], bool] | None = None
    persons: bool = False
    incidents: bool = True
    cases: bool = True
    named_cases: bool = False
    case_scopes: tuple[str, ...] | None = None


def week_figures(session: Session, view: View, day: date, zone: ZoneInfo) -> dict[str, Any] | None:
    """Incidents of the seven days that end with `day`, compared with the seven days before; None if none is stored.

    For a street without incidents, but with cases, the reports are counted.
    """
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    rows = incident_places(session, view.street, end - 2 * _WEEK, end)
    if not rows:
        rows = [_named(row) for row in report_places(session, view.street, end - 2 * _WEEK, end)]
    if view.may_see is not None:
        rows = [row for row in rows if row["second"] and view.may_see(row["second"])]
    if not rows:
        return None
    week = [row for row in rows if row["reported_at"] >= end - _WEEK]
    kinds = Counter(row["kind"] for row in week if row["kind"])
    by_grid = Counter(row["second"] for row in week if row["second"])
    daily = Counter(row["reported_at"].astimezone(zone).date() for row in rows)
    span = [day - timedelta(days=back) for back in range(13, -1, -1)]
    return {
        "from": day - timedelta(days=6),
        "week": len(week),
        "outside": sum(1 for row in week if not row["second"]),
        "before": len(rows) - len(week),
        "kinds": kinds.most_common(LISTED),
        "grids": by_grid.most_common(LISTED),
        "by_grid": by_grid,
        "daily": [{"day": each, "n": daily.get(each, 0)} for each in span],
        "received_at": max(row["received_at"] for row in rows).astimezone(zone),
    }


def overdue_figures(
    session: Session, view: View, at: datetime, names: Mapping[str, str], zone: ZoneInfo
) -> dict[str, Any] | None:
    """Number of cases overdue at a given time, and those overdue for longest; None if there are no cases.

    Parameters
    ----------
    names
        Names of grids and communities by code.
    """
    if not has_cases(session, view.street):
        return None
    found = overdue_cases(session, view.street, at, view.case_scopes)
    shown = found[:OVERDUE] if view.named_cases else []
    return {"at": at.astimezone(zone), "n": len(found), "cases": [_overdue(case, at, names) for case in shown]}


def _overdue(case: Case, at: datetime, names: Mapping[str, str]) -> dict[str, Any]:
    place = next((names[code] for code in (case.second, case.community) if code in names), "")
    late = at - case.due if case.due is not None and case.due < at else timedelta()
    hours = int(late.total_seconds() // 3600)
    return {
        "number": case.case_id,
        "what": case.summary or matter_name(case.kind, case.standard_ref),
        "place": place,
        "owner": case.unit or "",
        "days": hours // 24,
        "hours": hours,
    }


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "kind": matter_name(row["kind"], row["standard_ref"])}


def matter_name(kind: str, standard_ref: str) -> str:
    """Name of a matter; its code if no catalogue has it."""
    from geo.incidents.catalogue import STANDARD_REF, find_matter

    matter = find_matter(kind, standard_ref=standard_ref or STANDARD_REF) if kind else None
    return kind if matter is None else matter.name
