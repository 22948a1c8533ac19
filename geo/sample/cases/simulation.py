"""Simulates cases: reports from incidents, handled by the state machine, with the known truth of each."""

from __future__ import annotations

import datetime as dt
import heapq
from collections import Counter, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from geo.duty import Action, CaseBook, CaseRules, Channel, Event, Report, Reporter, Role, Roster, service_of
from geo.errors import ColumnError, RefusedStep
from geo.incidents import Calendar
from geo.sample.cases.lives import CLERKS, UNITS, Life, Persons, Step, life_of
from geo.sample.cases.report_texts import report_text

_CHANNELS = {"12345热线": Channel.HOTLINE, "网格巡查": Channel.PATROL, "市长信箱": Channel.MAYOR_MAIL}
#: Two incidents of one kind and third-level grid within this time are merged as one problem, with this probability.
_SAME_WITHIN, _SAME_SHARE = dt.timedelta(hours=24), 0.7
NEEDED = ("incident_id", "reported_at", "kind_code", "kind_name", "source", "community", "second", "third")


class SimulatedCases(NamedTuple):
    """Simulated cases.

    Attributes
    ----------
    book
        Cases and their logs, as the state machine made them.
    reports
        One report for each incident.
    truth
        One row for each case, index is its number: what was decided for it (`self_solve`, `late`, `return`, `bad`, `merged` ...),
        True or False, `merged` the main case or empty; `refused` counts the steps that the state machine did not let through.
    """

    book: CaseBook
    reports: list[Report]
    truth: pd.DataFrame

    @property
    def events(self) -> list[Event]:
        """All events in the order of their times."""
        return sorted((e for log in self.book.logs.values() for e in log), key=lambda e: (e.at, e.case_id, e.seq))


def simulate_cases(
    incidents: pd.DataFrame,
    *,
    rng: np.random.Generator,
    until: dt.datetime,
    roster: Roster | None = None,
    calendar: Calendar | None = None,
    rules: CaseRules | None = None,
) -> SimulatedCases:
    """Create reports and cases from incidents, and simulate their handling.

    Parameters
    ----------
    incidents
        With the cells that contain them (:func:`geo.incidents.assign`): `incident_id reported_at kind_code kind_name source
        community second third`, and `standard_ref address lon lat` where they are there. Those outside all cells are passed over.
    rng
        Source of randomness.
    until
        End of the simulation; cases open at that time stay open.
    roster
        Who leads which grid on which day; by default a made-up leader for each grid.
    calendar, rules
        Working days and limits.

    Raises
    ------
    ColumnError
        If a column is missing.

    Notes
    -----
    Every step goes through :func:`geo.duty.advance`. The same input and seed give the same events.
    """
    if missing := [name for name in NEEDED if name not in incidents]:
        raise ColumnError(f"incidents: no column {', '.join(missing)}; assign them to cells first")
    book = CaseBook(calendar or Calendar.china(), rules or CaseRules.of())
    rows = incidents[incidents["second"].notna()].sort_values(["reported_at", "incident_id"], kind="stable")
    queue: list[tuple[dt.datetime, int, Step]] = []
    lives: dict[int, tuple[str, Life, Persons]] = {}
    reports: list[Report] = []
    recent: dict[tuple[str, str], tuple[dt.datetime, str]] = {}
    truth: dict[str, dict[str, object]] = defaultdict(dict)
    numbers: Counter[str] = Counter()
    for number, row in enumerate(rows.to_dict("records")):
        report = _report(row, numbers, rng, book.calendar)
        if report.received_at > until:
            break
        reports.append(report)
        who = _persons(report, number, roster, book.calendar, rng)
        main = _same_problem(report, recent, rng)
        patrol = report.channel is Channel.PATROL
        life = life_of(_first(report, who), who, from_patrol=patrol, main_case=main)
        lives[number] = (report.case_id, life, who)
        who.truth = truth[report.case_id]
        who.truth["duplicate"] = bool(main)
        heapq.heappush(queue, (report.received_at, number, next(life)))
    refused = _run(book, queue, lives, until)
    return SimulatedCases(book, reports, _truth(book, truth, refused))


def _run(
    book: CaseBook,
    queue: list[tuple[dt.datetime, int, Step]],
    lives: dict[int, tuple[str, Life, Persons]],
    until: dt.datetime,
) -> dict[str, int]:
    """Execute the steps of all cases in chronological order."""
    refused: dict[str, int] = defaultdict(int)
    while queue:
        at, number, step = heapq.heappop(queue)
        if at > until:
            continue
        case_id, life, _ = lives[number]
        case = book.cases.get(case_id)
        event = Event(
            case_id,
            (case.seq if case is not None else 0) + 1,
            max(at, case.changed_at) if case is not None and case.changed_at is not None else at,
            step.actor,
            step.role,
            step.action,
            step.reason,
            payload=step.payload,
            client_id=f"sim-{case_id}" if step.action is Action.REPORT else None,
        )
        after = None
        try:
            after = book.add(event)
        except RefusedStep:
            refused[case_id] += 1
        try:
            following = life.send(after)
        except StopIteration:
            continue
        heapq.heappush(queue, (max(following.at, at), number, following))
    return refused


def _report(row: dict[Any, Any], numbers: Counter[str], rng: np.random.Generator, calendar: Calendar) -> Report:
    """The report of an incident, numbered as the store does: local day and a running number of four digits."""
    received = pd.Timestamp(row["reported_at"]).floor("us").to_pydatetime(warn=False).astimezone(dt.UTC)
    day = f"{received.astimezone(calendar.zone):%Y%m%d}"
    numbers[day] += 1
    name = f"{day}-{numbers[day]:04d}"
    channel = _CHANNELS.get(str(row["source"]), Channel.OTHER)
    external = channel is not Channel.PATROL
    lon, lat = float(row.get("lon", np.nan)), float(row.get("lat", np.nan))
    placed = bool(np.isfinite(lon) and np.isfinite(lat))
    return Report(
        f"R{name}",
        received,
        channel,
        report_text(
            str(row["kind_code"] or ""), str(row["kind_name"]), str(row["incident_id"]), by_officer=not external
        ),
        external_no=str(row["incident_id"]) if external else "",
        standard_ref=str(row.get("standard_ref") or ""),
        kind=str(row["kind_code"] or ""),
        lon=lon if placed else None,
        lat=lat if placed else None,
        address_text=str(row.get("address") or ""),
        third=str(row["third"] or ""),
        second=str(row["second"]),
        community=str(row["community"] or ""),
        reporter=Reporter(wants_reply=bool(external and rng.random() < 0.6)),
        entered_by=CLERKS[numbers[day] % 2],
        case_id=name,
    )


def _first(report: Report, who: Persons) -> Step:
    patrol = report.channel is Channel.PATROL
    payload = {
        "report": report.report_id,
        "channel": report.channel.value,
        "standard_ref": report.standard_ref,
        "kind": report.kind,
        "service": service_of(report.kind).value,
        "summary": report.text,
        "third": report.third,
        "second": report.second,
        "community": report.community,
        "wants_reply": report.reporter.wants_reply,
    }
    role, actor = (Role.OFFICER, who.officer) if patrol else (Role.CLERK, who.clerk)
    return Step(report.received_at, Action.REPORT, role, actor, payload=payload)


def _persons(
    report: Report, number: int, roster: Roster | None, calendar: Calendar, rng: np.random.Generator
) -> Persons:
    officer, deputy, level1 = f"G{report.second[-6:]}", f"D{report.second[-6:]}", f"S{report.community[-3:]}"
    if roster is not None:
        day = report.received_at.astimezone(calendar.zone).date()
        found = roster.answerable(report.second, day)
        officer = officer if found is None else found.person
        others = [a.person for a in roster.holders(report.second, day, "deputy") if a.person != officer]
        deputy = others[0] if others else deputy
        responsible = roster.answerable(report.community, day)
        level1 = level1 if responsible is None else responsible.person
    unit = UNITS[service_of(report.kind).value]
    return Persons(officer, deputy, level1, unit, calendar, rng, CLERKS[number % 2])


def _same_problem(
    report: Report, recent: dict[tuple[str, str], tuple[dt.datetime, str]], rng: np.random.Generator
) -> str:
    """A case of the same kind and third-level grid within the last day, at random; the new report concerns the same problem."""
    key = (report.third, report.kind)
    before = recent.get(key)
    if before is not None and report.received_at - before[0] <= _SAME_WITHIN and rng.random() < _SAME_SHARE:
        return before[1]
    recent[key] = (report.received_at, report.case_id)
    return ""


def _truth(book: CaseBook, truth: dict[str, dict[str, object]], refused: dict[str, int]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict({name: truth[name] for name in book.cases}, orient="index")
    for name in table.columns:
        table[name] = table[name].fillna("" if name == "merged" else False)
    table = table.infer_objects()
    return table.assign(refused=[refused.get(name, 0) for name in table.index])
