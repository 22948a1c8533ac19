"""Converts files between formats, coordinate reference systems, datums and text encodings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from api.files.inputs import holds_division
from geo.errors import DatumError
from geo.layers import Datum, Level, parse_crs, read_division, read_layer, write_layer, write_levels
from geo.layers import to_datum as change_datum
from geo.layers.old_datums import change_crs
from geo.notices import notice

#: Formats that are on WGS-84 by definition and cannot declare another datum.
_WGS84_ONLY = (".geojson", ".json", ".kml")

# Coordinate reference systems in which these formats have the same coordinates.
_PLAIN_DEGREES = ("EPSG:4326", "OGC:CRS84", "EPSG:4490")


@dataclass(frozen=True)
class Change:
    """Requested change of coordinates and text.

    Attributes
    ----------
    from_datum, to_datum
        Datum of the coordinates before and after; both or none.
    to_crs
        CRS of the output; by default that of the input.
    to_encoding
        Text encoding of an output Shapefile: GBK by default, or UTF-8.
    """

    from_datum: str | None = None
    to_datum: str | None = None
    to_crs: str | None = None
    to_encoding: str | None = None

    def __post_init__(self) -> None:
        if (self.from_datum is None) != (self.to_datum is None):
            raise DatumError("a change of datum needs both --from-datum and --to-datum")

    def of(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """The frame with converted coordinates."""
        if self.from_datum is not None and self.to_datum is not None:
            frame = _moved(frame, self.from_datum, self.to_datum)
        return frame if self.to_crs is None else frame.set_geometry(change_crs(frame.geometry, parse_crs(self.to_crs)))


@dataclass(frozen=True)
class Reading:
    """Options for reading the input; see :func:`geo.layers.read_layer`."""

    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    swap_xy: bool = False
    mark_invalid: bool = False

    @property
    def as_it_is(self) -> bool:
        """Whether the file is read without corrections."""
        return self == Reading()


def convert_file(source: Path, target: Path, *, reading: Reading = Reading(), change: Change = Change()) -> int:
    """Convert a layer, or a whole division, and return the number of rows written.

    A division is written completely, in its metric CRS unless another is requested (degrees in GeoJSON and KML). A change
    of datum does not change the CRS, only the coordinates.
    """
    if change.to_datum is not None:
        _remind_of_datum(target, Datum.parse(change.to_datum))
    if change.to_crs is not None:
        _remind_of_degrees(target, change.to_crs)
    if reading.as_it_is and holds_division(source):
        division = read_division(source)
        frames = {level: change.of(division.layer(level)) for level in Level}
        write_levels(frames, target, encoding=change.to_encoding)
        return sum(map(len, frames.values()))
    frame = change.of(_read(source, reading))
    write_layer(frame, target, encoding=change.to_encoding)
    return len(frame)


def _moved(frame: gpd.GeoDataFrame, source: str, target: str) -> gpd.GeoDataFrame:
    """The frame on another datum, with a notice if that changes nothing although the datums differ."""
    moved = change_datum(frame, source, target)
    shifts = {Datum.parse(source), Datum.parse(target)} & {Datum.GCJ02, Datum.BD09}
    if (
        len({Datum.parse(source), Datum.parse(target)}) == 2
        and shifts
        and moved.geometry.geom_equals_exact(frame.geometry, 1e-12).all()
    ):
        notice(
            "没有坐标位于中国境内，坐标未改变：境外的 GCJ-02 与 WGS-84 一致。"
            "No coordinates lie in China, so none was changed: elsewhere GCJ-02 is the same as WGS-84"
        )
    return moved


def _read(source: Path, reading: Reading) -> gpd.GeoDataFrame:
    return read_layer(
        source,
        layer=reading.layer,
        crs=reading.crs,
        override_crs=reading.crs is not None,
        encoding=reading.encoding,
        swap_xy=reading.swap_xy,
        on_invalid="mark" if reading.mark_invalid else "raise",
    )


def _remind_of_degrees(target: Path, crs: str) -> None:
    """Give a notice if the format cannot be in the CRS that was asked for."""
    if _format_of(target) in _WGS84_ONLY and parse_crs(crs) not in map(parse_crs, _PLAIN_DEGREES):
        notice(
            f"{target.name}: 该格式规定使用 WGS-84 经纬度，坐标已换算为经纬度，未使用 {crs}。"
            f"The format is in degrees on WGS-84: coordinates are converted to degrees, not to {crs}"
        )


def _format_of(target: Path) -> str:
    inner = target.with_suffix("") if target.suffix.lower() == ".zip" else target
    return inner.suffix.lower()


def _remind_of_datum(target: Path, datum: Datum) -> None:
    if datum not in (Datum.GCJ02, Datum.BD09):
        return
    zh, en = (
        ("该格式规定为 WGS-84", "the format says WGS-84")
        if _format_of(target) in _WGS84_ONLY
        else ("文件无法声明", "no CRS says so")
    )
    notice(
        f"{target.name}: 坐标为 {datum}，但{zh}；交付时请注明。"
        f"The coordinates are on {datum}, but {en}: tell whoever gets the file"
    )
