"""Documents of a draft: the current snapshot, past snapshots, and the layers under it."""

from __future__ import annotations

import gzip
from hashlib import sha256
from typing import Any

import numpy as np
import shapely

from api.errors import ConflictError, NotStoredError
from api.plans.base_map import base_map_of
from api.plans.keeper import Keeper
from api.plans.open_draft import OpenDraft
from api.plans.wire import COLUMNS, encoded, steps_of
from geo.layers.crs import PER_METRE
from geo.layers.transformers import to_crs

#: Compression level of the layers, which are compressed once.
_LEVEL = 6


def head_of(opened: OpenDraft, *, past: bool) -> dict[str, Any]:
    """Leading members of a snapshot."""
    return {
        "draft": opened.number,
        "revision": opened.revision,
        "past": past,
        "state": opened.state,
        "name": opened.name,
        "crs": opened.draft.crs.to_string(),
        "origin": list(opened.origin),
        "outline_locked": opened.draft.outline_locked,
        "locked": sorted(opened.draft.rows.locked),
        "columns": list(COLUMNS),
    }


def present(opened: OpenDraft, author: str) -> tuple[str, bytes]:
    """The snapshot of the newest revision with its ETag; `undo` and `redo` refer to the author's edits."""
    steps = {"undo": opened.last_of(author), "redo": opened.redo_of(author)}
    members = {
        name: None if revision is None else {"revision": revision, "words": opened.entry(revision).words}
        for name, revision in steps.items()
    }
    number = f"{opened.number}-{opened.revision}-{opened.state}"
    tag = f'W/"{number}-{steps["undo"]}-{steps["redo"]}"'
    return tag, opened.snapshot({**head_of(opened, past=False), **members}, tag)


def past(keeper: Keeper, street: int, number: int, revision: int) -> tuple[str, bytes]:
    """The snapshot of a revision, rebuilt from the log.

    Raises
    ------
    NotStoredError
        If the draft has no such revision.
    """
    fresh = keeper.fresh(street, number)
    fresh.catch_up(keeper.engine, until=revision)
    if fresh.revision != revision:
        raise NotStoredError(f"draft {number} has no revision {revision}; the newest is {fresh.revision}")
    members = {**head_of(fresh, past=True), "undo": None, "redo": None}
    return f'W/"{number}-{revision}-past"', fresh.texts.document(members)


def layer_document(keeper: Keeper, opened: OpenDraft, name: str) -> tuple[str, bytes]:
    """Roads, buildings or water in the draft's CRS, with an ETag.

    Raises
    ------
    NotStoredError
        If the installation has no such layer.
    """
    key = (name, opened.draft.crs.to_string(), opened.origin)
    if key not in keeper.documents:
        frame = keeper.layer(name)
        if frame is None:
            raise NotStoredError(
                f"this installation has no layer '{name}'; an administrator names a file (WANGGE_LAYERS)"
            )
        keeper.documents[key] = _compressed(_layer(to_crs(frame, opened.draft.crs), opened))
    return keeper.documents[key]


def base_map_document(keeper: Keeper, opened: OpenDraft, address: str, credit: str) -> tuple[str, bytes]:
    """Address of the base map's tiles and their transformation to the draft's CRS, with an ETag.

    Raises
    ------
    NotStoredError
        If the installation has none.
    """
    if not address:
        raise NotStoredError("this installation has no base map; an administrator names one (WANGGE_BASE_MAP)")
    key = ("base-map", opened.draft.crs.to_string(), opened.origin)
    if key not in keeper.documents:
        keeper.documents[key] = _compressed(base_map_of(opened, address, credit))
    return keeper.documents[key]


def _compressed(document: dict[str, Any]) -> tuple[str, bytes]:
    raw = encoded(document).encode()
    return f'"{sha256(raw).hexdigest()[:20]}"', gzip.compress(raw, _LEVEL, mtime=0)


def _layer(frame: Any, opened: OpenDraft) -> dict[str, Any]:
    names, widths = (_column(frame, column) for column in ("name", "width_m"))
    features = []
    areas = False
    for shape, name, width in zip(frame.geometry.array, names, widths, strict=True):
        areas = areas or shape.geom_type.endswith("Polygon")
        lines = [
            steps_of([(int(x), int(y)) for x, y in np.round(shapely.get_coordinates(line) * PER_METRE)], opened.origin)
            for line in _lines(shape)
        ]
        features.append({"name": name, "width_m": width, "lines": lines})
    return {
        "crs": opened.draft.crs.to_string(),
        "origin": list(opened.origin),
        "kind": "polygon" if areas else "line",
        "features": features,
    }


def _column(frame: Any, column: str) -> list[Any]:
    if column not in frame:
        return [None] * len(frame)
    return [None if value is None or value != value else value for value in frame[column].tolist()]


def _lines(shape: shapely.Geometry) -> list[shapely.Geometry]:
    parts = []
    for part in shapely.get_parts(shape):
        parts += list(shapely.get_rings(part)) if part.geom_type == "Polygon" else [part]
    return parts


def require_draft(opened: OpenDraft, newest: int | None) -> None:
    """Refuse a request based on an older revision than the newest.

    Raises
    ------
    ConflictError
        If the draft has newer entries.
    """
    if newest is not None and newest != opened.revision:
        raise ConflictError(
            f"the draft is at revision {opened.revision}, you have seen {newest}; look at it and try again",
            kind="stale",
            revision=opened.revision,
        )
