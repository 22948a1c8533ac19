"""Assigns the points of files to cells: all inputs are validated first, then located in parts, so that a killed run can
resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from api.commands import Progress, silent
from api.commands.resume import Kept, merge_rows
from api.files.inputs import finest, read_cells
from api.files.outputs import require_csv, write_csv
from api.files.small_input import few_vertices, most_rows
from geo.errors import ColumnError, CrsError, DatumError, FileError, first_labels
from geo.incidents.reprojection import to_metric_as_drawn
from geo.kernels import uncompiled
from geo.layers import Datum, parse_crs
from geo.layers.alignment.plausibility import place_crs
from geo.layers.columns import CODE
from geo.layers.crs import is_projected
from geo.layers.files.sources import DRIVERS
from geo.locate import GridIndex
from geo.locate.batches.cluster import Here, Runner, on_cluster
from geo.locate.batches.counting import Result, Sums, Wanted, locate_chunk
from geo.locate.batches.hours import text_of
from geo.locate.batches.parts import PARQUET, PART_BYTES, TEXT, Chunk, Source, open_source
from geo.locate.batches.points import ChunkCheck, Reading, check_chunk, judge
from geo.notices import notice
from geo.tables.coordinates import LAT, LON, Place, choose_place
from geo.tables.local_time import require_zone
from geo.tables.table import free_name
from geo.texts import Text

_OWN_CELL = Text(
    "文件已有“cell”列，予以保留；本程序的网格列名为“{cell}”",
    "the file has a column 'cell', which is kept; the added column is '{cell}'",
)


@dataclass(frozen=True)
class PointColumns:
    """Options for reading points: columns, datum or CRS, encoding, the layer of a vector file, the column of times."""

    x: str | None = None
    y: str | None = None
    datum: str | None = None
    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    time: str | None = None
    zone: str = "Asia/Shanghai"


@dataclass(frozen=True)
class Located:
    """Result: numbers of points and of cells, and how many parts an earlier, interrupted run had completed."""

    points: int
    located: int
    outside: int
    unusable: int
    cells: int
    cells_hit: int
    resumed_parts: int = 0

    def to_dict(self) -> dict[str, int]:
        """The numbers by name; that of resumed parts only if there are any."""
        figures = asdict(self)
        return figures if self.resumed_parts else {k: v for k, v in figures.items() if k != "resumed_parts"}


@dataclass(frozen=True)
class LocateOptions:
    """Options of point location in addition to its files.

    Attributes
    ----------
    columns
        Options for reading the points.
    layer, code
        Layer of the cells, and the column of their code.
    counts_path
        CSV of the number of points per cell.
    by
        Count by ``"hour"`` or ``"day"`` as well.
    cluster, workers
        Address of a Dask scheduler, or ``"local"`` with this number of processes; by default this process only.
    part_bytes
        Size of the parts into which the work is divided.
    """

    columns: PointColumns = PointColumns()
    layer: str | None = None
    code: str | None = None
    counts_path: Path | None = None
    by: str | None = None
    cluster: str | None = None
    workers: int | None = None
    part_bytes: int = PART_BYTES


def locate_points(
    points: Path,
    cells: Path,
    target: Path | None,
    options: LocateOptions = LocateOptions(),
    *,
    progress: Progress = silent,
) -> Located:
    """Write the points of files with the code of their cell, or count them per cell, or both.

    All points are checked before anything is written. Completed parts are kept next to the target until all are done; if
    the command is run again after an interruption, with the same files and options, they are reused.

    Returns
    -------
    Located
        Located, outside and unusable points sum to all points.

    Raises
    ------
    WanggeError
        If a file is unusable, or coordinates have no declared datum or do not match it.
    """
    columns, by = options.columns, options.by
    place = _place(target, options.counts_path)
    progress("读取网格 cells", 0.0)
    grid = finest(read_cells(cells, layer=options.layer, code=options.code))
    with uncompiled(when=few_vertices(grid, points=most_rows(points))):
        index = GridIndex(to_metric_as_drawn(grid))
        source = open_source(
            points, encoding=columns.encoding, layer=columns.layer, crs=columns.crs, part_bytes=options.part_bytes
        )
        reading = _reading(source, points, columns, by, index, grid)
        wanted = Wanted(_form(target, source, points), by)
        kept = Kept(place, [source, reading, wanted, index.digest])
        with _runner(options.cluster, options.workers, index) as runner:
            if not kept.checked:
                _check(runner, source, reading, index, progress)
            kept.begin()
            _work(runner, source, reading, wanted, kept, progress)
    sums = Sums()
    for part in source.parts:
        sums.add(kept.result(part.number))
    if target is not None:
        progress("写出 writing", 0.99)
        merge_rows(kept, source, reading, wanted, target)
    if options.counts_path is not None:
        write_csv(_counts(sums, grid[CODE].to_numpy(), by, reading.zone), options.counts_path)
    kept.finish()
    return Located(
        points=sums.points,
        located=sums.located,
        outside=sums.points - sums.located - sums.unusable,
        unusable=sums.unusable,
        cells=len(index),
        cells_hit=int((_hits(sums, len(index)) > 0).sum()),
        resumed_parts=kept.resumed,
    )


def _hits(sums: Sums, cells: int) -> np.ndarray:
    """Number of points in each cell."""
    cell, _, count = sums.counts()
    return np.bincount(cell, weights=count, minlength=cells).astype(np.int64)


def _counts(sums: Sums, codes: np.ndarray, by: str | None, zone: str) -> pd.DataFrame:
    """Table of the number of points per cell, or per cell and interval."""
    if by is None:
        return pd.DataFrame({CODE: codes, "count": _hits(sums, len(codes))})
    cell, start, count = sums.counts()
    texts = {int(moment): text_of(int(moment), zone) for moment in np.unique(start)}
    return pd.DataFrame({CODE: codes[cell], by: [texts[int(moment)] for moment in start], "count": count})


@contextmanager
def _runner(cluster: str | None, workers: int | None, index: GridIndex) -> Iterator[Runner]:
    if cluster is None:
        yield Here(index)
        return
    with on_cluster(cluster, index, workers=workers) as runner:
        yield runner


def _check(runner: Runner, source: Source, reading: Reading, index: GridIndex, progress: Progress) -> None:
    """Check all points, and raise the errors found."""
    checks: dict[int, ChunkCheck] = {}
    for part, look in runner.map(partial(_check_chunk, source, reading), source.parts):
        checks[part.number] = look
        progress(f"检查 checking {len(checks)}/{len(source.parts)}", 0.3 * len(checks) / len(source.parts))
    for text in judge([checks[part.number] for part in source.parts], source, reading, index):
        notice(text)


def _work(runner: Runner, source: Source, reading: Reading, wanted: Wanted, kept: Kept, progress: Progress) -> None:
    todo = [part for part in source.parts if not kept.has(part.number)]
    done = kept.resumed = len(source.parts) - len(todo)
    for part, result in runner.map(partial(_locate, source, reading, wanted), todo):
        kept.keep(part.number, result)
        done += 1
        progress(f"定位 locating {done}/{len(source.parts)}", 0.3 + 0.69 * done / len(source.parts))


def _check_chunk(source: Source, reading: Reading, part: Chunk, _: GridIndex) -> ChunkCheck:
    return check_chunk(source, part, reading)


def _locate(source: Source, reading: Reading, wanted: Wanted, part: Chunk, index: GridIndex) -> Result:
    return locate_chunk(source, part, reading, wanted, index)


def _place(target: Path | None, counts_path: Path | None) -> Path:
    """The output next to which unfinished work is kept."""
    if counts_path is not None:
        require_csv(counts_path)
    for path in (target, counts_path):
        if path is not None and not path.parent.is_dir():
            raise FileError(f"{path}: the folder {path.parent} does not exist")
    place = target or counts_path
    if place is None:
        raise FileError("nothing to write: name a file for the points (-o OUT) or for the counts (--counts OUT)")
    return place


def _form(target: Path | None, source: Source, points: Path) -> str | None:
    if target is None:
        return None
    suffix = target.suffix.lower()
    if suffix in TEXT:
        return "tsv" if suffix == ".tsv" else "csv"
    if suffix not in DRIVERS:
        raise FileError(f"{target.name}: unknown format '{suffix}'; use {', '.join((*TEXT, *DRIVERS))}")
    if suffix not in PARQUET and source.geometry is None:
        raise FileError(f"{target.name}: the points of {points.name} come from a table; write them to .csv or .parquet")
    return "parquet"


def _reading(
    source: Source, points: Path, columns: PointColumns, by: str | None, index: GridIndex, grid: gpd.GeoDataFrame
) -> Reading:
    """Determine how the points are read.

    Raises
    ------
    ColumnError
        If a column does not exist, or cannot be guessed.
    DatumError, CrsError
        If the coordinates are not declared, or the headers contradict the declaration.
    """
    if by is not None and columns.time is None:
        raise ColumnError(
            f"{points.name}: counts by {by} need the column of times (--time COL); it has {first_labels(source.columns, 20)}"
        )
    require_zone(columns.zone)
    for name in (columns.x, columns.y, columns.time):
        if name and name not in source.columns:
            raise ColumnError(f"{points.name}: has no column '{name}'; it has {first_labels(source.columns, 20)}")
    datum = Datum.parse(columns.datum) if columns.datum else None
    place = None if source.geometry is not None else _place_of(source, points, columns, datum)
    crs = source.crs if source.geometry is not None and source.crs else columns.crs
    if place is not None and crs is None and datum is None:
        crs, datum = place.crs, Datum.parse(place.datum) if place.datum and place.crs is None else None
    if crs is None and datum is None:
        what = DatumError if source.geometry is None else CrsError
        raise what(
            f"{points.name}: say what the coordinates are: --datum WGS-84, CGCS2000, GCJ-02 or BD-09 for degrees, "
            f"--crs {place_crs(grid)} for metres"
        )
    if datum is not None and crs is not None and not parse_crs(crs).is_geographic:
        raise CrsError(
            f"{points.name}: a datum is for degrees, but the coordinates are in a projected CRS; drop --datum"
        )
    cell = free_name("cell", source.columns)
    if cell != "cell":
        notice(f"{points.name}: {_OWN_CELL.fill(cell=cell)}")
    return Reading(
        place=place,
        geometry=source.geometry,
        datum=datum,
        crs="EPSG:4326" if crs is None else parse_crs(crs).to_wkt(),
        target=index.crs.to_wkt(),
        time=columns.time if by else None,
        zone=columns.zone,
        cell=cell,
    )


def _place_of(source: Source, points: Path, columns: PointColumns, datum: Datum | None) -> Place:
    """Columns of the coordinates of a table: as given by the user, otherwise by their headers."""
    given = {LON: columns.x, LAT: columns.y} if columns.x and columns.y else {}
    place = choose_place(
        source.columns,
        {ours: str(theirs) for ours, theirs in given.items()},
        points.name,
        datum=None if datum is None else datum.value,
        crs=columns.crs,
        is_projected=is_projected(columns.crs),
    )
    if place is None:
        raise ColumnError(
            f"{points.name}: which columns are the coordinates? name them (--x COL --y COL); "
            f"it has {first_labels(source.columns, 20)}"
        )
    return place
