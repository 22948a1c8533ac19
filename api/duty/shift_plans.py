"""The plan of shifts with its findings, and the cells of places; used by routes and pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import Caller, Right, allowed
from api.database.duty.shifts import places_known, read_posts, read_shifts
from api.database.models import PersonRow
from api.duty.desk import standing_of
from api.duty.staff_schemas import NoticeOfRows, PostOut, ShiftFinding, ShiftOut, ShiftsOut
from api.errors import DeniedError
from api.settings import Settings
from geo.duty import Shift, ShiftPlan, spans_to_hold
from geo.errors import InputError
from geo.texts import Text

if TYPE_CHECKING:
    from api.snapshot import Snapshot

_STRANGER = Text("{name}不在名册中，已按姓名登记", "{name} is not in the roster; stored by name")
_NO_PLACE = Text(
    "{name}不是已设的值班点、社区或以前排过班的地点，请核对名称",
    "{name} is no duty post, no community, and had no shifts before; please check the name",
)
#: Maximum number of days of a query.
MOST_DAYS = 100


def shifts_of(session: Session, street: int, first: date, last: date, settings: Settings) -> ShiftsOut:
    """Shifts that overlap the given days (inclusive), with posts, unstaffed hours and persons at two places.

    Raises
    ------
    InputError
        If the days are in the wrong order or too many.
    """
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        raise InputError(f"ask for at most {MOST_DAYS} days, the first one first")
    zone = ZoneInfo(settings.zone)
    start, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    posts = read_posts(session, street)
    # Night shifts that start the day before or end the day after are included completely.
    stored = read_shifts(session, street, start - timedelta(days=1), end + timedelta(days=1))
    calendar = standing_of(settings).calendar
    spans = spans_to_hold([one.post for one in posts], first, last, working=calendar.working, zone=zone)
    local = [(one.id, _in_zone(one.shift, zone)) for one in stored]
    findings = ShiftPlan(tuple(shift for _, shift in local)).findings(spans)
    names = names_of(session, street)
    return ShiftsOut(
        shifts=[
            ShiftOut(
                id=number,
                name=names.get(shift.person, shift.person),
                **{name: getattr(shift, name) for name in ("place", "start", "end", "person", "reason")},
                swapped_from=names.get(shift.swapped_from, shift.swapped_from),
            )
            for number, shift in local
            if shift.start < end and shift.end > start
        ],
        posts=[PostOut.model_validate({**vars(one.post), "id": one.id, "hours": one.post.hours_text}) for one in posts],
        findings=[
            ShiftFinding.model_validate(row)
            for row in findings.to_dict("records")
            if row["start"] < end and row["end"] > start
        ],
    )


def names_of(session: Session, street: int) -> dict[str, str]:
    """Name of each person of a street by code."""
    query = select(PersonRow.code, PersonRow.name).where(PersonRow.street == street)
    return {row[0]: row[1] for row in session.execute(query)}


def code_of(session: Session, street: int, text: str) -> str:
    """Code of a person given by code or by name; a name that is not in the roster itself.

    Raises
    ------
    InputError
        If several persons have the name.
    """
    names = names_of(session, street)
    wanted = text.strip()
    codes = [wanted] if wanted in names else [code for code, name in names.items() if name == wanted]
    if len(codes) > 1:
        raise InputError(
            f"{len(codes)} persons are called {wanted[:50]}; give the staff number ({', '.join(codes[:4])})"
        )
    return codes[0] if codes else wanted


def unlisted(session: Session, street: int, shift: Shift, communities: Collection[str]) -> list[NoticeOfRows]:
    """Notices about a shift whose person or place is in no list; to be called before it is stored."""
    found = []
    names = names_of(session, street)
    if names and shift.person not in names:
        found.append(_STRANGER.fill(name=shift.person))
    if shift.place not in {*communities, *places_known(session, street)}:
        found.append(_NO_PLACE.fill(name=shift.place))
    return [NoticeOfRows(zh=text.zh, en=text.en) for text in found]


def cells_of_places(session: Session, street: int, snapshot: Snapshot) -> dict[str, str]:
    """Community of each place that is a station: by its duty post, or because it has the name of a community."""
    community = snapshot.division.community
    found = {str(name): str(code) for code, name in zip(community["code"], community["name"], strict=True)}
    return found | {one.post.place: one.post.cell for one in read_posts(session, street)}


def require_places(caller: Caller, places: Mapping[str, str], wanted: set[str]) -> None:
    """Refuse a caller who may not plan the shifts of the given places; offices belong to the whole street.

    Raises
    ------
    DeniedError
        If the caller may not.
    """
    for place in sorted(wanted):
        if not allowed(caller, Right.MANAGE_ROSTER, [places.get(place, "")]):
            raise DeniedError(f"'{caller.name}' may not plan the shifts of {place[:50]}")


def _in_zone(shift: Shift, zone: ZoneInfo) -> Shift:
    return dataclasses.replace(shift, start=shift.start.astimezone(zone), end=shift.end.astimezone(zone))
