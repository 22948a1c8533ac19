"""Values of public documents: letters, service cards, badges and boards, from the rows of ledgers I, J and K."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.duty.briefs.accounts import Account
from geo.duty.facts import Facts
from geo.duty.ledgers.street import LEADERS_DUTIES, MATTERS
from geo.layers import Division

#: Size of the map on a board, and the margin around the grid.
MAP_MM, AROUND = (200.0, 215.0), 0.35
#: Half the width of a label.
_LABEL_MM = 26.0
_BARS_M = (20, 50, 100, 200, 500, 1000, 2000)

_SALUTATIONS = {"居民": "居民朋友", "经营户": "经营户朋友", "企事业单位": "企事业单位负责人"}
_PURPOSES = {
    "居民": "您家门口的积存垃圾、道路破损、噪声扰民、邻里纠纷，以及需要帮助的老人和孩子，都可以告诉格长。",
    "经营户": "门前环境、消防通道、用电用气安全和证照办理上的困难，都可以告诉格长。",
    "企事业单位": "请确定一名联系人，配合网格做好单位内部和周边的环境、安全和服务工作；有困难和建议，都可以告诉格长。",
}


def short_name(grid: str, community: str) -> str:
    """Name of a grid without that of its community, which is printed next to it.

    >>> short_name("金宁新村社区第1网格", "金宁新村社区"), short_name("万寿网格", "金宁新村社区")
    ('第1网格', '万寿网格')
    """
    rest = grid.removeprefix(community).strip()
    return rest or grid


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
                    + _progress(row["progress"]),
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


def _progress(text: str) -> str:
    """How many cases were closed in the grid; nothing if there were none."""
    return "" if text.endswith("办结0件") else f"本网格{text}。"


def card_values(rows: pd.DataFrame, street: Mapping[str, str]) -> list[dict[str, Any]]:
    """Service cards of ledger J."""
    return [
        {
            "street": street.get("name", ""),
            "community": row["community"],
            "grid": short_name(row["grid"], row["community"]),
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
                    ("网格", short_name(row["grid"], row["community"])),
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
                "subtitle": f"{row['community']}　{short_name(row['grid'], row['community'])}",
                "map": map_values(seconds, code, community=row["community"], roads=roads),
                "persons": [["格长", row["leader"] or "（待定）", row["phone"]]],
                "duties": list(LEADERS_DUTIES),
                "matters": f"{MATTERS}方面的问题和需求。{row['pledge']}",
                "numbers": numbers,
                "foot": f"网格编码 {code}",
            }
        )
    return boards


def account_values(account: Account, facts: Facts) -> dict[str, Any]:
    """The sheet of a grid for the yearly account: head, facts, and space for the person's statement."""
    last = account.end - dt.timedelta(days=1)
    community = facts.cell_names.get(facts.parent_of(account.grid), "")
    head = (
        ("姓名", account.person.text),
        ("职务", account.person.post or "格长"),
        ("社区", community),
        ("网格", short_name(facts.cell_names[account.grid], community)),
        ("编码", account.grid),
        ("期间", f"{account.start:%Y-%m-%d}至{last:%m-%d}"),
    )
    return {
        "head": [list(pair) for pair in head],
        "facts": [list(row) for row in account.facts],
        "statement": "",
        "foot": f"数字由流转记录和巡查核验生成，可逐件核对；指标定义 {account.definitions}。不作评比。",
    }


def map_values(seconds: gpd.GeoDataFrame, code: str, *, community: str = "", roads: Any = None) -> dict[str, Any]:
    """A grid among its neighbours, in millimetres of the paper, with a round scale bar.

    Names of grids of the `community` are shown without it.
    """
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
            # Labels keep this distance from the frame, so that none is cut off.
            x, y = min(max(x, _LABEL_MM), MAP_MM[0] - _LABEL_MM), min(max(y, 6.0), MAP_MM[1] - 6.0)
            name = near.at[other, "name"] if "name" in near else other
            labels.append({"x": x, "y": y, "text": short_name(str(name), community), "own": other == code})
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
