"""Index of the current version, stored in a file and memory-mapped at the next start instead of being rebuilt."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from geo.errors import FileError

if TYPE_CHECKING:
    from geo.locate import GridIndex

log = logging.getLogger(__name__)

#: The index file, and a file with the digest of its division and its checksum.
FILE_NAME, SUM_NAME = "published.index", "published.index.json"


def load_index(folder: Path, division_digest: str) -> GridIndex | None:
    """Memory-map the stored index of a division; None if there is none, or it is damaged or of another division.

    Parameters
    ----------
    division_digest
        Digest of the stored division; see :func:`geo.layers.digest_of`.
    """
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


def keep_index(folder: Path, division_digest: str, index: GridIndex) -> None:
    """Store the index of a division for the next start; does nothing if the folder is not writable."""
    from geo.layers import aside

    path = folder / FILE_NAME
    try:
        index.save(path)
        about = json.dumps({"division": division_digest, "sha256": _sha256(path)})
        with aside(folder / SUM_NAME) as temporary:
            temporary.write_text(about, encoding="utf-8")
    except (OSError, FileError) as error:
        log.info("the index is not kept in %s: %s", folder, error)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
