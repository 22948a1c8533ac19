"""Fixes of a file that a person or program uploads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from api.ingest.decode import datum_id
from api.ingest.fix import SOURCES, Fix, fault, not_negative
from geo.tracks import read_tracks


def read_upload(
    path: Path,
    *,
    datum: str | None,
    zone: str | None,
    only: str | None,
    devices: Mapping[str, int],
    street: int,
    times: tuple[int, int],
) -> tuple[list[Fix], list[dict[str, Any]]]:
    """Read a file of fixes.

    Parameters
    ----------
    only
        Device that all fixes belong to; by default the file names one in each row.
    times
        Time of arrival, and the time after which a fix is marked as future; microseconds.

    Returns
    -------
    tuple
        Fixes, and refused rows: ``position`` (from 0) and ``reason``.

    Raises
    ------
    FileError, DatumError, ColumnError, InputError
        If the file cannot be used; see :func:`geo.tracks.read_tracks`.
    """
    tracks = read_tracks(path, datum=datum, zone=zone)
    refused = [
        {"position": max(0, int(row["row"] or 1) - 1), "reason": row["reason"]} for row in tracks.attrs["refused"]
    ]
    names = tracks["device"].to_numpy(dtype=object) if only is None else np.full(len(tracks), only, dtype=object)
    datums = tracks["declared_datum"].fillna("WGS-84").map(datum_id).to_numpy()
    time_us = tracks["time"].dt.as_unit("us").astype("int64").to_numpy()
    received_us, latest_us = times
    fixes = []
    rows = zip(
        names,
        time_us.tolist(),
        tracks["lon"].tolist(),
        tracks["lat"].tolist(),
        _optional(tracks["accuracy_m"]),
        _optional(tracks["speed"]),
        tracks["mock"].astype("boolean").tolist(),
        datums.tolist(),
        strict=True,
    )
    for position, (name, moment, lon, lat, accuracy, speed, mock, declared) in enumerate(rows):
        device = devices.get(str(name))
        reason = "no such device; add it first" if device is None else fault(lon, lat, moment)
        if device is None or reason is not None:
            refused.append({"position": position, "reason": reason})
            continue
        fixes.append(
            Fix(
                street,
                device,
                moment,
                round(lon * 1e7),
                round(lat * 1e7),
                not_negative(accuracy),
                not_negative(speed),
                None if mock is pd.NA else int(mock),
                int(moment > latest_us),
                declared,
                SOURCES.index("upload"),
                received_us,
            )
        )
    return fixes, refused


def _optional(values: pd.Series[Any]) -> list[float | None]:
    return [None if value != value else float(value) for value in pd.to_numeric(values, errors="coerce").tolist()]
