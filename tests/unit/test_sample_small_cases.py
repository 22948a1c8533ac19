"""Simulated cases, walks, phones and faults, piece by piece."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.duty import Action, CaseBook, CaseRules, Channel, Role, Roster
from geo.duty.events import Duty
from geo.duty.rosters.assignments import Assignment
from geo.incidents import Calendar
from geo.patrols import Rules
from geo.sample import simulate_cases
from geo.sample.cases.lives import Step
from geo.sample.cases.report_texts import report_text
from geo.sample.cases.simulation import _persons, _report, _run, _same_problem
from geo.sample.cases.supervision import _meetings, _thursdays
from geo.sample.days import patrols
from geo.sample.days.truth import _true_stays
from geo.sample.days.walks import Diary, Roads, Way
from geo.sample.random_edits import RandomEdits
from geo.sample.spoiled import spoiled_layer
from geo.sample.town import plan
from geo.sample.town.buildings import _fill, _of
from geo.sample.town.cutting import Street
from geo.sample.town.landuse import _school_block
from geo.sample.town.names import _chinese
from geo.sample.town.network import _STOP_M, _kept, corridors, roads_frame
from geo.sample.town.rows import RowStyle, fill_rows

START = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)
SECOND, THIRD = "320113003001001", "320113003001001001"


def incident(number, at, *, source="12345热线", kind="06010", third=THIRD):
    return {
        "incident_id": f"I{number}",
        "reported_at": pd.Timestamp(at),
        "kind_code": kind,
        "kind_name": "某事项",
        "source": source,
        "community": SECOND[:12],
        "second": SECOND,
        "third": third,
    }


class Dice:
    """Always the same number."""

    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value


# -- cases ---------------------------------------------------------------------------------------------------------------


def reports(*rows):
    numbers = Counter()
    return [_report(row, numbers, np.random.default_rng(1), Calendar.china()) for row in rows]


def test_reports_are_numbered_by_local_day_and_only_those_of_others_have_a_number_there():
    """Midnight in Nanjing is at 16:00 UTC."""
    times = ["2026-03-02T15:58Z", "2026-03-02T15:59Z", "2026-03-02T16:00Z", "2026-03-03T01:00Z"]
    rows = [
        incident(k, at, source=s) for k, (at, s) in enumerate(zip(times, ["12345热线", "网格巡查"] * 2, strict=True))
    ]
    made = reports(*rows)
    assert [report.case_id for report in made] == ["20260302-0001", "20260302-0002", "20260303-0001", "20260303-0002"]
    assert [report.external_no for report in made] == ["I0", "", "I2", ""]
    assert [report.channel for report in made] == [Channel.HOTLINE, Channel.PATROL] * 2
    assert not any(report.reporter.wants_reply for report in made[1::2])


@pytest.mark.parametrize(
    ("hours", "kind", "third", "dice", "same"),
    [
        (24.0, "06010", THIRD, 0.0, True),
        (24.1, "06010", THIRD, 0.0, False),
        (1.0, "06013", THIRD, 0.0, False),
        (1.0, "06010", THIRD[:-1] + "2", 0.0, False),
        (1.0, "06010", THIRD, 0.69, True),
        (1.0, "06010", THIRD, 0.7, False),
    ],
)
def test_two_reports_of_a_kind_and_place_within_a_day_may_be_one_problem(hours, kind, third, dice, same):
    first, second = reports(incident(1, START), incident(2, START + dt.timedelta(hours=hours), kind=kind, third=third))
    recent = {}
    assert _same_problem(first, recent, Dice(0.0)) == ""
    assert _same_problem(second, recent, Dice(dice)) == (first.case_id if same else "")


def test_who_answers_for_the_community_assigns_units():
    day = dt.date(2026, 3, 1)
    assignments = [
        Assignment(SECOND, "格长", Duty.LEADER, day),
        Assignment(SECOND, "副格长", Duty.DEPUTY, day),
        Assignment(SECOND[:12], "片长", Duty.RESPONSIBLE, day),
    ]
    roster = Roster(assignments, cells={SECOND: 2, SECOND[:12]: 1})
    (report,) = reports(incident(1, START))
    found = _persons(report, 0, roster, Calendar.china(), np.random.default_rng(1))
    assert (found.officer, found.deputy, found.level1) == ("格长", "副格长", "片长")
    made_up = _persons(report, 0, None, Calendar.china(), np.random.default_rng(1))
    assert (made_up.officer, made_up.deputy, made_up.level1) == ("G001001", "D001001", "S001")


def test_incidents_after_the_end_make_no_report():
    rows = [incident(k, START + dt.timedelta(hours=3 * k)) for k in range(80)]
    until = START + dt.timedelta(hours=3 * 79)
    made = simulate_cases(pd.DataFrame(rows), rng=np.random.default_rng(2), until=until - dt.timedelta(seconds=1))
    assert len(made.reports) == 79
    assert len(simulate_cases(pd.DataFrame(rows), rng=np.random.default_rng(2), until=until).reports) == 80


def test_steps_that_the_state_machine_refuses_are_counted():
    """A case cannot be filed before it was reported; a case learns of each refusal and goes on."""
    answers = []

    def life():
        for k in range(3):
            answer = yield Step(START + dt.timedelta(hours=k), Action.FILE, Role.CLERK, "中心一号")
            answers.append(answer)

    lives, queue = {0: ("20260302-0001", life(), None)}, []
    queue.append((START, 0, next(lives[0][1])))
    book = CaseBook(Calendar.china(), CaseRules.of())
    assert _run(book, queue, lives, START + dt.timedelta(days=1)) == {"20260302-0001": 3}
    assert answers == [None, None, None]
    assert not book.cases


# -- walks and phones ----------------------------------------------------------------------------------------------------


def test_a_stay_that_would_have_ended_before_it_began_is_none():
    diary = Diary(np.array([0.0, 0.0]), 100.0)
    diary.go(np.array([[0.0, 50.0]]), 1.0)
    diary.stay(120.0)
    diary.go(np.array([[0.0, 60.0]]), 1.0)
    diary.stay(200.0)
    way = diary.way()
    assert way.t.tolist() == [100.0, 150.0, 160.0, 200.0]
    assert way.xy[:, 1].tolist() == [0.0, 50.0, 60.0, 60.0]


def test_roads_are_the_largest_connected_part_with_nodes_to_the_millimetre():
    """Two roads that end 30 cm apart do not meet; of the two parts the longer one is kept."""
    lines = [[(0, 0), (100, 0)], [(100, 0), (200, 0)], [(200.3, 0), (230.3, 0)]]
    roads = gpd.GeoDataFrame(geometry=shapely.linestrings(lines), crs=4549)
    found = Roads.of(roads)
    assert found.xy[:, 0].min() == 0.0
    assert found.xy[:, 0].max() == 200.0
    assert found.graph.sum() == pytest.approx(2 * 200.0)


class Phone:
    """Random numbers of a phone whose period of poor accuracy is chosen, and everything else average."""

    def __init__(self, seed, poor):
        self._rng, self._dice = np.random.default_rng(seed), iter([0.0 if poor else 0.99, 0.99])

    def random(self):
        return next(self._dice)

    def __getattr__(self, name):
        return getattr(self._rng, name)


def test_in_a_period_of_poor_accuracy_errors_are_five_times_as_large_and_said_to_be():
    way = Way(np.array([0.0, 40_000.0]), np.zeros((2, 2)))
    usual, _ = patrols._phone(way, 10.0, Phone(3, False))
    poor, faults = patrols._phone(way, 10.0, Phone(3, True))
    assert [name for name, _ in faults] == ["poor_accuracy"]
    ratio = np.hypot(poor["x"], poor["y"]) / np.hypot(usual["x"], usual["y"])
    bad = (poor["accuracy_m"] >= 60).to_numpy()
    assert 50 < bad.sum() < 190
    np.testing.assert_allclose(ratio[bad], 5.0)
    np.testing.assert_allclose(ratio[~bad], 1.0)


def test_of_two_invented_walks_the_first_has_the_mock_flag():
    t = np.arange(9 * 3600, 17 * 3600, 60.0)
    fixes = pd.DataFrame({"t": t, "x": -5.0, "y": -5.0, "accuracy_m": 20.0, "mock": False})
    found = patrols._lies(fixes, shapely.box(0, 0, 100, 100), np.random.default_rng(1))
    invented = found["accuracy_m"] == 5.0
    assert invented.sum() == 40
    assert found.loc[invented, "mock"].tolist() == [True] * 20 + [False] * 20
    assert not found.loc[~invented, "mock"].any()
    assert (found.loc[invented, ["x", "y"]] >= 0).all(axis=None)
    assert (found.loc[~invented, ["x", "y"]] == -5.0).all(axis=None)


def test_officers_are_numbered_from_one_where_no_leader_is_named():
    cells = gpd.GeoDataFrame({"code": list("abc")}, geometry=[shapely.box(0, 0, 1, 1)] * 3, crs=4549)
    assert patrols._staff(cells) == ["G001", "G002", "G003"]
    assert patrols._staff(cells.assign(leader=["李", None, "王"])) == ["李", "G002", "王"]


def test_true_stays_end_with_their_last_second_and_do_not_include_rides():
    rules = Rules(merge_gap_s=300.0)
    pieces = pd.DataFrame(
        [
            (0, 0, 36_000.0, 36_500.0, 400.0),
            (0, 0, 36_100.0, 36_200.0, 90.0),  # within the first
            (0, 0, 36_800.0, 36_900.0, 90.0),  # exactly merge_gap_s later
            (0, 0, 37_201.0, 37_300.0, 90.0),  # a second more
            (0, 0, 37_300.0, 37_310.0, 90.0),  # 9 m/s
            (1, 0, 37_310.0, 37_400.0, 90.0),  # another officer
        ],
        columns=["way", "cell", "start", "end", "length"],
    )
    ((cell, stays),) = _true_stays(pieces, rules)
    assert cell == 0
    assert [(stay.way, stay.start, stay.end, stay.stay) for stay in stays] == [
        (0, 36_000.0, 36_900.0, 700.0),
        (0, 37_201.0, 37_300.0, 99.0),
        (1, 37_310.0, 37_400.0, 90.0),
    ]


# -- faults and edits ----------------------------------------------------------------------------------------------------


def test_a_spoiled_layer_has_its_four_faults():
    side = 20.0 + np.arange(2601) / 1000  # all areas differ
    shapes = shapely.box(np.arange(2601) * 30.0, 0.0, np.arange(2601) * 30.0 + side, side)
    cells = gpd.GeoDataFrame({"code": [f"c{k}" for k in range(2601)]}, geometry=list(shapes), crs=4549)
    found = spoiled_layer(cells)
    moved, shrunk, renamed, lost = (2600 - k for k in (200, 800, 1400, 2000))
    assert cells.index.difference(found.index).tolist() == [lost]
    change = found.geometry.bounds - cells.geometry.bounds.loc[found.index]
    assert change.index[(change.abs() > 1e-9).any(axis=1)].tolist() == [shrunk, moved]
    assert change.loc[moved].tolist() == pytest.approx([6, 0, 6, 0])
    assert change.loc[shrunk].tolist() == pytest.approx([0.4, 0.4, -0.4, -0.4])
    assert found.index[found["code"] != cells["code"].loc[found.index]].tolist() == [renamed]
    assert found["code"].duplicated().sum() == 1


def test_cells_that_were_born_take_part_in_edits():
    draft = SimpleNamespace(base=SimpleNamespace(third=pd.DataFrame({"code": ["a"]})), rows={"a": 1, "b": 1})
    edits = RandomEdits(draft, np.random.default_rng(1))
    assert {edits._cell() for _ in range(40)} == {"a"}
    edits.note(["b"])
    assert {edits._cell() for _ in range(40)} == {"a", "b"}


# -- meetings, texts, names, rows ----------------------------------------------------------------------------------------


def decided(*kinds_at):
    """Decisions of the Thursdays, from reports given as kind and local day of March 2026, and an event a day."""
    zone = Calendar.china().zone
    made = SimpleNamespace(
        book=SimpleNamespace(calendar=Calendar.china()),
        reports=[
            SimpleNamespace(kind=kind, text=f"事项{kind}：某处", received_at=dt.datetime(2026, 3, day, 9, tzinfo=zone))
            for kind, day in kinds_at
        ],
    )
    events = [SimpleNamespace(at=dt.datetime(2026, 3, day, 12, tzinfo=zone)) for day in range(1, 16)]
    return _thursdays(made, events, Dice(0.0), dt.datetime(2026, 3, 30, tzinfo=zone))


def test_a_thursday_decides_on_the_matter_reported_most_in_the_week_before():
    """12 March is the first Thursday after a week; reports of that day come too late, those of the 5th just in time."""
    (found,) = decided(("06010", 5), ("06010", 11), ("09005", 8), ("09005", 12), ("09005", 12), ("09005", 4))
    assert (found.meeting_id, found.text) == ("2026-03-12", "集中整治事项06010（近七天2件）")
    assert found.decided_at == dt.datetime(2026, 3, 12, 2, tzinfo=dt.UTC)
    assert found.due == dt.date(2026, 3, 17)
    (tie,) = decided(("09005", 8), ("06010", 8))
    assert tie.text == "集中整治事项06010（近七天1件）"


def test_who_leads_what_was_decided_is_present():
    """All others stay away as often as they can."""
    (decision,) = decided(("06010", 8))
    made = SimpleNamespace(book=SimpleNamespace(calendar=Calendar.china(), cases={}))
    (meeting,) = _meetings(made, [], [decision], Dice(0.0))
    assert (meeting.present, meeting.absent) == ((decision.owner,), ("综治办",))
    (full,) = _meetings(made, [], [decision], Dice(0.2))
    assert (full.present, full.absent) == ((decision.owner, "综治办"), ())


def test_officers_and_residents_write_different_texts_chosen_by_the_number_of_the_report():
    numbers = [f"A-{k}" for k in range(40)]
    for kind in ("06010", "99999"):
        officer, resident = (
            {report_text(kind, "某事", number, by_officer=by) for number in numbers} for by in (True, False)
        )
        assert len(officer) == 2
        assert len(resident) == 3
        assert not officer & resident
        assert report_text(kind, "某事", "A-3", by_officer=True) == report_text(kind, "某事", "A-3", by_officer=True)


@pytest.mark.parametrize(("number", "word"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (35, "三十五")])
def test_chinese_numerals_of_names(number, word):
    assert _chinese(number) == word


def test_rows_stay_inside_their_area_and_leave_out_the_share_asked_for():
    area = shapely.Polygon([(0, 0), (400, 0), (400, 300), (200, 120), (0, 300)])
    style = RowStyle((10, 12), (20, 30), (12, 15), (5, 8))
    full = fill_rows(area, 20.0, style, np.random.default_rng(1))
    assert len(full) > 30
    assert all(area.contains_properly(shape) for shape in full)
    half = fill_rows(area, 20.0, dataclasses.replace(style, omit=0.5), np.random.default_rng(1))
    assert 0.3 * len(full) < len(half) < 0.7 * len(full)
    assert fill_rows(area, 20.0, dataclasses.replace(style, omit=1.0), np.random.default_rng(1)) == []


def test_no_building_stands_on_a_pond_in_its_area():
    ponds = shapely.union_all(
        shapely.points(*np.meshgrid(np.arange(9, 400, 17.0), np.arange(9, 300, 17.0))).ravel()
    ).buffer(1)
    area = shapely.box(0, 0, 400, 300).difference(ponds)
    found = fill_rows(area, 0.0, RowStyle((7, 9), (7, 9), (1, 3), (1, 2)), np.random.default_rng(2))
    assert len(found) > 100
    assert all(area.contains_properly(shape) for shape in found)


def test_side_streets_end_before_what_is_in_their_way():
    """A river across a street: the parts that reach an end of it remain, if they are 15 m long."""
    line = shapely.LineString([(0, 0), (400, 0)])
    river, railway = shapely.box(100, -50, 140, 50), shapely.box(200, -50, 386, 50)
    assert [part.length for part in _kept(line, river)] == [100.0, 260.0]
    assert [part.length for part in _kept(line, shapely.union_all([river, railway]))] == [100.0]
    assert _STOP_M == 20.0


@pytest.mark.parametrize(
    ("highway", "verge_m"),
    [("primary", 9.0), ("secondary", 7.0), ("tertiary", 4.5), ("residential", 3.0), ("service", 1.0), ("footway", 1.0)],
)
def test_a_street_takes_its_carriageway_and_its_verges(highway, verge_m):
    (ground,) = corridors([Street(shapely.LineString([(0, 0), (1000, 0)]), highway, 10.0)])
    south, north = ground.bounds[1::2]
    assert north - south == pytest.approx(10 + 2 * verge_m)


def test_only_narrow_residential_streets_are_one_way():
    kinds = [("primary", 8.0), ("residential", 9.9), ("residential", 10.0), ("service", 4.0)]
    streets = [
        Street(shapely.LineString([(0, 20.0 * k), (100, 20.0 * k)]), *kinds[k % 4], f"街{k}") for k in range(400)
    ]
    frame = roads_frame(streets, np.random.default_rng(1))
    one_way = frame[frame["oneway"]]
    assert set(zip(one_way["highway"], one_way["width_m"], strict=True)) == {("residential", 9.9)}
    assert 2 <= len(one_way) <= 20


def test_each_quarter_belongs_to_its_community():
    """The park of enterprises has two quarters of its own kind, and no other has any."""
    park = {quarter.suffix for quarter in plan.QUARTERS if quarter.zone == "park"}
    assert park == {"601"} == {c.code[-3:] for c in plan.COMMUNITIES if c.kind == "park"}
    assert {quarter.suffix for quarter in plan.QUARTERS} == {community.code[-3:] for community in plan.COMMUNITIES}
    assert sum(quarter.suffix == "601" for quarter in plan.QUARTERS) == 2


def test_a_school_has_the_most_compact_block_of_its_size():
    """Between 1.1 and 3.6 hectares."""
    small, large = shapely.box(0, 0, 104, 104), shapely.box(0, 0, 190, 190)
    long, square = shapely.box(0, 0, 300, 60), shapely.box(0, 0, 120, 130)
    assert _school_block([small, long, large, square]) == 3
    assert _school_block([small, long, large]) == 1
    assert _school_block([small, large]) is None


def test_floors_and_units_of_buildings():
    """Old slabs have five to seven floors; a unit of work has its share of all floors."""
    free = shapely.box(0, 0, 200, 200)
    levels = {one.levels for seed in range(5) for one in _fill("old", free, 0.0, np.random.default_rng(seed))}
    assert levels <= {1, 4, 5, 6, 7}
    assert {5, 6, 7} <= levels
    (tower,) = _of([shapely.box(0, 0, 30, 40)], "office", (10, 10), 900.0, np.random.default_rng(1))
    assert (tower.levels, tower.units) == (10, round(1200 * 10 / 900))
    (hut,) = _of([shapely.box(0, 0, 3, 4)], "office", (1, 1), 900.0, np.random.default_rng(1))
    assert hut.units == 1
