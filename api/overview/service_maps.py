"""Maps of the server, drawn from the store; what lies under the grids comes from a file beside the pages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
from sqlalchemy import Engine

from api.database import read_version, session
from api.settings import Settings
from geo.errors import FileError
from maps import render

if TYPE_CHECKING:
    from api.snapshot import Snapshot

#: File in the folder of the pages with the background, a layer for each kind; it may be missing.
BACKGROUND = "background.gpkg"
KINDS = ("roads", "water", "green", "railways", "neighbours")


def background_of(settings: Settings) -> dict[str, Any]:
    """The layers of the background that are there."""
    path = Path(settings.pages) / BACKGROUND
    if not path.is_file():
        return {}
    return dict(_layers(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=2)
def _layers(path: Path, changed_ns: int) -> dict[str, gpd.GeoDataFrame]:  # noqa: ARG001 - read again when it changed
    try:
        there = set(gpd.list_layers(path)["name"])
        return {kind: gpd.read_file(path, layer=kind) for kind in KINDS if kind in there}
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"{path.name} in the folder of the pages cannot be read ({error}); make it anew") from error


def fairness_of(engine: Engine, snapshot: Snapshot, settings: Settings, old: int | None) -> str:
    """Text of the page of fairness of the current version, with the version `old` beside it.

    Raises
    ------
    NotStoredError
        If there is no version of this number.
    """
    from api.jobs.maps import draw_fairness

    before = None
    if old is not None:
        with session(engine) as opened:
            before = read_version(opened, old)
    drawn, _ = draw_fairness(snapshot.division, old=before, backdrop=background_of(settings))
    return render(drawn)
