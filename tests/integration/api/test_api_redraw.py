"""``wangge redraw``: files in, files out, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from api.cli import run
from geo.layers import Division, Level, digest_of, read_division, write_division


@pytest.fixture
def base(division: Division, tmp_path: Path) -> Path:
    path = tmp_path / "base.gpkg"
    write_division(division, path)
    return path


def _edits(path: Path, *edits: dict[str, object]) -> Path:
    path.write_text(json.dumps({"edits": list(edits)}), encoding="utf-8")
    return path


def test_edits_are_applied_compared_and_carried_over(base: Path, tmp_path: Path, capsys) -> None:
    former = read_division(base)
    grid = former.third[former.third["parent"] == former.second["code"].iloc[0]]
    codes = grid["code"].tolist()[:2]
    edits = _edits(
        tmp_path / "edits.json",
        {"edit": "Merge", "codes": codes, "into": codes[0]},
        {"edit": "SetLeader", "code": former.second["code"].iloc[0], "leader": "P900"},
    )
    target = tmp_path / "new.gpkg"
    assert run(["redraw", "apply", str(base), str(edits), "-o", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["edits"] == 2
    new = read_division(target)
    assert len(new.third) == len(former.third) - 1
    assert run(["redraw", "compare", str(base), str(target), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {row["status"] for row in told["cells"]} == {"changed", "retired"}
    assert {row["to_leader"] for row in told["leaders"]} == {"P900"}
    assert run(["redraw", "compare", str(base), str(base)]) == 0
    walk = tmp_path / "walk.csv"
    assert run(["redraw", "crosswalk", str(base), str(target), "--level", "third", "-o", str(walk)]) == 0
    frame = pd.read_csv(walk, dtype={"from_code": str, "to_code": str})
    assert frame["population"].sum() == pytest.approx(former.third["population"].sum())
    assert frame.loc[frame["from_code"] == codes[1], "to_code"].tolist() == [codes[0]]


def test_a_refused_edit_writes_nothing(base: Path, tmp_path: Path, capsys) -> None:
    former = read_division(base)
    far = former.third["code"].iloc[[0, -1]].tolist()
    edits = _edits(
        tmp_path / "edits.json", {"edit": "Rename", "code": far[0], "name": "甲"}, {"edit": "Merge", "codes": far}
    )
    target = tmp_path / "new.gpkg"
    assert run(["redraw", "apply", str(base), str(edits), "-o", str(target)]) == 2
    assert "edit 2 (Merge)" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"edits": 3}', "a list of edits is expected"),
        ('[{"edit": "Rename", "code": "1"}]', "edit 1"),
        ('[{"edit": "Fly"}]', "no edit is called"),
    ],
)
def test_unusable_files_of_edits_are_refused(base: Path, tmp_path: Path, capsys, text: str, message: str) -> None:
    path = tmp_path / "edits.json"
    path.write_text(text, encoding="utf-8")
    assert run(["redraw", "apply", str(base), str(path), "-o", str(tmp_path / "new.gpkg")]) == 2
    assert message in capsys.readouterr().err


def test_an_edited_file_comes_back_as_edits(base: Path, tmp_path: Path, capsys) -> None:
    former = read_division(base)
    third = former.third.copy()
    third.loc[3, "name"] = "新名"
    back = tmp_path / "back.gpkg"
    third.drop(index=7).to_file(back, layer="third", driver="GPKG")
    edits, findings = tmp_path / "edits.json", tmp_path / "findings.csv"
    arguments = ["redraw", "import", str(base), str(back), "-o", str(edits), "--findings", str(findings), "--json"]
    assert run(arguments) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["edits"] == [{"edit": "Rename", "code": former.third["code"].iloc[3], "name": "新名"}]
    assert json.loads(edits.read_text(encoding="utf-8"))["edits"] == told["edits"]
    table = pd.read_csv(findings, dtype=str)
    assert table["kind"].tolist() == ["missing_cell"]
    assert table["geometry"].str.startswith("POLYGON").all()
    target = tmp_path / "new.gpkg"
    assert run(["redraw", "apply", str(base), str(edits), "-o", str(target)]) == 0
    assert digest_of(read_division(target).layer(Level.THIRD)) == digest_of(former.third)


def test_a_reason_and_a_level_have_their_form(base: Path, tmp_path: Path, capsys) -> None:
    edits = _edits(tmp_path / "edits.json")
    target = str(tmp_path / "new.gpkg")
    assert run(["redraw", "apply", str(base), str(edits), "-o", target, "--accept", "cut_building"]) == 2
    assert "give the reason" in capsys.readouterr().err
    assert run(["redraw", "crosswalk", str(base), str(base), "-o", target, "--level", "city"]) == 2
    assert "community, second, third" in capsys.readouterr().err
