"""The complete demonstration: files and output of ``wangge demo``, and the consistency of its figures with the files."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import date

import pandas as pd
import pytest
from sqlalchemy import text

from api.cli import run
from api.database import current_version, open_store, read_version, session
from api.database.drafts.log import list_drafts
from api.database.duty.notices import read_notices
from api.duty.shift_plans import shifts_of
from api.settings import Settings
from geo.layers import Level, read_division

# The demonstration takes two minutes of one core, and longer on a busy machine.
pytestmark = pytest.mark.timeout(1200)

EARLIER_DAYS = 7


@pytest.fixture(scope="module")
def demo(tmp_path_factory, street):
    """Output folder and document of one run, with the model street that other tests share."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    text = io.StringIO()
    with contextlib.redirect_stdout(text), pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.commands.demo.job.model_street", lambda: street)
        code = run(["demo", "--no-serve", "--json", "--out", str(folder)])
    assert code == 0
    return folder, json.loads(text.getvalue())


def test_verdicts_of_the_earlier_days_are_stored(demo):
    folder, _ = demo
    engine = open_store(folder / "wangge.sqlite")
    with engine.connect() as connection:
        per_day = connection.execute(text("SELECT day, count(*) FROM verdict GROUP BY day ORDER BY day")).all()
    engine.dispose()
    assert [number for _, number in per_day] == [255] * (EARLIER_DAYS + 1)


def test_the_demo_writes_every_file(demo):
    folder, _ = demo
    expected = {
        "division.gpkg",
        "report.json",
        "verdicts.csv",
        "visits.csv",
        "incidents.csv",
        "counts.csv",
        "coverage.html",
        "checker.html",
        "check.html",
        "faulty.gpkg",
        "tracks.parquet",
        "background.gpkg",
        "heat.html",
        "wangge.sqlite",
        "agenda.pdf",
        "brief.pdf",
        "burden.csv",
        "ledgers.xlsx",
    }
    assert {path.name for path in folder.iterdir()} == expected
    assert all((folder / name).stat().st_size > 0 for name in expected)


def test_the_division_is_whole_and_has_the_counts(demo):
    folder, document = demo
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["ok"] is True
    assert [level["cells"] for level in report["levels"]] == [1, 13, 255, 3052]
    assert [level["covered"] for level in report["levels"]] == [1.0] * 4
    assert abs(document["check"]["area_km2"] - 12.46) < 1e-6
    assert read_division(folder / "division.gpkg").counts == (13, 255, 3052)


def test_every_second_level_grid_has_one_leader(demo):
    folder, _ = demo
    second = read_division(folder / "division.gpkg").second
    assert second["leader"].is_unique
    assert second["leader"].str.fullmatch(r"[GS]\d{3}").all()
    assert second["staff_kind"].value_counts().to_dict() == {"community_worker": 144, "official": 111}


def test_one_verdict_per_grid_and_none_falsely_met(demo):
    folder, document = demo
    verdicts = pd.read_csv(folder / "verdicts.csv", dtype={"code": str})
    assert verdicts["code"].is_unique
    assert len(verdicts) == 255
    assert verdicts["verdict"].value_counts().to_dict() == {
        s: n for s, n in document["patrols"]["days"]["2026-03-02"].items() if n
    }
    assert document["patrols"]["falsely_met"] == 0


def test_counts_add_up_at_every_level(demo):
    folder, document = demo
    counts = pd.read_csv(folder / "counts.csv", dtype={"code": str})
    assert set(counts.groupby("level")["incidents"].sum()) == {document["incidents"]["inside"]}
    assert counts.groupby("level").size().to_dict() == {1: 13, 2: 255, 3: 3052}


def test_hot_spots_are_told_for_both_levels(demo):
    _, document = demo
    assert set(document["incidents"]["hot_cells"]) == {"second", "third"}
    # The simulation has known hot spots, each several third-level grids wide.
    assert document["incidents"]["hot_cells"]["third"] > 0


def test_the_store_holds_the_division(demo):
    folder, _ = demo
    engine = open_store(folder / "wangge.sqlite")
    with session(engine) as opened:
        version = current_version(opened)
        stored = read_version(opened, version.id)
        (draft,) = list_drafts(opened, 1)
    engine.dispose()
    assert (draft.version_id, draft.revision) == (version.id, 0)
    written = read_division(folder / "division.gpkg")
    for level in Level:
        assert stored.layer(level).geometry.to_wkb().tolist() == written.layer(level).geometry.to_wkb().tolist()


def test_the_week_has_shifts_with_two_gaps_and_notices_that_did_not_reach_everybody(demo):
    folder, _ = demo
    engine = open_store(folder / "wangge.sqlite")
    with session(engine) as opened:
        week = shifts_of(opened, 1, date(2026, 3, 2), date(2026, 3, 8), Settings())
        notices = read_notices(opened, 1)
    engine.dispose()
    assert len(week.posts) == 14
    assert [(one.kind, one.place, f"{one.start:%d %H:%M}") for one in week.findings] == [
        ("empty", "街道值班室", "08 17:30"),
        ("empty", week.posts[-1].place, "08 08:30"),
    ]
    assert [len(receipts) > 0 for _, receipts in notices] == [True, True]


def test_the_time_of_the_job_is_that_of_its_steps(demo):
    _, document = demo
    assert document["seconds"] == pytest.approx(sum(step["seconds"] for step in document["steps"]))
    assert [step["name"] for step in document["steps"]][-1] == "议程、简报、台账 papers"


def test_the_month_of_cases_equals_its_truth(demo):
    _, document = demo
    duty = document["duty"]
    assert duty["cases"] == duty["reports"] > 2000
    assert sum(duty["differing_from_truth"].values()) == 0
    assert 0 < duty["typed_per_thing"] <= 1
