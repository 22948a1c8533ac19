"""Index of the current version, stored in a file and memory-mapped at the next start instead of being rebuilt."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geo.errors import FileError

if TYPE_CHECKING:
    from geo.locate import GridIndex

log = logging.getLogger(__name__)

#: The index file, and a file with the digest of its division and its checksum.
FILE_NAME, SUM_NAME = "published.index", "published.index.json"
#: Folder in the user's cache with a folder for each division, and the maximum number of these.
IN_CACHE, MOST_IN_CACHE = "wangge-index", 8


def places_of(folder: Path | None, cache: Path | None, division_digest: str) -> list[Path]:
    """Folders in which the index of a division may be stored: `folder`, otherwise one of its own in the user's cache."""
    own = None if cache is None else cache / IN_CACHE / division_digest[:16]
    return [place for place in (folder, own) if place is not None]


def load_index(places: Sequence[Path], division_digest: str) -> GridIndex | None:
    """Memory-map the stored index of a division; None if there is none, or it is damaged or of another division.

    Parameters
    ----------
    places
        Folders, the first one with the index is used.
    division_digest
        Digest of the stored division; see :func:`geo.layers.digest_of`.
    """
    found = (_load(folder, division_digest) for folder in places)
    return next((index for index in found if index is not None), None)


def _load(folder: Path, division_digest: str) -> GridIndex | None:
    path = folder / FILE_NAME
    try:
        about = json.loads((folder / SUM_NAME).read_text(encoding="utf-8"))
        if about["division"] != division_digest:
            return None
        # 5 ms for 6 MB; building takes a hundred times as long.
        if _sha256(path) != about["sha256"]:
            log.warning("%s is damaged; the index is built again", path)
            return None
        from geo.locate import GridIndex

        return GridIndex.load(path)
    except (OSError, ValueError, KeyError, TypeError, FileError):
        return None


def keep_index(places: Sequence[Path], division_digest: str, index: GridIndex) -> None:
    """Store the index of a division for the next start, in the first folder that can be written; in none if there is none.

    A missing folder in the user's cache is made, and the oldest ones beyond :data:`MOST_IN_CACHE` are removed.
    """
    from geo.layers import aside

    for folder in places:
        path = folder / FILE_NAME
        try:
            if folder.parent.name == IN_CACHE:
                folder.mkdir(parents=True, exist_ok=True)
                _forget_oldest(folder.parent)
            index.save(path)
            about = json.dumps({"division": division_digest, "sha256": _sha256(path)})
            with aside(folder / SUM_NAME) as temporary:
                temporary.write_text(about, encoding="utf-8")
            return
        except (OSError, FileError) as error:
            log.info("the index is not kept in %s: %s", folder, error)


def _forget_oldest(folder: Path) -> None:
    """Remove the oldest folders of divisions."""
    by_age = sorted((place for place in folder.iterdir() if place.is_dir()), key=lambda place: place.stat().st_mtime)
    for place in by_age[:-MOST_IN_CACHE]:
        shutil.rmtree(place, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
