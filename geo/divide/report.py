"""Report of a division: balance, borders, compactness, sizes, locks and origin."""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.divide.measures import balance, compactness
from geo.layers import Division, Level

_LEVELS = (Level.COMMUNITY, Level.SECOND, Level.THIRD)
# Histogram with bars of 5 %, from -50 to +50 %; larger deviations are counted in the last bar.
_STEP, _REACH = 5, 50
_WIDTH, _HEIGHT = 520, 190


def fingerprint(frame: gpd.GeoDataFrame | None) -> str | None:
    """SHA-256 of a layer's CRS, geometries and attributes, which identifies its version; None for no layer."""
    if frame is None:
        return None
    digest = hashlib.sha256(str(frame.crs).encode())
    for shape in shapely.to_wkb(np.asarray(frame.geometry.array, dtype=object)):
        digest.update(shape or b"")
    facts = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    digest.update(facts.to_csv().encode())
    return digest.hexdigest()


def summarise(division: Division) -> dict[str, object]:
    """Key figures of a division as JSON types.

    Returns
    -------
    dict
        ``levels``: for each level count, balance (share off the siblings' mean: mean, p95, max), compactness (mean
        Polsby-Popper), area and workload (least, median, largest), and ``on_barriers``, the share of border on roads, rails,
        water or the outline, where :func:`geo.divide.divide` made it; ``communities``: grids, workload and worst balance of
        each; ``origin``: atoms, buildings cut, locks, seed and the fingerprints of the inputs; ``obstacles``.
    """
    origin = dict(division.third.attrs)
    shares = origin.pop("on_barriers", {})
    obstacles = origin.pop("obstacles", [])
    levels = {level.layer: {**_level(division, level), "on_barriers": shares.get(level.layer)} for level in _LEVELS}
    return {"levels": levels, "communities": _communities(division), "origin": origin, "obstacles": obstacles}


def report_markdown(division: Division, *, title: str) -> str:
    """The key figures as Markdown, in Chinese and English."""
    facts: dict[str, Any] = summarise(division)
    lines = [
        f"# {title}",
        "",
        "| 层级 level | 数量 count | 偏差均值 mean off | p95 | 最大 max | 紧凑度 PP | 沿界 on barriers |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in facts["levels"].items():
        off = row["off_mean"]
        share = "" if row["on_barriers"] is None else f"{row['on_barriers']:.1%}"
        lines.append(
            f"| {name} | {row['count']} | {off['mean']:.1%} | {off['p95']:.1%} | {off['max']:.1%} | "
            f"{row['compactness']:.3f} | {share} |"
        )
    lines += [
        "",
        "## 社区 communities",
        "",
        "| 编码 code | 名称 name | 二级网格 grids | 工作量 workload | 最大偏差 max off |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {c['code']} | {c['name']} | {c['grids']} | {c['workload']:,.0f} | {c['off_max']:.1%} |"
        for c in facts["communities"]
    ]
    lines += ["", "## 来源 origin", ""]
    lines += [f"- {key}: {value}" for key, value in facts["origin"].items()]
    found = facts["obstacles"]
    lines += ["", "## 无法均衡之处 what could not be balanced", ""]
    lines += [
        f"- {row['parent']}: {row['reached']:.1%}（下限 bound {row['bound']:.1%}）{row['proposal_zh']}。"
        f"{row['proposal_en']}."
        for row in found
    ] or ["- 无 none"]
    return "\n".join(lines) + "\n"


def balance_plot(division: Division, level: Level) -> str:
    """Histogram of the deviation of grids from the mean of their siblings, as an SVG."""
    off = 100 * (balance(division, level).dropna().to_numpy() - 1)
    edges = np.arange(-_REACH, _REACH + _STEP, _STEP)
    counts, _ = np.histogram(np.clip(off, -_REACH, _REACH - 1e-9), edges)
    top, width = max(int(counts.max(initial=1)), 1), (_WIDTH - 40) / len(counts)
    bars = []
    for k, count in enumerate(counts.tolist()):
        tall = (_HEIGHT - 70) * count / top
        colour = (
            "#2b7a4b"
            if abs(edges[k] + _STEP / 2) < _STEP
            else "#d08b2c"
            if abs(edges[k] + _STEP / 2) < 3 * _STEP
            else "#b5432e"
        )
        bars.append(
            f'<rect x="{20 + k * width:.1f}" y="{_HEIGHT - 35 - tall:.1f}" width="{width - 1.5:.1f}" height="{tall:.1f}" '
            f'fill="{colour}"/>'
        )
        if count:
            bars.append(
                f'<text x="{20 + (k + 0.5) * width:.1f}" y="{_HEIGHT - 38 - tall:.1f}" font-size="9" '
                f'text-anchor="middle">{count}</text>'
            )
    marks = [
        f'<text x="{20 + (k * 2) * width:.1f}" y="{_HEIGHT - 20}" font-size="10" text-anchor="middle">{edge:+d} %</text>'
        for k, edge in enumerate(edges[::2].tolist())
    ]
    caption = escape(
        f"{level.zh}：工作量与同级均值之差 {level.layer}: workload off the siblings' mean (n = {len(off)})"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" fill="#222">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/><text x="20" y="20" font-size="12">{caption}</text>'
        f"{''.join(bars)}{''.join(marks)}</svg>\n"
    )


def _level(division: Division, level: Level) -> dict[str, object]:
    frame = division.layer(level)
    off = (balance(division, level) - 1).abs()
    return {
        "count": len(frame),
        "off_mean": {"mean": float(off.mean()), "p95": float(off.quantile(0.95)), "max": float(off.max())},
        "compactness": float(compactness(frame).mean()),
        **{
            name: {
                "least": float(frame[name].min()),
                "median": float(frame[name].median()),
                "largest": float(frame[name].max()),
            }
            for name in ("area_m2", "workload")
        },
    }


def _communities(division: Division) -> list[dict[str, object]]:
    off = (balance(division, Level.SECOND) - 1).abs()
    parent = division.second.set_index("code")["parent"]
    worst, grids = off.groupby(parent).max(), parent.value_counts()
    return [
        {
            "code": code,
            "name": name,
            "grids": int(grids.get(code, 0)),
            "workload": float(load),
            "off_max": float(worst.get(code, 0.0)),
        }
        for code, name, load in zip(
            division.community["code"], division.community["name"], division.community["workload"], strict=True
        )
    ]
