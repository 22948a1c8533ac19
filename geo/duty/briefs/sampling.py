"""Draws a random sample of cases for the public review (群众评议), stratified by community, with a published seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geo.duty.case import Case
from geo.duty.events import State
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
