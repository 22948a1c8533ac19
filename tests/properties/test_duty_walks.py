"""The fifteen invariants of cases on random walks by all roles, in memory.

``WANGGE_WALK_STEPS`` and ``WANGGE_WALK_SEED`` set the length and seed of the walk.
"""

from __future__ import annotations

import os

import numpy as np

from geo.duty import Action, State
from geo.duty.cases.book import CaseBook
from geo.incidents import Calendar
from tests.properties.duty_walk import Walk

STEPS = int(os.environ.get("WANGGE_WALK_STEPS", "100000"))
SEED = int(os.environ.get("WANGGE_WALK_SEED", "19"))


def test_invariants_hold_on_a_random_walk_in_memory() -> None:
    book = CaseBook(Calendar.china())
    walk = Walk(book.add, book.cases.__getitem__, np.random.default_rng(SEED))
    walk.run(STEPS)
    walk.check_all(book.cases, book.logs)
    # The walk reached all states, and was refused where required.
    assert walk.states >= set(State)
    assert walk.actions >= set(Action) - {Action.TAKE_IN, Action.RELEASE}
    assert walk.stale > STEPS / 100
    assert walk.refused > STEPS / 100
    assert walk.late
