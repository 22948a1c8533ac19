"""Values of cases: events, their labels, and the hash chain."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest

from geo.duty import (
    ACTS_AS,
    DUTY_ACTS_AS,
    AccountRole,
    Action,
    Channel,
    Duty,
    Event,
    Outcome,
    Report,
    Role,
    State,
    broken_links,
    chained,
    event_hash,
    wording,
)
from geo.duty.events import stored_event
from geo.errors import InputError

AT = dt.datetime(2026, 11, 23, 9, 5, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def _log() -> list[Event]:
    events: list[Event] = []
    for k, action in enumerate((Action.REPORT, Action.FILE, Action.ASSIGN), start=1):
        event = Event("A-1", k, AT + dt.timedelta(hours=k), "张三", Role.CLERK, action, payload={"n": k, "due": AT})
        events.append(chained(event, events[-1] if events else None))
    return events


def test_words_are_coerced_and_time_is_utc() -> None:
    event = Event("A-1", 1, AT, "张三", "officer", "report")  # type: ignore[arg-type]
    assert event.role is Role.OFFICER
    assert event.action is Action.REPORT
    assert event.at == AT
    assert event.at.tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "mayor"}, "not a known role"),
        ({"action": "dance"}, "not a known action"),
        ({"seq": 0}, "counted from 1"),
        ({"actor": ""}, "no actor is named"),
        ({"at": dt.datetime(2026, 11, 23)}, "no zone"),
    ],
)
def test_bad_events_are_refused_with_the_reason(change: dict[str, object], message: str) -> None:
    values = {"case_id": "A-1", "seq": 1, "at": AT, "actor": "张三", "role": "officer", "action": "report", **change}
    with pytest.raises(InputError, match=message):
        Event(**values)  # type: ignore[arg-type]


def test_the_chain_holds_after_a_round_trip_through_json() -> None:
    events = _log()
    stored = [
        dataclasses.replace(e, payload=json.loads(json.dumps({k: _plain(v) for k, v in e.payload.items()})))
        for e in events
    ]
    assert broken_links(stored) == []
    assert [event_hash(e) for e in stored] == [event_hash(e) for e in events]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.datetime) else value


@pytest.mark.parametrize(
    "change",
    [
        {"case_id": "A-2"},
        {"at": AT},
        {"actor": "李四"},
        {"role": Role.OFFICER},
        {"action": Action.REJECT},
        {"reason": "改"},
        {"payload": {"n": 9}},
        {"client_id": "x"},
        {"rules_version": "2"},
        {"calendar_version": "2"},
        {"seq": 7},
    ],
)
def test_every_field_is_in_the_hash(change: dict[str, object]) -> None:
    events = _log()
    events[1] = dataclasses.replace(events[1], **change)  # type: ignore[arg-type]
    (broken,) = broken_links(events)
    assert broken["found"] == events[2].prev_hash


def test_the_three_vocabularies_are_mapped_and_worded_in_full() -> None:
    assert set(ACTS_AS) == set(AccountRole)
    assert set(DUTY_ACTS_AS) == set(Duty)
    tables = (
        (wording.ACCOUNT_ROLES, AccountRole),
        (wording.DUTIES, Duty),
        (wording.ROLES, Role),
        (wording.STATES, State),
        (wording.OUTCOMES, Outcome),
        (wording.ACTIONS, Action),
        (wording.CHANNELS, Channel),
    )
    for table, words in tables:
        assert set(table) == set(words)
        assert all(text.zh and text.en for text in table.values())
    assert len(State) == 13


def test_a_report_needs_a_text_a_zone_and_a_known_channel() -> None:
    good = Report("R-1", AT, "12345", "路灯不亮")  # type: ignore[arg-type]
    assert good.channel is Channel.HOTLINE
    for change in ({"text": " "}, {"received_at": dt.datetime(2026, 1, 1)}, {"channel": "app"}, {"lon": 118.8}):
        with pytest.raises(InputError):
            dataclasses.replace(good, **change)  # type: ignore[arg-type]


def test_a_reporters_contact_is_not_shown_by_repr() -> None:
    from geo.duty import Reporter

    assert "138" not in repr(Reporter("王", "13800000000"))


def test_a_stored_event_is_the_one_that_was_stored() -> None:
    for event in _log():
        values = tuple(getattr(event, one.name) for one in dataclasses.fields(Event))
        words = (*values[:4], event.role.value, event.action.value, *values[6:])
        again = stored_event(words)
        assert again == event
        assert again.role is event.role
        assert again.action is event.action
        assert event_hash(again) == event_hash(event)
    with pytest.raises(InputError, match="is not a known action"):
        stored_event((*values[:5], "dance", *values[6:]))
