"""Images of incidents: the density as GeoTIFF, image and contours, and the heat map as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.commands.incidents.assignment import Assigned
from geo.incidents import Density, contours, density, geotiff
from geo.incidents.surface.kernel_density import CELL_M
from geo.layers import Division, aside, write_layer
from maps import heat_map, save
from maps.encoding.density_image import density_picture


def draw_all(
    division: Division,
    result: Assigned,
    folder: Path,
    *,
    bandwidths_m: Sequence[float],
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
    return [*written, draw_heat(division, result, folder / "heat.html", surface=surfaces[0], backdrop=backdrop)]


def draw_heat(
    division: Division,
    result: Assigned,
    path: Path,
    *,
    surface: Density | None = None,
    backdrop: dict[str, Any],
    **texts: Any,
) -> Path:
    """Draw the heat map of incidents, with the given density or one of the default bandwidth."""
    surface = density(result.incidents, outline=division) if surface is None else surface
    drawn = heat_map(division, result.incidents, surface, result.counts, hotspots=result.hot, **backdrop, **texts)
    save(drawn, path)
    return path
