"""The datum of each row of a table: its own where a column says it, else the one that is declared for the file."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.arrays import Floats, Objects, repeated
from geo.errors import DatumError
from geo.layers.datum import Datum, convert
from geo.tables.headers import reference_of
from geo.tables.refused import are_good, mark
from geo.texts import Text

UNKNOWN_DATUM = Text("坐标基准“{value}”无法识别", "names a datum that is not known: '{value}'")
NO_DATUM = Text("没有说明坐标基准，也没有为文件声明", "names no datum, and none is declared for the file")

# A datum is undone piece by piece: its many steps then stay in the cache, which halves the time.
_CHUNK = 16_384
_SHOWN = 40


def datum_of(text: str) -> Datum:
    """Datum of a text in a table: by its formal name, or by the maps that use it (百度, 高德, GPS).

    Raises
    ------
    DatumError
        If it is not known.

    >>> datum_of("高德地图").value
    'GCJ-02'
    """
    named = "WGS-84" if text.strip().upper() == "GPS" else reference_of(text).datum
    return Datum.parse(named or text.strip())


def datums_of_rows(own: pd.Series | None, declared: Datum | None, reason: Objects) -> Objects:
    """Name of each row's datum; rows that name none, or one that is not known, get a reason.

    Parameters
    ----------
    own
        Column of the file that names datums, None where it has none.
    declared
        Datum of rows that name none.
    reason
        Text or None for each row, shape (n,); changed in place.
    """
    which = repeated(None if declared is None else declared.value, len(reason))
    if own is not None:
        codes, said = pd.factorize(own.astype(object), use_na_sentinel=True)
        for code, text in enumerate(said):
            try:
                which[codes == code] = datum_of(str(text)).value
            except DatumError:
                mark(reason, codes == code, UNKNOWN_DATUM.fill(value=str(text)[:_SHOWN]))
    mark(reason, pd.isna(which), NO_DATUM)
    return which


def rows_to_wgs84(lon: Floats, lat: Floats, which: Objects, reason: Objects) -> tuple[Floats, Floats]:
    """Degrees on WGS-84 of rows on the datums `which`; NaN where there is a reason."""
    good = are_good(reason)
    x, y = np.where(good, lon, np.nan), np.where(good, lat, np.nan)
    for name in sorted({str(value) for value in pd.unique(which[good])}):
        mine = good & (which == name)
        x[mine], y[mine] = to_wgs84(lon[mine], lat[mine], Datum.parse(name))
    return x, y


def to_wgs84(lon: Floats, lat: Floats, datum: Datum) -> tuple[Floats, Floats]:
    """Bring degrees from a datum to WGS-84."""
    starts = range(0, max(len(lon), 1), _CHUNK)
    parts = [convert(lon[k : k + _CHUNK], lat[k : k + _CHUNK], datum, Datum.WGS84) for k in starts]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
