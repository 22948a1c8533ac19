"""Base map of the editor: tiles of a server set by the administrator, transformed to the draft's CRS."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from api.plans.open_draft import OpenDraft
from geo.errors import InputError
from geo.layers.crs import PER_METRE
from geo.layers.transformers import transformer

#: Margin around the street in which the polynomials are fitted, metres.
_AROUND_M = 2_000.0
_SAMPLES = 12


def tile_host(address: str) -> str:
    """Host of the tiles for the content security policy; empty for this server.

    >>> tile_host("https://tiles.example.org/{z}/{x}/{y}.png")
    'https://tiles.example.org'
    >>> tile_host("/tiles/{z}/{x}/{y}.png")
    ''

    Raises
    ------
    InputError
        If the address does not contain each of ``{z}``, ``{x}`` and ``{y}`` exactly once, or is neither a path nor an HTTP
        address.
    """
    parts = urlsplit(address)
    whole = all(address.count(name) == 1 for name in ("{z}", "{x}", "{y}"))
    host = re.fullmatch(r"[A-Za-z0-9.\-]+(:\d+)?", parts.netloc)
    if whole and not parts.scheme and address.startswith("/") and not parts.netloc:
        return ""
    if whole and parts.scheme in ("https", "http") and host:
        return f"{parts.scheme}://{parts.netloc}"
    raise InputError(f"WANGGE_BASE_MAP={address}: write an address such as https://host/{{z}}/{{x}}/{{y}}.png")


def base_map_of(opened: OpenDraft, address: str, credit: str) -> dict[str, Any]:
    """Address and credit of the tiles, and polynomials between Web Mercator and the draft's CRS.

    `to_draft` maps thousands of Mercator metres from `mercator` to millimetres from `origin`; `to_mercator` maps thousands of
    metres from `origin` to Mercator metres from `mercator`.
    """

    west, south, east, north = opened.base.division.street.total_bounds
    columns, rows = np.meshgrid(
        np.linspace(west - _AROUND_M, east + _AROUND_M, _SAMPLES),
        np.linspace(south - _AROUND_M, north + _AROUND_M, _SAMPLES),
    )
    x, y = columns.ravel(), rows.ravel()
    mx, my = transformer(opened.draft.crs, 3857).transform(x, y)
    middle = float(np.mean(mx)), float(np.mean(my))
    lattice = np.column_stack([x * PER_METRE - opened.origin[0], y * PER_METRE - opened.origin[1]])
    mercator = np.column_stack([mx - middle[0], my - middle[1]])
    return {
        "crs": opened.draft.crs.to_string(),
        "origin": list(opened.origin),
        "kind": "tiles",
        "url": address,
        "credit": credit,
        "mercator": list(middle),
        "to_draft": _fitted(mercator / 1000, lattice),
        "to_mercator": _fitted(lattice / PER_METRE / 1000, mercator),
    }


def _fitted(given: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> list[list[float]]:
    """Coefficients of 1, u, v, uu, uv and vv for each column of `wanted`."""
    u, v = given.T
    terms = np.column_stack([np.ones_like(u), u, v, u * u, u * v, v * v])
    return [list(map(float, column)) for column in np.linalg.lstsq(terms, wanted, rcond=None)[0].T]
