"""The editor's server: review and publication, comparison, findings, proposals, months, and files; on both databases."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, current_version, publish, read_version, session
from api.database.people import add_device, device_names, hand_over, person_of
from api.ingest.fix import Fix
from api.ingest.rows import as_rows
from api.ingest.writer import Writer
from api.plans.keeper import Keeper
from api.plans.replays import replaying
from api.plans.replays.months import cells_of_incidents
from api.plans.replays.replaying import Replayer
from api.settings import Settings
from geo.layers import Level, lon_lat
from geo.patrols import Rules, clean, presences, verify, visits
from tests.integration.api.planning import NOW, look, send, token
from tests.integration.api.serving import serving


@pytest.fixture
def plan(published, store_url, tmp_path, division):
    """A server, two planners, and a draft."""
    app = create_app(Settings(database=store_url, pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        planners = {name: {"Authorization": f"Bearer {token(published, name)}"} for name in ("wang", "li")}
        answer = client.post("/api/drafts", json={"id": "d1", "name": "调整"}, headers=planners["wang"])
        yield SimpleNamespace(
            app=app,
            client=client,
            **planners,
            draft=answer.json(),
            engine=published,
            division=division,
        )


def other_draft(plan, key: str) -> SimpleNamespace:
    answer = plan.client.post("/api/drafts", json={"id": key, "name": key}, headers=plan.li)
    return SimpleNamespace(**{**vars(plan), "draft": answer.json()})


def rename(plan, position: int, name: str = "新名") -> dict:
    return {"edit": "Rename", "code": plan.division.third.iloc[position].code, "name": name}


def transfer(plan) -> dict:
    """Transfer of a border cell of the first grid to the second grid, in one community."""
    third = plan.division.third
    one, other = plan.division.second.iloc[0], plan.division.second.iloc[1]
    there = third[third["parent"] == other.code].geometry.union_all()
    mine = third[third["parent"] == one.code]
    cell = mine[mine.geometry.intersection(there).length > 50].iloc[0]
    return {"edit": "Transfer", "codes": [cell.code], "to": other.code}


def test_review_closes_a_draft_and_publication_makes_a_version(plan):
    given = transfer(plan)
    assert send(plan, "/edits", id="a", edits=[given]).status_code == 200
    assert send(plan, "/review", id="r", note="请审").json()["state"] == "review"
    refused = send(plan, "/edits", id="b", edits=[rename(plan, 0)])
    assert (refused.status_code, refused.json()["kind"], refused.json()["state"]) == (409, "state", "review")
    assert send(plan, "/comments", id="c", at=[388000, 3554000], text="可以").status_code == 200
    assert send(plan, "/reopen", plan.li, id="o").json()["state"] == "draft"
    assert send(plan, "/review", id="r2").status_code == 200
    assert send(plan, "/publish", id="p", valid_from="2026-04-01", revision=1).json()["kind"] == "stale"
    revision = look(plan, "").json()["revision"]
    answer = send(plan, "/publish", id="p", valid_from="2026-04-01", revision=revision, note="四月起")
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["draft"]["state"] == "published"
    assert made["draft"]["published_as"] == made["version"]
    assert send(plan, "/publish", id="p", valid_from="2026-04-01").json()["version"] == made["version"]
    assert send(plan, "/undo", id="u").json()["kind"] == "state"
    with session(plan.engine) as opened:
        assert current_version(opened, day=date(2026, 4, 1)).id == made["version"]
        stored = read_version(opened, made["version"])
    old = given["codes"][0]
    assert old not in set(stored.third["code"])
    steps = plan.client.get(f"/api/divisions/{made['version']}/lineage", headers=plan.wang).json()
    assert [(s["kind"], s["from_code"]) for s in steps] == [("transfer", old)]
    assert steps[0]["to_code"] in set(stored.third["code"])


def test_the_second_who_publishes_is_told_what_changed(plan):
    second = other_draft(plan, "d2")
    given = transfer(plan)
    retired = plan.division.third["code"].tolist().index(given["codes"][0])
    send(plan, "/edits", id="a", edits=[rename(plan, 0), rename(plan, 1), given])
    send(second, "/edits", plan.li, id="b", edits=[rename(plan, 1, "另名"), rename(plan, 30)])
    fourth = other_draft(plan, "d4")
    send(fourth, "/edits", plan.li, id="e", edits=[rename(plan, retired, "已撤")])
    assert send(plan, "/publish", id="p", valid_from="2026-04-01").status_code == 200
    answer = send(second, "/publish", plan.li, id="q", valid_from="2026-04-01")
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert problem["kind"] == "outdated"
    assert problem["cells"] == [plan.division.third.iloc[1].code]
    gone = send(fourth, "/publish", plan.li, id="f", valid_from="2026-04-01").json()
    assert (gone["kind"], gone["cells"]) == ("outdated", given["codes"]), "a cell that the new version has no longer"
    assert problem["can_follow"] is False
    assert any("三级网格" in zh for zh, _ in problem["versions"][0]["words"])
    assert look(second, "").json()["state"] == "draft"
    with session(plan.engine) as opened:
        assert opened.connection().exec_driver_sql("SELECT count(*) FROM division_version").scalar() == 2
    body = {"id": "d3", "name": "接续", "edits_of": second.draft["id"]}
    made = plan.client.post("/api/drafts", json=body, headers=plan.li).json()
    third = SimpleNamespace(**{**vars(plan), "draft": made})
    assert made["refused"] == []
    other_base = send(third, "/merge", plan.li, id="m2", draft=second.draft["id"])
    assert (other_base.status_code, other_base.json()["kind"]) == (409, "base")
    assert send(third, "/publish", plan.li, id="s", valid_from="2026-05-01").status_code == 200


def test_a_limited_planner_does_not_publish(plan):
    scope = plan.division.community.iloc[0].code
    limited = {"Authorization": f"Bearer {token(plan.engine, 'zhao', Grant(Role.PLANNER, scope))}"}
    assert send(plan, "/publish", limited, id="p", valid_from="2026-04-01").status_code == 403


def test_drafts_merge_where_they_touch_different_cells(plan):
    second = other_draft(plan, "d2")
    send(plan, "/edits", id="a", edits=[rename(plan, 0)])
    send(second, "/edits", plan.li, id="b", edits=[rename(plan, 30, "别处")])
    answer = send(plan, "/merge", id="m", draft=second.draft["id"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["revision"] == 2
    assert send(plan, "/merge", id="m", draft=second.draft["id"]).json()["revision"] == 2
    third = other_draft(plan, "d3")
    send(third, "/edits", plan.li, id="c", edits=[rename(plan, 0, "撞")])
    answer = send(plan, "/merge", id="n", draft=third.draft["id"])
    assert (answer.status_code, answer.json()["kind"]) == (409, "stale")
    assert answer.json()["cells"] == [plan.division.third.iloc[0].code]


def test_comparison_crosswalk_findings_history_and_lineage(plan):
    given = transfer(plan)
    made = send(plan, "/edits", id="a", edits=[given]).json()
    told = look(plan, "/compare").json()
    assert {c["code"] for c in told["cells"] if c["status"] == "retired"} == set(given["codes"])
    assert told["residents"] == pytest.approx(100.0)
    walk = look(plan, "/crosswalk", level="second").json()
    assert sum(row["population"] for row in walk) == pytest.approx(3600.0)
    moved = [row for row in walk if row["from_code"] != row["to_code"]]
    assert [row["to_code"] for row in moved] == [given["to"]]
    found = look(plan, "/findings").json()
    assert found["ok"] is True
    assert found["revision"] == 1
    send(plan, "/undo", id="u")
    send(plan, "/redo", id="v")
    listed = look(plan, "/history").json()
    assert [(e["revision"], e["kind"], e["in_force"]) for e in listed] == [
        (3, "redo", False),
        (2, "undo", False),
        (1, "edit", True),
    ]
    assert look(plan, "/history", before=2, limit=5).json()[0]["words"] == made["words"]
    assert look(plan, "/lineage").json()[0]["from_code"] == given["codes"][0]


def test_a_proposal_can_be_tried_and_taken(plan):
    community = plan.division.community.iloc[0].code
    grids = plan.division.second[plan.division.second["parent"] == community]["code"].tolist()
    even = send(plan, "/proposals", code=community, tolerance=0.05)
    assert (even.status_code, even.json()["kind"]) == (409, "nothing")
    for k in range(2):
        one = transfer(SimpleNamespace(division=engine_division(plan)))
        assert send(plan, "/edits", id=f"t{k}", edits=[one]).status_code == 200
    before = workloads(plan, grids)
    answer = send(plan, "/proposals", code=community, tolerance=0.05)
    assert answer.status_code == 200, answer.text
    edits = answer.json()["edits"]
    assert send(plan, "/proposals", code=grids[0], tolerance=0.05).json() == answer.json(), "of the community of a grid"
    assert send(plan, "/consequences", id="try", edits=edits).json()["consequences"] == answer.json()["consequences"]
    assert send(plan, "/edits", id="take", edits=edits).status_code == 200
    after = workloads(plan, grids)
    assert max(after) / min(after) < max(before) / min(before)
    assert sum(after) == pytest.approx(sum(before))
    assert send(plan, "/proposals", code="nowhere").status_code == 404


def test_a_split_runs_between_the_buildings_of_a_cell(plan, tmp_path):
    third = plan.division.third
    code, square = third.code[0], third.geometry.iloc[0]
    assert send(plan, "/proposals/split", code=code).json()["kind"] == "nothing"
    left, bottom, right, top = square.bounds
    places = [(0.25, 0.3), (0.3, 0.5), (0.25, 0.7), (0.75, 0.3), (0.8, 0.7)]
    centres = [shapely.Point(left + x * (right - left), bottom + y * (top - bottom)) for x, y in places]
    layers = tmp_path / "street.gpkg"
    houses = gpd.GeoDataFrame({"name": "楼"}, index=range(5), geometry=[p.buffer(4) for p in centres], crs=third.crs)
    houses.to_file(layers, layer="buildings")
    plan.app.state.keeper = Keeper(plan.engine, str(layers))
    drawn = look(plan, "/layers/buildings").json()
    assert (drawn["kind"], len(drawn["features"])) == ("polygon", 5)
    answer = send(plan, "/proposals/split", code=code)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    (edit,) = told["edits"]
    assert (edit["edit"], edit["code"], told["consequences"]["cut_buildings"]) == ("Split", code, 0)
    assert look(plan, "").json()["revision"] == told["revision"] == 0
    made = send(plan, "/edits", id="take", edits=[edit])
    assert made.status_code == 200, made.text
    assert made.json()["consequences"] == told["consequences"]
    new = engine_division(plan).third.set_index("code").geometry
    held = [int(houses.within(new[c]).sum()) for c in (code, made.json()["lineage"][1][2])]
    assert sorted(held) == [2, 3]
    few = send(plan, "/proposals/split", code=third.code[1])
    assert (few.status_code, few.json()["kind"], few.json()["cells"]) == (422, "too_small", [third.code[1]])
    assert send(plan, "/proposals/split", code=third.code[1], parts=1).status_code == 422
    assert send(plan, "/proposals/split", code=third.parent[0]).status_code == 404


def engine_division(plan):
    with plan.app.state.keeper.use(1, plan.draft["id"]) as opened:
        return opened.division()


def workloads(plan, grids: list[str]) -> list[float]:
    second = engine_division(plan).second.set_index("code")
    return [float(second.workload[code]) for code in grids]


def test_to_qgis_and_back(plan, tmp_path):
    send(plan, "/edits", id="a", edits=[rename(plan, 0)])
    answer = look(plan, "/export")
    assert answer.headers["content-type"] == "application/geopackage+sqlite3"
    path = tmp_path / "back.gpkg"
    path.write_bytes(answer.content)
    with sqlite3.connect(path) as connection:
        styles = dict(connection.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"))
    connection.close()
    assert set(styles) == {level.layer for level in Level}
    assert all("<qgis" in style for style in styles.values())
    third = gpd.read_file(path, layer="third")
    assert third.name[0] == "新名"
    third.loc[5, "name"] = "从QGIS改名"
    third.to_file(path, layer="third", driver="GPKG")
    with path.open("rb") as file:
        url = f"/api/drafts/{plan.draft['id']}/import"
        answer = plan.client.post(url, files={"file": ("back.gpkg", file)}, headers=plan.wang)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["edits"] == [{"edit": "Rename", "code": third.code[5], "name": "从QGIS改名"}]
    assert [c["code"] for c in told["compare"]["cells"]] == [third.code[5]]
    assert look(plan, "").json()["revision"] == 1
    assert send(plan, "/edits", id="b", edits=told["edits"]).status_code == 200
    junk = plan.client.post(url, files={"file": ("back.gpkg", b"no file at all")}, headers=plan.wang)
    assert junk.status_code in (404, 422)
    assert plan.client.post(url, files={"file": ("x.exe", b"1")}, headers=plan.wang).status_code == 404


def test_a_month_is_told_again_on_the_draft(plan):
    """Three incidents in a cell that is transferred to another grid."""
    given = transfer(plan)
    cell = plan.division.third.set_index("code").loc[[given["codes"][0]]]
    place = lon_lat(cell.geometry.representative_point()).iloc[0]
    clerk = {"Authorization": f"Bearer {token(plan.engine, 'clerk', Grant(Role.CLERK))}"}
    for k in range(3):
        body = {"number": f"N{k}", "reported_at": f"2026-03-0{k + 1}T08:00:00+08:00", "lon": place.x, "lat": place.y}
        body |= {"datum": "WGS-84", "kind": "市容", "text": "积水"}
        assert plan.client.post("/api/incidents", json=body, headers=clerk).status_code == 201
    assert send(plan, "/edits", id="a", edits=[given]).status_code == 200
    # The version is valid from 2 March, so no version was in force on the first.
    assert look(plan, "/month", month="2026-03").status_code == 404
    place = lon_lat(plan.division.third.geometry.representative_point()).iloc[0]
    somewhere = [{"lon": place.x, "lat": place.y}, {"lon": 0.0, "lat": 0.0}]
    assert cells_of_incidents(plan.division.third, somewhere) == [plan.division.third.iloc[0].code, None]
    told = look(plan, "/month", month="2026-04").json()
    assert {row["incidents_before"] for row in told["grids"]} == {0}
    assert {row["not_visited_after"] for row in told["grids"]} == {30}
    with session(plan.engine, write=True) as opened:
        version = add_version(opened, plan.division, valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
    told = look(plan, "/month", month="2026-03", verdicts=False)
    grids = {row["code"]: row for row in told.json()["grids"]}
    source = given["codes"][0][:15]
    assert (grids[source]["incidents_before"], grids[source]["incidents_after"]) == (3, 0)
    assert (grids[given["to"]]["incidents_before"], grids[given["to"]]["incidents_after"]) == (0, 3)
    assert grids[given["to"]]["per_1000_after"] == pytest.approx(3 / 1000 * 1000)


def test_incidents_and_verdicts_follow_an_edit(plan, stay):
    """A cell with an incident and all walks of its grid is transferred to another grid."""
    given = transfer(plan)
    cell = plan.division.third.set_index("code").loc[[given["codes"][0]]]
    source = given["codes"][0][:15]
    place = lon_lat(cell.geometry.representative_point()).iloc[0]
    clerk = {"Authorization": f"Bearer {token(plan.engine, 'clerk', Grant(Role.CLERK))}"}
    body = {"number": "N1", "reported_at": "2026-02-10T08:00:00+08:00", "lon": place.x, "lat": place.y}
    assert plan.client.post(
        "/api/incidents", json={**body, "datum": "WGS-84", "text": "积水"}, headers=clerk
    ).is_success
    later = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
    tracks = _walks(plan, stay, place, later)
    replayer = Replayer(plan.engine, 1, Keeper(plan.engine, ""), clock=lambda: later)
    previewed = send(plan, "/consequences", id="try", edits=[given])
    assert previewed.status_code == 200
    assert look(plan, "/consequences/try").status_code == 404
    # Another border, between two grids that nobody visited, moves in the same transaction.
    third, fourth = plan.division.second.geometry.iloc[2:4]
    x, y = shapely.get_coordinates(shapely.line_merge(shapely.intersection(third, fourth)))[1].tolist()
    beside = {"edit": "MoveVertex", "at": [x, y], "to": [x + 1, y + 1]}
    assert send(plan, "/edits", id="take", edits=[given, beside]).status_code == 200
    assert send(plan, "/edits", id="name", edits=[rename(plan, 20)]).status_code == 200
    assert replayer.step() == 3
    tried, taken, named = (look(plan, f"/consequences/{key}").json() for key in ("try", "take", "name"))
    assert (tried["revision"], taken["revision"], named["revision"]) == (None, 1, 2)
    for told in (tried, taken):
        assert told["incidents"]["count"] == 1
        (moved,) = told["incidents"]["changed"]
        assert (moved["number"], moved["from_second"], moved["to_second"]) == ("N1", source, given["to"])
        assert told["verdicts"]["days"] == 1
        grids = [source, given["to"]] if told is tried else plan.division.second["code"].tolist()
        assert told["verdicts"]["grids"] == sorted(grids)
        assert told["verdicts"]["changed"] == [
            {"code": source, "day": "2026-03-02", "before": "met", "after": "not_visited"},
            {"code": given["to"], "day": "2026-03-02", "before": "not_visited", "after": "met"},
        ]
        assert told["verdicts"]["changed"] == _verdicts_that_differ(plan, tracks)
    assert named["incidents"]["changed"] == []
    assert named["verdicts"]["changed"] == []
    assert replayer.step() == 0


def test_days_are_read_again_only_if_they_changed(plan, stay, monkeypatch):
    place = lon_lat(plan.division.third.geometry.representative_point()).iloc[0]
    now = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
    _walks(plan, stay, place, now)
    read = []
    stored = replaying.read_tracks_of
    monkeypatch.setattr(replaying, "read_tracks_of", lambda *given: read.append(given[2]) or stored(*given))
    replayer = Replayer(plan.engine, 1, Keeper(plan.engine, ""), clock=lambda: now)
    day, days = date(2026, 3, 2), [date(2026, 2, 25) + timedelta(days=k) for k in range(7)]
    # An open draft is prepared for a day at a time, an answer takes all.
    replayer.week(most=1)
    assert read == days[:1]
    assert len(replayer.week().tracks[day]) > 0
    assert sorted(read) == days
    read.clear()
    now += timedelta(minutes=11)
    for _ in days:
        replayer.week(most=1)
    assert read == []
    _store(plan, [Fix(1, device_of(plan, "A"), 1772416800_000000, 1188000000, 321000000, 5.0, None, None, 0, 0, 0, 1)])
    replayer.week(most=7)
    assert read == []
    now += timedelta(minutes=11)
    before = len(replayer.week().tracks[day])
    for _ in days:
        replayer.week(most=1)
    assert read == [day]
    assert len(replayer.week().tracks[day]) == before + 1
    # A change of the holder is one of the tracks.
    with session(plan.engine, write=True) as opened:
        hand_over(opened, device_of(plan, "A"), person_of(opened, 1, "丁", at=now), at=datetime(2026, 3, 2, tzinfo=UTC))
    now += timedelta(minutes=11)
    read.clear()
    replayer.week(most=7)
    assert day in read
    assert replayer.week().tracks[day].loc[lambda t: t["device"] == "A", "officer"].unique().tolist() == ["丁"]


def device_of(plan, name: str) -> int:
    with session(plan.engine) as opened:
        return device_names(opened, 1)[name]


def _store(plan, fixes: list[Fix]) -> None:
    writer = Writer(plan.engine)
    writer.submit(as_rows(fixes)).result(60)
    writer.close()


def _walks(plan, stay, place, at) -> pd.DataFrame:
    """Fixes of one visit each of two people on 2 March at a place.

    Two devices, because a single one that was silent between two visits at the same place may have stayed there: the day of both
    grids would be unknown.
    """
    with session(plan.engine, write=True) as opened:
        for name, person in (("A", "甲"), ("D", "丁")):
            device = add_device(opened, 1, name, at=at)
            hand_over(opened, device, person_of(opened, 1, person, at=at), at=datetime(2026, 3, 1, tzinfo=UTC))
        devices = device_names(opened, 1)
    code = plan.division.second.code[0]
    tracks = pd.concat([stay(code, "A", "08:00", 15), stay(code, "D", "14:00", 15)], ignore_index=True)
    # The walk, moved to the place; the database stores seven digits of a degree.
    tracks["lon"] = (place.x + tracks["lon"] - tracks["lon"].mean()).round(7)
    tracks["lat"] = (place.y + tracks["lat"] - tracks["lat"].mean()).round(7)
    tracks["accuracy_m"] = 5.0
    times = pd.to_datetime(tracks["time"], utc=True).dt.as_unit("us").astype("int64")
    rows = [
        Fix(1, devices[name], int(t), round(x * 1e7), round(y * 1e7), 5.0, None, None, 0, 0, 0, 0)
        for name, t, x, y in zip(tracks["device"], times, tracks["lon"], tracks["lat"], strict=True)
    ]
    _store(plan, rows)
    return tracks


def _verdicts_that_differ(plan, tracks: pd.DataFrame) -> list[dict]:
    """Differences of the verdicts of all grids between the base and the draft, computed from all fixes."""
    day, rules = date(2026, 3, 2), Rules()
    fixes = clean(tracks.assign(time=pd.to_datetime(tracks["time"])), rules=rules)
    told = []
    for division in (plan.division, engine_division(plan)):
        cells = division.second
        found = presences(fixes, cells, rules=rules)
        table = verify(visits(found, rules=rules, cells=cells), cells, presences=found, rules=rules, day=day)
        told.append(dict(zip(table["code"], table["verdict"], strict=True)))
    before, after = told
    assert len(before) == len(after) == len(plan.division.second)
    return [
        {"code": code, "day": str(day), "before": before[code], "after": after[code]}
        for code in sorted(before)
        if before[code] != after[code]
    ]
