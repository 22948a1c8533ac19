"""The editor's server: drafts, edits, conflicts, undo, events; on both databases."""

from __future__ import annotations

import dataclasses
import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from api.access import Grant, Role
from api.app import create_app
from api.database import read_version, session
from api.database.accounts import change_grants, list_accounts
from api.settings import Settings
from geo.errors import InputError
from geo.layers import Level
from geo.redraw import Draft
from tests.integration.api.planning import NOW, look, send, token
from tests.integration.api.serving import serving


@pytest.fixture
def plan(published, store_url, tmp_path):
    """A server, two planners, and a draft."""
    app = create_app(Settings(database=store_url, pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        planners = {name: {"Authorization": f"Bearer {token(published, name)}"} for name in ("wang", "li")}
        answer = client.post("/api/drafts", json={"id": "d1", "name": "调整"}, headers=planners["wang"])
        assert answer.status_code == 201, answer.text
        yield SimpleNamespace(
            app=app, client=client, wang=planners["wang"], li=planners["li"], draft=answer.json(), engine=published
        )


def corner(plan, i: int, j: int) -> list[float]:
    """The vertex of the square street shared by four cells."""
    division = read_version_of(plan)
    cells = division.third.geometry
    points = {tuple(p) for p in shapely.get_coordinates(cells.array).tolist()}
    column = sorted(points)[i * 7 : (i + 1) * 7]
    return list(sorted(column, key=lambda p: p[1])[j])


def read_version_of(plan):
    with session(plan.engine) as opened:
        return read_version(opened, plan.draft["version"])


def move(at: list[float], dx: float, dy: float) -> dict:
    return {"edit": "MoveVertex", "at": at, "to": [round(at[0] + dx, 3), round(at[1] + dy, 3)]}


class Page:
    """State of a page: the snapshot, and the patches since."""

    def __init__(self, snapshot: dict) -> None:
        self.revision = snapshot["revision"]
        self.origin = snapshot["origin"]
        codes = [row[0] for row in snapshot["thirds"]]
        self.rows = {row[0]: row for name in ("street", "communities", "seconds", "thirds") for row in snapshot[name]}
        self.rings = dict(zip(codes, snapshot["rings"], strict=True))
        self.arcs: dict[int, list[tuple[int, int]]] = {}
        number, x, y = 0, *self.origin
        for step, sx, sy, *steps in snapshot["arcs"]:
            number, x, y = number + step, x + sx, y + sy
            self.arcs[number] = _points(x, y, steps)

    def apply(self, patch: dict) -> None:
        assert patch["from"] == self.revision
        self.revision = patch["revision"]
        for number in patch["remove"]:
            del self.arcs[number]
        for number, _, _, x, y, *steps in patch["add"]:
            assert number not in self.arcs
            self.arcs[number] = _points(self.origin[0] + x, self.origin[1] + y, steps)
        for code in patch["gone"]:
            del self.rows[code]
            self.rings.pop(code, None)
        for code, cell in patch["cells"].items():
            self.rows[code] = cell["row"]
            if cell["level"] == 3:
                self.rings[code] = cell["rings"]

    def shape(self, code: str) -> shapely.Polygon:
        rings = []
        for ring in self.rings[code]:
            points: list[tuple[int, int]] = []
            for number in ring:
                line = self.arcs[abs(number)][:: 1 if number > 0 else -1]
                assert not points or points[-1] == line[0]
                points += line if not points else line[1:]
            assert points[0] == points[-1]
            rings.append(np.array(points) / 1000)
        outer = [r for r in rings if shapely.is_ccw(shapely.linearrings(r))]
        inner = [r for r in rings if not shapely.is_ccw(shapely.linearrings(r))]
        return shapely.Polygon(outer[0], inner)


def _points(x: int, y: int, steps: list[int]) -> list[tuple[int, int]]:
    points = [(x, y)]
    for dx, dy in zip(steps[::2], steps[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x, y))
    return points


def page_of(plan) -> Page:
    answer = look(plan, "/snapshot")
    assert answer.status_code == 200, answer.text
    return Page(answer.json())


def assert_same(page: Page, division) -> None:
    """Assert that the state of a page equals a division."""
    third = division.third.set_index("code")
    assert set(page.rings) == set(third.index)
    for code, shape in third.geometry.items():
        assert shapely.equals_exact(page.shape(code), shape, normalize=True), code
    for level in Level:
        for row in division.layer(level).itertuples():
            assert page.rows[row.code][3] == pytest.approx(row.population, rel=1e-5)
            assert page.rows[row.code][2] == row.parent


def engine_state(plan):
    """The division of the draft as read from the log by a new process."""
    from api.plans.keeper import Keeper

    with Keeper(plan.engine, "").use(1, plan.draft["id"]) as opened:
        return opened.draft.division()


def test_a_snapshot_and_its_patches_are_the_draft(plan):
    page = page_of(plan)
    assert_same(page, read_version_of(plan))
    cell = read_version_of(plan).third.iloc[7]
    west, south, east, north = cell.geometry.bounds
    x = round((west + east) / 2, 3)
    steps = [
        [move(corner(plan, 2, 2), 5.5, -3.25)],
        [{"edit": "Split", "code": cell.code, "line": [[x, south - 50], [x, north + 50]]}],
        [{"edit": "Rename", "code": cell.code, "name": "新名"}, move(corner(plan, 4, 4), -4, 6)],
    ]
    for k, edits in enumerate(steps):
        answer = send(plan, "/edits", id=f"e{k}", base=page.revision, edits=edits)
        assert answer.status_code == 200, answer.text
        page.apply(answer.json()["patch"])
        assert_same(page, engine_state(plan))
    assert page.rows[cell.code][1] == "新名"
    assert page_of(plan).rows == page.rows
    assert page_of(plan).rings == page.rings
    answer = send(plan, "/undo", id="u1")
    page.apply(answer.json()["patch"])
    answer = send(plan, "/undo", id="u2")
    page.apply(answer.json()["patch"])
    assert_same(page, engine_state(plan))
    answer = send(plan, "/redo", id="r1")
    page.apply(answer.json()["patch"])
    assert_same(page, engine_state(plan))
    fresh = page_of(plan)
    assert (fresh.rows, fresh.rings, fresh.arcs) == (page.rows, page.rings, page.arcs)


def test_all_undone_is_the_base_to_the_last_bit(plan):
    base = read_version_of(plan)
    cell = base.third.iloc[0]
    neighbour = base.third[base.third["parent"] != cell.parent].iloc[0]
    edits = [
        [move(corner(plan, 1, 1), 3.333, 4.777)],
        [{"edit": "SetLeader", "code": base.second.iloc[0].code, "leader": "新格长"}],
        [move(corner(plan, 3, 3), 3.333, 4.777)],
    ]
    for k, one in enumerate(edits):
        assert send(plan, "/edits", id=f"e{k}", edits=one).status_code == 200
    assert neighbour is not None
    for k in range(3):
        assert send(plan, "/undo", id=f"u{k}").status_code == 200
    assert send(plan, "/undo", id="u9").json()["kind"] == "nothing"
    after = engine_state(plan)
    for level in Level:
        one, other = base.layer(level), after.layer(level)
        assert one.drop(columns="geometry").equals(other.drop(columns="geometry"))
        assert (one.geometry.to_wkb() == other.geometry.to_wkb()).all()


def test_sending_again_is_harmless(plan):
    body = {"id": "same", "edits": [move(corner(plan, 2, 2), 5, 5)]}
    first, second = send(plan, "/edits", **body), send(plan, "/edits", **body)
    assert first.json() == second.json()
    assert look(plan, "").json()["revision"] == 1
    again = plan.client.post("/api/drafts", json={"id": "d1", "name": "anything"}, headers=plan.wang)
    assert again.json()["id"] == plan.draft["id"]
    undone = [send(plan, "/undo", id="u").json() for _ in range(2)]
    assert undone[0] == undone[1]
    assert look(plan, "").json()["revision"] == 2


def test_an_older_edit_is_rebased_or_a_conflict(plan):
    near, far = corner(plan, 1, 1), corner(plan, 5, 5)
    answer = send(plan, "/edits", id="a", base=0, client="t1", edits=[move(near, 5, 5)])
    assert (answer.status_code, answer.json().get("rebased")) == (200, False)
    answer = send(plan, "/edits", plan.li, id="b", base=0, client="t2", edits=[move(far, 5, 5)])
    assert answer.status_code == 200
    assert answer.json()["rebased"] is True
    assert answer.json()["revision"] == 2
    # Another border of the same cell can be edited, too; the border at the moved node is a conflict.
    answer = send(plan, "/edits", plan.li, id="c0", base=0, client="t2", edits=[move(corner(plan, 2, 2), 4, -6)])
    assert (answer.status_code, answer.json().get("rebased")) == (200, True), answer.text
    answer = send(plan, "/edits", plan.li, id="c", base=0, client="t2", edits=[move(corner(plan, 1, 2), 4, -6)])
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert problem["kind"] == "stale"
    assert problem["revision"] == 3
    assert [entry["author"] for entry in problem["touched_by"]] == ["wang"]
    assert problem["cells"]
    assert shapely.from_geojson(json.dumps(problem["place"])).covers(shapely.Point(near))
    # The vertex in the edit no longer exists: also a conflict, not a refusal.
    answer = send(plan, "/edits", plan.li, id="d", base=0, client="t2", edits=[move(near, 1, 1)])
    assert answer.status_code == 409
    # Accepted when based on the newest revision; a client's own edits do not conflict.
    moved = [round(near[0] + 5, 3), round(near[1] + 5, 3)]
    assert send(plan, "/edits", id="e", base=0, client="t1", edits=[move(moved, 1, 1)]).status_code == 200
    answer = send(plan, "/edits", id="f", base=99, edits=[move(corner(plan, 4, 4), 1, 1)])
    assert (answer.status_code, "base 99 is newer than the draft" in answer.json()["en"]) == (422, True)
    assert look(plan, "").json()["revision"] == 4


def test_a_refusal_says_why_and_changes_nothing(plan):
    at = corner(plan, 2, 2)
    answer = send(plan, "/edits", id="x", edits=[move(corner(plan, 4, 4), 1, 1), move(at, 250, 0)])
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["kind"] in ("crosses", "flips", "touches", "encloses")
    assert problem["position"] == 1
    assert problem["zh"]
    assert problem["en"]
    assert problem["cells"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert look(plan, "").json()["revision"] == 0
    assert_same(page_of(plan), read_version_of(plan))
    retired = send(plan, "/edits", id="y", edits=[{"edit": "Rename", "code": "999", "name": "x"}])
    assert retired.json()["kind"] == "misses"
    far = send(plan, "/edits", id="f", edits=[move(at, 9e7, 0)])
    assert (far.status_code, "far from the street" in far.json()["detail"]) == (422, True)
    for bad in ({"edit": "Nothing"}, {"edit": "Rename", "code": 5, "name": "x"}, {"edit": "MoveVertex", "at": [1]}):
        answer = send(plan, "/edits", id="z", edits=[bad])
        assert answer.status_code == 422, bad
        assert "edit 0" in answer.json()["detail"]


def test_a_preview_changes_nothing(plan):
    body = {"edits": [move(corner(plan, 2, 2), 5, 5)]}
    answer = send(plan, "/consequences", id="p", **body)
    assert answer.status_code == 200
    told = answer.json()["consequences"]
    assert len(told["cells"]) == 4
    assert sum(c["population_after"] for c in told["cells"]) == pytest.approx(
        sum(c["population_before"] for c in told["cells"])
    )
    assert look(plan, "").json()["revision"] == 0
    assert_same(page_of(plan), read_version_of(plan))
    made = send(plan, "/edits", id="q", **body).json()["consequences"]
    assert made == told


def test_each_undoes_their_own(plan):
    near, far = corner(plan, 1, 1), corner(plan, 5, 5)
    send(plan, "/edits", id="a", edits=[move(near, 5, 5)])
    send(plan, "/edits", plan.li, id="b", edits=[move(far, 5, 5)])
    assert look(plan, "/snapshot").json()["undo"]["revision"] == 1
    answer = send(plan, "/undo", id="u")
    assert answer.json()["of"] == 1
    alone = Draft.of(read_version_of(plan))
    from geo.redraw import edit_from_dict

    alone.apply(edit_from_dict(move(far, 5, 5)))
    page = page_of(plan)
    assert_same(page, alone.division())
    assert send(plan, "/redo", plan.li, id="r").json()["kind"] == "nothing"
    assert send(plan, "/redo", id="r2").status_code == 200
    assert send(plan, "/redo", id="r4").json()["kind"] == "nothing"
    # An edit on which others depend cannot be undone.
    moved = [round(near[0] + 5, 3), round(near[1] + 5, 3)]
    assert send(plan, "/edits", plan.li, id="c", edits=[move(moved, 1, 1)]).status_code == 200
    answer = send(plan, "/undo", id="u3")
    assert answer.status_code == 409
    assert answer.json()["kind"] == "stale"
    assert answer.json()["touched_by"][0]["author"] == "li"


def test_what_was_changed_since_is_not_made_again(plan):
    near = corner(plan, 1, 1)
    send(plan, "/edits", id="a", edits=[move(near, 5, 5)])
    send(plan, "/undo", id="u")
    send(plan, "/edits", plan.li, id="b", edits=[move(near, 2, 2)])
    answer = send(plan, "/redo", id="r")
    assert answer.status_code == 409
    assert answer.json()["kind"] == "stale"
    send(plan, "/undo", plan.li, id="u2")
    assert send(plan, "/redo", id="r2").status_code == 200


def test_what_was_undone_is_no_conflict(plan):
    near = corner(plan, 1, 1)
    send(plan, "/edits", id="a", client="t1", edits=[move(near, 5, 5)])
    assert send(plan, "/edits", plan.li, id="b", client="t2", base=0, edits=[move(near, 2, 2)]).status_code == 409
    send(plan, "/undo", id="u", client="t1")
    answer = send(plan, "/edits", plan.li, id="c", client="t2", base=0, edits=[move(near, 2, 2)])
    assert (answer.status_code, answer.json()["rebased"]) == (200, True)
    # A value that has its old content again was not changed, either.
    name = [{"edit": "Rename", "code": read_version_of(plan).second.iloc[0].code, "name": "甲"}]
    base = answer.json()["revision"]
    send(plan, "/edits", id="d", client="t1", edits=name)
    assert send(plan, "/edits", plan.li, id="e", client="t2", base=base, edits=name).status_code == 409
    send(plan, "/undo", id="v", client="t1")
    assert send(plan, "/edits", plan.li, id="f", client="t2", base=base, edits=name).status_code == 200


def test_another_edit_ends_redo(plan):
    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    send(plan, "/undo", id="u")
    send(plan, "/edits", id="b", edits=[move(corner(plan, 5, 5), 2, 2)])
    assert send(plan, "/redo", id="r").json()["kind"] == "nothing"


def test_another_process_gives_the_same_answers(plan, store_url, tmp_path):
    """Two servers on one database: each reads the entries stored by the other before it answers."""
    other = create_app(Settings(database=store_url, pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(other) as client:
        second = SimpleNamespace(**{**vars(plan), "client": client})
        send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
        send(second, "/edits", plan.li, id="b", edits=[move(corner(plan, 3, 3), 5, 5)])
        send(plan, "/undo", id="c")
        send(second, "/redo", id="d")
        one, two = look(plan, "/snapshot"), look(second, "/snapshot")
        assert one.json() == two.json()
        assert one.headers["etag"] == two.headers["etag"]
        same = send(second, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
        assert same.json()["revision"] == 1

        errors = []

        def many(which, who, name, at):
            for k in range(6):
                answer = send(which, "/edits", who, id=f"{name}{k}", edits=[move(at, 1 if k % 2 == 0 else -1, 0)])
                at = [round(at[0] + (1 if k % 2 == 0 else -1), 3), at[1]]
                if answer.status_code != 200:
                    errors.append(answer.text)

        threads = [
            threading.Thread(target=many, args=(plan, plan.wang, "m", corner(plan, 5, 1))),
            threading.Thread(target=many, args=(second, plan.li, "n", corner(plan, 5, 5))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert look(plan, "").json()["revision"] == 16
        assert look(plan, "/snapshot").json() == look(second, "/snapshot").json()


def test_a_failing_store_leaves_the_draft_as_it_was(plan, monkeypatch):
    from sqlalchemy.exc import OperationalError

    import api.plans.editing as editing

    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    before = look(plan, "/snapshot").json()

    def fail(*_, **__):
        raise OperationalError("insert", {}, OSError("disk full"))

    monkeypatch.setattr(editing, "add_entry", fail)
    assert send(plan, "/edits", id="b", edits=[move(corner(plan, 3, 3), 5, 5)]).status_code == 503
    assert send(plan, "/undo", id="c").status_code == 503
    monkeypatch.undo()
    assert look(plan, "/snapshot").json() == before
    assert send(plan, "/edits", id="b", edits=[move(corner(plan, 3, 3), 5, 5)]).status_code == 200


def test_an_edit_that_was_overtaken_is_made_once(plan, store_url, tmp_path, monkeypatch):
    """Another process stored the next revision first: the draft is as before, and the edit is made on what it stored."""
    import api.plans.editing as editing
    from api.database.drafts.log import OvertakenError

    real, calls = editing.add_entry, []

    def late(*given, **named):
        calls.append(1)
        if len(calls) == 1:
            raise OvertakenError("another process was first")
        return real(*given, **named)

    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    monkeypatch.setattr(editing, "add_entry", late)
    answer = send(plan, "/edits", id="b", edits=[move(corner(plan, 3, 3), 5, 5)])
    assert (answer.status_code, answer.json()["revision"], len(calls)) == (200, 2, 2)
    monkeypatch.undo()
    other = create_app(Settings(database=store_url, pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(other) as client:
        second = SimpleNamespace(**{**vars(plan), "client": client})
        assert look(second, "/snapshot").json()["arcs"] == look(plan, "/snapshot").json()["arcs"]


def test_an_open_draft_follows_its_log_entry_by_entry(plan):
    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    keeper, number = plan.app.state.keeper, plan.draft["id"]
    with keeper.use(1, number) as opened:
        later = dataclasses.replace(opened.entry(1), revision=3)
        with pytest.raises(InputError, match="entry 3 of draft 1 does not follow 1"):
            opened.follow(later)
    # A copy that is not the open draft does not displace it.
    keeper.drop(number, keeper.fresh(1, number))
    with keeper.use(1, number) as again:
        assert again is opened
    keeper.drop(number, opened)
    with keeper.use(1, number) as again:
        assert again is not opened
        assert again.revision == 1


def test_the_log_is_append_only(plan):
    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    for statement in ("UPDATE draft_entry SET author = 'x'", "DELETE FROM draft_entry"):
        with pytest.raises(Exception, match="never changed"), session(plan.engine, write=True) as opened:
            opened.execute(text(statement))


def test_a_planner_of_one_community_changes_that_one_only(plan):
    second = read_version_of(plan).second
    scope = second.iloc[0].parent
    limited = {"Authorization": f"Bearer {token(plan.engine, 'zhao', Grant(Role.PLANNER, scope))}"}
    inside = [{"edit": "Rename", "code": second.iloc[0].code, "name": "甲"}]
    outside = [{"edit": "Rename", "code": second.iloc[-1].code, "name": "乙"}]
    assert second.iloc[-1].parent != scope
    assert send(plan, "/edits", limited, id="a", edits=inside).status_code == 200
    assert send(plan, "/edits", limited, id="b", edits=outside).status_code == 403
    assert send(plan, "/edits", limited, id="c", edits=[{"edit": "UnlockOutline"}]).status_code == 403
    assert (
        send(plan, "/edits", limited, id="d", edits=[{"edit": "Lock", "codes": [second.iloc[-1].code]}]).status_code
        == 403
    )
    assert look(plan, "").json()["revision"] == 1
    # Nor is an edit elsewhere undone, nor the own one made again by who may no longer change the place.
    assert send(plan, "/edits", id="e", edits=outside).status_code == 200
    assert send(plan, "/undo", limited, id="f", of=2).status_code == 403
    assert send(plan, "/undo", limited, id="g").status_code == 200
    with session(plan.engine, write=True) as opened:
        zhao = next(account.id for account in list_accounts(opened, 1) if account.name == "zhao")
        change_grants(opened, zhao, [Grant(Role.PLANNER, second.iloc[-1].parent)], at=NOW, by="test")
    plan.app.state.tokens.forget()
    assert send(plan, "/redo", limited, id="h").status_code == 403
    assert look(plan, "").json()["revision"] == 3


def test_comments_and_presence(plan):
    at = corner(plan, 2, 2)
    made = send(plan, "/comments", id="c1", at=at, text="这里要查看<b>").json()
    assert made == {"id": "c1", "revision": 1, "state": "draft"}
    assert send(plan, "/comments", id="c1", at=at, text="again").json() == made
    assert send(plan, "/comments/1/replies", plan.li, id="c2", text="好").status_code == 200
    assert send(plan, "/comments/1/resolve", plan.li, id="c3", resolved=True).status_code == 200
    assert send(plan, "/comments/9/replies", id="c4", text="x").status_code == 404
    send(plan, "/edits", id="c5", edits=[{"edit": "Comment", "at": at, "text": "随修改"}])
    found = look(plan, "/comments").json()
    assert [(c["text"], c["author"], c["resolved"], len(c["replies"])) for c in found] == [
        ("这里要查看<b>", "wang", True, 1),
        ("随修改", "wang", False, 0),
    ]
    # An edit based on a revision before the comment is no conflict.
    answer = send(plan, "/edits", plan.li, id="e", base=0, edits=[move(at, 2, 2)])
    assert answer.status_code == 200
    code = read_version_of(plan).second.iloc[0].code
    send(plan, "/presence", client="t1", holds=[code], tool="reshape")
    here = send(plan, "/presence", plan.li, client="t2", holds=[]).json()["here"]
    assert [(h["client"], h["name"], h["holds"]) for h in here] == [("t1", "wang", [code]), ("t2", "li", [])]


def test_events_follow_and_resume(plan):
    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    send(plan, "/presence", client="t1", holds=[])
    page = page_of(plan)
    send(plan, "/edits", plan.li, id="b", client="t2", edits=[move(corner(plan, 3, 3), 5, 5)])
    send(plan, "/comments", id="c", at=corner(plan, 1, 1), text="看")
    heard = events(plan, after=1, count=3)
    kinds = [(kind, number) for kind, number, _ in heard]
    assert kinds[:2] == [("edit", "2"), ("comment", "3")]
    page.apply(heard[0][2]["patch"])
    assert_same(page, engine_state(plan))
    assert (heard[0][2]["author"], heard[0][2]["client"]) == ("li", "t2")
    assert heard[2][0] == "presence"
    again = events(plan, after=0, count=1, last="2")
    assert again[0][:2] == ("comment", "3")


def events(plan, *, after: int, count: int, last: str | None = None) -> list[tuple[str, str, dict]]:
    """The first events of the stream."""
    headers = {**plan.wang, **({"Last-Event-ID": last} if last else {})}
    found, event = [], {}
    path = f"/api/drafts/{plan.draft['id']}/events"
    with plan.client.stream("GET", path, params={"after": after}, headers=headers) as stream:
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name in ("event", "data", "id"):
                event[name] = value
            elif not line and event.get("event"):
                found.append((event["event"], event.get("id", ""), json.loads(event["data"])))
                event = {}
                if len(found) == count:
                    return found
    return found


def test_a_past_revision_can_be_visited(plan):
    before = page_of(plan)
    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    send(plan, "/edits", id="b", edits=[move(corner(plan, 3, 3), 5, 5)])
    old = look(plan, "/snapshot", revision=0).json()
    assert old["past"] is True
    assert Page(old).arcs == before.arcs
    assert look(plan, "/snapshot", revision=9).status_code == 404
    answer = look(plan, "/snapshot")
    tag = answer.headers["etag"]
    same = plan.client.get(f"/api/drafts/{plan.draft['id']}/snapshot", headers={**plan.wang, "If-None-Match": tag})
    assert same.status_code == 304
    plain = plan.client.get(
        f"/api/drafts/{plan.draft['id']}/snapshot", headers={**plan.wang, "Accept-Encoding": "identity"}
    )
    assert plain.json() == answer.json()


def test_a_draft_goes_on_with_the_edits_of_another(plan):
    send(plan, "/edits", id="a", edits=[move(corner(plan, 1, 1), 5, 5)])
    cell = read_version_of(plan).third.iloc[30]
    west, south, east, north = cell.geometry.bounds
    x = round((west + east) / 2, 3)
    send(plan, "/edits", id="b", edits=[{"edit": "Split", "code": cell.code, "line": [[x, south - 9], [x, north + 9]]}])
    body = {"id": "d2", "name": "接续", "edits_of": plan.draft["id"]}
    answer = plan.client.post("/api/drafts", json=body, headers=plan.wang)
    assert answer.status_code == 201, answer.text
    assert answer.json()["refused"] == []
    assert answer.json()["revision"] == 2
    second = SimpleNamespace(**{**vars(plan), "draft": answer.json()})
    one, two = page_of(plan), page_of(second)
    assert one.rows == two.rows
    assert plan.client.post("/api/drafts", json=body, headers=plan.wang).json()["revision"] == 2
