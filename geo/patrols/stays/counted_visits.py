"""Joins presences into stays, and decides whether each counts under a rule set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import Floats, Ints
from geo.errors import ColumnError, InputError
from geo.patrols.columns import (
    ABSENCE_S,
    CODE,
    COUNTED,
    DAY,
    DETACHED_S,
    EARLIEST,
    HOURS_S,
    KIND,
    LATEST,
    LIKELY_S,
    NEAR_RIDE_M,
    NEAR_RIDE_S,
    OWN_PROBABILITY,
    OWN_REASON,
    PRESENCE_COLUMNS,
    REASON,
    RESTING_S,
    RIDDEN_M,
    RIDDEN_S,
    RIDE_IN_S,
    RIDE_OUT_S,
    SPEED_M_S,
    SPREAD_S2,
    STAY_S,
    SURE_FIXES,
    SURE_S,
    VISIT_COLUMNS,
)
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.stays.moments import hours, microseconds
from geo.patrols.stays.pace import RIDDEN_SHARE, paced
from geo.patrols.stays.spacing import space_visits
from geo.patrols.stays.stay_probability import (
    LEAST_SD_S,
    USUAL_STEP_S,
    own_probability,
    prior_odds,
    probability_from_fixes,
    with_prior_odds,
)
from geo.tracks.columns import CELL, DEVICE, DURATION_S, END, FIXES, LENGTH_M, OFFICER, PROBABILITY, START

#: Reasons that exclude a stay regardless of its duration.
EXCLUDED = ("vehicle", "on_foot", "off_hours", "not_leader", "unnamed")

_OPTIONAL = (RESTING_S, RIDE_IN_S, RIDE_OUT_S, RIDDEN_S, NEAR_RIDE_S, NEAR_RIDE_M, RIDDEN_M, DETACHED_S, SURE_FIXES)

#: More than the times of one local day, microseconds.
_TWO_DAYS_US = 2 * 86_400_000_000

#: Share of the expected time ridden from which a stay without time enough on foot was driven through.
THROUGH_SHARE = 0.5
#: Minimum variance of the time of a stay of which any part is in doubt, seconds²: contributions of opposite signs nearly cancel.
LEAST_SPREAD_S2 = 1.0
#: Share of the expected time in a run of fixes between two impossible steps, from which a stay is not proven.
DETACHED_SHARE = 0.2
#: Probability from the fixes alone, without the prior, from which a stay is in doubt: most such stays cross a corner for a
#: minute or two.
PLAIN_DOUBT = 0.1

#: Share of a time beside a cell expected inside from which the device may have stayed there all the time.
STAYED_FROM = 0.1

#: Minimum probability for listing a stay that the path missed completely.
KEPT_FROM = 0.02

#: Maximum interval between fixes that is used as error of the crossing times; longer intervals are silences.
MOST_TIMING_S = 120.0


def visits(presences: pd.DataFrame, *, rules: Rules = DEFAULT_RULES, cells: pd.DataFrame | None = None) -> pd.DataFrame:
    """Join presences into stays and decide which of them count as visits.

    Parameters
    ----------
    presences
        As returned by :func:`geo.patrols.presences`; rows of all kinds are needed.
    rules
        The rule set. Each day is judged by the version valid on it.
    cells
        The cells with `code` and the columns that define classes; needed if the rules have parts for classes.

    Returns
    -------
    DataFrame
        One row for each stay of a device in a cell on a local day, by code and start: `code`, `device`, `officer`, `start` and
        `end` (on foot, if patrols are), `stay_s` (time inside, without short absences), `counted`, `reason` (a key of
        :data:`REASONS`, ``''`` if counted), `day`, `hours_s` (the stay within hours of duty), `likely_s` (expected time inside
        within hours of duty, given the errors), `probability` (that the true stay was long enough, and by the required means),
        `speed_m_s` (mean),
        `fixes`, `earliest` and `latest` (possible start and end, if the device was silent or so near the border that it may
        have been inside just before or after; otherwise `start` and `end`), `own_probability` and `own_reason`: probability
        and reason if the officer is the leader or a deputy of the cell, without regard to other stays, and `absence_s`: the
        longest absence seen in the stay. A stay of 0 s was missed by the path but is possible within the error.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If the rules have parts for classes and no cells are given.

    Notes
    -----
    A stay ends when the device was seen outside or ridden for more than `merge_gap_s`. Silence does not count as outside: two
    presences with only silence between them are one stay. Of visits that overlap, or follow within `min_between_s`, the largest
    possible number counts, found by taking the earliest end first.

    The time that is certainly inside counts fully; the remaining true time inside is modelled as a beta variable with
    the mean and variance of the presences. A visit counts if the probability that it reaches `min_stay_s` is at least
    `confidence`.
    """
    # Presences from other sources may lack columns for rides, runs between jumps and isolated fixes.
    presences = presences.assign(**{name: 0.0 for name in _OPTIONAL if name not in presences})
    missing = [column for column in PRESENCE_COLUMNS if column not in presences]
    if missing:
        raise ColumnError(f"presences: no column {', '.join(missing)}; make them with geo.patrols.presences")
    parts = [_visits(some, part) for part, some in _by_rules(presences, rules, cells)]
    table = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    return table.sort_values([CODE, START, DEVICE, OFFICER], kind="stable", ignore_index=True)[list(VISIT_COLUMNS)]


def _by_rules(
    presences: pd.DataFrame, rules: Rules, cells: pd.DataFrame | None
) -> Iterator[tuple[Rules, pd.DataFrame]]:
    """The presences of each version and of each part for a class; at least one piece, possibly empty."""
    if not rules.earlier and not rules.classes:
        yield rules, presences
        return
    versions = {day: rules.on(day) for day in presences[DAY].unique()}
    for version in dict.fromkeys([rules, *versions.values()]):
        days = [day for day, held in versions.items() if held is version]
        some = presences[presences[DAY].isin(days)]
        if not version.classes:
            yield version, some
            continue
        if cells is None:
            raise InputError(f"rules {version.name} have parts for classes of cells; give the cells")
        for part, rows in version.by_class(cells):
            yield part, some[some[CELL].isin(cells[CODE].iloc[rows])]


def _visits(presences: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Visits under one rule set."""
    stays = _stays(presences, rules)
    steps_s = _usual_steps(presences, stays)
    walked = paced(stays, steps_s, rules)
    plain = probability_from_fixes(stays, rules)
    own = own_probability(plain, steps_s, stays, rules)
    # Nobody is likelier to have stayed than the leader.
    chance = np.minimum(with_prior_odds(plain, prior_odds(stays, steps_s), stays, rules), own)
    own = own * walked
    chance = np.where((plain >= PLAIN_DOUBT) & (chance < rules.doubt), rules.doubt, chance) * walked
    keep = (stays[STAY_S].to_numpy() > 0) | (stays[FIXES].to_numpy() > 0) | (np.maximum(chance, own) >= KEPT_FROM)
    made = {PROBABILITY: chance[keep], OWN_PROBABILITY: own[keep], "paced": walked[keep]}
    stays = stays[keep].assign(**made).reset_index(drop=True)
    stays = stays.assign(**_bounds(presences, stays, _timing_errors(stays, steps_s[keep]), rules))
    reason = _alone(stays, stays[PROBABILITY], rules)
    stays[OWN_REASON] = _alone(stays, stays[OWN_PROBABILITY], rules)
    space_visits(stays, reason, rules)
    return stays.assign(**{REASON: reason, COUNTED: reason == ""})


def _stays(presences: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Join the presences of one walker in one cell on one day that are separated by less than the merge gap."""
    table = presences.sort_values([CELL, DEVICE, OFFICER, DAY, START, END], kind="stable", ignore_index=True)
    owner: Ints = np.asarray(
        table.groupby([CELL, DEVICE, OFFICER, DAY], sort=False, dropna=False).ngroup(), dtype=np.int64
    )
    start, end = (microseconds(table[column]) for column in (START, END))
    kind = table[KIND].to_numpy(dtype=object)
    silent = np.where(kind == "unknown", end - start, 0)
    heard_before = np.cumsum(silent) - silent
    ride_in, ride_out = _ride_ends(table, rules)
    # Stays are made of the presences that were not ridden all the time.
    afoot = (kind == "inside") & _some_on_foot(ride_in, end - start)
    inside = np.flatnonzero(afoot)
    # The time since the previous presence minus the silence in it is the time in which the device was seen elsewhere.
    away = (start + ride_in)[inside][1:] - (end - ride_out)[inside][:-1] - np.diff(heard_before[inside])
    joins = (np.diff(owner[inside]) == 0) & (away <= rules.merge_gap_s * 1e6)
    stay = np.cumsum(np.r_[True, ~joins][: len(inside)]) - 1
    near = np.flatnonzero((kind == "near") | ((kind == "inside") & ~afoot))
    theirs = _attached(owner, start, end, inside, np.asarray(stay, dtype=np.int64), near, rules)
    absence_s = np.zeros(len(table))
    absence_s[inside[1:]] = np.where(joins, away / 1e6, 0.0)
    return _summed(
        table.assign(**{ABSENCE_S: absence_s}), np.r_[inside, near], np.r_[stay, theirs].astype(np.int64), rules
    )


def _ride_ends(rows: pd.DataFrame, rules: Rules) -> tuple[Ints, Ints]:
    """The rides with which each row begins and ends, microseconds; 0 if patrols need not be on foot."""
    foot = 1e6 if rules.mode == "foot" else 0.0
    ride_in, ride_out = (np.rint(rows[name].to_numpy() * foot).astype(np.int64) for name in (RIDE_IN_S, RIDE_OUT_S))
    return ride_in, ride_out


def _some_on_foot(ride_in: Ints, lasts: Ints) -> npt.NDArray[np.bool_]:
    """Whether each row was not ridden all the time; a single fix was not."""
    on_foot: npt.NDArray[np.bool_] = (ride_in < lasts) | (lasts == 0)
    return on_foot


def _timing_errors(stays: pd.DataFrame, step_s: Floats) -> Ints:
    """Error of the start and end of each stay, microseconds.

    The time of a border crossing between two fixes is known to within their interval. If no error matters it is exact.
    """
    off_s = np.where(stays[SPREAD_S2].to_numpy(dtype=float) > 0, np.minimum(step_s, MOST_TIMING_S) + LEAST_SD_S, 0.0)
    errors: Ints = np.rint(off_s * 1e6).astype(np.int64)
    return errors


def _bounds(presences: pd.DataFrame, stays: pd.DataFrame, errors: Ints, rules: Rules) -> dict[str, pd.Series]:
    """Possible start and end of each stay, including adjacent time in which the device was not seen to leave.

    `errors` are those of the times themselves. The remainder is silence, and time at the border in which the device may have
    been inside within the error. If such times connect two stays of the same walker, both may be one.
    """
    key = [CODE, DEVICE, OFFICER, DAY]
    unseen = presences[KIND] == "unknown"
    unseen |= (presences[KIND] == "near") & (presences[LIKELY_S] >= STAYED_FROM * presences[DURATION_S])
    beside = presences[unseen].rename(columns={CELL: CODE})
    rows = pd.concat([stays[[*key, START, END]], beside[[*key, START, END]]], ignore_index=True)
    walker = rows.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    start, end = microseconds(rows[START]), microseconds(rows[END])
    order = np.lexsort((start, walker))
    begins, group = start[order], pd.Series(walker[order])
    # The latest end so far is a running maximum for each walker.
    reached = pd.Series(end[order]).groupby(group).cummax().to_numpy()
    joins = (np.diff(group) == 0) & (begins[1:] <= reached[:-1] + int(rules.merge_gap_s * 1e6))
    chain = np.cumsum(np.r_[True, ~joins][: len(order)]) - 1
    first = np.flatnonzero(np.r_[True, ~joins][: len(order)])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = chain
    place = place[: len(stays)]
    last = np.r_[first[1:], len(order)][: len(first)] - 1
    return {
        name: pd.Series(pd.to_datetime(at, unit="us", utc=True).as_unit("us"), index=stays.index)
        for name, at in ((EARLIEST, begins[first][place] - errors), (LATEST, reached[last][place] + errors))
    }


def _attached(owner: Ints, start: Ints, end: Ints, inside: Ints, stay: Ints, near: Ints, rules: Rules) -> Ints:
    """The stay that each time near a cell belongs to, or a new number."""
    number = int(stay.max(initial=-1)) + 1
    first = np.flatnonzero(np.r_[True, np.diff(stay) > 0][: len(stay)])
    last = np.r_[first[1:], len(stay)][: len(first)] - 1
    of, begins, ends = owner[inside[first]], start[inside[first]], end[inside[last]]
    gap = int(rules.merge_gap_s * 1e6)
    # Owners are consecutive, each with the times of one day.
    low = start[np.searchsorted(owner, np.arange(int(owner.max(initial=-1)) + 1))]
    middle = start[near] + (end[near] - start[near]) // 2
    after = np.searchsorted(
        of * _TWO_DAYS_US + begins - low[of], owner[near] * _TWO_DAYS_US + middle - low[owner[near]], side="right"
    )
    found = np.full(len(near), -1, dtype=np.int64)
    best = np.full(len(near), gap + 1, dtype=np.int64)
    for place in (after - 1, after):
        k = np.clip(place, 0, max(len(of) - 1, 0))
        if len(of) == 0:
            break
        apart = np.maximum(np.maximum(begins[k] - middle, middle - ends[k]), 0)
        take = (place >= 0) & (place < len(of)) & (of[k] == owner[near]) & (apart < best)
        found[take], best[take] = k[take], apart[take]
    alone = np.flatnonzero(found < 0)
    joins = (np.diff(owner[near[alone]]) == 0) & (start[near[alone]][1:] - end[near[alone]][:-1] <= gap)
    found[alone] = number + np.cumsum(np.r_[True, ~joins][: len(alone)]) - 1
    return found


def _summed(table: pd.DataFrame, rows: Ints, stay: Ints, rules: Rules) -> pd.DataFrame:
    """Sum the rows of each stay; time outside the hours of duty does not contribute to the expected time."""
    order = rows[np.argsort(stay, kind="stable")]
    stay = np.sort(stay)
    some = table.iloc[order]
    first = np.flatnonzero(np.r_[True, np.diff(stay) != 0][: len(stay)])
    if len(first) == 0:
        none = {CODE: object, DEVICE: object, OFFICER: object, DAY: object}
        empty = {name: pd.Series(dtype=none.get(name, float)) for name in (*none, START, END, *_SUMS)}
        return pd.DataFrame(empty).astype({START: "datetime64[us, UTC]", END: "datetime64[us, UTC]", FIXES: np.int64})
    inside = (some[KIND] == "inside").to_numpy()
    lasts, hours_s = some[DURATION_S].to_numpy(), _in_hours_s(some, rules)
    share = np.divide(hours_s, lasts, out=np.zeros(len(some)), where=lasts > 0)
    # Near a cell, the expected time inside is used as the time inside.
    spent = np.where(inside, lasts, some[LIKELY_S].to_numpy())
    columns = {
        "spent_s": spent,
        STAY_S: lasts * inside,
        HOURS_S: hours_s * inside,
        "room_s": hours_s,
        LIKELY_S: some[LIKELY_S].to_numpy() * share,
        SPREAD_S2: some[SPREAD_S2].to_numpy() * share,
        SURE_S: some[SURE_S].to_numpy() * share,
        LENGTH_M: some[LENGTH_M].to_numpy(),
        RIDDEN_S: some[RIDDEN_S].to_numpy() * share,
        NEAR_RIDE_S: some[NEAR_RIDE_S].to_numpy() * share,
        NEAR_RIDE_M: some[NEAR_RIDE_M].to_numpy() * share,
        RIDDEN_M: some[RIDDEN_M].to_numpy(),
        DETACHED_S: some[DETACHED_S].to_numpy() * share,
        SURE_FIXES: np.where(hours_s >= lasts, some[SURE_FIXES].to_numpy(), 0),
        FIXES: some[FIXES].to_numpy(),
    }
    sums = {name: np.add.reduceat(values, first) for name, values in columns.items()}
    spread = sums[SPREAD_S2]
    sums[SPREAD_S2] = np.where(spread == 0, 0.0, np.maximum(spread, LEAST_SPREAD_S2))
    sums[ABSENCE_S] = np.maximum.reduceat(some[ABSENCE_S].to_numpy(), first)
    start, end = microseconds(some[START]), microseconds(some[END])
    ride_in, ride_out = _ride_ends(some, rules)
    early, late = np.minimum.reduceat(start, first), np.maximum.reduceat(end, first)
    # If the path was inside, its times define start and end; if it was there on foot, those on foot.
    for which, from_, to in (
        (inside, start, end),
        (inside & _some_on_foot(ride_in, end - start), start + ride_in, end - ride_out),
    ):
        some_are = np.logical_or.reduceat(which, first)
        early = np.where(some_are, np.minimum.reduceat(np.where(which, from_, np.iinfo(np.int64).max), first), early)
        late = np.where(some_are, np.maximum.reduceat(np.where(which, to, np.iinfo(np.int64).min), first), late)
    of = some.iloc[first]
    names = {CODE: of[CELL], DEVICE: of[DEVICE], OFFICER: of[OFFICER], DAY: of[DAY]}
    speed = np.divide(sums[LENGTH_M], sums["spent_s"], out=np.zeros(len(first)), where=sums["spent_s"] > 0)
    times = {name: pd.to_datetime(at, unit="us", utc=True).as_unit("us") for name, at in ((START, early), (END, late))}
    return pd.DataFrame(
        {name: column.to_numpy(dtype=object) for name, column in names.items()} | times | sums | {SPEED_M_S: speed}
    )


_SUMS = (
    "spent_s",
    STAY_S,
    HOURS_S,
    "room_s",
    LIKELY_S,
    SPREAD_S2,
    SURE_S,
    LENGTH_M,
    RIDDEN_S,
    NEAR_RIDE_S,
    NEAR_RIDE_M,
    RIDDEN_M,
    DETACHED_S,
    SURE_FIXES,
    FIXES,
    ABSENCE_S,
    SPEED_M_S,
)


def _usual_steps(presences: pd.DataFrame, stays: pd.DataFrame) -> Floats:
    """Mean interval between fixes of the device of each stay while inside cells on that day, rests left out, seconds."""
    inside = presences[presences[KIND] == "inside"].groupby([DEVICE, DAY])[[DURATION_S, RESTING_S, FIXES]].sum()
    step = ((inside[DURATION_S] - inside[RESTING_S]) / inside[FIXES])[inside[FIXES] > 1].clip(1.0, 600.0)
    usual: Floats = (
        step.reindex(pd.MultiIndex.from_frame(stays[[DEVICE, DAY]])).fillna(USUAL_STEP_S).to_numpy(dtype=float)
    )
    return usual


def _alone(stays: pd.DataFrame, chance: pd.Series, rules: Rules) -> npt.NDArray[np.object_]:
    """Judge each stay independently, given its probability: the first rule that it fails."""
    reason = np.full(len(stays), "", dtype=object)
    paced = stays["paced"]
    unlikely = chance < rules.doubt
    doubtful = (chance < rules.confidence) & ~unlikely
    ridden = stays[RIDDEN_S] / stays[LIKELY_S].clip(lower=1e-9) * float(rules.mode == "foot")
    for fails, why in (
        (paced < rules.doubt, "on_foot" if rules.mode == "vehicle" else "vehicle"),
        (unlikely & (ridden > THROUGH_SHARE), "vehicle"),
        (doubtful & (paced < 1.0), "pace"),
        (doubtful & (ridden > RIDDEN_SHARE), "ridden"),
        (~unlikely & (stays[DETACHED_S] > DETACHED_SHARE * stays[LIKELY_S]), "detached"),
        (doubtful, "border"),
        (unlikely & (stays[STAY_S] < rules.min_stay_s), "too_short"),
        (unlikely & (stays[HOURS_S] < rules.min_stay_s), "off_hours"),
        (unlikely, "next_door"),
    ):
        reason[fails.to_numpy() & (reason == "")] = why
    return reason


def _in_hours_s(rows: pd.DataFrame, rules: Rules) -> Floats:
    """Time of each row inside the hours of duty of its day, seconds."""
    from_, to = (hours(rows[DAY], at, rules) for at in (rules.hours_from, rules.hours_to))
    start, end = microseconds(rows[START]), microseconds(rows[END])
    inside: Floats = np.clip(np.minimum(end, to) - np.maximum(start, from_), 0, None) / 1e6
    return inside
