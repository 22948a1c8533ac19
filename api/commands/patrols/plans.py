"""Due list, feasibility of the roster, and comparison of a planned route with a track."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from api.commands.patrols.verified import Verified
from api.files.inputs import read_table
from api.files.outputs import write_csv, write_text
from geo.errors import ColumnError, InputError
from geo.layers import Division, convert, read_layer
from geo.patrols import due, feasible, route_match
from geo.wording import counted

#: Columns of a roster.
ROSTER = ("officer", "hours", "lon", "lat")


def moment(text: str, zone: str) -> pd.Timestamp:
    """Parse a time of the command line; local if it has no zone.

    Raises
    ------
    InputError
        If it is not a date and time.
    """
    try:
        time = pd.Timestamp(text)
    except (ValueError, TypeError) as error:
        raise InputError(f"'{text}' is not a time; write it as 2026-11-23T15:00") from error
    if pd.isna(time):
        raise InputError(f"'{text}' is not a time; write it as 2026-11-23T15:00")
    return time.tz_localize(zone) if time.tzinfo is None else time


def write_due(
    verified: Verified, cells: gpd.GeoDataFrame, folder: Path, *, now: pd.Timestamp
) -> tuple[dict[str, Any], Path]:
    """Write the cells that were short of visits at a given time, most urgent first, as ``due.csv``; returns figures and file."""
    path = folder / "due.csv"
    table = due(verified.visits, verified.cleaned, cells, now=now, rules=verified.rules)
    write_csv(table, path, zone=verified.rules.zone)
    figures = {
        "at": now.tz_convert(verified.rules.zone).isoformat(),
        "cells": len(table),
        "too_late": int((table["slack_s"] < 0).sum()),
        "nobody_heard": int((table["distance_m"].isna() & (table["slack_s"] >= 0)).sum()),
    }
    return figures, path


def write_feasible(
    cells: gpd.GeoDataFrame, roster_path: Path, folder: Path, verified: Verified, *, datum: str | None
) -> tuple[dict[str, Any], Path]:
    """Test whether a roster can visit all cells as often as required on the last day; write the assignment as
    ``feasibility.csv``.

    Raises
    ------
    ColumnError
        If the roster lacks a column.
    InputError
        If its hours or places are not numbers, or the datum is not given.
    """
    table = read_table(roster_path)
    missing = [column for column in ROSTER if column not in table]
    if missing:
        raise ColumnError(f"{roster_path.name}: no column {', '.join(missing)}; a roster has {', '.join(ROSTER)}")
    numbers = {name: pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float) for name in ROSTER[1:]}
    bad = np.flatnonzero(~np.isfinite(np.column_stack(list(numbers.values()))).all(axis=1))
    if len(bad):
        raise InputError(f"{roster_path.name}: line {bad[0] + 2}: hours, lon and lat must be numbers")
    if datum is None:
        raise InputError(f"{roster_path.name}: the datum of its places is not declared; give --datum")
    lon, lat = convert(numbers["lon"], numbers["lat"], datum, "WGS-84")
    roster = pd.DataFrame({"officer": table["officer"], "hours": numbers["hours"]})
    bases = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326)
    found = feasible(cells, roster, bases=bases, rules=verified.rules.on(verified.days[-1]))
    path = folder / "feasibility.csv"
    write_csv(found.cells, path)
    figures = {
        "possible": found.possible,
        "needed_h": found.needed_s / 3600,
        "available_h": found.available_s / 3600,
        "cells_without_time": int((~found.cells["possible"]).sum()),
    }
    return figures, path


def write_route(
    verified: Verified,
    division: gpd.GeoDataFrame | Division,
    route_path: Path,
    folder: Path,
    *,
    device: str | None,
    checkpoints_path: Path | None = None,
    backdrop: dict[str, Any],
) -> tuple[dict[str, Any], list[Path]]:
    """Match the track of one device to a planned route: ``route.json`` and ``route.html``.

    Raises
    ------
    InputError
        If the tracks have several devices and none is given, or the given one is not among them.
    """
    from maps import save
    from maps.route import route_map

    devices = sorted(verified.cleaned["device"].astype(str).unique())
    if device is None and len(devices) != 1:
        raise InputError(
            f"the tracks hold {counted(len(devices), 'device')}; say which one walked the route (--device)"
        )
    if device is not None and device not in devices:
        raise InputError(f"the tracks hold no device '{device}'")
    track = verified.cleaned[verified.cleaned["device"].astype(str) == (device or devices[0])]
    points = None if checkpoints_path is None else _labelled(read_layer(checkpoints_path))
    match = route_match(track, read_layer(route_path), checkpoints=points, rules=verified.rules)
    figures = match.to_dict()
    record = figures | {
        "missed": match.missed.drop(columns="geometry").to_dict("records"),
        "detour_list": match.detours.drop(columns="geometry").to_dict("records"),
        "checkpoint_list": []
        if match.checkpoints is None
        else match.checkpoints.drop(columns="geometry").to_dict("records"),
    }
    text = json.dumps(_plain(record, verified.rules.zone), ensure_ascii=False, indent=1)
    write_text(text + "\n", folder / "route.json")
    day = verified.days[-1] if match.started is None else match.started.tz_convert(verified.rules.zone).date()
    drawn = route_map(
        division,
        match,
        day=day if day in verified.days else verified.days[-1],
        zone=verified.rules.zone,
        **backdrop,
    )
    save(drawn, folder / "route.html")
    return _plain(figures, verified.rules.zone), [folder / "route.json", folder / "route.html"]


def _labelled(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Checkpoints with their names, if any, as labels."""
    return (
        points.set_index(points["name"].astype(str)) if "name" in points else points.set_axis(range(1, len(points) + 1))
    )


def _plain(value: Any, zone: str) -> Any:
    """JSON values, with times in a time zone."""
    if isinstance(value, dict):
        return {key: _plain(item, zone) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, zone) for item in value]
    if isinstance(value, pd.Timestamp):
        return value.tz_convert(zone).isoformat(timespec="seconds")
    if value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    return bool(value) if isinstance(value, np.bool_) else value
