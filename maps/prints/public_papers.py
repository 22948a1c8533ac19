"""Values of public documents: letters, service cards, badges and boards, from the rows of ledgers I, J and K."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.duty.ledgers.street import LEADERS_DUTIES, MATTERS
from geo.layers import Division

#: Size of the map on a board, and the margin around the grid.
MAP_MM, AROUND = (200.0, 215.0), 0.35
_BARS_M = (20, 50, 100, 200, 500, 1000, 2000)

_SALUTATIONS = {"居民": "居民朋友", "经营户": "经营户朋友", "企事业单位": "企事业单位负责人"}
_PURPOSES = {
    "居民": "您家门口的积存垃圾、道路破损、噪声扰民、邻里纠纷，以及需要帮助的老人和孩子，都可以告诉格长。",
    "经营户": "门前环境、消防通道、用电用气安全和证照办理上的困难，都可以告诉格长。",
    "企事业单位": "请确定一名联系人，配合网格做好单位内部和周边的环境、安全和服务工作；有困难和建议，都可以告诉格长。",
}


def letter_values(rows: pd.DataFrame, street: Mapping[str, str]) -> list[dict[str, Any]]:
    """Letters of ledger I: one for each grid and audience."""
    name = street.get("name", "街道")
    letters = []
    for row in rows.to_dict("records"):
        audience = str(row["audience"])
        year, month, day = str(row["date"]).split("-")
        leader = "　".join(part for part in (row["leader"], row["phone"]) if part)
        letters.append(
            {
                "title": f"致{audience}的一封信",
                "salutation": f"{row['community']}的{_SALUTATIONS[audience]}：",
                "paragraphs": [
                    f"网格是街道为了就近服务划定的小区域。您所在的是{row['grid']}，由一名格长负责，格长每天至少巡查两次。",
                    _PURPOSES[audience],
                    f"五项服务：{row['matters']}。能在网格里解决的当场解决；不能的，街道会同有关部门办理，并把结果告诉您。"
                    f"{row['progress']}。",
                    "反映问题不需要安装任何软件，打电话、到社区当面说都可以。",
                ],
                "contacts": [
                    [label, value]
                    for label, value in (
                        ("格长", leader),
                        ("监督电话", row["supervision_phone"]),
                        ("服务热线", street.get("hotline", "")),
                    )
                    if value
                ],
                "signature": [f"{name}办事处", f"{int(year)}年{int(month)}月{int(day)}日"],
            }
        )
    return letters


def card_values(rows: pd.DataFrame, street: Mapping[str, str]) -> list[dict[str, Any]]:
    """Service cards of ledger J."""
    return [
        {
            "street": street.get("name", ""),
            "community": row["community"],
            "grid": row["grid"],
            "code": "",
            "leader": row["leader"] or "（待定）",
            "phone": row["phone"],
            "post": "格长服务手机",
            "numbers": [
                [label, value]
                for label, value in (
                    ("热线", row["hotline"]),
                    ("警务", row["police"]),
                    ("物业", row["property"]),
                    ("监督", street.get("supervision_phone", "")),
                )
                if value
            ],
        }
        for row in rows.to_dict("records")
    ]


def badge_values(rows: pd.DataFrame, street: Mapping[str, str]) -> list[dict[str, Any]]:
    """Work badges of the leaders of ledger K; grids without a leader get none."""
    return [
        {
            "street": street.get("name", ""),
            "name": row["leader"],
            "rows": [
                [label, value]
                for label, value in (
                    ("职务", row["post"] or "格长"),
                    ("社区", row["community"]),
                    ("网格", row["grid"]),
                    ("监督电话", row["supervision_phone"]),
                )
                if value
            ],
        }
        for row in rows.to_dict("records")
        if row["leader"]
    ]


def board_values(
    rows: pd.DataFrame, codes: Sequence[str], division: Division, street: Mapping[str, str], *, roads: Any = None
) -> list[dict[str, Any]]:
    """Boards of ledger K with a map of each grid.

    Parameters
    ----------
    rows, codes
        Ledger K, and the code of the grid of each row.
    division
        The grids, in metres.
    roads
        Lines drawn under the borders, in the CRS of the division; left out by default.
    """
    seconds = division.second.set_index("code")
    boards = []
    for code, row in zip(codes, rows.to_dict("records"), strict=True):
        numbers = [
            [label, value]
            for label, value in (("热线", street.get("hotline", "")), ("监督电话", row["supervision_phone"]))
            if value
        ]
        boards.append(
            {
                "title": "网格公示牌",
                "subtitle": f"{row['community']}　{row['grid']}",
                "map": map_values(seconds, code, roads=roads),
                "persons": [["格长", row["leader"] or "（待定）", row["phone"]]],
                "duties": list(LEADERS_DUTIES),
                "matters": f"{MATTERS}方面的问题和需求。{row['pledge']}",
                "numbers": numbers,
                "foot": f"网格编码 {code}",
            }
        )
    return boards


def map_values(seconds: gpd.GeoDataFrame, code: str, *, roads: Any = None) -> dict[str, Any]:
    """A grid among its neighbours, in millimetres of the paper, with a round scale bar."""
    own = seconds.geometry.loc[code]
    west, south, east, north = own.bounds
    side = max(east - west, (north - south) * MAP_MM[0] / MAP_MM[1]) * (1 + 2 * AROUND)
    scale = MAP_MM[0] / side
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    frame = shapely.box(
        middle_x - side / 2,
        middle_y - MAP_MM[1] / scale / 2,
        middle_x + side / 2,
        middle_y + MAP_MM[1] / scale / 2,
    )

    def on_paper(xy: Any) -> list[list[float]]:
        points = np.asarray(xy)
        x = (points[:, 0] - middle_x) * scale + MAP_MM[0] / 2
        y = MAP_MM[1] / 2 - (points[:, 1] - middle_y) * scale
        return np.round(np.column_stack([x, y]), 2).tolist()  # type: ignore[no-any-return]

    near = seconds[seconds.geometry.intersects(frame)]
    cells, labels = [], []
    for other, geometry in zip(near.index, near.geometry, strict=True):
        clipped = geometry.intersection(frame)
        cells += [
            {"own": other == code, "ring": on_paper(part.exterior.coords)}
            for part in shapely.get_parts(clipped)
            if part.geom_type == "Polygon" and part.area > 0
        ]
        if clipped.area * scale * scale > 600.0:
            ((x, y),) = on_paper([clipped.representative_point().coords[0]])
            name = near.at[other, "name"] if "name" in near else other
            labels.append({"x": x, "y": y, "text": str(name), "own": other == code})
    bar_m = next((length for length in reversed(_BARS_M) if length * scale <= 60), _BARS_M[0])
    return {
        "width_mm": MAP_MM[0],
        "height_mm": MAP_MM[1],
        "cells": sorted(cells, key=lambda cell: bool(cell["own"])),
        "roads": _lines(roads, frame, on_paper),
        "labels": labels,
        "bar_mm": round(bar_m * scale, 2),
        "bar_text": f"{bar_m} 米",
    }


def _lines(roads: Any, frame: Any, on_paper: Any) -> list[list[list[float]]]:
    if roads is None:
        return []
    parts = shapely.get_parts(shapely.intersection(np.asarray(roads.geometry.array, dtype=object), frame))
    return [on_paper(part.coords) for part in parts if part.geom_type == "LineString" and part.length > 0]
