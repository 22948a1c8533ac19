"""Map of a check: every finding at its place, most severe first, with its meaning and size."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Unpack

import folium
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import Report
from geo.coverage.report import FIRST_SCREEN, percent
from geo.errors import CrsError, InputError
from geo.layers import Area, Division, Level, area_frame, lon_lat
from geo.layers.columns import CODE
from geo.layers.transformers import to_crs
from geo.wording import counted
from maps.encoding.cells import (
    STEPS,
    Background,
    Extras,
    column,
    encode_background,
    encode_circles,
    encode_lines,
    encode_polygons,
    json_value,
    optional_text,
    origin_of,
    two_languages,
)
from maps.encoding.packing import pack_shapes
from maps.english_names import english_name
from maps.finding_signs import FAMILIES, SHAPES, sign
from maps.view import GridPage, page_map

SCRIPTS = ("kit.js", "painter.js", "labels.js", "background.js", "workbook.js", "picture.js", "share.js", "check.js")

TITLE = ("网格检查结果", "Result of the check")

#: Maximum number of findings drawn and listed, most severe first; the certificate contains all.
MOST_FINDINGS = 5_000

#: Maximum number of cells drawn; of more, those named by or adjacent to findings.
MOST_CELLS = 12_000

# A ten-millionth of a degree is about a centimetre, two hundred-millionths about 2 mm: slivers are centimetres wide.
_STEPS = 100_000_000
_BESIDE_M = 60.0


def check_map(
    report: Report,
    cells: gpd.GeoDataFrame | Division | None = None,
    *,
    outline: Area | None = None,
    source: str | None = None,
    **extras: Unpack[Extras],
) -> folium.Map:
    """Draw the findings of :func:`geo.coverage.check`.

    Parameters
    ----------
    report
        Findings of a check. Those without a geometry (a wrong count) are listed but not drawn.
    cells
        The checked cells, drawn as ground of the map: a layer with ``code``, or a division, whose third level is drawn. A finding
        without a geometry is then shown by the cells that it names.
    outline
        Area to be covered; a geometry without a frame is in the CRS of the cells.
    source
        Name of the file that was checked.
    extras
        Background and texts, see :class:`maps.encoding.cells.Extras`. The background is drawn where `cells` are given.

    Returns
    -------
    folium.Map
        For :func:`maps.save`. The same input gives the same bytes.

    Raises
    ------
    CrsError
        If neither the findings nor the cells declare a coordinate reference system.
    InputError
        If there is nothing to draw: no cells, no outline, and no finding with a place.
    FileError
        If the browser libraries are not installed.
    """
    layer = cells.third if isinstance(cells, Division) else cells
    if isinstance(cells, Division) and outline is None:
        outline = cells.street
    crs = next((known for known in (_crs(frame) for frame in (layer, report.findings, outline)) if known), None)
    if crs is None:
        raise CrsError("the findings declare no coordinate reference system; check a layer that declares its own")
    outline = area_frame(outline, crs, "outline")
    shown = _placed(report.findings.head(MOST_FINDINGS), layer, crs)
    ground = _ground(layer, shown)
    bounds = _bounds(ground, shown, outline)
    origin = (np.floor(bounds[0] * 1000) / 1000, np.floor(bounds[1] * 1000) / 1000)
    payload: dict[str, Any] = {
        "title": two_languages(extras.get("title") or TITLE),
        "when": _when(report, source),
        "note": optional_text(extras.get("note")),
        "remarks": _remarks(report, layer, ground),
        "frame": {"origin": [float(v) for v in origin], "steps": _STEPS},
        "bounds": [[float(bounds[1]), float(bounds[0])], [float(bounds[3]), float(bounds[2])]],
        "cells": None if ground is None else pack_shapes(encode_polygons(ground.geometry, origin, steps=_STEPS)),
        "codes": None if ground is None or CODE not in ground else [str(code) for code in ground[CODE]],
        "outline": None if outline is None else encode_polygons(outline.geometry, origin, steps=_STEPS),
        **_surroundings(cells, extras),
        "findings": _findings(shown, origin),
        "names": (names := _names(cells, shown)),
        "names_en": {code: english_name(name) for code, name in names.items()},
        "kinds": {kind: _kind(kind) for kind in report.counts()},
        "families": {key: {"name": two_languages((zh, en)), "colour": c} for key, (zh, en, c, _) in FAMILIES.items()},
        "shapes": dict(SHAPES),
        "levels": [_level(level) for level in report.levels],
        "todo": _to_do(report),
        "ok": report.ok,
        "total": len(report.findings),
    }
    page = GridPage("startCheck", SCRIPTS, payload, payload["title"]["zh"])
    return page_map(bounds, page, max_zoom=24)


def _surroundings(cells: gpd.GeoDataFrame | Division | None, extras: Extras) -> dict[str, Any]:
    """Roads and water below the cells, and borders and names of the upper levels, if known."""
    if not isinstance(cells, Division):
        return {"grids": None, "background": None, "borders": []}
    origin = origin_of(cells)
    borders = [
        {
            "level": int(level),
            "name": [str(name) for name in column(cells.layer(level), "name").fillna("")],
            "shape": pack_shapes(encode_polygons(cells.layer(level).geometry, origin)),
            **encode_circles(cells.layer(level).geometry, origin),
        }
        for level in (Level.COMMUNITY, Level.SECOND)
    ]
    frame = {"origin": [float(v) for v in origin], "steps": STEPS}
    return {"grids": frame, "background": encode_background(Background.of(extras), cells), "borders": borders}


def _names(cells: gpd.GeoDataFrame | Division | None, shown: gpd.GeoDataFrame) -> dict[str, str]:
    """Names of the cells in the findings and of their ancestors, by code; cells without a name are left out."""
    if cells is None:
        return {}
    layers = [cells.layer(level) for level in Level] if isinstance(cells, Division) else [cells]
    named = {str(code) for codes in shown["cells"] for code in codes} | {str(code) for code in shown["parent"].dropna()}
    return {
        str(code): str(name)
        for layer in layers
        if CODE in layer
        for code, name in zip(layer[CODE], column(layer, "name"), strict=True)
        if str(code) in named and isinstance(name, str) and name
    }


def _crs(frame: Any) -> Any:
    return getattr(frame, "crs", None)


def _when(report: Report, source: str | None) -> dict[str, str]:
    name = f"{source} · " if source else ""
    errors = int((report.findings["severity"] == "error").sum())
    zh = f"{name}{len(report.findings):,} 处问题，其中错误 {errors:,} 处 · 容差 {report.tolerance_m:g} 米"
    return {
        "zh": zh,
        "en": f"{name}{counted(len(report.findings), 'finding')}, {counted(errors, 'error')} · tolerance "
        f"{report.tolerance_m:g} m",
    }


def _placed(findings: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | None, crs: Any) -> gpd.GeoDataFrame:
    """Findings in degrees; those without a geometry get that of their cells."""
    geometry = np.array([None if g is None or g.is_empty else g for g in findings.geometry], dtype=object)
    if cells is not None and CODE in cells.columns:
        by_code: Mapping[str, Any] = dict(zip(cells[CODE].astype(str), cells.geometry, strict=True))
        for i in np.flatnonzero(pd.isna(geometry)):
            named = [by_code[str(code)] for code in findings["cells"].iloc[i] if by_code.get(str(code)) is not None]
            named = [shape for shape in named if shape.is_valid and not shape.is_empty]
            geometry[i] = shapely.union_all(named) if named else None
    placed = gpd.GeoSeries(geometry, index=findings.index, crs=findings.crs or crs)
    return findings.set_geometry(lon_lat(placed))


def _ground(cells: gpd.GeoDataFrame | None, shown: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Cells to draw: all, or with very many, those named by or adjacent to findings."""
    if cells is None:
        return None
    drawn = cells[cells.geometry.notna() & ~cells.geometry.is_empty]
    if drawn.crs is None:
        drawn = drawn.set_crs(shown.crs)
    if len(drawn) <= MOST_CELLS:
        return drawn
    named = {str(code) for codes in shown["cells"] for code in codes}
    near = to_crs(shown.geometry.dropna(), drawn.crs)
    margin = _BESIDE_M if drawn.crs.is_projected else _BESIDE_M / 111_000
    boxes = shapely.box(*(near.bounds.to_numpy() + np.array([-margin, -margin, margin, margin])).T)
    beside = np.unique(drawn.sindex.query(boxes)[1]) if len(near) else np.array([], dtype=int)
    mask = np.zeros(len(drawn), dtype=bool)
    mask[beside] = True
    if CODE in drawn:
        mask |= drawn[CODE].astype(str).isin(named).to_numpy()
    return drawn[mask].head(MOST_CELLS)


def _bounds(
    ground: gpd.GeoDataFrame | None, shown: gpd.GeoDataFrame, outline: gpd.GeoDataFrame | gpd.GeoSeries | None
) -> npt.NDArray[np.float64]:
    """West, south, east, north of the drawing, degrees."""
    parts = [frame.geometry for frame in (ground, outline) if frame is not None] + [shown.geometry]
    boxes = np.array([lon_lat(part.dropna()).total_bounds for part in parts if part.notna().any()])
    boxes = boxes[np.isfinite(boxes).all(axis=1)] if len(boxes) else boxes
    if not len(boxes):
        raise InputError("nothing to draw: no finding has a place; give the cells that were checked")
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _findings(shown: gpd.GeoDataFrame, origin: tuple[float, float]) -> dict[str, list[Any]]:
    """Findings as columns; a geometry is split into areas, lines and points, and has one position for its sign."""
    series = shown.geometry
    parts = {"areas": ("Polygon",), "lines": ("LineString", "LinearRing"), "points": ("Point",)}
    split: dict[str, list[Any]] = {name: [] for name in parts}
    for geometry in series:
        pieces = list(_pieces(geometry))
        for name, types in parts.items():
            split[name].append(gpd.GeoSeries([p for p in pieces if p.geom_type in types], crs=series.crs))
    steps = {"steps": _STEPS}
    at = [None if g is None else shapely.get_coordinates(_place(g))[0] for g in series]
    texts = [text.split(" / ", 1) for text in shown["explanation"]]
    return {
        "kind": shown["kind"].astype(str).tolist(),
        "severity": shown["severity"].astype(str).tolist(),
        "layer": shown["layer"].astype(str).tolist(),
        "cause": shown["cause"].astype(str).tolist(),
        "cells": [[str(code) for code in codes] for codes in shown["cells"]],
        "area_m2": [json_value(value) for value in shown["area_m2"]],
        "width_m": [json_value(value) for value in shown["width_m"]],
        "zh": [text[0] for text in texts],
        "en": [text[-1] for text in texts],
        "areas": [list(chain.from_iterable(encode_polygons(s, origin, **steps))) for s in split["areas"]],
        "lines": [list(chain.from_iterable(encode_lines(s, origin, **steps))) for s in split["lines"]],
        "points": [
            np.rint((shapely.get_coordinates(s.array) - origin) * _STEPS).astype(int).tolist() for s in split["points"]
        ],
        "at": [None if xy is None else np.rint((xy - origin) * _STEPS).astype(int).tolist() for xy in at],
        "bounds": [None if g is None else [round(float(v), 9) for v in g.bounds] for g in series],
    }


def _pieces(geometry: Any) -> list[Any]:
    """Single parts of a geometry, including those of nested collections."""
    if geometry is None:
        return []
    parts = list(shapely.get_parts(geometry))
    return [piece for part in parts for piece in (_pieces(part) if hasattr(part, "geoms") else [part])]


def _place(geometry: Any) -> Any:
    """A point of the geometry for its sign: inside its largest part."""
    pieces = _pieces(geometry)
    largest = max(pieces, key=lambda piece: (shapely.area(piece), shapely.length(piece)))
    try:
        return shapely.point_on_surface(largest)
    except shapely.errors.GEOSException:  # GEOS has no point on surface for a self-crossing ring.
        return shapely.points(shapely.get_coordinates(largest)[0])


def _kind(kind: str) -> dict[str, Any]:
    look = sign(kind)
    return {
        "family": look.family,
        "colour": look.colour,
        "shape": look.shape,
        "name": two_languages(look.name),
        "mark": two_languages(look.mark),
    }


def _level(level: Any) -> dict[str, Any]:
    names = {known.layer: (known.zh, known.layer) for known in Level}
    return {
        "name": two_languages(names.get(level.layer, level.layer)),
        "cells": level.cells,
        "area_km2": json_value(level.area_m2 / 1e6),
        "covered": None if level.covered is None else percent(level.covered),
        "uncovered_m2": json_value(level.uncovered_m2),
        "overlap_m2": json_value(level.overlap_m2),
    }


def _to_do(report: Report) -> dict[str, Any]:
    """The most important causes, each in one sentence, and the number of further ones."""
    groups = report.groups()
    several = len(report.levels) > 1
    names = {known.layer: (known.zh, known.layer) for known in Level}
    first = [
        {
            "text": two_languages((group.zh, group.en)),
            "severity": group.severity,
            "cause": group.cause.value,
            "layer": group.layer,
            "where": two_languages(names.get(group.layer, group.layer)) if several else None,
        }
        for group in groups[:FIRST_SCREEN]
    ]
    return {"first": first, "more": len(groups) - len(first), "count": sum(g.count for g in groups[FIRST_SCREEN:])}


def _remarks(report: Report, cells: gpd.GeoDataFrame | None, ground: gpd.GeoDataFrame | None) -> list[dict[str, str]]:
    told = [(f"{zh}。", f"{en[0].upper()}{en[1:]}.") for level in report.levels for zh, en in level.remarks()]
    more = len(report.findings) - MOST_FINDINGS
    if more > 0:
        told.append(
            (
                f"只绘出最严重的 {MOST_FINDINGS:,} 处，另有 {more:,} 处见 --json 输出。",
                f"The worst {MOST_FINDINGS:,} are drawn; {more:,} more are in the output of --json.",
            )
        )
    if cells is not None and ground is not None and len(ground) < len(cells[cells.geometry.notna()]):
        told.append(
            (
                f"网格较多，只绘出与问题有关的 {len(ground):,} 个。",
                f"Of many cells the {len(ground):,} that have to do with a finding are drawn.",
            )
        )
    return [two_languages(text) for text in told]
