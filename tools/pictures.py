"""Re-create the pictures of the README and the docs: ``python -m tools.pictures [NAME ...]`` (``make docs``).

Pictures are screenshots of the program's maps and drawings of its examples, all seeded, so they show its real output.
Needs Chromium. Names: division, divide, coverage, heat, check, kinds; all by default.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
from shapely import box, get_parts

from api.commands.demo.job import INCIDENT_DAYS, INCIDENTS_FROM, NOTE, OFFICERS, PATROL_DAY
from api.commands.incidents.assignment import assign_incidents
from api.commands.patrols.verified import verify_tracks
from geo.coverage import Kind, check_division
from geo.divide import balance_plot
from geo.incidents import density, mark_default_points, mark_repeats
from geo.layers import Division, Level, metric_crs, read_division
from geo.patrols import Rules
from geo.sample import MODEL_SEED, ModelStreet, model_street, simulate_incidents, simulate_tracks
from geo.sample.spoiled import spoiled_layer
from maps import check_map, coverage_map, heat_map, render
from maps.figures.division_poster import division_svg, page
from maps.figures.finding_sketch import overview_table, sketch_svg
from maps.sheet import photograph
from tools.boundaries import FOLDER
from tools.shrink_png import shrink

DOCS = Path(__file__).resolve().parent.parent / "docs"
IMAGES = DOCS / "images"

_WINDOW_PX = (1400, 900)
# Part of the street shown in docs/divide.md: width and height in metres, width in pixels, and colours of its grids.
_PART_M, _PART_PX = (1_400, 1_000), 840
_PALE = ("#f3e3c3", "#d6e4f0", "#f0d9d5", "#dbe9d8", "#e4dcef", "#e9efcf")
_CAPTION = "模型街道：{} 个社区、{} 个二级网格、{:,} 个三级网格"


@cache
def _street() -> ModelStreet:
    return model_street(MODEL_SEED)


@cache
def _division() -> Division:
    return read_division(FOLDER / "division.gpkg")


def _backdrop() -> dict[str, gpd.GeoDataFrame]:
    street = _street()
    return {"roads": street.roads, "water": street.water, "green": street.green, "railways": street.railways}


def _photograph(page: str, name: str, *, size_px: tuple[int, int] = _WINDOW_PX, view: str = "") -> None:
    photograph(page, IMAGES / name, size_px=size_px, view=view)
    shrink(IMAGES / name)


def division() -> None:
    """The README's first picture."""
    drawing = division_svg(_division(), **_backdrop(), caption=_CAPTION.format(*_division().counts))
    size = re.search(r'width="(\d+)" height="(\d+)"', drawing)
    if size is None:
        raise RuntimeError("the drawing of the division has no size")
    _photograph(page(drawing), "division.png", size_px=(int(size[1]), int(size[2])))


def part_of_the_street() -> None:
    """The pictures of docs/divide.md: some grids of each level with their buildings, and the balance of two levels."""
    crs = metric_crs(118.8, 32.1)
    community, second, third, buildings = (
        frame.to_crs(crs).geometry
        for frame in (_division().community, _division().second, _division().third, _street().buildings)
    )
    middle = box(*community.total_bounds).centroid
    window = box(
        middle.x - _PART_M[0] / 2, middle.y - _PART_M[1] / 2, middle.x + _PART_M[0] / 2, middle.y + _PART_M[1] / 2
    )
    scale = _PART_PX / _PART_M[0]

    def path(shapes: gpd.GeoSeries, style: str) -> str:
        """One path of all rings or lines, in pixels from the upper left corner."""
        parts = get_parts(shapes.to_numpy())
        lines = [
            "M"
            + "L".join(
                f"{(x - window.bounds[0]) * scale:.1f} {(window.bounds[3] - y) * scale:.1f}" for x, y in line.coords
            )
            for part in parts
            for line in ([part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part])
        ]
        return f'<path d="{"".join(lines)}" {style}/>'

    seen = second[second.intersects(window)].clip(window)
    drawn = [path(seen.iloc[k : k + 1], f'fill="{_PALE[k % len(_PALE)]}"') for k in range(len(seen))]
    drawn.append(path(buildings[buildings.intersects(window)].clip(window), 'fill="#b9b2a5"'))
    for level, colour, width in ((third, "#777", 0.7), (second, "#222", 1.8), (community, "#a0201c", 3.6)):
        borders = level[level.intersects(window)].boundary.clip(window)
        drawn.append(path(borders, f'fill="none" stroke="{colour}" stroke-width="{width}"'))
    height = round(_PART_M[1] * scale)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_PART_PX} {height}"><rect width="{_PART_PX}" '
        f'height="{height}" fill="#fff"/>{"".join(drawn)}</svg>'
    )
    (IMAGES / "divide-street.svg").write_text(svg, encoding="utf-8", newline="\n")
    for level in (Level.SECOND, Level.THIRD):
        plot = balance_plot(_division(), level)
        (IMAGES / f"divide-balance-{level.layer}.svg").write_text(plot, encoding="utf-8", newline="\n")


def coverage() -> None:
    """The coverage map of the demonstration's day."""
    tracks = simulate_tracks(
        _street(), _division(), rng=np.random.default_rng(MODEL_SEED), day=PATROL_DAY, officers=OFFICERS
    )
    verified = verify_tracks(tracks, _division().second, rules=Rules(), days=[PATROL_DAY])
    drawn = coverage_map(
        _division(), verified.verdicts, day=PATROL_DAY, visits=verified.visits, note=NOTE, **_backdrop()
    )
    _photograph(render(drawn), "coverage.png", view="level=2")


def heat() -> None:
    """The map of incidents of the demonstration's month: the density, and one week by grids."""
    incidents, _ = simulate_incidents(
        _street(), rng=np.random.default_rng(MODEL_SEED), start=INCIDENTS_FROM, days=INCIDENT_DAYS
    )
    marked, _ = mark_default_points(mark_repeats(incidents))
    result = assign_incidents(marked, _division())
    surface = density(result.incidents, outline=_division())
    drawn = render(
        heat_map(_division(), result.incidents, surface, result.counts, hotspots=result.hot, note=NOTE, **_backdrop())
    )
    _photograph(drawn, "heat.png")
    _photograph(drawn, "heat-week.png", view="level=2&by=incidents&span=week&window=2")


def check() -> None:
    """The map of a check: the model street with four faults in it."""
    cells = _division()
    faulty = Division(cells.street, cells.community, cells.second, spoiled_layer(cells.third))
    drawn = check_map(check_division(faulty), faulty, source="division.gpkg")
    _photograph(render(drawn), "check.png")


def kinds() -> None:
    """A picture of each kind of finding, and the table of all between its markers in docs/coverage.md."""
    for kind in Kind:
        (IMAGES / f"coverage-{kind.value}.svg").write_text(sketch_svg(kind), encoding="utf-8", newline="\n")
    document = DOCS / "coverage.md"
    if document.is_file():
        text = document.read_text(encoding="utf-8")
        begin, end = "<!-- kinds -->", "<!-- /kinds -->"
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        document.write_text(
            pattern.sub(lambda _: f"{begin}\n{overview_table()}{end}", text), encoding="utf-8", newline="\n"
        )


PICTURES: dict[str, Callable[[], None]] = {
    "division": division,
    "divide": part_of_the_street,
    "coverage": coverage,
    "heat": heat,
    "check": check,
    "kinds": kinds,
}


def main(names: list[str]) -> int:
    """Draw the pictures with these names, or all."""
    unknown = [name for name in names if name not in PICTURES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        start = dt.datetime.now(dt.UTC)
        PICTURES[name]()
        print(f"{name}: {(dt.datetime.now(dt.UTC) - start).total_seconds():.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
