"""Incidents created and changed by GeoJSON features (part 4). Every change is appended as a correction; nothing is overwritten.

Value limits, rights by cell and audit are those of ``/api/incidents``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from api.access import Caller, Right, allowed
from api.database import session
from api.database.connections import lock
from api.database.events import add_event, audit
from api.database.incident_changes import WITHDRAWN
from api.database.incidents import correct
from api.errors import DeniedError, NotStoredError
from api.ogc.catalogue import INCIDENTS
from api.ogc.coordinate_systems import DEGREES, Crs
from api.ogc.feature_table import FeatureTable
from api.ogc.sent_feature import SentFeature, read_feature, require_match
from api.ogc.service import OgcService
from api.routes.incidents import receive
from api.schemas import IncidentIn
from api.snapshot import Snapshot
from geo.errors import InputError

_EDITABLE = tuple(entry.name for entry in INCIDENTS.properties if entry.editable)
#: Maximum distance of a returned place from the one that was served, caused by rounding: 2 mm.
SAME_PLACE_DEG = 2e-8
_CELLS = ("third", "second", "community")


@dataclass(frozen=True)
class IncidentEditor:
    """Applies the edits of one caller to the incidents.

    Attributes
    ----------
    expected
        The ETag known to the caller (``If-Match``); None accepts any state.
    """

    service: OgcService
    snapshot: Snapshot
    caller: Caller
    now: datetime
    expected: str | None = None

    def create(self, body: bytes, crs: Crs) -> int:
        """Store a new incident; returns its number."""
        values = _values(_read(body), crs, partial=False)
        number = values.get("number") or f"gis-{uuid4().hex[:16]}"
        stored, _, _, _ = receive(
            self.service.engine, self.snapshot, self.caller, _checked({**values, "number": number}), self.now
        )
        return stored

    def replace(self, key: str, body: bytes, crs: Crs) -> bool:
        """Replace the editable properties of an incident; returns whether anything changed."""
        return self._change(key, _values(_read(body), crs, partial=False), "replaced in a GIS")

    def update(self, key: str, body: bytes, crs: Crs) -> bool:
        """Apply a merge patch to an incident; returns whether anything changed."""
        return self._change(key, _values(_read(body), crs, partial=True), "changed in a GIS")

    def withdraw(self, key: str) -> None:
        """Withdraw an incident; the received record stays in the database."""
        self._change(key, {WITHDRAWN: True}, "deleted in a GIS")

    def _change(self, key: str, values: dict[str, Any], reason: str) -> bool:
        service, street = self.service, self.caller.street
        with session(service.engine, write=True) as opened:
            lock(opened, "correct an incident")
            # Under the write lock, the table equals the database.
            before = current_row(service.incident_tables.incidents(), key, self.expected)
            self._require_right(before)
            if WITHDRAWN in values:
                changes = dict(values)
            else:
                changes = self._differences(before, values)
            if changes:
                correct(opened, street, int(key), changes, at=self.now, actor=self.caller.actor, reason=reason)
                fields = sorted(changes)
                audit(opened, street, self.caller.actor, "correct incident", key, at=self.now, fields=fields)
                scope = str(changes.get("third") or before.get("third") or "")
                add_event(opened, street, "incident", scope, {"id": int(key)}, at=self.now)
        return bool(changes)

    def _differences(self, before: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """Content of a correction: changed values, and the cells of a new place."""
        if values.get("number") not in (None, before["number"]):
            raise InputError("properties.number: the number of an incident is never changed")
        whole = {name: before[name] for name in (*_EDITABLE, "lon", "lat")} | {
            name: value for name, value in values.items() if name != "number"
        }
        if max(abs(whole["lon"] - before["lon"]), abs(whole["lat"] - before["lat"])) < SAME_PLACE_DEG:
            whole |= {"lon": before["lon"], "lat": before["lat"]}
        body = _checked(whole)
        after = body.model_dump(include={"kind", "text", "address", "lon", "lat"})
        after["reported_at"] = body.reported_at.isoformat()
        same_time = datetime.fromisoformat(before["reported_at"]) == body.reported_at
        changes = {k: v for k, v in after.items() if v != before[k] and not (k == "reported_at" and same_time)}
        if "lon" in changes or "lat" in changes:
            place = self.snapshot.locate(body.lon, body.lat, body.datum)
            cells = {level.layer: cell["code"] for level, cell in place.cells.items()}
            moved = {name: cells.get(name) for name in _CELLS}
            self._require_right(moved)
            changes |= {"lon": body.lon, "lat": body.lat} | moved
        return changes

    def _require_right(self, cells: dict[str, Any]) -> None:
        codes = [str(cells[name]) for name in _CELLS if cells.get(name)]
        if not allowed(self.caller, Right.CORRECT_INCIDENTS, codes or [""]):
            raise DeniedError(f"'{self.caller.name}' may not correct incidents of this place")


def current_row(table: FeatureTable, key: str, expected: str | None) -> dict[str, Any]:
    """Current values of an incident.

    Raises
    ------
    NotStoredError
        If there is none, or it was withdrawn.
    StaleError
        If it has changed since the caller read it.
    """
    row = table.positions.get(key)
    if row is None:
        raise NotStoredError(f"there is no incident {key[:40]}")
    require_match(table, row, expected)
    place = table.geometry[row]
    return {name: values[row] for name, values in table.values.items()} | {"lon": place.x, "lat": place.y}


def _read(body: bytes) -> SentFeature:
    return read_feature(body, INCIDENTS.properties, "Point")


def _values(feature: SentFeature, crs: Crs, *, partial: bool) -> dict[str, Any]:
    """Editable values of a feature; read-only properties, which clients send back, are ignored."""
    properties, place = feature.properties, feature.geometry_in(crs, DEGREES)
    if partial:
        values = {name: properties[name] for name in _EDITABLE if name in properties}
    else:
        values = {name: properties.get(name) for name in _EDITABLE}
        if place is None:
            raise InputError("geometry: a point is expected")
    if place is not None:
        values["lon"], values["lat"] = place.x, place.y
    return values


def _checked(values: dict[str, Any]) -> IncidentIn:
    """Validate values by the rules of ``/api/incidents``."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    try:
        body = IncidentIn.model_validate({**given, "datum": "WGS-84"})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"properties.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if body.reported_at.tzinfo is None or not 1990 <= body.reported_at.year < 2100:
        raise InputError("properties.reported_at: a time zone and a year from 1990 to 2099 are needed")
    return body
