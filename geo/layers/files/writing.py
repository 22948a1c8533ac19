"""Writes vector files; the only place that does so.

Files are written to a temporary place and moved to the target when complete, so a killed program leaves the old file. Equal
content gives equal bytes.
"""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from geo.errors import CrsError, FileError, GeometryError, first_labels
from geo.layers.columns import GEOJSON_DECIMALS, LEVEL
from geo.layers.crs import WGS84, area_m2, centre_lon_lat, in_china, to_metric
from geo.layers.files import shapefile
from geo.layers.files.atomic import aside
from geo.layers.files.kml_writing import KmlRows, kml_rows
from geo.layers.files.sources import DRIVERS
from geo.layers.files.writable import (
    for_geojson,
    for_geopackage,
    with_one_geometry,
    with_one_kind_of_points,
    with_plain_columns,
    without_empty,
)
from geo.layers.old_datums import change_crs
from geo.notices import notice
from geo.wording import counted, form

#: Area of one export above which large-scale map data of China are a state secret (2020 rules of the ministry of natural
#: resources and the administration for the protection of secrets: contiguous coverage of more than 25 km²).
SECRET_KM2 = 25.0

# GDAL writes the current time into a GeoPackage; a fixed time gives equal bytes for equal content.
_STAMP = "2000-01-01T00:00:00.000Z"
_ZIP_STAMP = (2000, 1, 1, 0, 0, 0)


# Formats for which GDAL does not report a full disk: they are created in memory and written by Python.
_SILENT = ("GeoJSON", "FlatGeobuf", "LIBKML")


def write_layer(
    frame: gpd.GeoDataFrame, path: str | os.PathLike[str], *, layer: str | None = None, encoding: str | None = None
) -> None:
    """Write a frame as the only layer of a file; the file name ending determines the format.

    GeoJSON and KML are written in degrees, all other formats in the CRS of the frame. A Shapefile gets field names of ten
    bytes (:data:`geo.layers.files.shapefile.STANDARD_NAMES`), and text in GBK unless `encoding` is UTF-8. An ending like
    ``.shp.zip`` packs the file, so that the parts of a Shapefile become one file.

    Raises
    ------
    FileError
        If the format is not known, the folder does not exist, or the format cannot hold the rows.
    CrsError
        If the format is in degrees and the frame declares no CRS.
    GeometryError
        If there are coordinates that are not finite.
    """
    write_layers({layer or Path(path).name.split(".")[0]: frame}, path, encoding=encoding)


def write_layers(
    frames: Mapping[str, gpd.GeoDataFrame], path: str | os.PathLike[str], *, encoding: str | None = None
) -> None:
    """Write several layers to one file, or one layer to a single-layer format; an existing file is replaced when complete.

    Gives a notice if the polygons of a layer in China cover more than :data:`SECRET_KM2`.

    Raises
    ------
    FileError
        If the format is not known or holds only one layer, or the folder does not exist.
    """
    target = Path(path)
    inner = target.with_suffix("") if target.suffix.lower() == ".zip" else target
    driver = DRIVERS.get(inner.suffix.lower())
    if driver is None:
        raise FileError(
            f"{target.name}: unknown format '{inner.suffix}'; use {', '.join(DRIVERS)}, or one of them with .zip"
        )
    if len(frames) > 1 and driver != "GPKG":
        raise FileError(f"{target.name}: {driver} holds one layer, {len(frames)} were given; use .gpkg")
    for name, frame in frames.items():
        _require_finite(frame, target.name if len(frames) == 1 else f"{target.name}, layer {name}")
    _remind_of_secrecy(frames, target.name)
    with aside(target) as temporary:
        made = temporary if inner is target else temporary.with_suffix("")
        for name, frame in frames.items():
            try:
                _write(frame, made, name, driver, encoding)
            except (RuntimeError, ValueError, OSError, TypeError, KeyError) as error:
                if isinstance(error, (FileError, CrsError)):
                    raise
                text = (str(error).splitlines() or [type(error).__name__])[0].strip()[:200]
                raise FileError(f"{target.name}: cannot be written ({text})") from error
        if made is not temporary:
            _pack(made, temporary)


def _write(frame: gpd.GeoDataFrame, path: Path, layer: str, driver: str, encoding: str | None) -> None:
    frame = with_plain_columns(frame)
    if driver == "Parquet":
        frame.to_parquet(path, index=False)
        return
    frame = with_one_geometry(frame, path.name)
    options: dict[str, str] = {}
    rows: KmlRows | None = None
    if driver in ("GeoJSON", "LIBKML"):
        if frame.crs is None:
            raise CrsError(f"{path.name}: is written in degrees, but the rows declare no coordinate reference system")
        frame = frame.set_geometry(change_crs(frame.geometry, WGS84))
    if driver == "GeoJSON":
        frame = for_geojson(frame, path.name)
        options = {"COORDINATE_PRECISION": str(GEOJSON_DECIMALS), "RFC7946": "NO"}
    elif driver == "LIBKML":
        rows = kml_rows(without_empty(frame), path.name)
        frame = rows.frame
    elif driver == "GPKG":
        frame, geometry = for_geopackage(frame, path.name)
        options = {"GEOMETRY_NAME": geometry}
    elif driver == "FlatGeobuf":
        options = {"SPATIAL_INDEX": "NO"}  # the index would change the order of the rows
    elif driver == "ESRI Shapefile":
        encoding = shapefile.codec(encoding or shapefile.DEFAULT_ENCODING).upper()
        frame = shapefile.prepared(with_one_kind_of_points(frame), path.name, encoding)
        options = {"encoding": encoding}
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _STAMP})
    with warnings.catch_warnings():
        # Warnings of GDAL about Shapefile names and text, and rows without CRS, are already handled or intended.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.filterwarnings("ignore", message="'crs' was not provided", category=UserWarning)
        if driver in _SILENT:
            memory = BytesIO()
            pyogrio.write_dataframe(frame, memory, layer=layer, driver=driver, **options)
            path.write_bytes(rows.completed(memory.getvalue()) if rows is not None else memory.getbuffer())
        else:
            pyogrio.write_dataframe(frame, path, layer=layer, driver=driver, **options)
    if driver == "ESRI Shapefile":
        shapefile.finish(path, encoding or shapefile.DEFAULT_ENCODING)


def _require_finite(frame: gpd.GeoDataFrame, name: str) -> None:
    shapes = np.asarray(frame.geometry.array, dtype=object)
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    wrong = np.unique(row[~np.isfinite(xy).all(axis=1)])
    if len(wrong):
        raise GeometryError(
            f"{name}: {len(wrong)} of {counted(len(frame), 'row')} {form(len(wrong), 'has', 'have')} coordinates that are not "
            f"finite (NaN or infinite): row {first_labels(wrong.tolist())}; correct them or leave them out",
            ids=wrong.tolist(),
        )


def _remind_of_secrecy(frames: Mapping[str, gpd.GeoDataFrame], name: str) -> None:
    """Give a notice if a layer covers more ground than may be exported without further steps."""
    largest = max((_cover_km2(frame) for frame in frames.values()), default=0.0)
    if largest > SECRET_KM2:
        notice(
            f"{name}: 覆盖 {largest:.1f} km²，超过 {SECRET_KM2:g} km²：大比例尺成果连续覆盖超过此面积可能属国家秘密，请按测绘成果"
            f"保密规定处理。Covers {largest:.1f} km²; above {SECRET_KM2:g} km² of continuous cover large-scale map data of "
            "China may be a state secret: keep streets apart, or handle the file by the rules"
        )


def _cover_km2(frame: gpd.GeoDataFrame) -> float:
    """Area covered by the polygons of a layer in China; cells of several levels cover the same ground once."""
    polygons = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
    if frame.crs is None or polygons.empty or not in_china(*centre_lon_lat(polygons)):
        return 0.0
    levels = [part for _, part in polygons.groupby(LEVEL)] if LEVEL in polygons else [polygons]
    largest = max(levels, key=lambda part: float(to_metric(part).area.sum()))
    if to_metric(largest).area.sum() <= SECRET_KM2 * 1e6:
        return 0.0
    return float(area_m2(gpd.GeoSeries([_union(largest)], crs=frame.crs))[0]) / 1e6


def _union(frame: gpd.GeoDataFrame) -> shapely.Geometry:
    """Union of polygons, some of which may be invalid."""
    shapes = np.asarray(frame.geometry.array, dtype=object)
    return shapely.union_all(np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes)))


def _pack(made: Path, archive: Path) -> None:
    """Pack a file and its parts, with a fixed time so that the bytes are reproducible."""
    parts = sorted(part for part in made.parent.iterdir() if part != archive)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in parts:
            info = zipfile.ZipInfo(part.name, _ZIP_STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, part.read_bytes())
            part.unlink()
