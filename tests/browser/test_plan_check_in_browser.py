"""The page's validation of edits against the engine's: equal results for random moves and new borders of the model street."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import shapely

from geo.errors import RefusedEdit
from geo.redraw import Draft, Edit, InsertVertex, Lock, MoveVertex, RemoveVertex, Reshape, UnlockOutline
from tests.browser.planner import Place, Planner, State
from tests.browser.planning import CHROMIUM, model_division, start_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]

SEED = 20260302
#: Number of edits of each kind, in a draft whose outline is locked, and in one whose outline is not.
COUNTS = {MoveVertex: 500, RemoveVertex: 150, InsertVertex: 150, Reshape: 400}

#: Reads a snapshot and returns for each edit the kind of the page's refusal, "" if accepted, null if left to the server.
_JUDGE = """async ([snapshot, edits]) => {
    const { Model } = await import("/static/plan/model.js");
    const { makeLocally, unmake } = await import("/static/plan/compile.js");
    const model = new Model(snapshot);
    return edits.map((edit) => {
        const steps = makeLocally(model, [edit]);
        unmake(model, steps);
        return steps.length ? model.refusalOf(steps[0].before, steps[0].after)?.kind ?? "" : null;
    });
}"""


def engine_kind(draft: Draft, edit: Edit) -> str:
    """Kind of the engine's refusal, empty if it accepts."""
    try:
        with draft.trial(edit):
            return ""
    except RefusedEdit as refused:
        return refused.kind


def random_edits(state: State) -> list[Edit]:
    """Moves of up to 40 m, vertices removed and inserted, and borders replaced by lines up to 25 m from them."""
    rng = np.random.default_rng(SEED)
    arcs = [state.arcs[number] for number in sorted(state.arcs)]

    def near(place: Place, reach_m: float) -> Place:
        shift = rng.normal(0, reach_m / 2, 2).clip(-reach_m, reach_m)
        return round(place[0] + float(shift[0]), 3), round(place[1] + float(shift[1]), 3)

    def arc(least: int) -> list[Place]:
        while len(found := arcs[int(rng.integers(len(arcs)))]) < least or found[0] == found[-1]:
            pass
        return found

    def vertex() -> Place:
        line = arc(2)
        return line[int(rng.integers(len(line)))]

    def middle() -> Place:
        line = arc(2)
        k = int(rng.integers(len(line) - 1))
        return round((line[k][0] + line[k + 1][0]) / 2, 3), round((line[k][1] + line[k + 1][1]) / 2, 3)

    def moved() -> MoveVertex:
        line = arc(3)
        k = int(rng.integers(len(line)))
        if rng.random() < 0.1:
            # Onto another vertex of the border, as by snapping.
            return MoveVertex(line[k], line[(k + int(rng.integers(1, len(line)))) % len(line)])
        return MoveVertex(line[k], near(line[k], float(rng.choice([0.5, 3.0, 8.0, 40.0]))))

    def redrawn() -> Reshape:
        line = arc(5)
        inner = sorted(rng.choice(len(line) - 2, size=int(rng.integers(1, 4)), replace=False) + 1)
        reach_m = float(rng.choice([1.0, 5.0, 25.0]))
        return Reshape(shapely.LineString([line[0], *(near(line[i], reach_m) for i in inner), line[-1]]))

    makers = {
        MoveVertex: moved,
        RemoveVertex: lambda: RemoveVertex(vertex()),
        InsertVertex: lambda: InsertVertex(middle()),
        Reshape: redrawn,
    }
    return [makers[kind]() for kind, many in COUNTS.items() for _ in range(many)]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    with start_server(tmp_path_factory.mktemp("check")) as found:
        yield found


@pytest.mark.parametrize("outline", ["locked", "unlocked"])
def test_page_and_engine_refuse_the_same(clients: list[Any], browser: Any, outline: str) -> None:
    made = clients[0].post("/api/drafts", json={"id": f"check-{outline}", "name": outline}).raise_for_status().json()
    draft = Draft.of(model_division())
    community = str(draft.base.community["code"].iloc[3])
    before: list[Edit] = [Lock((community,))]
    if outline == "unlocked":
        before.append(UnlockOutline())
    draft.apply(before)
    body = {"edits": [edit.to_dict() for edit in before]}
    clients[0].post(f"/api/drafts/{made['id']}/edits", json=body).raise_for_status()
    # The policy of the server forbids modules in a page that is a style sheet.
    page = browser.new_page(bypass_csp=True)
    state = Planner(page, clients[0], made["id"]).state()
    edits = random_edits(state)
    page.goto(f"{str(clients[0].base_url).rstrip('/')}/static/plan/plan.css")
    told = page.evaluate(_JUDGE, [state.snapshot, [edit.to_dict() for edit in edits]])
    page.close()
    found = [engine_kind(draft, edit) for edit in edits]
    # Cases that the page leaves to the server: a node cannot be removed, a place is on no border.
    assert all(kind == "misses" for page_kind, kind in zip(told, found, strict=True) if page_kind is None)
    pairs = [(a, b) for a, b in zip(told, found, strict=True) if a is not None]
    kinds = Counter(kind for _, kind in pairs)
    assert len(pairs) > 0.85 * len(edits)
    assert kinds[""] > 300
    expected = {"crosses", "touches", "self_crossing", "locked", *(["outline"] if outline == "locked" else [])}
    assert expected <= set(kinds), kinds
    odd = [(edit, a, b) for edit, a, b in zip(edits, told, found, strict=True) if a is not None and bool(a) != bool(b)]
    assert odd == []
    # If several conditions are violated, either may be reported first.
    assert sum(a == b for a, b in pairs) >= 0.97 * len(pairs), Counter((a, b) for a, b in pairs if a != b)
