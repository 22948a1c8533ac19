"""The map of a check contains each finding, most severe first, at its place; the examples of all kinds are correct."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.coverage import Kind, check, check_division
from geo.errors import CrsError, InputError
from maps import check_map, render
from maps.figures.finding_sketch import overview_table, sketch_svg
from maps.figures.planted_faults import plant, sound
from maps.finding_signs import FAMILIES, SHAPES, sign


def payload(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)[1])


def ring(steps: list[int], frame: dict) -> np.ndarray:
    return np.cumsum(np.reshape(steps, (-1, 2)), axis=0) / frame["steps"] + frame["origin"]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_example_of_each_kind_has_this_fault_and_no_other(kind: Kind) -> None:
    findings = plant(kind).check().findings
    assert findings["kind"].tolist() == [kind.value]


def test_the_example_without_a_fault_has_none() -> None:
    assert check(sound()).findings.empty


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_a_small_picture(kind: Kind) -> None:
    picture = sketch_svg(kind)
    root = ET.fromstring(picture)
    assert len(picture) < 6_000
    assert kind.value.replace("_", " ") in root[0].text.lower()
    assert sign(kind).colour in picture
    assert picture == sketch_svg(kind)


def test_kinds_are_told_apart_by_family_and_character() -> None:
    signs = [sign(kind) for kind in Kind]
    assert len({(s.family, s.mark[0]) for s in signs}) == len({s.mark[0] for s in signs}) == len(Kind)
    assert len({s.mark[1] for s in signs}) == len(Kind)
    assert {s.family for s in signs} == set(FAMILIES)
    assert {s.shape for s in signs} == set(SHAPES)
    table = overview_table()
    assert all(f"coverage-{kind.value}.svg" in table for kind in Kind)
    assert table.count("\n") == len(Kind) + 2


def test_findings_lie_where_they_are_to_the_centimetre() -> None:
    example = plant("sliver")
    report = example.check()
    data = payload(render(check_map(report, example.cells, source="a.gpkg")))
    assert data["findings"]["kind"] == ["sliver"]
    shell = data["findings"]["areas"][0][0][0]
    back = gpd.GeoSeries([shapely.Polygon(ring(shell, data["frame"]))], crs=4326).to_crs(example.cells.crs)
    assert shapely.hausdorff_distance(back.iloc[0], report.findings.geometry.iloc[0]) < 0.01
    assert data["findings"]["width_m"] == [0.1]
    assert len(data["codes"]) == 6
    assert data["when"]["zh"] == "a.gpkg · 1 处问题，其中错误 1 处 · 容差 0.001 米"


def test_the_worst_stands_first_and_both_languages_are_there(small_street) -> None:
    division = small_street.division()
    shapes = np.array(division.third.geometry.array, dtype=object)
    shapes[10] = shapes[10].buffer(-2, join_style="mitre")
    shapes[40] = shapely.affinity.translate(shapes[40], 30, 0)
    third = division.third.set_geometry(gpd.GeoSeries(shapes, crs=division.crs))
    faulty = type(division)(division.street, division.community, division.second, third)
    report = check_division(faulty)
    data = payload(render(check_map(report, faulty)))
    found = data["findings"]
    assert found["kind"] == report.findings["kind"].tolist()
    assert len(found["kind"]) > 3
    ground = [m2 for m2, kind in zip(found["area_m2"], found["kind"], strict=True) if kind != "area_mismatch"]
    assert found["area_m2"][0] == max(ground)
    assert data["todo"]["first"][0]["severity"] == "error"
    assert sum(group.count for group in report.groups()) == len(report.findings)
    assert all(re.search("[\u4e00-\u9fff]", text) for text in found["zh"])
    assert not any(re.search("[\u4e00-\u9fff]", text) for text in found["en"])
    assert data["outline"] is not None
    assert {level["name"]["en"] for level in data["levels"]} >= {"third", "second"}
    assert set(data["kinds"]) == set(found["kind"])


def test_a_finding_without_a_place_is_shown_by_its_cells_or_only_listed() -> None:
    example = plant("wrong_count")
    data = payload(render(check_map(example.check(), example.cells)))
    assert data["findings"]["at"] == [None]
    assert data["findings"]["areas"] == [[]]
    with pytest.raises(InputError, match="nothing to draw"):
        check_map(example.check())


def test_nothing_wrong_is_said_so() -> None:
    data = payload(render(check_map(check(sound()), sound())))
    assert (data["total"], data["ok"], data["kinds"]) == (0, True, {})
    assert "0 处问题" in data["when"]["zh"]


def test_of_very_many_cells_those_beside_findings_are_drawn(monkeypatch: pytest.MonkeyPatch, small_street) -> None:
    division = small_street.division()
    shapes = np.array(division.third.geometry.array, dtype=object)
    shapes[10] = shapes[10].buffer(-2, join_style="mitre")
    cells = division.third.set_geometry(gpd.GeoSeries(shapes, crs=division.crs))
    monkeypatch.setattr("maps.check.MOST_CELLS", 50)
    data = payload(render(check_map(check(cells), cells)))
    assert 1 < len(data["codes"]) < 50
    assert cells["code"].iloc[10] in data["codes"]
    assert "与问题有关" in data["remarks"][0]["zh"]


def test_findings_without_crs_are_refused() -> None:
    report = plant("gap").check()
    bare = type(report)(report.findings.set_crs(None, allow_override=True), report.levels, report.tolerance_m)
    with pytest.raises(CrsError, match="declare no coordinate reference system"):
        check_map(bare)


def test_hostile_codes_stay_text() -> None:
    example = plant("gap")
    codes = ["</script><script>alert(1)</script>", *example.cells["code"].iloc[1:]]
    cells = example.cells.assign(code=codes)
    page = render(check_map(check(cells), cells, source="<b>"))
    assert "<script>alert" not in page
    assert "<b>" not in page.split("</title>")[0]
