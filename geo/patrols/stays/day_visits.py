"""The visits of one day as arrays, cell by cell, for the computation of verdicts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.arrays import Bools, Floats, Ints, Objects
from geo.patrols.columns import ABSENCE_S, CODE, COUNTED, LIKELY_S, REASON, STAY_S
from geo.patrols.rules import Rules
from geo.patrols.stays.counted_visits import EXCLUDED
from geo.patrols.stays.moments import microseconds
from geo.patrols.stays.silences import Interval
from geo.patrols.stays.visit_counts import VisitCount, visit_count
from geo.tracks.columns import DEVICE, END, PROBABILITY, START

#: Probability that a stay without known holder was the leader's, and that a stay between two impossible steps is real.
UNPROVEN_P = 0.5
#: Share of `merge_gap_s` that the longest absence seen in a long stay must reach, if the stay may have been several: errors
#: shorten an absence at both ends, and rarely hide one of five minutes in many hours. Errors can hide one in a short walk
#: along a border, which is as long as they last.
SEEN_SHARE = 0.75


class DayVisits(NamedTuple):
    """Visits by code and start; `first` gives the rows of each code. Times in microseconds."""

    first: dict[str, tuple[int, int]]
    code: Objects
    device: Objects
    start: Ints
    end: Ints
    stay_s: Floats
    likely_s: Floats
    absence_s: Floats
    chance: Floats
    counted: Bools
    reason: Objects
    begins: Objects
    ends: Objects

    @classmethod
    def of(cls, visits: pd.DataFrame, rules: Rules) -> DayVisits:
        """Sort the visits of a day, with local clock times."""
        table = visits.sort_values([CODE, START, END, DEVICE], kind="stable")
        code = table[CODE].to_numpy(dtype=object)
        begins = np.flatnonzero(np.r_[True, code[1:] != code[:-1]][: len(code)])
        ends = np.r_[begins[1:], len(code)].astype(np.int64)
        clocks = (
            table[name].dt.tz_convert(rules.zone).dt.strftime("%H:%M").to_numpy(dtype=object) for name in (START, END)
        )
        return cls(
            {code[a]: (int(a), int(b)) for a, b in zip(begins, ends[: len(begins)], strict=True)},
            code,
            table[DEVICE].to_numpy(dtype=object),
            microseconds(table[START]),
            microseconds(table[END]),
            table[STAY_S].to_numpy(dtype=float),
            table[LIKELY_S].to_numpy(dtype=float),
            table[ABSENCE_S].to_numpy(dtype=float),
            table[PROBABILITY].to_numpy(dtype=float),
            table[COUNTED].to_numpy(dtype=bool),
            table[REASON].to_numpy(dtype=object),
            *clocks,
        )

    def of_cell(self, code: str) -> DayVisits:
        """The visits of one cell."""
        a, b = self.first.get(code, (0, 0))
        return DayVisits._make([{}, *(column[a:b] for column in self[1:])])

    def intervals(self, which: Bools) -> list[Interval]:
        """Start and end of selected visits, seconds since 1970."""
        return list(zip((self.start[which] / 1e6).tolist(), (self.end[which] / 1e6).tolist(), strict=True))

    def clock(self, k: int) -> str:
        """Local start and end of a visit as text."""
        return f"{self.begins[k]}–{self.ends[k]}"

    def outside_s(self) -> Floats:
        """Time between start and end of each stay that was expected outside the cell, seconds."""
        outside: Floats = np.maximum((self.end - self.start) / 1e6 - self.likely_s, 0.0)
        return outside

    def maybe_several(self, rules: Rules) -> Bools:
        """Whether each stay may have been several: it is short, or an absence seen in it was nearly long enough to end it."""
        found: Bools = ~self.long(rules) | (self.absence_s >= SEEN_SHARE * rules.merge_gap_s)
        return found

    def long(self, rules: Rules) -> Bools:
        """Whether each stay is long enough for two visits at the required distance."""
        found: Bools = self.stay_s >= max(2.0 * rules.min_between_s, rules.min_stay_s)
        return found

    def numbers(self, rules: Rules) -> tuple[VisitCount, list[Floats], tuple[Floats, Floats], dict[str, int]]:
        """Distribution of the number of visits, given the probability of each stay.

        Returns
        -------
        Number
            Of the visits not excluded by the rules.
        list
            Probability of reaching 1, 2, ... required visits, including stays with unknown holder or place.
        tuple
            Probability of reaching the required number if each stay ended as early as its time outside allows; and if stays that
            count are visits only with their probability.
        dict
            Row of each code.
        """
        place = {code: k for k, code in enumerate(self.first)}
        group = np.repeat(np.arange(len(place)), [b - a for a, b in self.first.values()]).astype(np.int64)

        def number(chance: Floats, required: int, end: Ints = self.end) -> VisitCount:
            return visit_count(
                group,
                self.start,
                end,
                chance,
                groups=len(place),
                apart=rules.min_between_s * 1e6,
                required=required,
            )

        chance = np.where(np.isin(self.reason, EXCLUDED), 0.0, self.chance)
        open_ = np.where(self.reason == "unnamed", UNPROVEN_P * self.chance, chance)
        open_ = np.where(self.reason == "detached", UNPROVEN_P * open_, open_)
        together = number(open_, rules.visits_per_day).p_required
        open_ = np.where(self.counted, 1.0, open_)
        reached = [number(open_, required).p_required for required in range(1, rules.visits_per_day + 1)]
        outside_s = self.outside_s()
        # A stay with an absence longer than those that are joined is two, and the first may have been short.
        parted = (outside_s >= rules.merge_gap_s) & self.maybe_several(rules)
        first_s = np.where(parted, rules.min_stay_s, (self.end - self.start) / 1e6 - outside_s)
        early = np.minimum(self.start + np.rint(first_s * 1e6).astype(np.int64), self.end)
        apart = number(open_, rules.visits_per_day, early).p_required
        return number(chance, rules.visits_per_day), reached, (apart, together), place
