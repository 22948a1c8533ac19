"""Texts in ledgers: steps of a case, places, times, verdicts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from geo.duty.case import Case
from geo.duty.events import Action, Event, State
from geo.duty.facts import Facts
from geo.duty.wording import ACTIONS, CHANNELS, OUTCOMES, STATES
from geo.texts import Text

VERDICTS = {
    "met": Text("达标", "met"),
    "short": Text("次数不足", "short"),
    "not_visited": Text("未巡查", "not visited"),
    "unknown": Text("无法确认", "unknown"),
}
_WEEKDAYS = "一二三四五六日"

#: Payload values named in the line of a step; the first one present is used.
_TARGETS = ("unit", "to", "owner", "main_case", "case")


def clock_time(facts: Facts, event: Event) -> str:
    """Local time of a step, ``09:12``."""
    return f"{facts.happened(event):%H:%M}"


def day_text(day: dt.date) -> str:
    """A day in words.

    >>> day_text(dt.date(2026, 3, 3))
    '2026年3月3日 星期二'
    """
    return f"{day.year}年{day.month}月{day.day}日 星期{_WEEKDAYS[day.weekday()]}"


def moment_text(facts: Facts, moment: dt.datetime | None, *, year: int | None = None) -> str:
    """Local day and time, ``03-04 18:00``; with the year if it differs from `year`; empty for None."""
    if moment is None:
        return ""
    local = facts.local(moment)
    short = f"{local:%m-%d %H:%M}"
    return short if year is None or local.year == year else f"{local.year}-{short}"


def step_text(facts: Facts, event: Event) -> str:
    """A step with its time and the next owner: ``10:05 派遣（城管科）``."""
    target = next((str(event.payload[key]) for key in _TARGETS if event.payload.get(key)), "")
    named = f"（{facts.name_of(target)}）" if target else ""
    return f"{clock_time(facts, event)} {ACTIONS[event.action].zh}{named}"


def steps_text(facts: Facts, events: Iterable[Event]) -> str:
    """Steps in order of time."""
    ordered = sorted(events, key=lambda event: (facts.happened(event), event.seq))
    return "；".join(step_text(facts, event) for event in ordered)


def state_text(case: Case) -> str:
    """State of a case, with the outcome if it is closed; an explained case is never called solved."""
    if case.state is None:
        return ""
    if case.state is State.CLOSED and case.outcome is not None:
        return f"{STATES[case.state].zh}（{OUTCOMES[case.outcome].zh}）"
    return STATES[case.state].zh


def place_text(facts: Facts, case: Case) -> str:
    """Name of the finest cell of a case, and the address as reported, without the district and street before it.

    A case of an earlier division may lie in a cell that exists no more; its grid or community is named then.
    """
    codes = [code for code in (case.third, case.second, case.community) if code]
    code = next((code for code in codes if code in facts.cell_names), next(iter(codes), ""))
    report = facts.first_report(case)
    address = report.address_text if report is not None else ""
    street = facts.street.get("name", "")
    if street:
        address = address.rpartition(street)[2].strip() or address
    parts = [facts.cell_names.get(code, code), address]
    return " ".join(part for part in parts if part)


def problem_text(facts: Facts, case: Case) -> str:
    """Text of the first report, or the summary of the case."""
    report = facts.first_report(case)
    return report.text if report is not None else case.summary


def channel_text(facts: Facts, case: Case) -> str:
    """Channel of the first report."""
    report = facts.first_report(case)
    channel = report.channel if report is not None else case.channel
    return next((text.zh for known, text in CHANNELS.items() if known == channel), str(channel))


def finder_text(facts: Facts, events: Iterable[Event]) -> str:
    """Person who entered the first report: staff of the street, never the reporting resident."""
    first = next((event for event in events if event.action is Action.REPORT), None)
    return facts.name_of(first.actor) if first is not None else ""
