"""A small picture of each kind of finding, drawn from an example that the check has evaluated."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from geo.coverage import DEFAULT_POLICY, DIVISION_POLICY, Kind, Severity
from geo.coverage.report import EXPLANATIONS
from geo.errors import ImpossibleError
from geo.layers.columns import CODE, PARENT
from maps.figures.planted_faults import Planted, plant
from maps.finding_signs import SHAPES, sign

# Size of the picture, pixels per metre, and margin around the cells, metres.
_SIZE_PX = (240, 166)
_PX_PER_M = 1.16
_WEST, _NORTH = 387_988.0, 3_553_125.0

_FILLS = ("#e7efe0", "#f4ead6", "#e1ebf3", "#f0e3ea", "#e9e6f3", "#dff0ee", "#f4ead6")
_FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"

# Narrower faults are drawn with a wide line to be visible.
_VISIBLE_M = 1.0

_SEVERITIES = {Severity.ERROR: "错误", Severity.WARNING: "提示", Severity.ALLOWED: "允许"}


def sketch_svg(kind: Kind | str) -> str:
    """Picture of one kind of finding as an SVG document of about 3 kB.

    Draws the finding of the check in the cells of :func:`maps.figures.planted_faults.plant`.

    Raises
    ------
    ImpossibleError
        If the check does not find exactly this kind.
    """
    kind, example = Kind(kind), plant(kind)
    findings = example.check().findings
    if findings["kind"].tolist() != [kind.value]:
        raise ImpossibleError(f"the example of {kind.value} is found to be {', '.join(findings['kind']) or 'sound'}")
    name_zh, name_en = sign(kind).name
    found = findings.iloc[0]
    width, height = _SIZE_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{_FONT}" role="img">',
        f"<title>{html.escape(f'{name_zh} {name_en}: {found.explanation}')}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_ground(example),
        *_finding(kind, found.geometry),
        *_labels(kind, example),
        _badge(kind, *_badge_place(found.geometry)),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def overview_table(folder: str = "images") -> str:
    """Table of all kinds in Markdown: picture, name, meaning, and default severity.

    Parameters
    ----------
    folder
        Folder of the pictures, relative to the document.
    """
    lines = [
        "| | kind 类型 | meaning 含义 | a layer 图层 | a division 方案 |",
        "|---|---|---|---|---|",
    ]
    for kind in Kind:
        name, zh, en = EXPLANATIONS[kind]
        policies = " | ".join(
            f"{policy[kind].value} {_SEVERITIES[policy[kind]]}" for policy in (DEFAULT_POLICY, DIVISION_POLICY)
        )
        picture = f'<img src="{folder}/coverage-{kind.value}.svg" width="180" alt="{name}">'
        meaning = f"{zh.format('…')}<br>{en.format('…')}"
        lines.append(f"| {picture} | {name}<br>`{kind.value}` | {meaning} | {policies} |")
    return "\n".join(lines) + "\n"


def _ground(example: Planted) -> list[str]:
    """Cells in soft colours, the outline dashed and the level above in thick lines, if the check used them."""
    seen = [
        _path(shape, f'fill="{_FILLS[i]}" fill-opacity="0.85" stroke="#66737c" stroke-width="1.2"')
        for i, shape in enumerate(example.cells.geometry)
        if shape is not None and not shape.is_empty
    ]
    outline, parents = example.options.get("outline"), example.options.get("parents")
    if outline is not None:
        seen.append(
            _path(outline.geometry.iloc[0], 'fill="none" stroke="#1d2a35" stroke-width="2" stroke-dasharray="6 3"')
        )
    if parents is not None:
        seen += [_path(shape, 'fill="none" stroke="#1d2a35" stroke-width="3"') for shape in parents.geometry]
    return seen


def _finding(kind: Kind, geometry: Any) -> list[str]:
    colour = sign(kind).colour
    if geometry is None:
        return []
    if geometry.geom_type in ("Point", "MultiPoint"):
        rings = [
            f'<circle cx="{x}" cy="{y}" r="6" fill="none" stroke="{colour}" stroke-width="2.6"/>'
            for x, y in _pixels(geometry)
        ]
        dots = [f'<circle cx="{x}" cy="{y}" r="2.2" fill="{colour}"/>' for x, y in _pixels(geometry)]
        return rings + dots
    thin = 2 * shapely.area(geometry) / max(shapely.length(geometry), 1e-9) < _VISIBLE_M
    return [
        _path(geometry, f'fill="{colour}" fill-opacity="0.45" stroke="{colour}" stroke-width="{4 if thin else 2.2}"')
    ]


def _labels(kind: Kind, example: Planted) -> list[str]:
    """Codes of the cells, their parent or area attributes, and a line below for faults without a place."""
    written, below = [], ""
    for i, (code, shape) in enumerate(zip(example.cells[CODE], example.cells.geometry, strict=True)):
        if shape is None or shape.is_empty:
            below = f"{code}：没有图形 no geometry"
            continue
        x, y = _middle(kind, i, shape)
        text = (
            f"…{code[-5:]}"
            if kind is Kind.BAD_CODE
            else "B = G"
            if kind is Kind.DUPLICATE_POLYGON and code == "B"
            else code
        )
        if kind is Kind.DUPLICATE_POLYGON and code == "G":
            continue
        written.append(_text(x, y, text, size=10 if kind is Kind.BAD_CODE else 13, bold=True))
        if PARENT in example.cells:
            written.append(_text(x, y + 13, f"→ {example.cells[PARENT].iloc[i]}", size=10))
        elif kind is Kind.AREA_MISMATCH:
            share = example.cells["area_m2"].iloc[i] / shape.area
            written.append(_text(x, y + 13, f"登记 {share:.0%}", size=9))
    # The detached part gets a label with its owner.
    if kind in (Kind.DETACHED_PART, Kind.CORNER_CONTACT):
        i = 2 if kind is Kind.DETACHED_PART else 1
        small = min(shapely.get_parts(example.cells.geometry.iloc[i]), key=lambda piece: piece.area)
        x, y = _pixels(small.centroid)[0]
        written.append(_text(x, y + 4, str(example.cells[CODE].iloc[i]), size=13, bold=True))
    if kind is Kind.WRONG_COUNT:
        below = f"{len(example.cells)} ≠ {example.options['expected']}"
    if PARENT in example.cells:
        written += [_text(22, 14, "P", size=11, bold=True), _text(188, 13, "Q", size=11, bold=True)]
    if below:
        written.append(_text(_SIZE_PX[0] / 2, _SIZE_PX[1] - 4, below, size=11, bold=True, colour=sign(kind).colour))
    return written


def _middle(kind: Kind, i: int, shape: Any) -> tuple[float, float]:
    """Position of a cell's label: in the middle of its largest part, or next to its hole."""
    part = max(shapely.get_parts(shape), key=lambda piece: piece.area)
    place = part.centroid if part.contains(part.centroid.buffer(8)) else part.representative_point()
    if kind is Kind.RING_SHAPED and i == 1:
        place = shapely.Point(388_070.0, 3_553_080.0)
    if kind is Kind.INVALID_GEOMETRY and i == 4:
        place = shapely.Point(388_079.0, 3_553_010.0)
    return _pixels(place)[0]


def _badge_place(geometry: Any) -> tuple[float, float]:
    """Position of the sign: to the upper right of the fault, or in a corner if the fault has no place."""
    if geometry is None:
        return _SIZE_PX[0] - 16.0, 16.0
    xy = np.array(_pixels(geometry))
    x, y = xy[:, 0].max() + 11, xy[:, 1].min() - 7
    return float(min(x, _SIZE_PX[0] - 13)), float(max(y, 14))


def _badge(kind: Kind, x: float, y: float) -> str:
    look = sign(kind)
    across = -1.5 if look.shape == "tag" else 0
    down = 7 if look.shape == "triangle" else 4
    return (
        f'<g transform="translate({x:.1f} {y:.1f})"><path d="{SHAPES[look.shape]}" fill="{look.colour}" stroke="#ffffff" '
        f'stroke-width="1.4"/>{_text(across, down, look.mark[0], size=11, bold=True, colour="#ffffff")}</g>'
    )


def _text(x: float, y: float, text: str, *, size: int, bold: bool = False, colour: str = "#24313a") -> str:
    weight = ' font-weight="700"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="{size}"{weight} fill="{colour}">{html.escape(text)}</text>'


def _path(shape: Any, attributes: str) -> str:
    rings = [ring for part in shapely.get_parts(shape) for ring in shapely.get_rings(part)]
    d = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in _pixels(ring)[:-1]) + "z" for ring in rings)
    return f'<path d="{d}" fill-rule="evenodd" stroke-linejoin="round" {attributes}/>'


def _pixels(shape: Any) -> Sequence[tuple[float, float]]:
    xy = shapely.get_coordinates(shape)
    return [(round((x - _WEST) * _PX_PER_M, 1), round((_NORTH - y) * _PX_PER_M, 1)) for x, y in xy]
