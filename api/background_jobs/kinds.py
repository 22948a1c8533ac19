"""Kinds of background jobs: functions of a database and arguments that return JSON values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Engine

from api.commands import Progress
from api.database import current_version, get_version, read_version, session
from api.database.incidents import incident_points
from api.json_values import plain_rows
from geo.layers import Division, Level, lon_lat
from geo.layers.transformers import to_crs


@dataclass(frozen=True)
class Place:
    """Database of a job, and number and code of its street."""

    engine: Engine
    street: int
    code: str | None


def check(place: Place, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Check a stored version, or the current one: findings, and whether it may be published."""
    from geo.coverage import check_division

    progress("read", 0.1)
    version, division = _division(place, arguments.get("version"))
    progress("check", 0.3)
    report = check_division(division, tolerance_m=arguments["tolerance_m"])
    findings = report.findings
    table = pd.DataFrame(findings.drop(columns="geometry")).assign(cells=findings["cells"].map(list))
    points = gpd.GeoSeries(findings["geometry"].tolist(), crs=division.crs).representative_point()
    degrees = lon_lat(points) if len(points) else points
    rows = plain_rows(table)
    for row, point in zip(rows, degrees, strict=True):
        missing = point is None or point.is_empty
        row["lon"], row["lat"] = (None, None) if missing else (round(point.x, 9), round(point.y, 9))
    return {"version": version, "ok": bool(report.ok), "findings": rows}


def density(place: Place, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Density of the incidents of a period as contour lines, and its maximum."""
    from geo.incidents import contours
    from geo.incidents import density as estimate
    from geo.incidents.surface.kernel_density import CELL_M

    progress("read", 0.1)
    version, division = _division(place, None)
    points = _points(place, arguments)
    progress("estimate", 0.3)
    bandwidth_m = arguments["bandwidth_m"]
    surface = estimate(points, outline=division, bandwidth_m=bandwidth_m, cell_m=min(CELL_M, bandwidth_m / 2))
    most = float(surface.values.max())
    lines: list[Any] = []
    highest = None
    if most > 0:
        drawn = contours(surface, [most * share for share in (0.2, 0.4, 0.6, 0.8)])
        lines = to_crs(drawn, 4326).to_geo_dict()["features"]
        row, column = np.unravel_index(int(surface.values.argmax()), surface.values.shape)
        top = gpd.GeoSeries.from_xy([surface.x[column]], [surface.y[row]], crs=surface.crs)
        degrees = lon_lat(top).iloc[0]
        highest = {"lon": round(degrees.x, 9), "lat": round(degrees.y, 9), "per_km2": most}
    return {
        "version": version,
        "bandwidth_m": bandwidth_m,
        "used": surface.used,
        "outside": surface.outside,
        "excluded": surface.excluded,
        "highest": highest,
        "contours": {"type": "FeatureCollection", "features": lines},
    }


def hotspots(place: Place, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Hot spots among the grids of a level, from the incidents of a period."""
    from geo.incidents import assign, counts
    from geo.incidents import hotspots as find

    progress("read", 0.1)
    version, division = _division(place, None)
    points = _points(place, arguments)
    progress("count", 0.3)
    placed = points[~points["default_point"].astype(bool)]
    counted = counts(assign(placed, division), division)
    progress("test", 0.6)
    found = find(counted, division.layer(Level(arguments["level"])))
    rows = plain_rows(pd.DataFrame(found.drop(columns=found.geometry.name)))
    return {
        "version": version,
        "incidents": len(points),
        "excluded": len(points) - len(placed),
        "shown": bool(found.attrs["shown"]),
        "note_zh": found.attrs["note_zh"],
        "note_en": found.attrs["note_en"],
        "cells": rows,
    }


def verdicts(place: Place, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Verdicts of a day by a rule set, from the stored fixes."""
    from api.verdicts.day import basis_of, judge, rules_of

    progress("read", 0.1)
    day = date.fromisoformat(arguments["day"])
    rules = rules_of(place.engine, place.street, arguments.get("rules"))
    basis = basis_of(place.engine, place.street, day, street_code=place.code, rules=rules)
    progress("judge", 0.3)
    judged = judge(place.engine, basis, day)
    return {"version": basis.version, "fixes": len(judged.tracks), "verdicts": plain_rows(judged.verdicts)}


#: Kinds of jobs by name.
KINDS: dict[str, Callable[[Place, dict[str, Any], Progress], dict[str, Any]]] = {
    "check": check,
    "density": density,
    "hotspots": hotspots,
    "verdicts": verdicts,
}


def _division(place: Place, version: int | None) -> tuple[int, Division]:
    with session(place.engine) as opened:
        if version is None:
            found = current_version(opened, street_code=place.code)
        else:
            found = get_version(opened, version)
        return found.id, read_version(opened, found.id)


def _points(place: Place, arguments: dict[str, Any]) -> gpd.GeoDataFrame:
    """Incidents of a period as points; those at default points of a geocoder are marked."""
    from geo.incidents import mark_default_points

    start, end = (datetime.fromisoformat(arguments[key]) for key in ("start", "end"))
    with session(place.engine) as opened:
        rows = incident_points(opened, place.street, start, end)
    table = pd.DataFrame(rows, columns=["number", "lon", "lat"])
    frame = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs="EPSG:4326")
    marked, _ = mark_default_points(frame)
    return marked
