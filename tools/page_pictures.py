"""Take screenshots of all pages of the demonstration in three sizes: ``python -m tools.page_pictures LINK FOLDER [NAME ...]``.

LINK is what `wangge demo` prints when it serves; it logs the viewer in. FOLDER is where it wrote its files. Without names all
pictures are taken. They are used by docs/pages.md and the manuals, and are half as large as the window. Needs Chromium and
playwright.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import pandas as pd
import shapely
from PIL import Image
from playwright.sync_api import sync_playwright

from geo.layers import read_division
from geo.patrols import route_match
from maps import route_map, save

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZES = ((1920, 1080), (1366, 768), (390, 844))
#: Name of the picture, and address of the page.
PAGES = (
    ("first", "/"),
    ("screen", "/?screen=1"),
    ("coverage", "/coverage"),
    ("coverage-week", "/coverage#day=2026-03-01&span=week"),
    ("heat", "/heat"),
    ("fairness", "/fairness#by=population"),
    ("checker", "/checker"),
    ("plan", "/plan"),
    ("me", "/me"),
    ("desk", "/desk"),
    ("board", "/board"),
    ("roster", "/roster"),
    ("notices", "/notices"),
    ("rectification", "/rectification"),
    ("meeting", "/meeting"),
    ("ledgers", "/ledgers"),
    ("brief", "/brief"),
    ("ogc", "/ogc"),
)
#: Name of the picture, and file of the demonstration.
FILES = (("check", "check.html"), ("route", "route.html"))
_WAIT_MS = 1500
#: Length of the stretch that was planned beyond a walk and missed, metres.
_MISSED_M = 250.0


def draw_route(folder: Path) -> None:
    """Write the page of a planned route: the longest walk of the day, and a stretch beyond it that was missed."""
    division, background = read_division(folder / "division.gpkg"), folder / "background.gpkg"
    made = pd.read_csv(folder / "visits.csv", parse_dates=["start", "end"])
    walks = made[made["counted"] & made["speed_m_s"].between(0.9, 1.6) & (made["stay_s"] < 3600)]
    longest = walks.loc[(walks["stay_s"] * walks["speed_m_s"]).idxmax()]
    tracks = pd.read_parquet(folder / "tracks.parquet")
    during = (tracks["device"] == longest["device"]) & tracks["time"].between(longest["start"], longest["end"])
    track = gpd.GeoDataFrame(
        tracks[during], geometry=gpd.points_from_xy(tracks[during].lon, tracks[during].lat), crs=4326
    )
    walked = shapely.simplify(shapely.LineString(track.to_crs(division.crs).geometry.tolist()), 20.0)
    x, y = walked.coords[-1]
    planned = shapely.LineString([*walked.coords, (x + _MISSED_M, y)])
    gate = gpd.GeoSeries(
        [shapely.line_interpolate_point(walked, 0.5, normalized=True)], index=["小区东门"], crs=division.crs
    )
    match = route_match(track, gpd.GeoSeries([planned], crs=division.crs), checkpoints=gate)
    layers = {name: gpd.read_file(background, layer=name) for name in ("roads", "water", "green")}
    save(route_map(division, match, day=longest["start"].date(), **layers), folder / "route.html")


def main(link: str, folder: str, *names: str) -> int:
    """Take a screenshot of every page, or of those with these names, in every size."""
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    draw_route(Path(folder))
    pages = [(name, base + address) for name, address in PAGES]
    pages += [(name, (Path(folder) / file).resolve().as_uri()) for name, file in FILES]
    pages = [(name, address) for name, address in pages if not names or name in names]
    with sync_playwright() as run:
        browser = run.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        logged_in = browser.new_context()
        logged_in.new_page().goto(link, timeout=180_000)
        state = logged_in.storage_state()
        for width, height in SIZES:
            size = {"width": width, "height": height}
            context = browser.new_context(viewport=size, color_scheme="light", storage_state=state)
            for name, address in pages:
                page = context.new_page()
                page.goto(address, timeout=180_000)
                page.wait_for_timeout(_WAIT_MS)
                path = IMAGES / f"page-{name}-{width}.png"
                page.screenshot(path=str(path))
                page.close()
                picture = Image.open(path).convert("RGB")
                half = picture.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
                half.quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
