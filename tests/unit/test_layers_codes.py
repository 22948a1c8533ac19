from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo.errors import CodeError, ImpossibleError
from geo.layers import Level, child_codes, is_code, level_of, parent_of
from geo.layers.codes import ancestor_codes, reading_order, require_unique


def test_level_and_parent_of_each_length() -> None:
    code = "320113003012034567"
    chain = []
    while code is not None:
        chain.append((level_of(code), code))
        code = parent_of(code)
    assert [level for level, _ in chain] == [Level.THIRD, Level.SECOND, Level.COMMUNITY, Level.STREET]
    assert chain[-1][1] == "320113003"


@pytest.mark.parametrize("code", ["", "320113", "3201130030O1", "320113003000", "３２０１１３００３", None, 320113003])
def test_malformed_codes(code: object) -> None:
    assert not is_code(code)


def test_level_of_malformed_code_raises() -> None:
    with pytest.raises(CodeError, match="9, 12, 15 or 18 digits"):
        level_of("32011")


def test_ancestor_codes_by_prefix_and_never_of_shorter_codes() -> None:
    codes = pd.Series(["320113003001002003", "320113003002001"], index=[7, 3])
    assert ancestor_codes(codes, Level.SECOND).to_dict() == {7: "320113003001002", 3: "320113003002001"}
    assert ancestor_codes(codes, Level.STREET).tolist() == ["320113003"] * 2
    with pytest.raises(CodeError, match="320113003002001"):
        ancestor_codes(codes, Level.THIRD)


def test_numbers_run_west_to_east_then_north_to_south() -> None:
    x, y = np.meshgrid([0.0, 100.0, 200.0], [0.0, 100.0, 200.0])
    codes = np.array(child_codes("320113003001", x.ravel(), y.ravel())).reshape(3, 3)
    assert [code[-3:] for code in codes[2]] == ["001", "002", "003"]  # the northern row first
    assert [code[-3:] for code in codes[0]] == ["007", "008", "009"]


def test_numbers_do_not_depend_on_row_order() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 1000, 50), rng.uniform(0, 700, 50)
    order = rng.permutation(50)
    assert np.array(child_codes("320113003", x, y))[order].tolist() == child_codes("320113003", x[order], y[order])


def test_more_than_999_children_are_refused() -> None:
    with pytest.raises(ImpossibleError, match="at most 999"):
        child_codes("320113003001", np.zeros(1000), np.arange(1000.0))


def test_reading_order_of_nothing_and_of_one_line() -> None:
    assert len(reading_order(np.empty(0), np.empty(0))) == 0
    assert reading_order(np.array([3.0, 1.0, 2.0]), np.zeros(3)).tolist() == [1, 2, 0]


def test_require_unique_names_the_codes() -> None:
    with pytest.raises(CodeError, match="b"):
        require_unique(["a", "b", "b"], "layer")
    require_unique(["a", "b"], "layer")
