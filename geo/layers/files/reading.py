"""Reads vector files; the only place that does so. Writing is in :mod:`geo.layers.files.writing`.

Errors say in one line what is wrong with a file, and where. Readable but faulty data, such as a ring that crosses itself or a
row without geometry, are read unchanged, because the check reports them.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from geo.errors import CrsError, FileError, GeometryError, first_labels
from geo.layers.alignment.plausibility import advice, require_plausible, require_plausible_rows
from geo.layers.crs import WGS84, parse_crs, require_frame
from geo.layers.datum import Datum, to_datum
from geo.layers.files import shapefile
from geo.layers.files.kml_names import ascii_names
from geo.layers.files.sources import ARCHIVES, PARQUET, Source, members, opened
from geo.notices import notice
from geo.wording import counted, form

OnInvalid = Literal["raise", "mark"]

# Exceptions of the underlying libraries about files; those of pyogrio are RuntimeErrors.
_READ_ERRORS = (RuntimeError, ValueError, OSError, KeyError, TypeError, shapely.errors.ShapelyError)

# Formats that always use degrees on WGS-84 and declare no CRS.
_ALWAYS_DEGREES = (".topojson", ".json", ".gpx", ".kml")

# Columns that the KML driver adds to every layer, with the default value that carries no information.
_KML_COLUMNS = {
    "id": None,
    "description": None,
    "timestamp": None,
    "begin": None,
    "end": None,
    "altitudeMode": None,
    "tessellate": -1,
    "extrude": 0,
    "visibility": -1,
    "drawOrder": None,
    "icon": None,
}

# Key in the attributes of a frame for the name of a CRS without a known position on earth.
_UNUSABLE_CRS = "unusable_crs"

# Warnings of GDAL about conditions that are handled here.
_KNOWN_REMARKS = re.compile(
    "Non closed ring|invalid value encountered|couldn't be converted|Measured|application_id|not consistent with type"
    "|successfully parsed"
)


def read_layer(
    path: str | os.PathLike[str],
    *,
    layer: str | None = None,
    crs: object = None,
    datum: Datum | str | None = None,
    encoding: str | None = None,
    override_crs: bool = False,
    swap_xy: bool = False,
    on_invalid: OnInvalid = "raise",
) -> gpd.GeoDataFrame:
    """Read one layer of a vector file.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, TopoJSON, GeoParquet, FlatGeobuf, Shapefile, KML, or a zip archive with one of them. In an archive
        with several files, append the path of one: ``archive.zip/folder/file.shp``; likewise the layer of a file with
        several: ``street.gpkg/roads``.
    layer
        Name of the layer, as an alternative; needed only if the file has more than one.
    crs
        CRS of the coordinates, for a file that declares none, or one that the coordinates do not fit.
    datum
        Datum of the coordinates if it is not that of the CRS (GCJ-02, BD-09); the result is on WGS-84.
    encoding
        Encoding of the text of a Shapefile, if the declared encoding is wrong or missing and the guess is wrong too.
    override_crs
        Use `crs` even if the file declares another one that fits the coordinates.
    swap_xy
        Exchange the two ordinates, for files with the northing or the latitude first.
    on_invalid
        Treatment of rows whose geometry cannot be read (rings of fewer than four points, or not closed), is not finite, or is
        outside the CRS: refuse the layer and name the rows, or ``mark`` them by an empty geometry, with a notice.

    Returns
    -------
    GeoDataFrame
        The rows in file order with a fresh index, in the CRS of the file, in two dimensions.

    Raises
    ------
    FileError
        If the file is missing, empty, broken or not of the format of its name, or the layer must be named.
    CrsError
        If neither the file nor `crs` declares a CRS, or the coordinates do not fit it.
    GeometryError
        If the layer has no rows or no geometries, or rows that cannot be read.
    """
    with opened(Path(path)) as source:
        frame = _tidy(_read(source, layer, encoding, on_invalid), source)
    name = source.name
    if frame.empty or frame.geometry.isna().all():
        raise GeometryError(f"{name}: the layer is empty")
    if swap_xy:
        frame = frame.set_geometry(_swapped(frame.geometry))
    frame, wrong = _placed(frame, source, crs, override_crs)
    if on_invalid == "raise":
        require_plausible_rows(frame, wrong, name)
    elif len(wrong):
        frame = frame.set_geometry(_marked(frame.geometry, wrong, name, "are not finite or outside the CRS"))
    return frame if datum is None else to_datum(frame, datum, Datum.WGS84)


def layers_of(path: str | os.PathLike[str]) -> list[str]:
    """Names of the layers in a file; for an archive with several files, their paths.

    Raises
    ------
    FileError
        If the file is missing, empty or cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() in ARCHIVES and path.is_file() and path.stat().st_size and len(members(path)) > 1:
        return members(path)
    with opened(path) as source:
        return _names(source)


def _names(source: Source) -> list[str]:
    """Names of the selected layers: all of the file, or the one named by its path."""
    names = _all_names(source)
    if source.layer is None:
        return names
    if source.layer not in names:
        raise FileError(f"{source.path.name}: has no layer '{source.layer}'; it has {first_labels(names, 12)}")
    return [source.layer]


def _all_names(source: Source) -> list[str]:
    if source.suffix in PARQUET:
        return [source.path.stem]
    if source.suffix == ".shp":
        shapefile.require_parts(source)
        return [source.path.stem]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            table = pyogrio.list_layers(source.path)
    except _READ_ERRORS as error:
        raise FileError(f"{source.name}: cannot be read as a vector file ({_first_line(error)})") from error
    # A table without geometry (styles, lookups) is not a layer, unless the file has nothing else.
    names = [str(name) for name, kind in table if kind is not None] or [str(name) for name in table[:, 0]]
    if source.suffix == ".kml" and len(names) > 1:
        names = [name for name in names if _has_geometry(source, name)] or names
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise FileError(
            f"{source.name}: has several layers of the name {first_labels(double)}; give them different names"
        )
    return names


def _has_geometry(source: Source, layer: str) -> bool:
    """Whether a folder of a KML file has a placemark with a geometry."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wkb = pyogrio.raw.read(source.path, layer=layer, columns=[])[2]
    return wkb is not None and not pd.isna(wkb).all()


def _read(source: Source, layer: str | None, encoding: str | None, on_invalid: OnInvalid) -> gpd.GeoDataFrame:
    names = _names(source)
    if layer is not None and layer not in names:
        raise FileError(f"{source.name}: has no layer '{layer}'; it has {first_labels(names, 12)}")
    if layer is None and len(names) != 1:
        raise FileError(
            f"{source.name}: has {len(names)} layers ({first_labels(names, 12)}); "
            f"name one, as in {source.name}/{names[0]} (or --layer)"
        )
    fields = shapefile.fields_of(source, encoding) if source.suffix == ".shp" else None
    options: dict[str, Any] = {"layer": layer or (names[0] if source.suffix != ".shp" else None)}
    if fields is not None:
        options["encoding"] = shapefile.BYTEWISE
    try:
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            if source.suffix == ".kml":
                with ascii_names(source) as (copy, kml_names):
                    frame = _with_data_names(_frame(copy, options, on_invalid), kml_names)
            else:
                frame = _frame(source, options, on_invalid)
    except _READ_ERRORS as error:
        if isinstance(error, GeometryError):
            raise
        kind = "as GeoParquet " if source.suffix in PARQUET else ""
        raise FileError(f"{source.name}: cannot be read {kind}({_first_line(error)})") from error
    for text in dict.fromkeys(str(remark.message) for remark in remarks):
        # Numbers of a Shapefile that are read in part are told with their field and row.
        if not _KNOWN_REMARKS.search(text) and not (fields is not None and "parsed incompletely" in text):
            notice(text if text.startswith(source.name) else f"{source.name}: {text}")
    if not isinstance(frame, gpd.GeoDataFrame):
        raise GeometryError(f"{source.name}: has rows but no geometry column")
    return frame if fields is None else shapefile.decoded(frame, fields)


def _frame(source: Source, options: dict[str, Any], on_invalid: OnInvalid) -> gpd.GeoDataFrame:
    """Read a frame; if a geometry cannot be created, read the other rows and name or mark the faulty ones."""
    try:
        if source.suffix in PARQUET:
            return gpd.read_parquet(BytesIO(source.path.read_bytes()))
        # Field names of a Shapefile are decoded later; a field named like the geometry column would break read_dataframe.
        if source.suffix != ".shp" and "geometry" not in pyogrio.read_info(source.path, **options)["fields"]:
            return pyogrio.read_dataframe(source.path, **options)
    except shapely.errors.ShapelyError:
        pass
    table, wkb, crs = _raw(source, options)
    made = shapely.from_wkb(wkb, on_invalid="ignore")
    rows = np.flatnonzero(shapely.is_missing(made) & ~pd.isna(wkb))
    geometries = gpd.GeoSeries(made, index=table.index, crs=crs)
    if len(rows) and on_invalid == "raise":
        raise GeometryError(
            f"{source.name}: {len(rows)} of {counted(len(made), 'row')} {form(len(rows), 'has', 'have')} a geometry that "
            f"cannot be read, mostly a ring that is not closed: row {first_labels(rows.tolist())}; correct them, or mark them "
            "as empty (wangge convert --mark-invalid)",
            ids=rows.tolist(),
        )
    return gpd.GeoDataFrame(
        table, geometry=_marked(geometries, rows, source.name, "cannot be read") if len(rows) else geometries
    )


def _raw(source: Source, options: dict[str, Any]) -> tuple[pd.DataFrame, npt.NDArray[np.object_], object]:
    """Attributes, geometries as bytes, and CRS."""
    if source.suffix in PARQUET:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(BytesIO(source.path.read_bytes()))
        about = json.loads(table.schema.metadata[b"geo"])
        column = about["primary_column"]
        frame = table.drop_columns([column]).to_pandas()
        return frame, table[column].to_numpy(), about["columns"][column].get("crs", "OGC:CRS84")
    meta, _, wkb, values = pyogrio.raw.read(source.path, **options)
    if wkb is None:
        raise GeometryError(f"{source.name}: has rows but no geometry column")
    table = pd.DataFrame(dict(enumerate(values)), index=range(len(wkb)))
    fields = [str(field) for field in meta["fields"]]
    names = range(len(fields)) if source.suffix == ".shp" else shapefile.distinct_names(fields, "geometry")
    return table.set_axis(names, axis=1), wkb, meta["crs"]


def _marked(shapes: gpd.GeoSeries, rows: npt.NDArray[np.intp], name: str, why: str) -> gpd.GeoSeries:
    notice(
        f"{name}: {len(rows)} of {counted(len(shapes), 'geometry', 'geometries')} {why} and {form(len(rows), 'is', 'are')} "
        f"left empty: row {first_labels(rows.tolist())}"
    )
    marked = shapes.copy()
    marked.iloc[rows] = shapely.Polygon()
    return marked


def _tidy(frame: gpd.GeoDataFrame, source: Source) -> gpd.GeoDataFrame:
    """Reset the index, drop the third dimension, and remove columns that only the format requires."""
    frame = frame.reset_index(drop=True)
    if frame.has_z.any():
        frame = frame.set_geometry(frame.geometry.force_2d())
        if source.suffix not in (".kml", ".gpx"):  # these always contain heights of 0
            notice(f"{source.name}: heights are dropped")
    if frame.crs is not None and not _is_georeferenced(CRS(frame.crs)):
        unusable = CRS(frame.crs).name
        frame = frame.set_crs(None, allow_override=True)
        frame.attrs[_UNUSABLE_CRS] = unusable
    if frame.crs is not None and len(CRS(frame.crs).axis_info) > 2:
        frame = frame.set_crs(CRS(frame.crs).to_2d(), allow_override=True)
    return frame


def _is_georeferenced(crs: CRS) -> bool:
    """Whether a CRS ties coordinates to the earth, unlike local and undefined ones."""
    return not crs.is_engineering and not crs.name.lower().startswith(("undefined", "unknown engineering"))


def _with_data_names(frame: gpd.GeoDataFrame, names: dict[str, str]) -> gpd.GeoDataFrame:
    """Remove the columns that the KML driver adds and nothing fills, and give data their original names."""
    unused = [
        column
        for column, nothing in _KML_COLUMNS.items()
        if column in frame and ((frame[column].isna() | (frame[column] == nothing)).all() or column == "id")
    ]
    if "name" in map(str.lower, names.values()) and "Name" in frame and frame["Name"].isna().all():
        unused.append("Name")
    kept = frame.drop(columns=unused).rename(columns=names)
    kept = kept.rename(columns={"Name": "name"}) if "name" not in kept else kept
    plain = [str(column) for column in kept.columns if column != kept.geometry.name]
    return kept.set_axis([*shapefile.distinct_names(plain, kept.geometry.name), kept.geometry.name], axis=1)


def _swapped(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    turned = shapely.transform(shapes.array, lambda xy: xy[:, ::-1])
    return gpd.GeoSeries(turned, index=shapes.index, crs=shapes.crs)


def _placed(
    frame: gpd.GeoDataFrame, source: Source, crs: object, override: bool
) -> tuple[gpd.GeoDataFrame, npt.NDArray[np.intp]]:
    """Determine the CRS of a frame, and find the rows that do not fit it."""
    given, name = None if crs is None else parse_crs(crs), source.name
    unusable = frame.attrs.pop(_UNUSABLE_CRS, None)
    if frame.crs is None and given is None:
        bounds = frame.total_bounds
        if (
            source.suffix in _ALWAYS_DEGREES
            and np.abs(bounds[[0, 2]]).max() <= 360
            and np.abs(bounds[[1, 3]]).max() <= 90
        ):
            given = WGS84
        else:
            looks = advice(frame)
            raise CrsError(
                f"{name}: declares no "
                + (
                    ""
                    if unusable is None
                    else f"usable coordinate reference system ('{unusable}' does not say where it is); "
                )
                + ("coordinate reference system; " if unusable is None else "")
                + (looks or "say which it is in with --crs")
            )
    if given is not None and (frame.crs is None or override):
        if frame.crs is not None and frame.crs != given:
            notice(f"{name}: declares {frame.crs.to_string()} but is read as {given.to_string()}, as requested")
        frame = frame.set_crs(given, allow_override=True)
    try:
        return frame, require_plausible(frame, name)
    except CrsError:
        if given is None or frame.crs == given:
            raise
    fitting = frame.set_crs(given, allow_override=True)
    wrong = require_plausible(fitting, name)
    notice(f"{name}: declares {frame.crs.to_string()}, which does not fit, and is read as {given.to_string()}")
    return fitting, wrong


def require_polygons(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Return `frame` if all of its geometries are polygons, otherwise raise with their types.

    Raises
    ------
    InputError
        If it is not a frame with geometries.
    GeometryError
        If a geometry that is there is not a polygon or a multipolygon.
    """
    require_frame(frame, name)
    types = shapely.get_type_id(np.asarray(frame.geometry.array, dtype=object))
    if np.isin(types, [-1, shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]).all():
        return frame
    kinds = frame.geom_type.dropna()
    wrong = kinds[~kinds.isin(["Polygon", "MultiPolygon"])]
    if len(wrong):
        what = ", ".join(f"{count} {kind}" for kind, count in wrong.value_counts().items())
        raise GeometryError(
            f"{name}: cells must be polygons, but {len(wrong)} of {counted(len(frame), 'row')} "
            f"{form(len(wrong), 'is', 'are')} not ({what}; first: row {wrong.index[0]})",
            ids=list(wrong.index),
        )
    return frame


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip()[:200]
