"""Content of the page of the fairness map."""

from __future__ import annotations

import pandas as pd

from geo.layers import Level
from maps import fairness_map, render
from tests.unit.test_maps_coverage import payload


def compared(division, off):
    rows = division.second["code"]
    return {Level.SECOND: {"workload": pd.DataFrame({"code": rows, "off": off})}}


def test_shares_stand_at_their_grids_whatever_the_order(small_street) -> None:
    division = small_street.division()
    off = [0.01 * (k - 3) for k in range(len(division.second))]
    table = compared(division, off)
    table[Level.SECOND]["workload"] = table[Level.SECOND]["workload"].sample(frac=1, random_state=1)
    bounds = pd.DataFrame({"code": ["1"], "bound": [0.03], "reason": ["heavy"], "cell": ["2"]})
    page = render(fairness_map(division, table, tolerances={Level.SECOND: 0.05}, bounds=bounds))
    data = payload(page)
    assert data["measures"]["workload"]["2"] == [round(value, 3) for value in off]
    assert (data["tolerances"], data["far"]) == ({"2": 0.05}, 3.0)
    assert data["bounds"] == {"1": {"bound": 0.03, "reason": "heavy", "cell": "2"}}
    assert data["old"] is None
    assert data["title"]["zh"] == "示例街道网格均衡图"


def test_an_old_division_is_there_beside_the_new_one(small_street) -> None:
    division = small_street.division()
    half = division.with_layer(Level.SECOND, division.second.iloc[:4])
    zeros = compared(division, 0.0)
    page = render(
        fairness_map(division, zeros, tolerances={Level.SECOND: 0.05}, old=(half, compared(half, float("nan"))))
    )
    old = payload(page)["old"]
    assert old["measures"]["workload"]["2"] == [None] * 4
    assert len(old["grids"]["levels"][2]["code"]) == 4
