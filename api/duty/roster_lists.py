"""Content of the page of the roster: cells without a responsible person, assignments, absences, and a week of shifts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.access import Caller, Right, allowed
from api.access.rights import scopes
from api.database.duty.rosters import absence_numbers, read_stored_roster
from api.duty.shift_plans import cells_of_places, shifts_of
from api.duty.staff_schemas import GapsOut
from api.settings import Settings
from geo.duty import Roster, levels_of
from geo.duty.rosters.duty_posts import DAYS
from geo.duty.rosters.roster import KINDS

if TYPE_CHECKING:
    from api.duty.staff_schemas import ShiftFinding, ShiftOut
    from api.snapshot import Snapshot

#: Number of days ahead for which cells without a responsible person are reported.
AHEAD_DAYS = 30
#: Maximum number of findings listed; the others are counted.
MOST_FINDINGS = 60
#: Findings that leave a cell without a responsible person.
EMPTY = ("gap", "absent")


def roster_shown(
    session: Session, caller: Caller, snapshot: Snapshot, settings: Settings, day: date, scope: str
) -> dict[str, Any]:
    """Content of the page of the roster for a day and a community; an empty scope means everything visible to the caller."""
    roster = read_stored_roster(session, caller.street, cells=levels_of(snapshot.division))
    limits = (scope,) if scope else scopes(caller, Right.SEE_ROSTER)
    mine = {
        code: level
        for code, level in roster.cells.items()
        if limits is None or any(code.startswith(limit) for limit in limits)
    }
    names = _cell_names(snapshot)
    found = roster.findings(day, day + timedelta(days=AHEAD_DAYS)).to_dict("records")
    empty = [row for row in found if row["cell"] in mine and row["kind"] in EMPTY]
    persons = {person for cell, level in mine.items() if level < 3 for person in _persons_of(roster, cell, day)}
    return {
        "empty_today": [
            names.get(row["cell"], row["cell"]) for row in empty if row["first"] <= day and mine[row["cell"]] < 3
        ],
        "bodies_today": sum(row["first"] <= day and mine[row["cell"]] == 3 for row in empty),
        "findings": [_finding(row, names, roster) for row in sorted(empty, key=_by_level(mine))[:MOST_FINDINGS]],
        "more": max(0, len(empty) - MOST_FINDINGS),
        "has_roster": bool(roster.assignments),
        "answers": [
            _answer(roster, code, day, names)
            for code, level in sorted(mine.items())
            if level < 3 and (limits is not None or level == 1)
        ],
        "absences": _absences(roster, persons, day, absence_numbers(session, caller.street), everybody=limits is None),
        "persons": sorted((code, roster.persons[code].name) for code in persons if code in roster.persons),
        **_week(session, caller, snapshot, settings, day, scope),
    }


def _by_level(levels: dict[str, int]) -> Any:
    return lambda row: (levels[row["cell"]], row["first"], row["cell"])


def _cell_names(snapshot: Snapshot) -> dict[str, str]:
    division = snapshot.division
    return {
        str(code): f"{name} {code}"
        for frame in (division.community, division.second, division.third)
        for code, name in zip(frame["code"], frame["name"], strict=True)
    }


def _persons_of(roster: Roster, cell: str, day: date) -> list[str]:
    return [one.person for one in roster.holders(cell, day)]


def _name(roster: Roster, code: str) -> str:
    person = roster.persons.get(code)
    return person.name or code if person is not None else code


def _finding(row: dict[Any, Any], names: dict[str, str], roster: Roster) -> dict[str, Any]:
    kind = KINDS[str(row["kind"])]
    who = "、".join(_name(roster, code) for code in str(row["person"]).split("、") if code)
    return {
        "cell": names.get(row["cell"], row["cell"]),
        "zh": kind.zh,
        "en": kind.en,
        "who": who,
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
    }


def _answer(roster: Roster, code: str, day: date, names: dict[str, str]) -> dict[str, Any]:
    who = roster.answerable(code, day)
    person = None if who is None else roster.persons.get(who.person)
    return {
        "cell": names.get(code, code),
        "level": roster.cells[code],
        "name": "" if who is None else _name(roster, who.person),
        "post": "" if person is None else person.post,
        "phone": "" if person is None else person.office_phone,
        "instead_of": _name(roster, who.instead_of) if who is not None and who.instead_of else "",
    }


def _absences(
    roster: Roster, persons: set[str], day: date, numbers: Mapping[tuple[str, date], int], *, everybody: bool
) -> list[dict[str, Any]]:
    """Absences that have not ended, ordered by start."""
    return [
        {
            "number": numbers.get((one.person, one.first)),
            "name": _name(roster, one.person),
            "first": one.first.isoformat(),
            "last": one.last.isoformat(),
            "deputy": _name(roster, one.deputy) if one.deputy else "",
            "reason": one.reason,
        }
        for one in sorted(roster.absences, key=lambda one: (one.first, one.person))
        if one.last >= day and (everybody or one.person in persons)
    ]


def _week(
    session: Session, caller: Caller, snapshot: Snapshot, settings: Settings, day: date, scope: str
) -> dict[str, Any]:
    """The week that contains a day: places with the shifts of each day, and unstaffed hours."""
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=k) for k in range(7)]
    found = shifts_of(session, caller.street, days[0], days[-1], settings)
    cells = cells_of_places(session, caller.street, snapshot)
    places = [post.place for post in found.posts] + sorted({shift.place for shift in found.shifts})
    shown = [
        place for place in dict.fromkeys(places) if not scope or not cells.get(place) or cells[place].startswith(scope)
    ]
    empty = [one for one in found.findings if one.kind == "empty"]
    return {
        "days": [one.isoformat() for one in days],
        "before": (monday - timedelta(days=7)).isoformat(),
        "after": (monday + timedelta(days=7)).isoformat(),
        "offset": _offset(day, settings.zone),
        "week": [
            {
                "place": place,
                "station": bool(cells.get(place)),
                "days": [_day(place, one, found.shifts, empty) for one in days],
            }
            for place in shown
        ],
        "empty_shifts": sum(one.place in shown for one in empty),
        "doubles": [(one.explanation_zh, one.explanation) for one in found.findings if one.kind == "double"],
        "shifts": [
            (one.id, f"{one.start:%m-%d} {_span(one)} {one.place} {one.name}")
            for one in found.shifts
            if one.place in shown
        ],
        "posts": [
            {
                "id": post.id,
                "place": post.place,
                "hours": post.hours,
                "zh": DAYS[post.days].zh,
                "en": DAYS[post.days].en,
            }
            for post in found.posts
            if post.place in shown
        ],
        "manages": {place: allowed(caller, Right.MANAGE_ROSTER, [cells.get(place, "")]) for place in shown},
    }


def _day(place: str, day: date, shifts: list[ShiftOut], empty: list[ShiftFinding]) -> dict[str, Any]:
    return {
        "shifts": [
            {"id": one.id, "span": _span(one), "name": one.name, "swapped_from": one.swapped_from, "reason": one.reason}
            for one in shifts
            if one.place == place and one.start.date() == day
        ],
        "empty": [_span(one) for one in empty if one.place == place and one.start.date() == day],
    }


def _span(one: ShiftOut | ShiftFinding) -> str:
    night = "次日" if one.end.date() > one.start.date() and one.end.strftime("%H%M") != "0000" else ""
    return f"{one.start:%H:%M}—{night}{'24:00' if one.end.strftime('%H%M') == '0000' else f'{one.end:%H:%M}'}"


def _offset(day: date, zone: str) -> str:
    """UTC offset of the zone on a day, in ISO format."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).isoformat()[-6:]


def gaps_on(session: Session, caller: Caller, snapshot: Snapshot, settings: Settings, day: date, cell: str) -> GapsOut:
    """Communities and grids without a responsible person on a day, and hours in which a duty post is unstaffed."""
    roster = read_stored_roster(session, caller.street, cells=levels_of(snapshot.division))
    limits = (cell,) if cell else scopes(caller, Right.SEE_ROSTER)
    mine = [
        code
        for code, level in sorted(roster.cells.items())
        if level < 3 and (limits is None or any(code.startswith(limit) for limit in limits))
    ]
    cells = cells_of_places(session, caller.street, snapshot)
    found = shifts_of(session, caller.street, day, day, settings).findings
    return GapsOut(
        cells=[code for code in mine if roster.answerable(code, day) is None],
        empty_shifts=sum(
            one.kind == "empty" and (not cell or cells.get(one.place, "").startswith(cell)) for one in found
        ),
    )
