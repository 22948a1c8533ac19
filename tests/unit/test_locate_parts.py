"""Files of points in parts, their intervals, counts and messages; and the index at its edges."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from api.commands.locate import LocateOptions, PointColumns, locate_points
from geo.errors import CrsError, FileError, GeometryError, WanggeError
from geo.layers import Datum, convert, write_layer
from geo.locate import GridIndex
from geo.locate.batches.counting import Result, Sums
from geo.locate.batches.hours import NO_TIME, starts_of, text_of
from geo.locate.batches.parts import _even_cut, open_source, read_chunk
from geo.locate.edges import edges_of
from geo.locate.persistence import MAGIC
from geo.locate.raster import rasterize

E0, N0 = 388_000.0, 3_554_000.0
METRES = PointColumns(x="east", y="north", crs="EPSG:4549")


def grid(n=3, side=200.0, **columns):
    boxes = [
        shapely.box(E0 + i * side, N0 + j * side, E0 + (i + 1) * side, N0 + (j + 1) * side)
        for i in range(n)
        for j in range(n)
    ]
    return gpd.GeoDataFrame(columns or {"code": [f"c{k}" for k in range(n * n)]}, geometry=boxes, crs=4549)


@pytest.fixture(scope="module")
def cells_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cells") / "cells.gpkg"
    write_layer(grid(), path)
    return path


def located(tmp_path, text, cells_file, columns=METRES, name="in.csv", target="out.csv", **options):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    goal = None if target is None else tmp_path / target
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = locate_points(path, cells_file, goal, LocateOptions(columns=columns, **options))
    return done, [str(one.message) for one in told]


# -- intervals -----------------------------------------------------------------------------------------------------------


def starts(values, zone, by, kind=None):
    return starts_of(pa.chunked_array([pa.array(values, type=kind)]), zone, by)


def test_intervals_begin_on_the_local_clock():
    """Kathmandu is 5:45 ahead of UTC: its hours begin at a quarter past."""
    at = ["2026-03-01T10:20:00+00:00", "2026-03-01T10:10:00+00:00"]
    found = starts(at, "Asia/Kathmandu", "hour")
    assert [text_of(int(one), "Asia/Kathmandu") for one in found] == [
        "2026-03-01T16:00+05:45",
        "2026-03-01T15:00+05:45",
    ]
    found = starts(["2026-03-01T18:20:00+00:00"], "Asia/Kathmandu", "day")
    assert text_of(int(found[0]), "Asia/Kathmandu") == "2026-03-02T00:00+05:45"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_day_of_a_change_of_the_clock_begins_at_its_own_midnight(day):
    noon = f"{day}T11:00:00+00:00"
    offset = "+01:00" if day == "2026-03-29" else "+02:00"
    assert text_of(int(starts([noon], "Europe/Berlin", "day")[0]), "Europe/Berlin") == f"{day}T00:00{offset}"


def test_numbers_are_seconds_below_a_hundred_thousand_millions_and_milliseconds_from_there():
    hour = 3600
    found = starts([1e11, 99_999_999_999, 7_199.5, None, 0.0], "UTC", "hour", pa.float64())
    assert found.tolist() == [10**8 - 10**8 % hour, 99_999_999_999 - 99_999_999_999 % hour, hour, NO_TIME, 0]
    assert text_of(NO_TIME, "UTC") == ""


# -- counts --------------------------------------------------------------------------------------------------------------


def test_points_without_either_coordinate_are_unusable_and_not_outside(cells_file, tmp_path):
    rows = [(388_100, 3_554_100), (388_900, 3_554_100), (388_100, ""), ("", 3_554_100), ("", "")]
    text = "id,east,north\n" + "".join(f"{i},{x},{y}\n" for i, (x, y) in enumerate(rows))
    for target in ("out.csv", None):
        done, _ = located(tmp_path, text, cells_file, target=target, counts_path=tmp_path / "c.csv")
        assert (done.points, done.located, done.outside, done.unusable) == (5, 1, 1, 3)
        assert (done.cells, done.cells_hit) == (9, 1)


def test_a_point_of_a_layer_without_northing_is_unusable(cells_file, tmp_path):
    shapes = [shapely.Point(E0 + 10, N0 + 20), shapely.Point(E0 + 10, np.nan), shapely.Point(E0 - 10, N0 + 20)]
    gpd.GeoDataFrame(geometry=shapes, crs=4549).to_parquet(tmp_path / "in.parquet")
    done, _ = located(tmp_path, None, cells_file, PointColumns(), "in.parquet")
    assert (done.points, done.located, done.outside, done.unusable) == (3, 1, 1, 1)


def test_sums_of_many_parts_are_those_of_all():
    sums = Sums()
    for k in range(150):
        cell, start = np.array([0, k % 3], dtype=np.int32), np.array([0, 3600 * (k % 2)])
        sums.add(Result(b"", (5, 3, 1), cell, start, np.array([2, 1])))
    cell, start, number = sums.counts()
    assert (sums.points, sums.located, sums.unusable) == (750, 450, 150)
    found = dict(zip(zip(cell.tolist(), start.tolist(), strict=True), number.tolist(), strict=True))
    assert found == {(0, 0): 300 + 25, (0, 3600): 25, (1, 0): 25, (1, 3600): 25, (2, 0): 25, (2, 3600): 25}
    assert list(found) == sorted(found)


def test_rows_of_a_geometry_keep_columns_named_like_its_coordinates(cells_file, tmp_path):
    points = gpd.GeoDataFrame({"x": ["a"]}, geometry=[shapely.Point(E0 + 10, N0 + 20)], crs=4549)
    points.to_parquet(tmp_path / "in.parquet")
    located(tmp_path, None, cells_file, PointColumns(), "in.parquet")
    assert (tmp_path / "out.csv").read_text("utf-8-sig") == f"x,cell,y\na,c0,{N0 + 20}\n"
    located(tmp_path, None, cells_file, PointColumns(), "in.parquet", "out.tsv")
    assert (tmp_path / "out.tsv").read_text("utf-8-sig") == f"x\tcell\ty\na\tc0\t{N0 + 20}\n"


# -- parts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "kept"),
    [
        (b'a,b\nc,"d\ne"\nf', 12),
        (b'a,b\nc,"d\ne', 4),
        (b'"a""b",c\nd,"e\nf\ng', 9),
        (b'"a\nb', 0),
        (b'x,"a"\ny,"b\n', 6),
        (b'x\n"a\nb\nc', 2),
    ],
)
def test_a_part_ends_after_a_row_without_an_open_quotation_mark(block, kept):
    assert _even_cut(block) == kept


def test_a_mark_at_the_start_of_a_file_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfeast,north\n1,2\n")
    source = open_source(tmp_path / "a.csv")
    assert source.columns == ("east", "north")
    assert read_chunk(source, source.parts[0]).to_pydict() == {"east": ["1"], "north": ["2"]}


def test_files_of_a_folder_have_one_kind_and_one_header(tmp_path):
    (tmp_path / "1.csv").write_text("east,north\n1,2\n")
    (tmp_path / "2.csv").write_text("north,east\n1,2\n")
    with pytest.raises(FileError, match=r"2\.csv: its header differs from that of 1\.csv"):
        open_source(tmp_path)
    (tmp_path / "2.csv").unlink()
    (tmp_path / "2.tsv").write_text("east\tnorth\n1\t2\n")
    with pytest.raises(FileError, match=r"contains files of several kinds \(\.csv, \.tsv\)"):
        open_source(tmp_path)
    assert open_source(tmp_path / "2.tsv").columns == ("east", "north")


def test_a_tsv_is_divided_at_tabs_though_its_values_have_commas(tmp_path):
    (tmp_path / "a.tsv").write_text('a,b\tc,d\n1,2\t3,4\n"5,6"\t7,8\n')
    assert open_source(tmp_path / "a.tsv").columns == ("a,b", "c,d")


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_damaged_text_is_read_only_if_its_encoding_was_detected(encoding, tmp_path):
    (tmp_path / "a.csv").write_bytes("名,east,north\n路,1,2\n".encode() + b"\xff,3,4\n")
    source = open_source(tmp_path / "a.csv", encoding=encoding)
    if encoding is None:
        assert read_chunk(source, source.parts[0])["名"].to_pylist() == ["路", "\ufffd"]
    else:
        with pytest.raises(FileError, match="is not utf-8 text"):
            read_chunk(source, source.parts[0])


def test_row_groups_without_rows_are_no_parts(tmp_path):
    table = pa.table({"east": [1.0], "north": [2.0]})
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as file:
        for rows in (table.slice(0, 0), table, table.slice(0, 0), table):
            file.write_table(rows)
    source = open_source(tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 4
    assert [(part.number, part.begin) for part in source.parts] == [(0, 1), (1, 3)]


def test_geoparquet_without_a_crs_is_in_degrees(tmp_path):
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(118.81, 32.1)], crs=4326)
    frame.to_parquet(tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    about = json.loads(table.schema.metadata[b"geo"])
    del about["columns"]["geometry"]["crs"]
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(about).encode()}), tmp_path / "a.parquet")
    assert open_source(tmp_path / "a.parquet").crs == "OGC:CRS84"


# -- messages ------------------------------------------------------------------------------------------------------------


def test_rows_are_numbered_in_their_own_file_across_parts(cells_file, tmp_path):
    folder = tmp_path / "points"
    folder.mkdir()
    rows = [f"{i},388100,3554100,{'x' * 40}\n" for i in range(200)]
    for name, bad in (("1.csv", 150), ("2.csv", 170)):
        lines = rows.copy()
        lines[bad] = f"{bad},weg,3554100,\n"
        (folder / name).write_text("id,east,north,note\n" + "".join(lines))
    done, told = located(tmp_path, None, cells_file, name="points", part_bytes=2_000)
    assert (done.points, done.unusable) == (400, 2)
    assert [line.split(":")[0] for line in told] == ["1.csv", "2.csv"]
    assert f"rows {150 + 2} (" in told[0]
    assert f"rows {170 + 2} (" in told[1]


@pytest.mark.parametrize(("bad", "refused"), [(5, False), (6, True)])
def test_half_of_the_rows_may_be_unreadable(bad, refused, cells_file, tmp_path):
    rows = ["weg,3554100\n"] * bad + ["388100,3554100\n"] * (10 - bad)
    text = "east,north\n" + "".join(rows)
    if refused:
        with pytest.raises(WanggeError, match=r"in\.csv: row 2: "):
            located(tmp_path, text, cells_file)
    else:
        assert located(tmp_path, text, cells_file)[0].unusable == bad


def test_eleven_bad_rows_are_ten_and_one_more(cells_file, tmp_path):
    text = "east,north\n" + "weg,3554100\n" * 11 + "388100,3554100\n" * 12
    _, told = located(tmp_path, text, cells_file)
    assert any("rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 1 more" in line for line in told)


def test_each_foreign_zone_prefix_is_named(cells_file, tmp_path):
    text = "east,north\n" + "388100,3554100\n" * 5 + "39388100,3554100\n40388100,3554100\n"
    done, told = located(tmp_path, text, cells_file)
    assert done.unusable == 2
    assert any("zone prefix 39: rows 7" in line for line in told)
    assert any("zone prefix 40: rows 8" in line for line in told)


@pytest.mark.parametrize(("east", "fails"), [(388_900.0, False), (587_000.0, False), (590_000.0, True)])
def test_points_within_two_hundred_kilometres_may_all_be_outside(east, fails, cells_file, tmp_path):
    text = "east,north\n" + f"{east},3554100\n" * 120
    if fails:
        with pytest.raises(CrsError, match="over 200 km"):
            located(tmp_path, text, cells_file)
    else:
        assert located(tmp_path, text, cells_file)[0].outside == 120


@pytest.mark.parametrize(("n", "fails"), [(99, False), (100, True)])
def test_the_datum_of_a_hundred_points_is_checked_and_the_first_outside_is_named(n, fails, cells_file, tmp_path):
    """GCJ-02 moves points some 500 m east and 200 m south; the first given point is right and lies inside."""
    rng = np.random.default_rng(4)
    xy = rng.uniform([E0, N0], [E0 + 600, N0 + 600], (n, 2))
    points = gpd.GeoSeries(shapely.points(xy), crs=4549).to_crs(4326)
    lon, lat = convert(points.x.to_numpy(), points.y.to_numpy(), Datum.WGS84, Datum.GCJ02)
    middle = gpd.GeoSeries([shapely.Point(E0 + 300, N0 + 300)], crs=4549).to_crs(4326)
    lon[0], lat[0] = middle.x[0], middle.y[0]
    pd.DataFrame({"lon": lon, "lat": lat}).to_csv(tmp_path / "in.csv", index=False)
    columns = PointColumns(datum="WGS-84")
    if fails:
        with pytest.raises(CrsError, match=r"row 3: .*--datum GCJ-02"):
            located(tmp_path, None, cells_file, columns)
    else:
        assert located(tmp_path, None, cells_file, columns)[0].points == n


def test_one_small_easting_does_not_make_degrees_of_metres(cells_file, tmp_path):
    text = "east,north\n" + "388100,3554100\n" * 9 + "12,30\n"
    done, _ = located(tmp_path, text, cells_file)
    assert (done.located, done.outside + done.unusable) == (9, 1)


# -- the index -----------------------------------------------------------------------------------------------------------


def test_what_an_index_refuses():
    index = GridIndex(grid())
    with pytest.raises(ValueError, match=r"arrays of one shape"):
        index.locate(np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"."):
        index.cross([E0], [N0], [E0, E0], [N0, N0])
    bowtie = shapely.from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))")
    bad = gpd.GeoDataFrame(
        {"code": list("abc")}, geometry=[shapely.Polygon(), bowtie, shapely.box(0, 0, 1, 1)], crs=4549
    )
    with pytest.raises(GeometryError, match=r"2 cells are empty or invalid \(rows 0, 1; the first: Valid Geometry\)"):
        GridIndex(bad)
    with pytest.raises(GeometryError, match=r"1 cell is empty or invalid \(rows 1; the first: Self-intersection"):
        GridIndex(bad.iloc[1:])


def test_a_saved_index_is_complete_and_of_its_kind(tmp_path):
    cells = grid(2, name=list("wxyz")).set_index("name")
    GridIndex(cells).save(tmp_path / "a.index")
    raw = (tmp_path / "a.index").read_bytes()
    found = GridIndex.load(tmp_path / "a.index", cells)
    assert found.codes is None
    assert found.labels.tolist() == list("wxyz")
    assert GridIndex.load(tmp_path / "a.index").labels.tolist() == list("0123")
    for changed, message in (
        (raw + b"\0" * 64, "truncated"),
        (raw[:-64], "truncated"),
        (b"X" + raw[1:], "is not an index of this version"),
        (MAGIC + b"x" * 40, "is damaged"),
    ):
        (tmp_path / "b.index").write_bytes(changed)
        with pytest.raises(FileError, match=message):
            GridIndex.load(tmp_path / "b.index")


def test_overlapping_cells_are_given_by_code_and_ranks_are_those_of_the_codes():
    shapes = [
        shapely.box(0, 0, 10, 10),
        shapely.box(5, 0, 15, 10),
        shapely.box(8, 0, 20, 10),
        shapely.box(9, 0, 9.5, 10),
    ]
    cells = gpd.GeoDataFrame({"code": ["d", "a", "c", "b"]}, geometry=shapes, crs=4549)
    index = GridIndex(cells)
    point, cell = index.locate_all([9.2, 6.0, 25.0], [5.0, 5.0, 5.0])
    assert [cells["code"][k] for k in cell[point == 0]] == ["a", "b", "c", "d"]
    assert [cells["code"][k] for k in cell[point == 1]] == ["a", "d"]
    assert index.locate([9.2, 6.0], [5.0, 5.0]).tolist() == [1, 1]


def test_the_nearest_cell_is_0_metres_away_from_the_inside_also_of_the_first():
    cell, metres = GridIndex(grid()).nearest([E0 + 1, E0 - 3], [N0 + 1, N0 + 1], within_m=10.0)
    assert cell.tolist() == [0, 0]
    assert metres.tolist() == [0.0, 3.0]


def test_probabilities_come_with_the_largest_first_and_sum_to_one():
    index = GridIndex(grid())
    point, cell, chance = index.probability([E0 + 210.0, E0 - 5.0], [N0 + 100.0, N0 + 100.0], [20.0, 20.0])
    assert cell[point == 0].tolist() == [3, 0]
    assert chance[point == 0].tolist() == pytest.approx([0.691462, 0.308538], abs=1e-4)
    assert cell[point == 1].tolist() == [-1, 0]
    assert chance[point == 1].tolist() == pytest.approx([0.598706, 0.401294], abs=1e-4)


def test_negative_zero_is_zero():
    """Two cells that meet on the axis, one with 0.0 and one with -0.0 there: the axis belongs to both, so none overlaps."""
    east = shapely.box(0.0, 0.0, 10.0, 10.0)
    west = shapely.Polygon([(-10.0, 0.0), (-0.0, 0.0), (-0.0, 10.0), (-10.0, 10.0)])
    index = GridIndex(gpd.GeoDataFrame({"code": ["w", "e"]}, geometry=[west, east], crs=4549))
    assert index.locate([-1.0, 0.0, 1.0], [5.0, 5.0, 5.0]).tolist() == [0, 1, 1]
    assert len(index.cross([-5.0], [5.0], [5.0], [5.0]).cell) == 2


def test_a_layer_as_thin_as_a_line_has_at_most_twenty_thousand_pixels_a_side():
    shapes = np.array([shapely.box(0, 0, 1e5, 1e-3), shapely.box(0, 1e-3, 1e5, 2e-3)], dtype=object)
    assert max(rasterize(edges_of(shapes, np.arange(2))[0]).pixels.shape) <= 20_004
    index = GridIndex(gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=shapes, crs=4549))
    assert index.locate([5e4, 5e4, 5e4], [5e-4, 1.5e-3, 5e-3]).tolist() == [0, 1, -1]


def test_edges_of_two_cells_are_one_also_if_upright_or_at_a_negative_zero():
    east = shapely.box(0.0, 0.0, 10.0, 10.0)
    west = shapely.Polygon([(-10.0, 0.0), (-0.0, 0.0), (-0.0, 10.0), (-10.0, 10.0)])
    edges, doubled = edges_of(np.array([west, east], dtype=object), np.arange(2))
    assert len(edges.ends) == 7
    assert not doubled.any()
    shared = edges.sides[(edges.sides > 0).all(axis=1)]
    assert sorted(shared[0].tolist()) == [1, 2]
    assert len(shared) == 1


def test_the_inner_point_is_the_middle_of_a_pixel_of_one_cell():
    index = GridIndex(grid())
    x, y = index.inner_point()
    raster = index._tiers[0]
    assert raster.pixels[int((y - raster.y0) / raster.size), int((x - raster.x0) / raster.size)] > 0
    assert index.locate([x], [y]).tolist() == [0]


def test_vertices_on_the_lines_of_the_raster_are_passed_once():
    """128 m in 128 pixels, whose lines are at half metres; borders end and bend exactly there."""
    shapes = [
        shapely.box(0, 0, 128, 10.5),
        shapely.Polygon([(0, 10.5), (64, 10.5), (70.5, 50.5), (64, 128), (0, 128)]),
        shapely.Polygon([(64, 10.5), (128, 10.5), (128, 128), (64, 128), (70.5, 50.5)]),
    ]
    index = GridIndex(gpd.GeoDataFrame({"code": list("abc")}, geometry=shapes, crs=4549))
    assert index._tiers[0].size == 1.0
    rng = np.random.default_rng(8)
    x, y = np.r_[rng.uniform(0, 128, 4000), rng.uniform(60, 75, 4000)], rng.uniform(0, 128, 8000)
    y[::3] = np.round(y[::3]) - 0.5
    inside = np.array([shapely.contains_xy(shape, x, y) for shape in shapes])
    sure = inside.any(axis=0)
    assert sure.mean() > 0.9
    assert (index.locate(x, y)[sure] == inside.argmax(axis=0)[sure]).all()


def test_the_first_free_tier_is_taken():
    """A chain in which only consecutive cells overlap needs two tiers; the first and the third share one."""
    shapes = [shapely.box(8 * k, 0, 8 * k + 10, 10) for k in range(4)]
    index = GridIndex(gpd.GeoDataFrame({"code": list("abcd")}, geometry=shapes, crs=4549))
    assert len(index._tiers) == 2
    point, cell = index.locate_all([4.0, 9.0, 17.0, 25.0, 30.0], np.full(5, 5.0))
    assert [cell[point == k].tolist() for k in range(5)] == [[0], [0, 1], [1, 2], [2, 3], [3]]


def test_a_pixel_with_thousands_of_edges_is_read():
    disc = shapely.Point(64.2, 64.2).buffer(0.2, quad_segs=1500)
    shapes = [shapely.box(0, 0, 128, 128).difference(disc), disc]
    index = GridIndex(gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=shapes, crs=4549))
    x, y = np.random.default_rng(9).uniform(63.9, 64.5, (2, 3000))
    inside = shapely.contains_xy(disc, x, y)
    assert 500 < inside.sum() < 1500
    assert (index.locate(x, y) == inside).all()
