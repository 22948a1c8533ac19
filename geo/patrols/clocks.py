"""Detects device clocks that are off by full hours, by comparison with the hours of other devices or of duty."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.arrays import Floats
from geo.days import local_days
from geo.patrols.columns import CODE, VERDICT
from geo.patrols.rules import Rules
from geo.patrols.verdicts import VERDICTS
from geo.tracks.columns import DEVICE, PROBABILITY, TIME
from geo.tracks.fix_values import require_tracks, utc
from geo.tracks.sorting import numbered_texts

#: Quarters of an hour per day.
_QUARTERS = 96
#: Minimum number of devices for deriving the usual hours from them.
ENOUGH_DEVICES = 5
#: Share of a device's time in usual hours below which it is tested, and from which a shift is accepted.
UNUSUAL, USUAL = 0.65, 0.85
#: Minimum shift, hours: a device that starts an hour late does not have a wrong clock.
LEAST_H = 2
#: Share of the devices seen in a quarter of an hour from which that quarter is usual.
USUAL_SHARE = 0.5


def clock_shifts(tracks: pd.DataFrame, rules: Rules) -> dict[str, int]:
    """Find devices whose clock is off by full hours, and the shift: 8 for times eight hours too late.

    Parameters
    ----------
    tracks
        Fixes with `device` and `time`.
    rules
        `zone` and the hours of duty, which replace the usual hours with fewer than five devices.

    Notes
    -----
    The usual hours are those in which at least half of the devices send fixes. A device is reported if less than 0.65 of its
    time is in these hours and a shift of 2 to 14 hours raises this to 0.85; the smallest of the best shifts is used. With
    fewer than five devices only the UTC offset of the zone is tested, because this is the usual mistake.
    """
    require_tracks(tracks)
    good = tracks[tracks[TIME].notna()]
    if len(good) == 0:
        return {}
    device, names = numbered_texts(good[DEVICE])
    micro = utc(good[TIME]).view(np.int64)
    local = good[TIME].dt.tz_convert(rules.zone).dt
    quarter = (local.hour * 4 + local.minute // 15).to_numpy(dtype=np.int64)
    days = local_days(micro, rules.zone).astype(np.int64)
    # One entry for each device, day and quarter of an hour; one number for the three is sorted much faster than rows.
    days -= days.min()
    entries = np.unique((days * len(names) + device) * _QUARTERS + quarter)
    seen = np.zeros((len(names), _QUARTERS))
    np.add.at(seen, (entries // _QUARTERS % len(names), entries % _QUARTERS), 1.0)
    seen /= seen.sum(axis=1, keepdims=True)
    if len(names) >= ENOUGH_DEVICES:
        usual = (seen > 0).mean(axis=0) >= USUAL_SHARE
        shifts = [h for step in range(LEAST_H, 15) for h in (step, -step)]
    else:
        at = np.arange(_QUARTERS) * 900
        from_, to = (t.hour * 3600 + t.minute * 60 for t in (rules.hours_from, rules.hours_to))
        usual = (at >= from_) & (at < to)
        offset = pd.Timestamp(int(micro[0]), unit="us", tz="UTC").tz_convert(rules.zone).utcoffset()
        hours = 0 if offset is None else round(offset.total_seconds() / 3600)
        shifts = [hours, -hours] if abs(hours) >= LEAST_H else []
    return _named(seen, usual, shifts, [str(name) for name in names])


def _named(seen: Floats, usual: np.ndarray, shifts: list[int], names: list[str]) -> dict[str, int]:
    """Devices with unusual hours, and the shift that explains them."""
    if not usual.any() or not shifts:
        return {}
    fit = seen @ usual
    found: dict[str, int] = {}
    for k in np.flatnonzero(fit < UNUSUAL):
        shares = [float(np.roll(seen[k], -4 * h) @ usual) for h in shifts]
        best = int(np.argmax(np.round(shares, 3)))
        if shares[best] >= USUAL:
            found[names[k]] = shifts[best]
    return found


def corrected(tracks: pd.DataFrame, shifts: dict[str, int]) -> pd.DataFrame:
    """The fixes of devices with wrong clocks, at corrected times."""
    device = tracks[DEVICE].astype(str)
    mine = tracks[device.isin(list(shifts))]
    hours = device[mine.index].map(shifts).to_numpy(dtype="timedelta64[h]")
    return mine.assign(**{TIME: (mine[TIME] - pd.to_timedelta(hours)).dt.as_unit("us")})


def with_corrected(verdicts: pd.DataFrame, right: pd.DataFrame, shifts: dict[str, int]) -> pd.DataFrame:
    """Compare verdicts with and without corrected clocks; a verdict that differs becomes open.

    Parameters
    ----------
    verdicts, right
        Verdicts of one day and the same cells, with the clocks as received and corrected.
    shifts
        As :func:`clock_shifts` gives them.

    Returns
    -------
    DataFrame
        `verdicts` with a column ``corrected``: the verdict with corrected clocks if it differs, otherwise None. A verdict that
        differs becomes ``unknown``, with the larger of both probabilities, and names the clocks that would settle it.
    """
    now = right.set_index(CODE).reindex(verdicts[CODE])
    differs = now[VERDICT].notna().to_numpy() & (now[VERDICT].to_numpy() != verdicts[VERDICT].to_numpy())
    table = verdicts.copy()
    said = [verdict if other else None for verdict, other in zip(now[VERDICT], differs, strict=True)]
    table["corrected"] = pd.Series(said, index=table.index, dtype=object)
    rows = np.flatnonzero(differs)
    if len(rows) == 0:
        return table
    clocks = "、".join(f"{name} {hours:+d}h" for name, hours in sorted(shifts.items())[:6])
    words = now[VERDICT].to_numpy(dtype=object)
    table.loc[table.index[rows], "reason_zh"] = [
        f"暂不能确定：设备时钟与其他设备相差整小时，更正后结论为{VERDICTS[words[k]][0]}。{verdicts['reason_zh'].iloc[k]}"
        for k in rows
    ]
    table.loc[table.index[rows], "reason_en"] = [
        f"Open: clocks are off by whole hours; corrected, the verdict is {VERDICTS[words[k]][1]}. {verdicts['reason_en'].iloc[k]}"
        for k in rows
    ]
    table.loc[table.index[rows], "settle_zh"] = f"核对设备时钟（{clocks}）"
    table.loc[table.index[rows], "settle_en"] = f"the clocks of the devices ({clocks})"
    table.loc[table.index[rows], VERDICT] = "unknown"
    both = np.maximum(now[PROBABILITY].to_numpy(dtype=float), verdicts[PROBABILITY].to_numpy(dtype=float))
    table.loc[table.index[rows], PROBABILITY] = np.minimum(both[rows], 0.99)
    return table
