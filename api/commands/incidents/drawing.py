"""Images of incidents: the density as GeoTIFF, image and contours, and the heat map as a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd

from api.commands.incidents.assignment import Assigned
from api.commands.incidents.hot_spots import hot_periods
from api.settings import Settings
from geo.duty import read_services, service_of
from geo.incidents import Density, contours, density, geotiff
from geo.incidents.columns import KIND_CODE
from geo.incidents.surface.kernel_density import CELL_M
from geo.layers import Division, aside, write_layer
from maps import heat_map, save
from maps.encoding.density_image import density_picture

#: Time zone of the days if none is given.
ZONE = "Asia/Shanghai"


def draw_all(
    division: Division,
    result: Assigned,
    folder: Path,
    *,
    bandwidths_m: Sequence[float],
    zone: str,
    backdrop: dict[str, Any],
) -> list[Path]:
    """Write the density for each bandwidth as GeoTIFF, contours and image, and the map."""
    written, surfaces = [], []
    for number, bandwidth_m in enumerate(bandwidths_m):
        surface = density(
            result.incidents, outline=division, bandwidth_m=bandwidth_m, cell_m=min(CELL_M, bandwidth_m / 2)
        )
        surfaces.append(surface)
        name = "density" if number == 0 else f"density_{bandwidth_m:g}m"
        with aside(folder / f"{name}.tif") as temporary:
            temporary.write_bytes(geotiff(surface))
        picture = density_picture(surface.x, surface.y, surface.values, outline=division.street.geometry)
        with aside(folder / f"{name}.png") as temporary:
            temporary.write_bytes(picture.png)
        written += [folder / f"{name}.tif", folder / f"{name}.png"]
        lines = contours(surface, [picture.top * share for share in (0.1, 0.2, 0.4, 0.6, 0.8)])
        if len(lines):
            write_layer(lines, folder / f"{name.replace('density', 'contours')}.geojson")
            written.append(folder / f"{name.replace('density', 'contours')}.geojson")
    return [
        *written,
        draw_heat(division, result, folder / "heat.html", surface=surfaces[0], zone=zone, backdrop=backdrop),
    ]


def draw_heat(
    division: Division,
    result: Assigned,
    path: Path,
    *,
    surface: Density | None = None,
    zone: str = ZONE,
    backdrop: dict[str, Any],
    **texts: Any,
) -> Path:
    """Draw the heat map of incidents, with the given density or one of the default bandwidth."""
    save(heat_of(division, result, surface=surface, zone=zone, backdrop=backdrop, **texts), path)
    return path


def heat_of(
    division: Division,
    result: Assigned,
    *,
    surface: Density | None = None,
    zone: str = ZONE,
    backdrop: dict[str, Any],
    **texts: Any,
) -> folium.Map:
    """The heat map of incidents, with hot spots over all time and of each week and month, cut by kind and by service."""
    surface = density(result.incidents, outline=division) if surface is None else surface
    return heat_map(
        division,
        _with_services(result.incidents),
        surface,
        result.counts,
        hotspots=result.hot,
        hot_periods=hot_periods(result.incidents, division, zone=zone),
        zone=zone,
        **backdrop,
        **texts,
    )


def _with_services(incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the service of each incident by the table of the installation, if the codes of their matters are known."""
    if KIND_CODE not in incidents or incidents[KIND_CODE].isna().all():
        return incidents
    path = Settings.from_environment(os.environ).services
    table = read_services(path) if path else None
    codes = incidents[KIND_CODE].fillna("").astype(str)
    return incidents.assign(service=[service_of(code, table).value for code in codes])
