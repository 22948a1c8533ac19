"""Two planners and a server that is killed: every acknowledged edit is stored as it was answered, and none partially."""

from __future__ import annotations

from benchmarks.service_kit.planners import Faults, faults_of
from benchmarks.two_planners import HEAD, prepare, run

EDITS, KILLS = 30, 2


def test_every_acknowledged_edit_survives(published, store_url):
    found = dict(zip(HEAD[1:], run(store_url, edits=EDITS, kills=KILLS, seed=5), strict=True))
    assert (found["lost"], found["half"]) == (0, 0)
    assert (found["kills"], found["acknowledged"]) == (KILLS, EDITS)
    assert found["rebased"] > 0


def test_a_lost_edit_is_noticed(published, store_url):
    draft, planners = prepare(store_url, 1)
    planners[0].outcome.acknowledged["wang-0"] = {"revision": 1, "patch": {}}
    assert faults_of(store_url, draft, planners) == Faults(lost=1)
    assert faults_of(store_url, draft, planners[1:]) == Faults()
