"""Draws the funnel of a brief as SVG for the page; the PDF template draws it from the same block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

_WIDE, _HIGH, _LEFT, _TOP, _BELOW = 640.0, 240.0, 48.0, 10.0, 40.0


def funnel_svg(block: Mapping[str, Any]) -> Markup:
    """Draw the values of a funnel block: limits, mean, and a point with its number for each area."""

    def x(n: float) -> float:
        return _LEFT + n / float(block["most"]) * _WIDE

    def y(value: float) -> float:
        low, high = float(block["floor"]), float(block["ceiling"])
        return _TOP + (1 - (min(max(value, low), high) - low) / (high - low)) * _HIGH

    def path(points: Iterable[Iterable[float]]) -> str:
        return "M" + "L".join(f"{x(n):.1f} {y(value):.1f}" for n, value in points)

    parts = [
        Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor" opacity=".15"/>').format(
            _LEFT, _LEFT + _WIDE, f"{y(tick):.1f}", f"{y(tick):.1f}"
        )
        + Markup('<text x="{}" y="{}" text-anchor="end">{}%</text>').format(
            _LEFT - 6, f"{y(tick) + 4:.1f}", round(tick * 100)
        )
        for tick in block["ticks"]
    ]
    parts += [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(f"{x(n):.1f}", _TOP + _HIGH + 18, n)
        for n in block["counts"]
    ]
    for name, dash in (("limits_95", "5 4"), ("limits_998", "none")):
        parts += [
            Markup('<path d="{}" fill="none" stroke="currentColor" opacity=".6" stroke-dasharray="{}"/>').format(
                path(side), dash
            )
            for side in block[name]
        ]
    parts.append(
        Markup('<path d="{}" fill="none" stroke="currentColor" opacity=".6"/>').format(
            path([(0, block["common"]), (block["most"], block["common"])])
        )
    )
    fills = {"outside_998": "#a8321f", "few": "none"}
    for point in block["points"]:
        at_x, at_y = x(point["n"]), y(point["value"])
        parts.append(
            Markup('<circle cx="{}" cy="{}" r="5" fill="{}" stroke="currentColor"/>').format(
                f"{at_x:.1f}", f"{at_y:.1f}", fills.get(point["band"], "#7d93a1")
            )
            + Markup('<text x="{}" y="{}">{}</text>').format(f"{at_x + 7:.1f}", f"{at_y - 5:.1f}", point["label"])
        )
    parts.append(
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT + _WIDE, _TOP + _HIGH + 34, block["axis"]
        )
    )
    box = f"0 0 {_LEFT + _WIDE + 14} {_TOP + _HIGH + _BELOW}"
    return Markup('<svg viewBox="{}" role="img" aria-label="{}" font-size="12" fill="currentColor">{}</svg>').format(
        box, block["title"], Markup("").join(parts)
    )
