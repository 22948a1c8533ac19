"""Known mistakes that shift a complete layer, each with its correction.

A layer on datum A that was declared as datum B is off by the difference of the two; coordinates of one projection zone that
were read in another are off by degrees or, between UTM and Gauss-Krüger, by the scale factor 0.9996.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj
from pyproj import CRS

from geo.layers.crs import WGS84, metric_crs
from geo.layers.datum import Datum, convert
from geo.layers.transformers import transformer

FloatArray = npt.NDArray[np.float64]
Correction = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]

_SHORT = {Datum.WGS84: "wgs84", Datum.GCJ02: "gcj02", Datum.BD09: "bd09"}


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes
    ----------
    key
        Identifier for programs, such as ``gcj02_as_wgs84``; ``none`` for no mistake.
    zh, en
        Description in Chinese and English.
    datum
        Actual datum of the given coordinates, for mistakes of the datum.
    crs
        Actual CRS of the given coordinates, for mistakes of the CRS.
    correct
        Function from the given to the correct longitudes and latitudes.
    remedy
        Options of ``wangge convert`` that correct the layer; empty if there are none.
    """

    key: str
    zh: str
    en: str
    datum: Datum | None
    crs: str | None
    correct: Correction
    remedy: str


NONE = Mistake("none", "坐标基准正确", "the datum is right", Datum.WGS84, None, lambda x, y: (x, y), "")


def datum_mistakes() -> Iterator[Mistake]:
    """All mistakes in which one of three datums was declared as another (CGCS2000 counts as WGS-84)."""
    for true in _SHORT:
        for taken in _SHORT:
            if true is not taken:
                yield _datum_cause(true, taken)


def _datum_cause(true: Datum, taken: Datum) -> Mistake:
    def correct(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        return convert(*convert(x, y, Datum.WGS84, taken), true, Datum.WGS84)

    key = f"{_SHORT[true]}_as_{_SHORT[taken]}"
    zh, en = f"{true} 坐标被当作 {taken} 使用", f"{true} coordinates taken for {taken}"
    if true is Datum.WGS84:
        zh = f"本是 WGS-84，又多做了一次 {taken} 纠偏；或参照图层本身是 {taken}"
        en = f"WGS-84 coordinates converted as if they were {taken}, or the reference itself is on {taken}"
        return Mistake(key, zh, en, None, None, correct, f"--from-datum {Datum.WGS84} --to-datum {taken}")
    if taken is Datum.WGS84:
        return Mistake(key, zh, en, true, None, correct, f"--from-datum {true} --to-datum {Datum.WGS84}")
    twice = f"--from-datum {Datum.WGS84} --to-datum {taken}, then --from-datum {true} --to-datum {Datum.WGS84}"
    return Mistake(key, zh, en, None, None, correct, twice)


def zone_mistakes(crs: CRS, lon: float, lat: float) -> Iterator[Mistake]:
    """Mistakes of the projection zone: coordinates of a neighbouring zone, or of UTM instead of Gauss-Krüger.

    Parameters
    ----------
    crs
        Declared CRS of the layer. If it is geographic, the metric CRS of the place is assumed as an intermediate step.
    lon, lat
        Centre of the layer as given, degrees.
    """
    declared = crs if crs.is_projected else metric_crs(lon, lat)
    meridian = _meridian(declared)
    if meridian is None:
        return
    there = transformer(WGS84, declared)
    gauss = [4534 + int(m - 75) // 3 for m in meridian + np.array([-6, -3, 0, 3, 6]) if m % 3 == 0 and 75 <= m <= 135]
    utm = [32600 + int((m + 183) // 6) for m in meridian + np.array([-3, 0, 3]) if m % 6 == 3]
    for epsg in [*gauss, *utm]:
        if epsg != declared.to_epsg():
            yield _zone_cause(epsg, declared, there)


def _zone_cause(epsg: int, declared: CRS, there: pyproj.Transformer) -> Mistake:
    back = transformer(CRS.from_epsg(epsg), WGS84)

    def correct(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        east, north = there.transform(x, y)
        lon, lat = back.transform(np.asarray(east) % 1e6, north)  # a zone prefix does not change the place
        return np.asarray(lon), np.asarray(lat)

    name = f"EPSG:{declared.to_epsg()}" if declared.to_epsg() else declared.name
    same = _meridian(CRS.from_epsg(epsg)) == _meridian(declared)
    zh = f"{'UTM 与高斯投影混用' if same or epsg > 32000 else '投影带用错'}：EPSG:{epsg} 坐标被当作 {name}"
    en = f"coordinates of EPSG:{epsg} read as {name} ({'UTM and Gauss-Krüger mixed up' if epsg > 32000 else 'wrong zone'})"
    return Mistake(f"zone_{epsg}", zh, en, None, f"EPSG:{epsg}", correct, f"--crs EPSG:{epsg}")


def _meridian(crs: CRS) -> float | None:
    operation = crs.coordinate_operation
    if operation is None or operation.method_name != "Transverse Mercator":
        return None
    return next((float(p.value) for p in operation.params if "longitude" in p.name.lower()), None)
