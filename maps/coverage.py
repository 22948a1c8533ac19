"""The coverage map: which grids were patrolled as required on one day, on three levels, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Unpack
from zoneinfo import ZoneInfo

import folium
import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import ColumnError, InputError, first_labels
from geo.layers import Division
from geo.layers.columns import CODE
from geo.patrols import REASONS
from maps import colours
from maps.encoding.cells import (
    Background,
    Extras,
    as_shown,
    column,
    encode_background,
    encode_levels,
    enumerate_texts,
    json_value,
    optional_text,
    two_languages,
)
from maps.english_names import english_name
from maps.view import CELL_SCRIPTS, GridPage, grid_map

#: The four states of a verdict, in the order of the pages.
STATES = tuple(colours.STATES)

Text = str | tuple[str, str]

TITLE = ("网格巡查覆盖图", "Patrol coverage of the grids")

# A grid without a verdict is shown as unknown with a note, so that the map has no holes.
_MISSING = ("没有收到该网格的核验结论。", "No verdict was given for this grid.")

#: Days that a page can hold; a month and the days before it that fill its first week.
MOST_DAYS = 42

_COUNTS = ("visits", "required", "uncounted")
_SECONDS = ("present_s", "unknown_s")


def coverage_map(
    division: Division | gpd.GeoDataFrame,
    verdicts: pd.DataFrame,
    *,
    day: dt.date | str,
    visits: pd.DataFrame | None = None,
    visit_reasons: Mapping[str, Text] = REASONS,
    zone: str = "Asia/Shanghai",
    grids: dict[str, Any] | None = None,
    **extras: Unpack[Extras],
) -> folium.Map:
    """Draw the verdicts of one day: second-level grids by state, communities by failing grids, third-level below.

    Parameters
    ----------
    division
        The grids: a division, or one layer of cells with a column ``code``.
    verdicts
        One row per second-level grid and day: `code`, `verdict` ('met', 'short', 'not_visited', 'unknown'), and where
        they are there `day`, `visits`, `required`, `uncounted`, `present_s`, `unknown_s`, `rules`, `reason_zh`,
        `reason_en`. Rows of third-level grids colour these; without them they take the state of their second-level
        grid, and the page says so. A grid without a row is shown as unknown, with that reason.
    day
        The local day that the map opens on. With a ``day`` column the other days, at most the latest :data:`MOST_DAYS`, can be
        chosen on the page, by themselves or as a week or month.
    visits
        Presence found, as evidence: `code`, `start`, `end` (aware times), `stay_s`, `counted`, `reason`. Those that touch
        the day are listed. Officers and devices are not written to the page.
    visit_reasons
        Meaning of the values of ``reason``; values without an entry are shown unchanged.
    zone
        Time zone in which times are written.
    grids
        The encoded division (:func:`maps.encoding.cells.encode_levels`), if several maps show it; encoded here by default.
    extras
        Background and texts, see :class:`maps.encoding.cells.Extras`.

    Returns
    -------
    folium.Map
        For :func:`maps.save`. The same input gives the same bytes.

    Raises
    ------
    ColumnError
        If a column is missing, or holds an unknown verdict or a code twice.
    CrsError
        If a background layer declares no CRS.
    InputError
        If no row is of this day.
    FileError
        If the browser libraries are not installed.
    """
    division = as_shown(division)
    day = pd.Timestamp(day).date()
    rows = _rows_of_day(verdicts, day)
    payload: dict[str, Any] = {
        "title": two_languages(extras.get("title") or titled(division, TITLE)),
        "when": _when(day, rows),
        "note": optional_text(extras.get("note")),
        "grids": encode_levels(division) if grids is None else grids,
        "background": encode_background(Background.of(extras), division),
        "states": list(STATES),
        "failing_limits": list(colours.FAILING_LIMITS),
        "colours": {"states": colours.STATES, "failing": list(colours.FAILING_COLOURS)},
        "day": day.isoformat(),
        **_verdict_columns(division, rows),
        "days": _other_days(division, verdicts, day),
    }
    if visits is not None and len(visits):
        listed, meanings = _evidence(division, visits, day, zone, visit_reasons)
        payload["visits"], payload["visit_reasons"] = listed, meanings
    page = GridPage(
        "startCoverage",
        [
            *CELL_SCRIPTS,
            "charts.js",
            "days.js",
            "live.js",
            "coverage.js",
        ],
        payload,
        payload["title"]["zh"],
    )
    return grid_map(division, page)


def titled(division: Division, title: tuple[str, str]) -> tuple[str, str]:
    """A title with the name of the street."""
    name = str(column(division.street, "name").iloc[0] or "")
    return name + title[0], f"{title[1]} · {english_name(name)}" if name else title[1]


def _when(day: dt.date, rows: pd.DataFrame) -> dict[str, str]:
    """The day and the required visits; the id of the rules is given with the reasons of each grid."""
    zh, en = f"{day.year}年{day.month}月{day.day}日", f"{day:%-d %B %Y}"
    asked = sorted({int(n) for n in column(rows, "required").dropna()})
    if not asked:
        return {"zh": zh, "en": en}
    times = str(asked[0]) if len(asked) == 1 else f"{asked[0]}–{asked[-1]}"
    return {
        "zh": f"{zh} · 每日应巡查 {times} 次",
        "en": f"{en} · {times} {'visit' if times == '1' else 'visits'} a day required",
    }


def _rows_of_day(verdicts: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    missing = [name for name in (CODE, "verdict") if name not in verdicts.columns]
    if missing:
        raise ColumnError(
            f"verdicts: column {first_labels(missing)} is missing; pass the frame that geo.patrols.verify gives"
        )
    rows = verdicts
    if "day" in verdicts.columns:
        days = verdicts["day"].map(lambda value: pd.Timestamp(value).date())
        rows = verdicts[days == day]
        if rows.empty and len(verdicts):
            raise InputError(
                f"verdicts: none is of {day}; the days in it are {first_labels(sorted(map(str, days.unique())))}"
            )
    wrong = sorted({str(state) for state in rows["verdict"]} - set(STATES))
    if wrong:
        raise ColumnError(f"verdicts: unknown verdict {first_labels(wrong)}; known are {', '.join(STATES)}")
    twice = rows.loc[rows[CODE].duplicated(), CODE].tolist()
    if twice:
        raise ColumnError(
            f"verdicts: {first_labels(twice)} has more than one row on {day}; keep one per grid", ids=twice
        )
    return rows


def _other_days(division: Division, verdicts: pd.DataFrame, day: dt.date) -> dict[str, dict[str, Any]]:
    """Verdicts of the other days by day, each as returned by :func:`_verdict_columns`, with the line under the title."""
    if "day" not in verdicts.columns:
        return {}
    days = verdicts["day"].map(lambda value: pd.Timestamp(value).date())
    latest = sorted(set(days) - {day})[-(MOST_DAYS - 1) :]
    found = {}
    for other in latest:
        rows = _rows_of_day(verdicts, other)
        found[other.isoformat()] = {"when": _when(other, rows), **_verdict_columns(division, rows)}
    return found


def _verdict_columns(division: Division, rows: pd.DataFrame) -> dict[str, Any]:
    """Verdicts as columns in the order of the layers; each text is stored once and referenced by position."""
    unknown = rows.loc[~rows[CODE].isin([*division.second[CODE], *division.third[CODE]]), CODE].tolist()
    if unknown:
        raise ColumnError(
            f"verdicts: {first_labels(unknown)} is no second- or third-level grid of this division; use the division that the "
            "verdicts were made with",
            ids=unknown,
        )
    by_code = rows.set_index(CODE)
    second = by_code.reindex(division.second[CODE])
    texts: dict[str, Any] = {"reasons": {}}
    encoded = _states(second)
    for name in _COUNTS:
        encoded[name] = [json_value(value) or 0 for value in column(second, name)]
    for name in _SECONDS:
        encoded[name] = [json_value(value) for value in column(second, name)]
    for language, missing in zip(("zh", "en"), _MISSING, strict=True):
        reason = column(second, f"reason_{language}").astype(object).where(second["verdict"].notna(), missing)
        texts["reasons"][language], encoded[f"reason_{language}"] = enumerate_texts(reason)
    texts["rules"], encoded["rules"] = enumerate_texts(column(second, "rules"))
    has_third = bool(rows[CODE].isin(division.third[CODE]).any())
    third = _states(by_code.reindex(division.third[CODE])) if has_third else None
    return {"verdicts": {"second": encoded, "third": third}, **texts}


def _states(rows: pd.DataFrame) -> dict[str, Any]:
    verdicts = rows["verdict"].astype(object).where(rows["verdict"].notna(), "unknown")
    return {"state": [STATES.index(state) for state in verdicts]}


def _evidence(
    division: Division, visits: pd.DataFrame, day: dt.date, zone: str, meanings: Mapping[str, Text]
) -> tuple[list[list[list[Any]]], list[dict[str, str]]]:
    """Per second-level grid the presences of the day: local start and end, seconds, counted, reason, and the second of the day at
    which it starts (0 for one that started the day before).
    """
    local = ZoneInfo(zone)
    begin = dt.datetime.combine(day, dt.time(), local)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), local)
    today = visits[(visits["end"] > begin) & (visits["start"] < end)].sort_values("start", kind="stable")
    reasons, places = enumerate_texts(today["reason"])
    listed: list[list[list[Any]]] = [[] for _ in range(len(division.second))]
    position = {code: i for i, code in enumerate(division.second[CODE])}
    since_s = (today["start"] - begin).dt.total_seconds()
    for code, start, stop, stay, counted, reason, second in zip(
        today[CODE],
        _clock(today["start"], local),
        _clock(today["end"], local),
        today["stay_s"],
        today["counted"],
        places,
        since_s.tolist(),
        strict=True,
    ):
        if code in position:
            row = [start, stop, round(float(stay)), int(bool(counted)), reason, max(0, round(second))]
            listed[position[code]].append(row)
    return listed, [two_languages(meanings.get(reason, reason)) for reason in reasons]


def _clock(times: pd.Series, local: ZoneInfo) -> list[str]:
    """Local hours and minutes."""
    minutes = times.dt.tz_convert(local).dt.tz_localize(None).to_numpy(dtype="datetime64[m]")
    return [text[11:] for text in np.datetime_as_string(minutes).tolist()]
