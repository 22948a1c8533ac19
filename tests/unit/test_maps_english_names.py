"""English names of places."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from geo.incidents import matters
from geo.layers import Level, read_division
from maps.encoding.cells import encode_levels
from maps.english_names import ROAD_KINDS, english_matter, english_name, pinyin

ROOT = Path(__file__).resolve().parents[2]
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("name", "english"),
    [
        ("迈皋桥街道", "Maigaoqiao Subdistrict"),
        ("长营社区", "Changying Community"),
        ("创业园", "Business Park"),
        ("长营社区第11网格", "Changying Community Grid 11"),
        ("长营社区第11网格-02", "Changying Community Grid 11-02"),
        ("第3网格", "Grid 3"),
        ("西安社区", "Xi'an Community"),
        ("Riverside", "Riverside"),
        ("", ""),
    ],
)
def test_names_are_romanised_and_kinds_translated(name: str, english: str) -> None:
    assert english_name(name) == english


def test_roads_have_kinds_of_their_own() -> None:
    assert english_name("和燕路", ROAD_KINDS) == "Heyan Road"
    assert english_name("迈皋桥大街", ROAD_KINDS) == "Maigaoqiao Street"


def test_a_name_with_an_unknown_character_stays_whole() -> None:
    assert pinyin("龘") is None
    assert english_name("龘龘社区第1网格") == "龘龘社区第1网格"


def test_every_character_has_one_reading() -> None:
    lines = (ROOT / "maps" / "pinyin.txt").read_text(encoding="utf-8").splitlines()
    letters = Counter(letter for line in lines if not line.startswith("#") for letter in line.split(" ")[1])
    assert [letter for letter, n in letters.items() if n > 1] == []
    assert len(letters) > 800


def test_every_name_of_the_model_street_has_an_english_one() -> None:
    division = read_division(ROOT / "data" / "boundaries" / "division.gpkg")
    for level in Level:
        assert [name for name in division.layer(level)["name"] if HAN.search(english_name(name))] == []
    levels = encode_levels(division)["levels"]
    assert levels[1]["name_en"][0] == "Changying Community"
    assert "name_en" not in levels[3]  # Composed in the page from the name of the second-level grid.


def test_every_matter_of_the_standard_has_an_english_name() -> None:
    names = matters()["name"].tolist()
    assert len(names) >= 100
    english = [english_matter(name) for name in names]
    assert not any(HAN.search(name) for name in english)
    assert len(set(english)) == len(set(names))
