"""JSON values sent to pages: rows, arcs, snapshots, patches, consequences and places."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import shapely

from api.plans.arc_numbers import ArcNumbers, Swap
from geo.layers import Level
from geo.layers.columns import CODE, HOUSEHOLDS, LEADER, NAME, PARENT, POPULATION, UNITS, WORKLOAD
from geo.redraw import Change, Consequences, Draft, RefusedEdit
from geo.redraw.working.arcs import Arc
from geo.redraw.working.lattice import Vertex

#: Columns of a cell's row, in this order.
COLUMNS = (CODE, NAME, PARENT, POPULATION, HOUSEHOLDS, UNITS, WORKLOAD, LEADER)

#: Number of arcs, or of rows and rings of cells, that are compressed together and cached.
SPAN = 1024


def row_of(draft: Draft, code: str) -> list[Any]:
    """Values of a cell, in the order of :data:`COLUMNS`, numbers rounded to six digits; None where unknown."""
    return [_shown(draft.rows.get(code, column)) for column in COLUMNS]


def _shown(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(f"{value:.6g}")
    return value


def steps_of(points: Sequence[Vertex], origin: Vertex) -> list[int]:
    """Vertices as offsets: the first relative to the origin, the others to their predecessor, millimetres.

    >>> steps_of([(1005, 2001), (1007, 2000)], (1000, 2000))
    [5, 1, 2, -1]
    """
    steps: list[int] = []
    x, y = origin
    for px, py in points:
        steps += (px - x, py - y)
        x, y = px, py
    return steps


class SnapshotTexts:
    """The snapshot of one open draft; parts not changed by an edit stay cached, compressed.

    Parts are compressed separately and concatenated into one stream (RFC 1951 allows blocks to follow each other after a full
    flush), because compressing the whole takes 100 ms.
    """

    def __init__(self, draft: Draft, numbers: ArcNumbers, origin: Vertex) -> None:
        self._draft = draft
        self._numbers = numbers
        self._origin = origin
        self._rows: dict[str, str] = {}
        self._rings: dict[str, str] = {}
        self._steps: dict[int, str] = {}
        self._parts: dict[tuple[str, int], tuple[bytes, bytes]] = {}

    def forget(self, codes: Iterable[str], swap: Swap) -> None:
        """Drop the cached parts changed by an entry."""
        for code in codes:
            self._rows.pop(code, None)
            self._rings.pop(code, None)
        for number in (*swap.removed, *swap.added):
            self._steps.pop(number, None)

    def document(self, head: Mapping[str, Any]) -> bytes:
        """The snapshot, compressed with gzip; `head` are its leading members."""
        levels = {
            "street": Level.STREET,
            "communities": Level.COMMUNITY,
            "seconds": Level.SECOND,
            "thirds": Level.THIRD,
        }
        codes = {name: codes_of(self._draft, level) for name, level in levels.items()}
        parts = [_part(json.dumps(head, ensure_ascii=False)[:-1].encode())]
        for name, listed in codes.items():
            parts += self._list(name, [(k // SPAN, self._row(code)) for k, code in enumerate(listed)])
        parts += self._list("arcs", self._arcs())
        parts += self._list("rings", [(k // SPAN, self._ring(code)) for k, code in enumerate(codes["thirds"])])
        parts.append(_part(b"}"))
        return _joined(parts)

    def _list(self, name: str, items: Sequence[tuple[int, str]]) -> list[tuple[bytes, bytes]]:
        """A list member in parts; each item carries the number of its part."""
        spans: dict[int, list[str]] = {}
        for span, text in items:
            spans.setdefault(span, []).append(text)
        parts = [_part(f',"{name}":['.encode())]
        for k, (span, texts) in enumerate(spans.items()):
            raw = ("," * (k > 0) + ",".join(texts)).encode()
            known = self._parts.get((name, span))
            if known is None or known[0] != raw:
                known = self._parts[name, span] = _part(raw)
            parts.append(known)
        return [*parts, _part(b"]")]

    def _row(self, code: str) -> str:
        if code not in self._rows:
            self._rows[code] = json.dumps(row_of(self._draft, code), ensure_ascii=False, separators=(",", ":"))
        return self._rows[code]

    def _ring(self, code: str) -> str:
        if code not in self._rings:
            self._rings[code] = json.dumps(self._numbers.rings(code), separators=(",", ":"))
        return self._rings[code]

    def _arcs(self) -> list[tuple[int, str]]:
        before, (x, y) = 0, self._origin
        items = []
        for number, arc in sorted(self._numbers.arcs.items()):
            px, py = arc.points[0]
            items.append((number // SPAN, f"[{number - before},{px - x},{py - y},{self._steps_of(number, arc)}]"))
            before, x, y = number, px, py
        return items

    def _steps_of(self, number: int, arc: Arc) -> str:
        if number not in self._steps:
            self._steps[number] = ",".join(map(str, steps_of(arc.points[1:], arc.points[0])))
        return self._steps[number]


def _part(raw: bytes) -> tuple[bytes, bytes]:
    """A text and its compressed form, which ends on a byte boundary and has no back-references before its start."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return raw, compressor.compress(raw) + compressor.flush(zlib.Z_FULL_FLUSH)


def _joined(parts: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Concatenate compressed parts to one gzip file (RFC 1952)."""
    crc, size = 0, 0
    for raw, _ in parts:
        crc = zlib.crc32(raw, crc)
        size += len(raw)
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    end = b"\x03\x00" + struct.pack("<II", crc, size & 0xFFFFFFFF)
    return b"".join((header, *(compressed for _, compressed in parts), end))


def codes_of(draft: Draft, level: Level) -> list[str]:
    """Codes of the cells of a level, sorted."""
    changed = draft.rows.changed_codes(level)
    base = (str(code) for code in draft.base.layer(level)[CODE] if str(code) not in changed)
    return sorted([*base, *(code for code, there in changed.items() if there)])


def changed_codes(draft: Draft, change: Change) -> set[str]:
    """Codes of the cells whose border or row a change touches, and of their ancestors."""
    codes = {*change.cells, *(amend.code for amend in change.amends)}
    for code in tuple(codes):
        above = code
        while above in draft.rows and draft.rows.level(above) is not Level.STREET:
            above = draft.rows.parent(above)
            codes.add(above)
    return codes


def patch_of(
    draft: Draft, numbers: ArcNumbers, swap: Swap, codes: Iterable[str], revision: int, origin: Vertex
) -> dict[str, Any]:
    """Patch of an entry: the changes of arcs and cells."""
    there = sorted(code for code in codes if code in draft.rows)
    cells: dict[str, Any] = {}
    for code in there:
        level = draft.rows.level(code)
        cells[code] = {"level": int(level), "row": row_of(draft, code)}
        if level is Level.THIRD:
            cells[code]["rings"] = numbers.rings(code)
    return {
        "from": revision - 1,
        "revision": revision,
        "remove": sorted(swap.removed),
        "add": [[n, arc.left, arc.right, *steps_of(arc.points, origin)] for n, arc in swap.added.items()],
        "cells": cells,
        "gone": sorted(code for code in codes if code not in draft.rows),
        "outline_locked": draft.outline_locked,
        "locked": sorted(draft.rows.locked),
    }


def consequences_out(found: Consequences) -> dict[str, Any]:
    """Consequences as plain values."""
    return {
        "zh": found.zh,
        "en": found.en,
        "cells": list(found.cell_rows),
        "grids": list(found.grid_rows),
        "moved": list(found.moved_rows),
        "residents": found.residents_with_another_leader,
        "households": found.households_with_another_leader,
        "leaders": list(found.leaders),
        "cut_buildings": found.cut_buildings,
    }


def place_of(geometry: Any) -> dict[str, Any] | None:
    """A geometry as GeoJSON in metres of the draft's CRS."""
    if geometry is None or shapely.is_empty(geometry):
        return None
    plain: dict[str, Any] = json.loads(shapely.to_geojson(geometry))
    return plain


def refusal_members(refused: RefusedEdit) -> dict[str, Any]:
    """Members of the answer to a refused edit."""
    proposal = refused.proposal
    return {
        "kind": refused.kind,
        "zh": refused.zh,
        "en": refused.en,
        "cells": list(refused.cells),
        "place": place_of(refused.geometry),
        "proposal": None if proposal is None else proposal.to_dict(),
        "position": refused.position,
    }


def encoded(values: Any) -> str:
    """Plain values as JSON; NaN becomes null."""
    return msgspec.json.encode(values).decode()
