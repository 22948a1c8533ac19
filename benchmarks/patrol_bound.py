"""Which grids of the simulated days a judge leaves open who knows the phones and the walks, but not where the errors moved them.

    python -m benchmarks.patrol_bound [--habits base,borders,cafe] [--seeds 9407,9408] [--draws 200]

The judge of this benchmark knows much that no program can know. He has a position for each second, without silences, knows
who rides, the standard deviation and correlation time of the errors of each phone, and the exact shape of each walk. He does not
know by how much an error has shifted that shape. The mean error of a walk of T seconds is then normal, with a variance of
``sd**2 * 2 * lasts / (2 * lasts + T)``. He shifts each walk back by such errors, judges each result by the rule, and so has the
probability that the grid was visited often enough. Grids between two thresholds stay open.

It is a yardstick, not a bound for every method: roads, walls, where people usually walk, and what one walk tells about the error
of the next are not used, and every shift of a walk is as likely before the fixes as any other. Leaders alone are judged, so
habits with deputies, nights or wrong clocks are refused.
"""

from __future__ import annotations

import argparse

import numpy as np
import shapely

from benchmarks.habits import HABITS, Day, Ground, Rule, simulate
from benchmarks.habits.phones import error_law
from benchmarks.habits.rule import stays_of
from benchmarks.patrol_habits import FIRST

HEADINGS = ("habit", "decided from", "failing", "passed", "decided", "passing", "failed", "unknown")

#: Smallest probability for a verdict, of those that the judge may ask for.
DECIDED_FROM = (0.95, 0.98, 0.99)

#: Distance from a cell beyond which a place is not in it, standard deviations of the error.
REACH_SD = 6.0


def number_of_visits(seconds, inside, rule: Rule) -> int:
    """Visits to one cell by one person: the largest number of patrols that are far enough apart."""
    visits, free = 0, -np.inf
    for *_, start, end, _, duty_s in stays_of(seconds, np.where(inside, 0, -1), np.zeros(len(seconds), bool), rule, ""):
        if duty_s >= rule.min_stay_s and start >= free:
            visits, free = visits + 1, end + rule.min_between_s
    return visits


def walks(seconds, rule: Rule) -> np.ndarray:
    """Number of the walk of each second: absences of more than the merge gap part two walks."""
    return np.cumsum(np.r_[0, np.diff(seconds) > rule.merge_gap_s])[: len(seconds)]


def shift_sd_m(lasts_s, sd_m: float, correlation_s: float):
    """Standard deviation of the mean over a time of a Gauss-Markov error, as the weights with the least variance give it."""
    return sd_m * np.sqrt(2 * correlation_s / (2 * correlation_s + lasts_s))


def chances(day: Day, ground: Ground, draws: int, rng) -> np.ndarray:
    """For each cell the probability that it was visited often enough, as the judge sees it."""
    found = np.zeros(len(ground.codes))
    leads = day.cells["leader"].to_numpy()
    for name, (way,) in day.ways.items():
        seconds, xy, ride = way.each_second()
        sd, correlation = error_law(day, name)
        for cell in np.flatnonzero(leads == name):
            box = shapely.box(*ground.bounds[cell]).buffer(REACH_SD * sd)
            near = np.flatnonzero(shapely.intersects_xy(box, xy) & ~ride)
            if len(near) == 0:
                continue
            walk = walks(seconds[near], day.rule)
            spread = shift_sd_m(np.bincount(walk).astype(float), sd, correlation)
            seen_off, *may_be_off = rng.normal(size=(1 + draws, len(spread), 2)) * spread[:, None]
            seen = xy[near] + seen_off[walk]
            for off in may_be_off:
                inside = shapely.intersects_xy(ground.shapes[cell], seen - off[walk])
                found[cell] += number_of_visits(seconds[near], inside, day.rule) >= day.rule.visits_per_day
    return found / draws


def main() -> None:
    """Print a table of the grids that the judge passes, fails and leaves open."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--habits", default="base,borders,cafe")
    parser.add_argument("--seeds", default="9407,9408")
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    ground = Ground.read()
    print("| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS))
    for kind in options.habits.split(","):
        habit = HABITS[kind]
        if habit.night or habit.swap or habit.wrong_clock:
            parser.error(f"{kind}: only days of one shift and of leaders with right clocks are judged")
        days = [simulate(kind, ground, officers=255, seed=int(seed), first=FIRST) for seed in options.seeds.split(",")]
        met = np.concatenate([(day.verdicts["verdict"] == "met").to_numpy() for day in days])
        rng = np.random.default_rng(1)
        chance = np.concatenate([chances(day, ground, options.draws, rng) for day in days])
        for least in DECIDED_FROM:
            passed, failed = chance >= least, chance <= 1 - least
            decided, unknown = (passed | failed)[~met].mean(), (~passed & ~failed)[met].mean()
            row = (kind, least, (~met).sum(), (passed & ~met).sum(), f"{decided:.1%}")
            print(
                "| " + " | ".join(map(str, (*row, met.sum(), (failed & met).sum(), f"{unknown:.1%}"))) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
