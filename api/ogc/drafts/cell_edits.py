"""Cells of a draft changed by GeoJSON features (part 4). Every change is converted to edits of the draft, as made by the editor.

Replacing and updating set the name and the leader; deleting merges a cell into its neighbour; creating splits the third-level
cell that contains the new polygon. Rights, locks, conflicts and postconditions are those of the editor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import numpy as np
import shapely

from api.access import Caller
from api.errors import NotEditableError, NotStoredError
from api.ogc.catalogue import Collection
from api.ogc.coordinate_systems import Crs
from api.ogc.drafts.draft_collections import DRAFT_PROPERTIES, EDITABLE
from api.ogc.drafts.draft_tables import place_of
from api.ogc.feature_table import FeatureTable
from api.ogc.sent_feature import SentFeature, read_feature, require_match
from api.ogc.service import OgcService
from api.plans.conflicts import as_answer
from api.plans.editing import Edits, Request, edit
from api.plans.open_draft import OpenDraft
from geo.errors import InputError, RefusedEdit
from geo.layers import Level
from geo.layers.crs import PER_METRE
from geo.redraw import Edit, Merge, Rename, SetLeader, Split
from geo.redraw.importing import line_between

#: Maximum distance of a returned border from the one that was served, caused by rounding.
SAME_BORDER_M = 0.005
#: Maximum distance by which a new cell may exceed the cell that it splits, caused by rounding.
BEYOND_M = 0.02


@dataclass(frozen=True)
class CellEditor:
    """Applies the edits of one caller to one collection.

    Attributes
    ----------
    expected
        The ETag known to the caller (``If-Match``); None accepts any state.
    """

    service: OgcService
    collection: Collection
    caller: Caller
    now: datetime
    expected: str | None = None

    def create(self, body: bytes, crs: Crs) -> str:
        """Split a new third-level cell off the one that contains a polygon; returns the code of the cell on its ground.

        Raises
        ------
        InputError
            If it is not a polygon inside one cell that reaches the cell's border, or the collection is of another level.
        EditRefusedError
            If the editor would refuse the split.
        """
        level = place_of(self.collection)[1]
        if level is not Level.THIRD:
            raise InputError(
                f"{self.collection.id}: only third-level grids are created; grids above them are redivided in the editor"
            )
        sent = _read(body)
        shape = self._shape(sent, crs)
        if shape is None:
            raise InputError("geometry: Polygon or MultiPolygon is expected")
        named = {name: value for name, value in _given(sent.properties).items() if value not in (None, "")}
        with self.service.drafts.use(self.collection, self.caller) as opened:
            cut = _split_for(self.service.drafts.table_of(opened, level), shape)
            code = _code_on(opened, cut, shape)
            edits = [cut, *_attributes(code, named, {})]
            self._edit(opened, edits)
        return code

    def replace(self, key: str, body: bytes, crs: Crs) -> bool:
        """Set the name and the leader of a cell; returns whether anything changed."""
        sent = _read(body)
        return self._change(key, {name: sent.properties.get(name) for name in EDITABLE}, self._shape(sent, crs))

    def update(self, key: str, body: bytes, crs: Crs) -> bool:
        """Apply a merge patch; returns whether anything changed."""
        sent = _read(body)
        return self._change(key, _given(sent.properties), self._shape(sent, crs))

    def withdraw(self, key: str) -> None:
        """Merge a cell into the neighbour under the same parent that shares the longest border.

        Raises
        ------
        InputError
            If there is no such neighbour.
        NotEditableError
            If it is the street or a community.
        """
        if not self.collection.deletable:
            raise NotEditableError(f"{self.collection.id}: only second and third-level grids are deleted")
        with self.service.drafts.use(self.collection, self.caller) as opened:
            self._row(opened, key)
            into = _nearest_sibling(opened, key)
            if into is None:
                raise InputError(f"{key} has no neighbour under the same parent to be merged into; use the editor")
            self._edit(opened, [Merge((into, key), into)])

    def _change(self, key: str, values: dict[str, Any], shape: shapely.Geometry | None) -> bool:
        with self.service.drafts.use(self.collection, self.caller) as opened:
            table, row = self._row(opened, key)
            if shape is not None and shapely.hausdorff_distance(shape, table.geometry[row]) > SAME_BORDER_M:
                raise InputError(
                    "geometry: borders are drawn in the editor or imported from a file; here names and leaders are changed"
                )
            edits = _attributes(key, values, {name: table.values[name][row] for name in EDITABLE})
            if edits:
                self._edit(opened, edits)
            return bool(edits)

    def _row(self, opened: OpenDraft, key: str) -> tuple[FeatureTable, int]:
        """The table of the newest revision and the row of a cell, after comparison with the ETag known to the caller."""
        table = self.service.drafts.table_of(opened, place_of(self.collection)[1])
        row = table.positions.get(key)
        if row is None:
            raise NotStoredError(f"{self.collection.id}: there is no feature '{key[:60]}'")
        require_match(table, row, self.expected)
        return table, row

    def _edit(self, opened: OpenDraft, edits: list[Edit]) -> None:
        """Apply edits as one transaction, based on the revision that was read."""
        request = Request(f"gis-{uuid4().hex}", "", self.caller, self.now)
        edit(opened, self.service.drafts.engine, request, Edits(tuple(edits), opened.revision))

    def _shape(self, sent: SentFeature, crs: Crs) -> shapely.Geometry | None:
        """The polygon of a feature in metres of the draft's CRS."""
        shape = sent.geometry_in(crs, self.service.native())
        if shape is not None and not shapely.is_valid(shape):
            raise InputError("geometry: the polygon crosses itself")
        return shape


def _read(body: bytes) -> SentFeature:
    return read_feature(body, DRAFT_PROPERTIES, "Polygon", "MultiPolygon")


def _given(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: properties[name] for name in EDITABLE if name in properties}


def _attributes(code: str, values: dict[str, Any], before: dict[str, Any]) -> list[Edit]:
    """Edits of the attributes that differ."""
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise InputError(f"properties.{name}: a text is expected")
        if isinstance(value, str) and len(value) > 200:
            raise InputError(f"properties.{name}: 200 characters at most")
    edits: list[Edit] = []
    if "name" in values and values["name"] != before.get("name"):
        if not (values["name"] or "").strip():
            raise InputError("properties.name: a cell needs a name")
        edits.append(Rename(code, values["name"]))
    if "leader" in values:
        leader = (values["leader"] or "").strip() or None
        if leader != before.get("leader"):
            edits.append(SetLeader(code, leader))
    return edits


def _split_for(table: FeatureTable, shape: shapely.Geometry) -> Split:
    """The split that makes a polygon a cell of its own."""
    parts = shapely.get_parts(shape)
    cells = np.asarray(table.geometry, dtype=object)
    shared = shapely.area(shapely.intersection(cells, shape))
    row = int(np.argmax(shared))
    if len(parts) != 1 or shapely.area(shapely.difference(shape, shapely.buffer(cells[row], BEYOND_M))) > 0:
        raise InputError("geometry: the polygon has to lie in one third-level grid, from which it is cut")
    kept = shapely.intersection(cells[row], shape)
    line = line_between(kept, shapely.difference(cells[row], shape), cells[row])
    if line is None:
        raise InputError("geometry: the polygon has to reach the border of the grid, and leave a part of it")
    # The second and the last but one vertex lie 5 cm before the border on straight ends; the cut does not need them.
    first, _, *inner, _, last = line.coords
    return Split(table.ids[row], shapely.LineString([first, *inner, last]))


def _code_on(opened: OpenDraft, cut: Split, shape: shapely.Geometry) -> str:
    """Code of the new cell on a polygon's ground: of the two parts, the one with more residents keeps the old code."""
    try:
        with opened.draft.trial(cut) as change:
            shapes = opened.draft.workspace.shapes([to for _, _, to in change.lineage])
            differences = {
                str(code): shapely.area(shapely.symmetric_difference(part, shape)) for code, part in shapes.items()
            }
            code = min(differences, key=lambda name: differences[name])
            if differences[code] > BEYOND_M * shapely.length(shape):
                raise InputError(
                    "geometry: one cut from border to border has to part the polygon from the rest; on the outline of the "
                    "street it has to begin at a vertex that is there"
                )
            return code
    except RefusedEdit as refused:
        raise as_answer(opened, refused, [cut], opened.revision, "") from refused


def _nearest_sibling(opened: OpenDraft, code: str) -> str | None:
    rows, workspace = opened.draft.rows, opened.draft.workspace
    level = rows.level(code)
    members = set(rows.third(code))
    lengths: dict[str, float] = {}
    for arc in workspace.of_cells(members).values():
        other = arc.right if arc.left in members else arc.left
        if not other or other in members:
            continue
        sibling = rows.ancestor(other, level)
        if rows.parent(sibling) == rows.parent(code):
            xy = np.array(arc.points, dtype=np.float64) / PER_METRE
            lengths[sibling] = lengths.get(sibling, 0.0) + float(np.hypot(*np.diff(xy, axis=0).T).sum())
    return max(lengths, key=lambda name: (lengths[name], name), default=None)
