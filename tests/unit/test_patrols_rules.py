"""Rule sets: defaults, files, and refused values."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from geo.errors import FileError, InputError
from geo.patrols import DEFAULT_RULES, Rules


def test_the_default_is_the_rule_of_the_street():
    assert (DEFAULT_RULES.visits_per_day, DEFAULT_RULES.min_stay_s, DEFAULT_RULES.merge_gap_s) == (2, 60.0, 300.0)
    assert (DEFAULT_RULES.hours_from, DEFAULT_RULES.hours_to) == (dt.time(6), dt.time(22))
    assert DEFAULT_RULES.zone == "Asia/Shanghai"
    assert DEFAULT_RULES.name == "street-twice-a-day@2"


def test_reads_a_file_and_keeps_defaults(tmp_path):
    path = tmp_path / "park.toml"
    path.write_text(
        'id = "park"\nversion = 3\nvisits_per_day = 1\nmin_stay_s = 120\nhours_from = 07:30:00\nhours_to = "19:00"\n',
        encoding="utf-8",
    )
    rules = Rules.read(path)
    assert rules.name == "park@3"
    assert (rules.visits_per_day, rules.min_stay_s, rules.merge_gap_s) == (1, 120.0, 300.0)
    assert (rules.hours_from, rules.hours_to) == (dt.time(7, 30), dt.time(19))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('id = "a"\nversion = "1"\nvisits = 2', "unknown key visits"),
        ('id = "a"', "version missing"),
        ('id = "a"\nversion = "1"\nvisits_per_day = "two"', "visits_per_day = 'two' is not of type int"),
        ('id = "a"\nversion = "1"\nvisits_per_day = 1.5', "not of type int"),
        ('id = "a"\nversion = "1"\nmin_stay_s = true', "not of type float"),
        ('id = "a"\nversion = "1"\nhours_from = "6 o\'clock"', "not a time of day"),
        (
            'id = "a"\nversion = "1"\nhours_from = 22:00:00\nhours_to = 06:00:00',
            "hours_from 22:00 must be before hours_to 06:00",
        ),
        ('id = "a"\nversion = "1"\nzone = "Nanjing"\nwho = "me"', "who is 'me'"),
        ('id = "a"\nversion = "1"\nvisits_per_day = 0\nmax_gap_s = -1', "max_gap_s is -1"),
    ],
)
def test_bad_rules_say_what_is_wrong(tmp_path, text, says):
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says) as caught:
        Rules.read(path)
    assert "\n" not in str(caught.value)


def test_all_faults_are_told_together():
    with pytest.raises(InputError) as caught:
        Rules(visits_per_day=0, zone="Nanjing", who="me")
    for part in ("visits_per_day", "zone 'Nanjing'", "who is 'me'"):
        assert part in str(caught.value)


def test_files_that_are_no_toml(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        Rules.read(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"id = ")
    with pytest.raises(FileError, match="cannot be read as TOML"):
        Rules.read(tmp_path / "bad.toml")
    (tmp_path / "gbk.toml").write_bytes('title = "巡查"'.encode("gbk"))
    with pytest.raises(FileError, match="cannot be read as TOML"):
        Rules.read(tmp_path / "gbk.toml")


def test_rules_are_frozen():
    with pytest.raises(AttributeError):
        DEFAULT_RULES.visits_per_day = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"doubt": 0.95}, "doubt 0.95 and confidence 0.95"),
        ({"confidence": 1.0}, "doubt 0.04 and confidence 1"),
        ({"seen_cells_share": 2.0}, "seen_cells_share is 2, it must be a share"),
        ({"seen_roads_share": -0.1}, "seen_roads_share is -0.1, it must be a share"),
        ({"hours_from": dt.time(22)}, "hours_from 22:00 must be before hours_to 22:00"),
    ],
)
def test_values_on_and_beyond_their_limits_are_refused(values, says):
    with pytest.raises(InputError, match=says):
        Rules(**values)
    assert Rules(seen_cells_share=1.0, seen_roads_share=0.0, doubt=0.94).name


def test_a_cell_of_two_classes_belongs_to_the_first():
    park = Rules(class_column="kind", class_values=("park", "both"))
    lane = Rules(class_column="kind", class_values=("both", "lane"))
    rules = Rules(classes=(park, lane))
    cells = pd.DataFrame({"kind": ["both", "lane", "park", "home"]})
    assert [(part.class_values, rows.tolist()) for part, rows in rules.by_class(cells)] == [
        (("park", "both"), [0, 2]),
        (("both", "lane"), [1]),
        ((), [3]),
    ]


def test_versions_of_several_files_are_kept_and_two_of_one_day_are_refused(tmp_path):
    paths = []
    for version, day in ((1, "2026-01-01"), (2, "2026-06-01"), (3, "2026-06-01")):
        paths.append(tmp_path / f"{version}.toml")
        paths[-1].write_text(f'id = "a"\nversion = {version}\nholds_from = {day}\n', encoding="utf-8")
    rules = Rules.read(paths[1], paths[0])
    assert [rules.on(dt.date(2026, month, 1)).name for month in (5, 6)] == ["a@1", "a@2"]
    with pytest.raises(InputError, match="a@2 and a@3 both hold from 2026-06-01"):
        Rules.read(*paths)
