"""Simulated cases: executed by the state machine, reproducible, and consistent with their truth."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo.duty import Action, State, broken_links, fold
from geo.errors import ColumnError
from geo.sample import model_roster, simulate_cases

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
UNTIL = dt.datetime(2026, 4, 2, tzinfo=dt.UTC)


def incidents(count: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    kinds = rng.choice(["06010", "09005", "06013", "09010"], count)
    cells = rng.integers(1, 30, count)
    return pd.DataFrame(
        {
            "incident_id": [f"I{k}" for k in range(count)],
            "reported_at": START + pd.to_timedelta(np.sort(rng.uniform(0, 28 * 86400, count)), unit="s"),
            "kind_code": kinds,
            "kind_name": "某事项",
            "standard_ref": "GB/T 47678.5-2026",
            "source": rng.choice(["12345热线", "网格巡查"], count),
            "address": "万寿村小区12幢",
            "community": "320113003001",
            "second": [f"320113003001{c // 10 + 1:03d}" for c in cells],
            "third": [f"320113003001{c // 10 + 1:03d}{c % 10 + 1:03d}" for c in cells],
        }
    )


def simulated(seed: int = 3):  # type: ignore[no-untyped-def]
    return simulate_cases(incidents(), rng=np.random.default_rng(seed), until=UNTIL)


def test_every_step_went_through_the_state_machine_and_the_truth_holds() -> None:
    made = simulated()
    book, truth = made.book, made.truth
    assert len(made.reports) == len(book.cases) == 400
    for name, log in book.logs.items():
        assert fold(log) == book.cases[name]
        assert broken_links(log) == []
    assert set(book.reports) == {report.report_id for report in made.reports}
    cases = pd.Series(book.cases)
    closed = cases.map(lambda case: case.state is State.CLOSED)
    assert closed.mean() > 0.6
    done = cases.map(lambda case: case.assigned_at is not None and case.handled_at is not None)
    late = cases.map(lambda case: case.late)
    first_round = ~truth["bad"].astype(bool) & ~truth["unsolved"].astype(bool) & ~truth["reopen"].astype(bool)
    compared = done & first_round
    assert compared.sum() > 100
    assert (late[compared] == truth.loc[compared, "late"].astype(bool)).all()
    merged = cases.map(lambda case: case.merged_into or "")
    assert (merged == truth["merged"]).all()
    assert merged.ne("").any()
    outcomes = cases[closed].map(lambda case: case.outcome)
    assert outcomes.nunique() == 3
    assert max(event.at for event in made.events) <= UNTIL


def test_one_seed_gives_the_same_events() -> None:
    assert simulated().events == simulated().events
    assert simulated().events != simulated(4).events


def test_actions_of_all_kinds_happen() -> None:
    actions = {event.action for event in simulated().events}
    assert actions >= {Action.MERGE, Action.RETURN_UP, Action.CALL_JOINT, Action.EXPLAIN_FILE, Action.VERIFY_BAD}


def test_incidents_without_cells_are_refused() -> None:
    with pytest.raises(ColumnError, match="second"):
        simulate_cases(incidents().drop(columns="second"), rng=np.random.default_rng(1), until=UNTIL)


def test_the_model_roster_is_whole(small_street) -> None:  # type: ignore[no-untyped-def]
    roster = model_roster(small_street.division(), since=dt.date(2026, 1, 1))
    assert roster.findings(dt.date(2026, 1, 1), dt.date(2026, 12, 31)).empty
    assert len({person.name for person in roster.persons.values()}) == len(roster.persons)


def test_nobody_of_the_model_roster_is_two_persons(small_street) -> None:  # type: ignore[no-untyped-def]
    """Who is responsible for a community leads none of its grids under the same code."""
    division = small_street.division()
    second = division.second.assign(leader=[f"S{k:03d}" for k in range(1, len(division.second) + 1)])
    roster = model_roster(dataclasses.replace(division, second=second), since=dt.date(2026, 1, 1))
    day = dt.date(2026, 1, 2)
    responsible = {roster.answerable(code, day).person for code in division.community["code"]}
    leaders = {roster.answerable(code, day).person for code in division.second["code"]}
    assert len(responsible) == len(division.community)
    assert not responsible & leaders
