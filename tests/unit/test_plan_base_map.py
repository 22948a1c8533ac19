"""The base map of the editor: its host, and the position of its tiles in the draft's CRS."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pyproj import Transformer

from api.middleware import policy_with_pictures
from api.plans.base_map import base_map_of, tile_host
from geo.errors import InputError


def test_a_tile_lies_where_pyproj_puts_it(small_street) -> None:
    division = small_street.division()
    west, south, east, north = division.street.total_bounds
    opened = SimpleNamespace(
        draft=SimpleNamespace(crs=division.crs),
        base=SimpleNamespace(division=division),
        origin=(round(west * 1000), round(south * 1000)),
    )
    told = base_map_of(opened, "https://tiles.example.org/{z}/{x}/{y}.png", "测绘")
    rng = np.random.default_rng(1)
    x, y = rng.uniform(west - 1000, east + 1000, 200), rng.uniform(south - 1000, north + 1000, 200)
    mx, my = Transformer.from_crs(division.crs, 3857, always_xy=True).transform(x, y)
    u, v = (mx - told["mercator"][0]) / 1000, (my - told["mercator"][1]) / 1000
    terms = np.array([np.ones_like(u), u, v, u * u, u * v, v * v])
    lattice = np.array(told["to_draft"]) @ terms + np.array(told["origin"])[:, None]
    # A pixel of the finest zoom is half a metre.
    assert np.abs(lattice / 1000 - [x, y]).max() < 0.1
    u, v = x / 1000 - told["origin"][0] / 1e6, y / 1000 - told["origin"][1] / 1e6
    terms = np.array([np.ones_like(u), u, v, u * u, u * v, v * v])
    mercator = np.array(told["to_mercator"]) @ terms + np.array(told["mercator"])[:, None]
    assert np.abs(mercator - [mx, my]).max() < 0.1


@pytest.mark.parametrize(
    "address",
    [
        "https://host/{z}/{x}.png",
        "ftp://host/{z}/{x}/{y}",
        "//host/{z}/{x}/{y}",
        "https://a b/{z}/{x}/{y}",
        "https://host;script-src/{z}/{x}/{y}",
        "https://{x}.host/{z}/{x}/{y}",
    ],
)
def test_an_address_that_names_no_host_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="WANGGE_BASE_MAP"):
        tile_host(address)


def test_pictures_come_from_the_host_only() -> None:
    assert policy_with_pictures(tile_host("https://t.example.org:8443/{z}/{x}/{y}")).endswith(
        "; img-src 'self' data: blob: https://t.example.org:8443"
    )
    assert policy_with_pictures("").endswith("; img-src 'self' data: blob:")
