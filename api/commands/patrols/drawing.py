"""The two pages of a run: the coverage map and the checker's page, both of the last judged day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd

from api.commands.patrols.verified import Verified
from geo.layers import Division
from geo.patrols import REASONS
from maps import coverage_map, save
from maps.checker import checker_map
from maps.encoding.cells import as_shown, encode_levels


def draw_pages(
    cells: Division | gpd.GeoDataFrame, verified: Verified, folder: Path, *, backdrop: dict[str, Any]
) -> list[Path]:
    """Draw both pages; the cells are encoded once."""
    division = as_shown(cells)
    grids = encode_levels(division)
    return [
        draw_coverage(division, verified, folder / "coverage.html", backdrop=backdrop, grids=grids),
        draw_checker(division, verified, folder / "checker.html", backdrop=backdrop, grids=grids),
    ]


def draw_checker(
    division: Division | gpd.GeoDataFrame,
    verified: Verified,
    path: Path,
    *,
    backdrop: dict[str, Any],
    grids: dict[str, Any] | None = None,
) -> Path:
    """Draw the checker's page of the last judged day: map, reasons, replay."""
    drawn = checker_map(
        division,
        verified.verdicts,
        verified.cleaned,
        day=verified.days[-1],
        visits=verified.visits,
        visit_reasons=REASONS,
        zone=verified.rules.zone,
        max_gap_s=verified.rules.max_gap_s,
        grids=grids,
        **backdrop,
    )
    save(drawn, path)
    return path


def draw_coverage(
    division: Division | gpd.GeoDataFrame, verified: Verified, path: Path, *, backdrop: dict[str, Any], **texts: Any
) -> Path:
    """Draw the coverage map of the last judged day."""
    drawn = coverage_map(
        division,
        verified.verdicts,
        day=verified.days[-1],
        visits=verified.visits,
        visit_reasons=REASONS,
        zone=verified.rules.zone,
        **backdrop,
        **texts,
    )
    save(drawn, path)
    return path
