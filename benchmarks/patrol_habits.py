"""Verdicts on days of other habits: which grids are passed, failed and left open, by habit and by time between fixes.

    python -m benchmarks.patrol_habits [--habits base,ebike] [--seeds 701,702] [--rates 10,60] [--officers 255,60] [--who leader]

The days come from :mod:`benchmarks.habits`, which is independent of the evaluated code. A long run can be split by the options.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta

from api.commands.patrols.verified import verify_tracks
from benchmarks.habits import HABITS, Ground, fixes, simulate
from geo.patrols import DEFAULT_RULES

FIRST = dt.date(2026, 11, 23)

#: Intervals of fixes in the goals, seconds.
RATES_S = (10, 60, 300, 600, 900)

HEADINGS = (
    "habit",
    "officers",
    "fixes every",
    "failing grids",
    "of them passed",
    "of them not decided",
    "passing grids",
    "of them failed",
    "of them unknown",
    "stays given 95 %",
    "of them false",
    "visits, number / true",
)


def upper_bound(number: int, of: int) -> float:
    """The largest share compatible with `number` of `of`, one-sided 95 % (Clopper and Pearson)."""
    return 1.0 if number >= of else float(beta.ppf(0.95, number + 1, of - number))


def rules_of(day, who: str):
    """The default rule set with the hours of a simulated day's rule."""
    from_s, to_s = day.rule.hours_from_s, day.rule.hours_to_s
    hours = {"hours_from": _clock(from_s), "hours_to": _clock(to_s)}
    return dataclasses.replace(DEFAULT_RULES, who=who, **hours)


def _clock(seconds: int) -> dt.time:
    return (dt.datetime.min + dt.timedelta(seconds=seconds)).time()


def judged(day, rate_s: float, who: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stays found by the product and its verdicts on all judged days, with its doubt about wrong clocks.

    Stays of a device whose clock is named as wrong are left out: nothing is claimed about their times.
    """
    table = fixes(day, rate_s=rate_s).drop(columns="received")
    table = table.assign(speed=np.nan, source="phones.csv", declared_datum="WGS-84")
    verified = verify_tracks(table, day.cells, rules=rules_of(day, who), days=day.days)
    right = ~verified.visits["device"].isin(list(verified.clock_shifts))
    return verified.visits[right], verified.verdicts


def compared(day, made: pd.DataFrame, verdicts: pd.DataFrame) -> Counter:
    """Counts of one day: grids by truth and verdict, false claims of certainty, and visits."""
    both = day.verdicts.merge(verdicts, on=["code", "day"], suffixes=("_true", ""), validate="one_to_one")
    met, verdict = both["verdict_true"] == "met", both["verdict"]
    claims = true_claims(day, made)
    return Counter(
        failing=int((~met).sum()),
        passed=int((~met & (verdict == "met")).sum()),
        open=int((~met & (verdict == "unknown")).sum()),
        passing=int(met.sum()),
        failed=int((met & verdict.isin(["short", "not_visited"])).sum()),
        unknown=int((met & (verdict == "unknown")).sum()),
        claims=len(claims),
        false=int((~claims).sum()),
        number=float(both["visits_expected"].sum() + both["visits_hidden"].sum()),
        true=int(both["visits_true"].sum()),
    )


def true_claims(day, made: pd.DataFrame) -> pd.Series:
    """For each stay with a probability of at least 95 %: whether its person was truly in the cell meanwhile, on foot and as
    long as the rule requires.
    """
    sure = made[(made["probability"] >= 0.95) & ~made["reason"].isin(["vehicle", "off_hours"])].reset_index(drop=True)
    true = day.stays[day.stays["patrol"]]
    pairs = sure.reset_index().merge(
        true, left_on=["code", "officer"], right_on=["code", "person"], suffixes=("", "_true")
    )
    pairs = pairs[(pairs["start"] < pairs["end_true"]) & (pairs["end"] > pairs["start_true"])]
    return pd.Series(sure.index.isin(pairs["index"]), index=sure.index)


def counts(
    habit: str, officers: int, rates_s: list[int], seeds: list[int], ground: Ground, who: str
) -> dict[int, Counter]:
    """Sum the counts of one habit over the seeds, by rate."""
    total = {rate_s: Counter() for rate_s in rates_s}
    for seed in seeds:
        day = simulate(habit, ground, officers=officers, seed=seed, first=FIRST)
        for rate_s in rates_s:
            total[rate_s].update(compared(day, *judged(day, rate_s, who)))
    return total


def row(habit: str, officers: int, rate_s: int, count: Counter) -> list[str]:
    """One line of the table: counts, each with the upper bound of its share."""

    def bounded(name: str, of: str) -> str:
        return f"{count[name]} (≤ {upper_bound(count[name], count[of]):.1%})"

    return [
        habit,
        str(officers),
        f"{rate_s} s",
        str(count["failing"]),
        bounded("passed", "failing"),
        bounded("open", "failing"),
        str(count["passing"]),
        bounded("failed", "passing"),
        bounded("unknown", "passing"),
        str(count["claims"]),
        bounded("false", "claims"),
        f"{count['number'] / max(count['true'], 1):.3f}",
    ]


def habits(
    names: list[str], seeds: list[int], rates_s: list[int], officers: list[int], *, who: str = "leader"
) -> list[list[str]]:
    """Rows of the table for all pieces, each printed as soon as it is computed."""
    ground, rows = Ground.read(), []
    for name in names:
        for staff in officers:
            for rate_s, count in counts(name, staff, rates_s, seeds, ground, who).items():
                rows.append(row(name, staff, rate_s, count))
                print("| " + " | ".join(rows[-1]) + " |", flush=True)
    return rows


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that select the days, so that they can be run in pieces."""
    parser.add_argument("--habits", default=",".join(HABITS), help=f"some of {', '.join(HABITS)}")
    parser.add_argument("--rates", default=",".join(map(str, RATES_S)), help="seconds between fixes")
    parser.add_argument("--officers", default="255,60")
    parser.add_argument("--who", default="leader", choices=["leader", "anyone"])


def rows_of(options: argparse.Namespace, seeds: list[int]) -> list[list[str]]:
    """Run the selection of the options of :func:`add_options`."""
    names = options.habits.split(",")
    unknown = [name for name in names if name not in HABITS]
    if unknown:
        raise SystemExit(f"no habit {', '.join(unknown)}; there are {', '.join(HABITS)}")
    rates, officers = ([int(value) for value in text.split(",")] for text in (options.rates, options.officers))
    return habits(names, seeds, rates, officers, who=options.who)


def main() -> None:
    """Print the table for the selected habits, seeds and rates."""
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--seeds", default="701,702,703,704", help="none of them used to choose a constant")
    add_options(parser)
    options = parser.parse_args()
    print("| " + " | ".join(HEADINGS) + " |\n" + "| --- " * len(HEADINGS) + "|")
    rows_of(options, [int(seed) for seed in options.seeds.split(",")])


if __name__ == "__main__":
    main()
