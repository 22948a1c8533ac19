"""Reads fixes from uploaded files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from api.ingest.decode import datum_id, refusal
from api.ingest.fix import SOURCES, fault
from api.ingest.rows import Arrival, Columns, Rows, usable
from geo.texts import Text
from geo.tracks import read_tracks

_UNKNOWN = Text("没有该设备；请先登记", "no such device; add it first")


def read_upload(
    path: Path,
    *,
    datum: str | None,
    zone: str | None,
    only: str | None,
    devices: Mapping[str, int],
    street: int,
    times: tuple[int, int],
) -> tuple[Rows, list[dict[str, Any]]]:
    """Read a file of fixes.

    Parameters
    ----------
    only
        Device of all fixes; by default the file has one in each row.
    times
        Time of arrival, and the time after which a fix is marked as future; microseconds.

    Returns
    -------
    tuple
        Fixes, and refused rows in order: ``position`` among the fixes of the file (from 0) and ``reason``.

    Raises
    ------
    FileError, DatumError, ColumnError, InputError
        If the file is unusable; see :func:`geo.tracks.read_tracks`.
    """
    tracks = read_tracks(path, datum=datum, zone=zone)
    unread = tracks.attrs["refused"]
    sources = tracks["source"].astype(str).tolist() + [str(row["source"]) for row in unread]
    position = _positions(sources, [*tracks["row"].tolist(), *(row["row"] for row in unread)])
    refused = [
        refusal(place, Text(row["reason_zh"], row["reason"]))
        for place, row in zip(position[len(tracks) :], unread, strict=True)
    ]
    names = (
        [only] * len(tracks) if only is not None else [str(name) for name in tracks["device"].to_numpy(dtype=object)]
    )
    mock = tracks["mock"].astype("boolean")
    given = Columns(
        device=np.array([devices.get(name, -1) for name in names], dtype=np.int64),
        time_us=tracks["time"].dt.as_unit("us").astype("int64").to_numpy(),
        lon=tracks["lon"].to_numpy(dtype=float),
        lat=tracks["lat"].to_numpy(dtype=float),
        accuracy_m=pd.to_numeric(tracks["accuracy_m"], errors="coerce").to_numpy(dtype=float),
        speed_m_s=pd.to_numeric(tracks["speed"], errors="coerce").to_numpy(dtype=float),
        mock=mock.astype("Int16").fillna(-1).to_numpy(dtype=np.int16),
        datum=tracks["declared_datum"].fillna("WGS-84").map(datum_id).to_numpy(dtype=np.int16),
    )
    good = usable(given.lon, given.lat, given.time_us) & (given.device >= 0)
    for k in np.flatnonzero(~good).tolist():
        known = given.device[k] >= 0
        reason = fault(float(given.lon[k]), float(given.lat[k]), int(given.time_us[k])) if known else _UNKNOWN
        refused.append(refusal(position[k], reason))
    refused.sort(key=lambda entry: entry["position"])
    received_us, latest_us = times
    return given.take(good).rows(Arrival(street, SOURCES.index("upload"), received_us, latest_us)), refused


def _positions(sources: Sequence[str], rows: Sequence[Any]) -> list[int]:
    """Position from 0 of each row among all rows, read or refused; those of a file with several parts are counted on.

    The numbers of the reader are those of a spreadsheet: the lines above the first fix count, too.
    """
    part = {name: k for k, name in enumerate(dict.fromkeys(sources))}
    keys = [(part[name], 0 if pd.isna(row) else int(row)) for name, row in zip(sources, rows, strict=True)]
    place = {key: k for k, key in enumerate(sorted(set(keys)))}
    return [place[key] for key in keys]
