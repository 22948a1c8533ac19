"""Times of stays in microseconds: aware times, and the hours of duty of a local day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from geo.arrays import Ints
from geo.days import micro_at
from geo.patrols.rules import Rules
from geo.tracks.fix_values import utc


def hours(days: pd.Series, at: dt.time, rules: Rules) -> Ints:
    """A local time of day on each day, in microseconds UTC."""
    place, known = pd.factorize(days)
    return micro_at(np.array(known, dtype="datetime64[D]"), at, rules.zone)[place]


def microseconds(times: pd.Series) -> Ints:
    """Aware times as microseconds since 1970."""
    micro: Ints = utc(times).astype(np.int64)
    return micro
