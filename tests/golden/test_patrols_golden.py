"""The results of the small day equal the recorded ones."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("golden_record", Path(__file__).with_name("record.py"))
assert _spec is not None
assert _spec.loader is not None
record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record)


@pytest.fixture(scope="module")
def made():
    # Through JSON, like the file.
    return json.loads(json.dumps(record.records()))


def test_nothing_has_changed_unmeant(made):
    kept = json.loads(record.FILE.read_text(encoding="utf-8"))
    assert made["marks"] == kept["marks"]
    assert made["signs"] == kept["signs"]
    for now, then in zip(made["cells"], kept["cells"], strict=True):
        assert now == then, then["verdict"]["code"]


def test_the_day_is_what_it_is_said_to_be(made):
    verdicts = {cell["verdict"]["code"]: cell["verdict"]["verdict"] for cell in made["cells"]}
    assert verdicts["A"] == "met"
    assert (verdicts["B"], verdicts["C"], verdicts["F"]) == ("unknown", "not_visited", "unknown")
    assert made["marks"]["mock"] == 60
    assert "D6 mock" in made["signs"]
    assert len({cell["sha256"] for cell in made["cells"]}) == 6
