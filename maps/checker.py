"""The checker's page: the coverage map together with a replay of the day, in one file."""

from __future__ import annotations

import datetime as dt
import math
import re
from bisect import bisect_left
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
from branca.element import MacroElement
from folium.template import Template

from geo.arrays import Floats
from geo.errors import ColumnError
from geo.layers import Division
from geo.layers.columns import CODE
from geo.tracks.cleaning import used
from geo.tracks.fix_values import places, utc
from geo.tracks.sorting import by_time, numbered_texts
from maps import assets, document
from maps.coverage import coverage_map, titled
from maps.encoding.cells import as_shown

#: Minimum difference in time or distance between points kept, so that a page for a day of 255 phones is small.
EVERY_S, FAR_M = 60, 25.0
TITLE = ("巡查核验与轨迹回放", "Check of patrols, with the tracks of the day")

#: Steps in a degree: about 0.1 m.
STEPS = 1_000_000


class Replay(MacroElement):
    """A time slider and the devices at that time, added to a map of this package."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <script type="application/json" id="replay-data">{{ this.data }}</script>
            <script type="application/json" id="settle-data">{{ this.settle }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            {{ this.code }}
            wanggeReplay({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, payload: dict[str, Any], settle: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = "Replay", "replay"
        self.data = document.json_in_html(payload)
        self.settle = document.json_in_html(settle)
        self.code = assets.script("maps/checker.js")


def checker_map(
    division: Division | gpd.GeoDataFrame,
    verdicts: pd.DataFrame,
    tracks: pd.DataFrame,
    *,
    day: dt.date,
    visits: pd.DataFrame,
    max_gap_s: float = 300.0,
    name_devices: bool = False,
    zone: str = "Asia/Shanghai",
    **options: Any,
) -> folium.Map:
    """Draw verdicts with their reasons, and the day as a replay.

    Parameters
    ----------
    division, verdicts, visits, options
        As for :func:`maps.coverage_map`: a click on a grid shows the reason for its colour. With ``settle_zh``, ``settle_en`` and
        ``probability`` the unknown grids are listed by the action that would decide them.
    tracks
        Cleaned fixes: `device`, `time`, `mark`, with points or `lon` and `lat`. Marked fixes are drawn hollow.
    max_gap_s
        Devices are not drawn during longer gaps.
    name_devices
        Write the names of devices into the page. Left out by default: the page is about grids, not about persons.

    Returns
    -------
    folium.Map
        For :func:`maps.save`.
    """
    missing = [column for column in ("device", "time", "mark") if column not in tracks]
    if missing:
        raise ColumnError(f"tracks: no column {', '.join(missing)}; clean them with geo.tracks.cleaning")
    division = as_shown(division)
    options["title"] = options.get("title") or titled(division, TITLE)
    drawing = coverage_map(division, verdicts, day=day, visits=visits, zone=zone, **options)
    midnight = pd.Timestamp(day).tz_localize(zone)
    paths = _paths(tracks, midnight)
    named = [name if name_devices else "" for name, _ in paths]
    payload = {"steps": STEPS, "gap": max_gap_s, "names": named, "paths": [points for _, points in paths]}
    drawing.add_child(Replay(payload, _settling(verdicts, day)))
    return drawing


# Parts that differ between texts about the same action: times, devices, and bracketed text at the end.
_ONE_STAY = re.compile(r"^\d\d:\d\d–\d\d:\d\d ?[（(][^）)]*[）)][：:] ?")
_STORED = re.compile(r"^(设备.+在\d\d:\d\d–\d\d:\d\d存储的定位|the fixes that device .+ stored between .+)$")
_DETAIL = re.compile(r" ?[（(][^（(]*[）)]$")
_WHILE_SILENT = ("核对手机在定位中断时存储的定位", "the fixes that the phone stored while it was silent")


def _settling(verdicts: pd.DataFrame, day: dt.date) -> dict[str, Any]:
    """Actions that would decide the unknown grids of the day, by kind, the most effective kind first; grids by probability."""
    needed = {CODE, "verdict", "settle_zh", "settle_en"}
    if not needed <= set(verdicts.columns):
        return {"kinds": [], "texts": {}}
    rows = verdicts[verdicts["verdict"] == "unknown"]
    if "day" in rows:
        rows = rows[rows["day"].map(lambda value: pd.Timestamp(value).date()) == day]
    grids: dict[tuple[str, str], list[tuple[float, str]]] = {}
    texts: dict[str, dict[str, str]] = {}
    for row in rows.to_dict("records"):
        zh, en = (row[name] if isinstance(row[name], str) else "" for name in ("settle_zh", "settle_en"))
        if not zh or not en:
            continue
        code, chance = str(row[CODE]), row.get("probability")
        texts[code] = {"zh": zh, "en": en}
        kind = (_kind_of(zh, "；", 0), _kind_of(en, "; ", 1))
        grids.setdefault(kind, []).append((0.0 if chance is None or pd.isna(chance) else float(chance), code))
    kinds = sorted(grids.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {
        "kinds": [
            {
                "zh": zh,
                "en": en,
                "grids": [[code, round(chance, 3)] for chance, code in sorted(found, key=_likely_first)],
            }
            for (zh, en), found in kinds
        ],
        "texts": texts,
    }


def _likely_first(grid: tuple[float, str]) -> tuple[float, str]:
    return -grid[0], grid[1]


def _kind_of(text: str, separator: str, language: int) -> str:
    """The actions in a text, without times and devices, each once."""
    kinds: dict[str, None] = {}
    for part in text.split(separator):
        plain = _DETAIL.sub("", _ONE_STAY.sub("", part))
        kinds[_WHILE_SILENT[language] if _STORED.match(plain) else plain] = None
    return separator.join(kinds)


def _paths(tracks: pd.DataFrame, midnight: pd.Timestamp) -> list[tuple[str, list[int]]]:
    """Per device the seconds since midnight, longitude, latitude and mark (0 or 1) of thinned points, as steps."""
    device, names = numbered_texts(tracks["device"])
    time = utc(tracks["time"]).view(np.int64)
    seconds = (time - midnight.value // 1000) / 1e6
    lon, lat = places(tracks)
    shown = (seconds >= 0) & (seconds < 86_400) & np.isfinite(lon) & np.isfinite(lat)
    rows = np.flatnonzero(shown & (tracks["mark"].to_numpy() != "duplicate"))
    rows = rows[by_time(device[rows], time[rows])]
    values = np.column_stack([seconds[rows], lon[rows], lat[rows], ~used(tracks)[rows]])
    first = np.searchsorted(device[rows], np.arange(len(names) + 1))
    return [
        (str(name), _steps(values[a:b][_thinned(values[a:b])]))
        for name, a, b in zip(names, first[:-1], first[1:], strict=True)
        if b > a
    ]


def _thinned(values: Floats) -> list[int]:
    """Rows to keep: start and end of rests and waits, and points at intervals while moving."""
    keep, last = [0], len(values) - 1
    scale = 111_195.0 * math.cos(math.radians(values[0, 2]))
    # Lists are read element by element ten times as fast as arrays.
    t, x, y = values[:, 0].tolist(), (values[:, 1] * scale).tolist(), (values[:, 2] * 111_195.0).tolist()
    while keep[-1] < last:
        a = keep[-1]
        k = min(bisect_left(t, t[a] + EVERY_S, a + 1), last)
        while k < last and t[k] - t[a] < EVERY_S * 4 and math.hypot(x[k] - x[a], y[k] - y[a]) < FAR_M:
            k += 1
        keep.append(k)
    return keep


def _steps(values: Floats) -> list[int]:
    whole = np.column_stack(
        [np.rint(values[:, 0]), np.rint(values[:, 1] * STEPS), np.rint(values[:, 2] * STEPS), values[:, 3]]
    )
    whole[1:, :3] = np.diff(whole[:, :3], axis=0)
    steps: list[int] = whole.astype(np.int64).ravel().tolist()
    return steps
