"""Reading vector files: the one door in. The door out is :mod:`geo.layers.files.writing`.

Reading tells in one line what is wrong with a file, and where. What can be read but is not sound, such as a ring that
crosses itself or a row without geometry, is read as it is: it is a finding of the check.
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
import pyarrow
import pyarrow.parquet
import pyogrio
import shapely
from pyproj import CRS

from geo.errors import CrsError, FileError, GeometryError, first_labels
from geo.layers.alignment.plausibility import advice, require_plausible, require_plausible_rows
from geo.layers.crs import WGS84, parse_crs
from geo.layers.datum import Datum, to_datum
from geo.layers.files import shapefile
from geo.layers.files.kml_names import ascii_names
from geo.layers.files.sources import ARCHIVES, PARQUET, Source, members, opened
from geo.notices import notice

OnInvalid = Literal["raise", "mark"]

# What the libraries below raise about files; those of pyogrio are RuntimeErrors, those of pyarrow one of the others.
_READ_ERRORS = (RuntimeError, ValueError, OSError, KeyError, TypeError, shapely.errors.ShapelyError)

# Formats that leave the CRS out because it is always that of degrees on WGS-84.
_ALWAYS_DEGREES = (".topojson", ".json", ".gpx", ".kml")

# Columns that the KML driver adds to every layer, with the value that says nothing.
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

# Name in the attributes of a frame of a CRS that says nothing of the place.
_UNUSABLE_CRS = "unusable_crs"

# GDAL's remarks that are dealt with here.
_KNOWN_REMARKS = re.compile(
    "Non closed ring|invalid value encountered|couldn't be converted|Measured|application_id|not consistent with type"
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
        GeoPackage, GeoJSON, TopoJSON, GeoParquet, FlatGeobuf, Shapefile, KML, or a zip archive that holds one of them. A file
        inside an archive that holds several is named by its path: ``archive.zip/folder/file.shp``; so is a layer of a file
        that has several: ``street.gpkg/roads``.
    layer
        Name of the layer, the other way to say it; needed only where the file has more than one.
    crs
        CRS of the coordinates, for a file that declares none, or one that they cannot be in.
    datum
        Datum of the coordinates if it is not that of the CRS (GCJ-02, BD-09); the result is on WGS-84.
    encoding
        Encoding of the text of a Shapefile, if what it declares is wrong or missing and the guess is wrong too.
    override_crs
        Take `crs` also where the file declares another one that the coordinates could be in.
    swap_xy
        Exchange the two ordinates: for files with the northing, or the latitude, first.
    on_invalid
        What to do with rows whose geometry cannot be read (rings of fewer than four points or not closed), is not finite, or
        reaches beyond the CRS: refuse the layer and name them, or ``mark`` them by an empty geometry, with a notice.

    Returns
    -------
    GeoDataFrame
        The rows in file order with a fresh index, in the CRS of the file, in two dimensions.

    Raises
    ------
    FileError
        If the file is missing, empty, broken or of another format than its name says, or the layer must be named.
    CrsError
        If neither the file nor `crs` says what the coordinates are, or they cannot be that.
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
        frame = frame.set_geometry(_marked(frame.geometry, wrong, name, "are no numbers or reach beyond the CRS"))
    return frame if datum is None else to_datum(frame, datum, Datum.WGS84)


def layers_of(path: str | os.PathLike[str]) -> list[str]:
    """Names of the layers in a file; of an archive that holds several files, the paths of these.

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
    """Names of the layers that are meant: all of the file, or the one that its path names."""
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
    # A table without geometry (styles, lookups) is no layer, unless the file has nothing else.
    names = [str(name) for name, kind in table if kind is not None] or [str(name) for name in table[:, 0]]
    if source.suffix == ".kml" and len(names) > 1:
        names = [name for name in names if _shows_something(source, name)] or names
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise FileError(
            f"{source.name}: has several layers of the name {first_labels(double)}; give them different names"
        )
    return names


def _shows_something(source: Source, layer: str) -> bool:
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
                    frame = _frame(copy, options, on_invalid).rename(columns=kml_names)
            else:
                frame = _frame(source, options, on_invalid)
    except _READ_ERRORS as error:
        if isinstance(error, GeometryError):
            raise
        kind = "as GeoParquet " if source.suffix in PARQUET else ""
        raise FileError(f"{source.name}: cannot be read {kind}({_first_line(error)})") from error
    for text in dict.fromkeys(str(remark.message) for remark in remarks):
        if not _KNOWN_REMARKS.search(text):
            notice(text if text.startswith(source.name) else f"{source.name}: {text}")
    if not isinstance(frame, gpd.GeoDataFrame):
        raise GeometryError(f"{source.name}: has rows but no geometry column")
    return frame if fields is None else shapefile.decoded(frame, fields)


def _frame(source: Source, options: dict[str, Any], on_invalid: OnInvalid) -> gpd.GeoDataFrame:
    """Read a frame; where a geometry cannot be made, read the rest, so as to name it or to mark it."""
    try:
        if source.suffix in PARQUET:
            return gpd.read_parquet(BytesIO(source.path.read_bytes()))
        # Names of a Shapefile are settled later, and a field named like the geometry column would stop the usual reader.
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
            f"{source.name}: {len(rows)} of {len(made)} rows have a geometry that cannot be read, mostly a ring that is not "
            f"closed: row {first_labels(rows.tolist())}; correct them, or mark them as empty (wangge convert --mark-invalid)",
            ids=rows.tolist(),
        )
    return gpd.GeoDataFrame(
        table, geometry=_marked(geometries, rows, source.name, "cannot be read") if len(rows) else geometries
    )


def _raw(source: Source, options: dict[str, Any]) -> tuple[pd.DataFrame, npt.NDArray[np.object_], object]:
    """Attributes, geometries as bytes, and CRS."""
    if source.suffix in PARQUET:
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
        f"{name}: {len(rows)} of {len(shapes)} geometries {why} and are left empty: row {first_labels(rows.tolist())}"
    )
    marked = shapes.copy()
    marked.iloc[rows] = shapely.Polygon()
    return marked


def _tidy(frame: gpd.GeoDataFrame, source: Source) -> gpd.GeoDataFrame:
    """Fresh index, two dimensions, and no columns that only the format asks for."""
    frame = frame.reset_index(drop=True)
    if frame.has_z.any():
        frame = frame.set_geometry(frame.geometry.force_2d())
        if source.suffix not in (".kml", ".gpx"):  # they write heights of 0 without being asked
            notice(f"{source.name}: heights are left out")
    if frame.crs is not None and not _says_a_place(CRS(frame.crs)):
        unusable = CRS(frame.crs).name
        frame = frame.set_crs(None, allow_override=True)
        frame.attrs[_UNUSABLE_CRS] = unusable
    if frame.crs is not None and len(CRS(frame.crs).axis_info) > 2:
        frame = frame.set_crs(CRS(frame.crs).to_2d(), allow_override=True)
    return _without_kml_columns(frame) if source.suffix == ".kml" else frame


def _says_a_place(crs: CRS) -> bool:
    """Whether a CRS ties coordinates to the earth: local and undefined ones do not."""
    return not crs.is_engineering and not crs.name.lower().startswith(("undefined", "unknown engineering"))


def _without_kml_columns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    kept = frame.drop(
        columns=[
            column
            for column, nothing in _KML_COLUMNS.items()
            if column in frame and ((frame[column].isna() | (frame[column] == nothing)).all() or column == "id")
        ]
    )
    kept = kept.rename(columns={"Name": "name"}) if "name" not in kept else kept
    names = [str(column) for column in kept.columns if column != kept.geometry.name]
    return kept.set_axis([*shapefile.distinct_names(names, kept.geometry.name), kept.geometry.name], axis=1)


def _swapped(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    turned = shapely.transform(shapes.array, lambda xy: xy[:, ::-1])
    return gpd.GeoSeries(turned, index=shapes.index, crs=shapes.crs)


def _placed(
    frame: gpd.GeoDataFrame, source: Source, crs: object, override: bool
) -> tuple[gpd.GeoDataFrame, npt.NDArray[np.intp]]:
    """Settle the CRS of a frame, and find the rows that do not fit it."""
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
                + (looks or "say which it is in (--crs EPSG:4549, say)")
            )
    if given is not None and (frame.crs is None or override):
        if frame.crs is not None and frame.crs != given:
            notice(f"{name}: declares {frame.crs.to_string()} but is read as {given.to_string()}, as asked")
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
    """Return `frame` if all of its geometries are polygons, else say what they are.

    Raises
    ------
    GeometryError
        If a geometry that is there is not a polygon or a multipolygon.
    """
    types = shapely.get_type_id(np.asarray(frame.geometry.array, dtype=object))
    if np.isin(types, [-1, shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]).all():
        return frame
    kinds = frame.geom_type.dropna()
    wrong = kinds[~kinds.isin(["Polygon", "MultiPolygon"])]
    if len(wrong):
        what = ", ".join(f"{count} {kind}" for kind, count in wrong.value_counts().items())
        raise GeometryError(
            f"{name}: cells must be polygons, but {len(wrong)} of {len(frame)} rows are not ({what}; first: row "
            f"{wrong.index[0]})",
            ids=list(wrong.index),
        )
    return frame


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip()[:200]
