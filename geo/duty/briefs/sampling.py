"""Draws a random sample of cases for the public review (群众评议), stratified by community, with a published seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geo.duty.case import Case
from geo.duty.events import State
from geo.duty.facts import Facts
from geo.duty.ledgers.wording import place_text, problem_text, state_text
from geo.errors import InputError


def sample_for_review(cases: Mapping[str, Case], size: int, *, seed: int) -> list[str]:
    """Draw closed cases, in proportion to the closed cases of each community, at least one from each that has any.

    Parameters
    ----------
    cases
        Cases by number.
    size
        Sample size; all closed cases if there are fewer. At least one case per community is drawn even if this is smaller.
    seed
        Published with the result: the same cases and seed give the same sample, which anybody can verify.

    Returns
    -------
    list of str
        Numbers, by community and number.

    Raises
    ------
    InputError
        If `size` is below 1.
    """
    if size < 1:
        raise InputError(f"a sample has at least one case, not {size}")
    strata: dict[str, list[str]] = {}
    for number, case in sorted(cases.items()):
        if case.state is State.CLOSED:
            strata.setdefault(case.community, []).append(number)
    total = sum(len(numbers) for numbers in strata.values())
    size = min(size, total)
    rng = np.random.default_rng(seed)
    drawn = []
    for community in sorted(strata):
        numbers = strata[community]
        wanted = min(len(numbers), max(1, round(size * len(numbers) / total)))
        drawn += sorted(rng.choice(numbers, wanted, replace=False).tolist())
    return drawn


#: Columns of a review that the reviewers fill in.
QUESTIONS = ("问题是否解决", "对办理是否满意", "意见")


def sheet_rows(facts: Facts, numbers: Sequence[str]) -> pd.DataFrame:
    """The sheet on which reviewers answer about sampled cases; without names and contacts of reporters.

    Parameters
    ----------
    numbers
        Sample of :func:`sample_for_review`.

    Returns
    -------
    DataFrame
        `序号 办件号 社区 地点 问题 承办 办结日期 结果` and the empty columns of :data:`QUESTIONS`, in the order of the sample.
    """
    rows = []
    for place, number in enumerate(numbers, start=1):
        case = facts.cases[number]
        closed = "" if case.closed_at is None else f"{facts.local(case.closed_at):%Y-%m-%d}"
        community = facts.cell_names.get(case.community, case.community)
        handled = "网格责任人" if case.assigned_at is None else facts.name_of(case.unit or "")
        rows.append(
            {
                "序号": place,
                "办件号": number,
                "社区": community,
                "地点": place_text(facts, case),
                "问题": problem_text(facts, case),
                "承办": handled,
                "办结日期": closed,
                "结果": state_text(case),
                **dict.fromkeys(QUESTIONS, ""),
            }
        )
    return pd.DataFrame(rows)
