"""The image lies at the place of the density, and the page shows the counts."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from PIL import Image

from geo.errors import ColumnError, CrsError, GeometryError
from geo.layers import Level
from maps import heat_map, render
from maps.colours import oklab
from maps.encoding import density_image


def bump(division, at, width_m: float = 60.0):
    """A density with one peak, on a raster of 20 m that extends beyond the outline."""
    west, south, east, north = division.street.total_bounds
    x, y = np.arange(west - 50, east + 50, 20.0), np.arange(south - 50, north + 50, 20.0)
    values = 800 * np.exp(-((x[None, :] - at[0]) ** 2 + (y[:, None] - at[1]) ** 2) / (2 * width_m**2))
    return SimpleNamespace(x=x, y=y, values=values, bandwidth_m=width_m)


def pixels(picture: density_image.Picture) -> tuple[np.ndarray, np.ndarray]:
    """Palette positions of the image, shape (rows, columns), and the opacity of each palette entry."""
    image = Image.open(io.BytesIO(base64.b64decode(picture.uri.removeprefix("data:image/png;base64,"))))
    assert (image.format, image.mode) == ("PNG", "P")
    return np.asarray(image), np.frombuffer(image.info["transparency"], dtype=np.uint8)


def test_peak_of_the_picture_is_where_the_peak_is(small_street) -> None:
    division = small_street.division()
    west, _, east_m, north = division.street.total_bounds
    at = (west + 250, north - 250)  # Far from the centre, where a stretched image would be off by tens of metres.
    density = bump(division, at)
    picture = density_image.density_picture(density.x, density.y, density.values, outline=division.street.geometry)
    index, opacity = pixels(picture)
    row, column = np.unravel_index(index.argmax(), index.shape)
    (south, west_deg), (north_deg, east) = picture.bounds
    to_web = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    (x0, x1), (y0, y1) = to_web.transform([west_deg, east], [south, north_deg])
    web = x0 + (column + 0.5) / index.shape[1] * (x1 - x0), y1 - (row + 0.5) / index.shape[0] * (y1 - y0)
    found = pyproj.Transformer.from_crs(3857, division.crs, always_xy=True).transform(*web)
    assert np.hypot(found[0] - at[0], found[1] - at[1]) < 15  # A raster cell is 20 m.
    # The centre of the density is that of the pixels, to a fraction of a pixel of 10 m.
    weight = index / index.sum()
    mean = [float((weight.sum(axis=axis) * np.arange(index.shape[1 - axis])).sum()) + 0.5 for axis in (0, 1)]
    web = x0 + mean[0] / index.shape[1] * (x1 - x0), y1 - mean[1] / index.shape[0] * (y1 - y0)
    found = pyproj.Transformer.from_crs(3857, division.crs, always_xy=True).transform(*web)
    assert np.hypot(found[0] - at[0], found[1] - at[1]) < 1.5
    assert index.shape[1] == pytest.approx((east_m - west) / 10, abs=3)
    assert picture.top == 800
    # Below 2 % of the maximum nothing is drawn; from 30 % on the colour is as opaque as it gets.
    assert (opacity[5], opacity[6], opacity[76], opacity[77], opacity[255]) == (0, 3, 218, 219, 219)
    assert (np.diff(opacity.astype(int)) >= 0).all()


def test_order_of_rows_and_columns_does_not_matter(small_street) -> None:
    division = small_street.division()
    density = bump(division, division.street.total_bounds[:2] + 400)
    outline = division.street.geometry
    a = density_image.density_picture(density.x, density.y, density.values, outline=outline)
    b = density_image.density_picture(density.x[::-1], density.y[::-1], density.values[::-1, ::-1], outline=outline)
    assert a == b


def test_nothing_is_painted_outside_the_outline(small_street) -> None:
    division = small_street.division()
    density = bump(division, (0, 0))
    flat = np.full_like(density.values, 500.0)
    half = division.street.geometry.intersection(shapely.box(*division.community.total_bounds[:2], 389_200, 3_560_000))
    triangle = half.map(lambda g: shapely.Polygon(shapely.get_coordinates(g)[:3]))
    index, _ = pixels(density_image.density_picture(density.x, density.y, flat, outline=triangle))
    assert 0.45 < (index > 0).mean() < 0.55
    assert set(np.unique(index)) == {0, 255}


def test_density_that_is_no_grid_is_refused(small_street) -> None:
    division = small_street.division()
    outline = division.street.geometry
    with pytest.raises(GeometryError, match="do not fit"):
        density_image.density_picture(np.arange(3), np.arange(4), np.zeros((3, 4)), outline=outline)
    with pytest.raises(CrsError, match="not in metres"):
        density_image.density_picture(np.arange(3), np.arange(4), np.zeros((4, 3)), outline=outline.to_crs(4326))


def assigned(division, n: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(4)
    codes = division.third["code"].to_numpy(dtype=object)[rng.integers(0, 20, n)]
    codes[:7] = None
    incidents = pd.DataFrame(
        {
            "cell": codes,
            "kind_name": rng.choice(["暴露垃圾", "占道经营"], n),
            "reported_at": pd.Timestamp("2026-03-01 15:59", tz="UTC") + pd.to_timedelta(np.arange(n), unit="h"),
            "address": "某路 1 号",
            "default_point": np.arange(n) < 3,
        }
    )
    rows = []
    for level, digits in ((Level.STREET, 9), (Level.COMMUNITY, 12), (Level.SECOND, 15), (Level.THIRD, 18)):
        found = incidents["cell"].dropna().str[:digits].value_counts()
        rows += [
            {"code": c, "level": int(level), "incidents": int(found.get(c, 0)), "per_km2": float(found.get(c, 0)) / 4}
            for c in division.layer(level)["code"]
        ]
    return incidents, pd.DataFrame(rows)


def payload(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)[1])


def test_counts_hot_spots_and_remarks(small_street) -> None:
    division = small_street.division()
    incidents, counts = assigned(division)
    codes = division.second["code"].iloc[:4]
    hot = pd.DataFrame({"code": codes, "hot": [True, False, True, False], "core": [True, False, False, True]})
    before = incidents.copy()
    density = bump(division, division.street.total_bounds[:2] + 300)
    hot.attrs = {"notes": {2: ("全部时间", "all time")}}
    week = pd.DataFrame({"code": codes.iloc[:2], "hot": [False, True], "core": [False, False]})
    weeks = [(dt.date(2026, 3, 2), dt.date(2026, 3, 8), week)]
    page = render(
        heat_map(division, incidents, density, counts.sample(frac=1, random_state=2), hotspots=hot, hot_periods=weeks)
    )
    data = payload(page)
    assert data["measures"]["incidents"][0] == [293]
    assert sum(data["measures"]["incidents"][3]) == 293
    assert data["measures"]["incidents"][2] == counts.loc[counts["level"] == 2, "incidents"].tolist()
    assert "per_1000" not in data["measures"]
    assert data["hot"] == {
        "cells": {codes.iloc[0]: True, codes.iloc[2]: False, codes.iloc[3]: True},
        "notes": {"2": {"zh": "全部时间", "en": "all time"}},
    }
    assert data["hot_periods"] == {"2026-03-02 2026-03-08": {"cells": {codes.iloc[1]: False}, "notes": {"2": None}}}
    assert data["when"]["zh"] == "2026年3月1日至2026年3月14日，共 300 件"
    assert [remark["zh"][:2] for remark in data["remarks"]] == ["7 ", "3 "]
    assert [len(colours) for colours in data["class_colours"]] == [1, 2, 3, 4, 5]
    # The palest colour of the ramp means "none", the darkest would hide labels.
    lightness = [oklab(data["class_colours"][4][k])[0] for k in (0, -1)]
    assert lightness == pytest.approx([0.884, 0.422], abs=0.01)
    assert data["fewest_residents"] == 50
    assert "某路" not in page
    pd.testing.assert_frame_equal(incidents, before)


def test_street_has_what_its_communities_have_where_counts_leave_it_out(small_street) -> None:
    division = small_street.division()
    incidents, counts = assigned(division)
    page = render(heat_map(division, incidents, bump(division, (0, 0)), counts[counts["level"] > 0]))
    assert payload(page)["measures"]["incidents"][0] == [293]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda i, c: (i.drop(columns="cell"), c), "column cell is missing"),
        (lambda i, c: (i.assign(cell="999"), c), "999, 999"),
        (lambda i, c: (i, c.drop(columns="incidents")), "column incidents is missing"),
        (lambda i, c: (i, c.iloc[:6]), "no row for grid"),
    ],
)
def test_frames_that_do_not_fit_are_refused(small_street, spoil, message) -> None:
    division = small_street.division()
    incidents, counts = spoil(*assigned(division))
    with pytest.raises(ColumnError, match=message):
        heat_map(division, incidents, bump(division, (0, 0)), counts)
