"""Curves as SVG: one panel per question, logarithmic axes."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

_COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#8a5a9e", "#b08900", "#444444")
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 330, 240, 62, 34, 14, 44


def curves(panels: list[tuple[str, str, str, dict[str, list[tuple[float, float]]]]]) -> str:
    """Draw panels side by side: title, label of x, label of y, and points of each line."""
    width = len(panels) * _WIDTH
    body = "".join(_panel(i * _WIDTH, *panel) for i, panel in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" font-family="sans-serif" font-size="11">'
        f'<rect width="{width}" height="{_HEIGHT}" fill="#ffffff"/>{body}</svg>\n'
    )


def _panel(shift: int, title: str, x_label: str, y_label: str, lines: dict[str, list[tuple[float, float]]]) -> str:
    xs = [log10(x) for points in lines.values() for x, _ in points]
    ys = [log10(y) for points in lines.values() for _, y in points]
    x0, x1, y0, y1 = min(xs), max(max(xs), min(xs) + 0.1), floor(min(ys)), ceil(max(ys) + 1e-9)

    def px(x: float) -> float:
        return shift + _LEFT + (log10(x) - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)

    def py(y: float) -> float:
        return _HEIGHT - _BOTTOM - (log10(y) - y0) / (y1 - y0) * (_HEIGHT - _TOP - _BOTTOM)

    out = [f'<text x="{shift + _LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    for power in range(y0, y1 + 1):
        out.append(
            f'<line x1="{shift + _LEFT}" x2="{shift + _WIDTH - _RIGHT}" y1="{py(10**power):.1f}" y2="{py(10**power):.1f}" '
            'stroke="#dddddd"/>'
        )
        out.append(
            f'<text x="{shift + _LEFT - 6}" y="{py(10**power) + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    ticks = sorted({x for points in lines.values() for x, _ in points})
    out += [
        f'<text x="{px(x):.1f}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{_short(x)}</text>' for x in ticks
    ]
    out.append(
        f'<text x="{shift + (_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>'
    )
    out.append(
        f'<text x="{shift + 13}" y="{_HEIGHT / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 {shift + 13} {_HEIGHT / 2:.0f})">{escape(y_label)}</text>'
    )
    for colour, (name, points) in zip(_COLOURS * 3, lines.items(), strict=False):
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        out.append(
            f'<text x="{px(x) - 4:.1f}" y="{py(y) - 8:.1f}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        )
    return "".join(out)


def _short(x: float) -> str:
    return f"{x / 1e6:g} M" if x >= 1e6 else f"{x / 1e3:g} k" if x >= 1e3 else f"{x:g}"
