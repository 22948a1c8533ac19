"""Signs of false tracks on and beside their limits, and clocks beside the hours of duty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo.patrols import Rules, integrity
from geo.patrols.clocks import clock_shifts

LON, LAT = 118.8, 32.1
#: Degrees of longitude for a metre.
EAST = 1 / (111_195.0 * np.cos(np.radians(LAT)))
START = pd.Timestamp("2026-11-23T01:00:00Z").as_unit("us")


def track(t_s, x_m, *, device="D1", mark=""):
    t_s, x_m = np.asarray(t_s, dtype=float), np.asarray(x_m, dtype=float)
    return pd.DataFrame(
        {
            "device": device,
            "officer": f"S-{device}",
            "time": (START + pd.to_timedelta(t_s, unit="s")).as_unit("us"),
            "lon": LON + x_m * EAST,
            "lat": LAT,
            "mark": mark,
        }
    )


def signs(*tracks):
    return integrity(pd.concat(tracks, ignore_index=True))


def test_one_simulated_fix_is_a_sign_and_nine_jumps_are_none():
    def marked(mark, count):
        return track(60.0 * np.arange(12), 5.0 * np.arange(12), mark=[mark] * count + [""] * (12 - count))

    assert signs(marked("mock", 1))[["sign", "note"]].to_numpy().tolist() == [["mock", "1 fix"]]
    assert signs(marked("jump", 9)).empty
    assert signs(marked("jump", 10))["sign"].tolist() == ["teleport"]


@pytest.mark.parametrize(("last_s", "found"), [(3600.0, ["frozen"]), (3599.0, [])])
def test_the_same_place_for_a_full_hour_is_frozen(last_s, found):
    assert signs(track([*300.0 * np.arange(12), last_s], np.zeros(13)))["sign"].tolist() == found
    assert signs(track(np.linspace(0, 3600, 12), np.zeros(12))).empty  # too few fixes


@pytest.mark.parametrize(("steps", "found"), [(542, 1), (541, 0)])
def test_an_hour_and_a_half_at_the_speed_of_a_vehicle_is_a_sign(steps, found):
    """The first and the last step are not counted: a speed needs one on either side."""
    t = 10.0 * np.arange(steps + 1)
    table = signs(track(t, 10.0 * t))
    assert (table["sign"] == "vehicle").sum() == found
    slow = signs(track(t, 7.9 * t))
    assert "vehicle" not in set(slow["sign"])


@pytest.mark.parametrize(
    ("later_s", "sign", "note"), [(2.0, "copied", "+2 s"), (3.0, "replayed", "+3 s"), (1800.0, "replayed", "+1800 s")]
)
def test_the_same_places_at_once_are_copied_and_later_replayed(later_s, sign, note):
    rng = np.random.default_rng(1)
    t, x = 10.0 * np.arange(80), np.cumsum(rng.uniform(5, 15, 80))
    table = signs(track(t, x), track(t + later_s, x, device="D2"))
    row = table[table["sign"].isin(["copied", "replayed"])].iloc[0]
    assert (row["device"], row["other"], row["sign"], row["note"]) == ("D2", "D1", sign, f"79 places, {note}")


@pytest.mark.parametrize(("speed_m_s", "found"), [(0.5, 0), (1.0, 1)])
def test_two_phones_side_by_side_are_named_after_a_kilometre_and_a_half(speed_m_s, found):
    t = 20.0 * np.arange(126)
    rng = np.random.default_rng(2)
    near = [track(t, speed_m_s * t + rng.normal(0, 0.5, len(t)), device=device) for device in ("D1", "D2")]
    table = signs(*near)
    assert (table["sign"] == "carried_along").sum() == found


def test_the_quarter_of_an_hour_in_which_duty_ends_is_not_usual():
    """A device eight hours late, on duty from 12:30 to 15:00: of its ten quarters six lie before 22:00."""
    t = 900.0 * np.arange(10)
    late = track(t, 5.0 * t).assign(time=lambda frame: frame["time"] + pd.Timedelta(hours=11.5))
    assert late["time"].dt.tz_convert("Asia/Shanghai").dt.strftime("%H:%M").iloc[[0, -1]].tolist() == ["20:30", "22:45"]
    assert clock_shifts(late, Rules()) == {"D1": 8}
