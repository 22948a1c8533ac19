"""The page's numbers restore the incidents: every place, kind and time step, but no position."""

from __future__ import annotations

import base64
import datetime as dt
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geo.errors import ColumnError
from maps.encoding import incident_counts
from maps.encoding.incident_counts import Lattice, encode_incidents, pack

SHANGHAI = ZoneInfo("Asia/Shanghai")


def unpack(text: str) -> list[int]:
    """Slow decoder of :func:`pack`."""
    numbers, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            numbers.append(value)
            value = shift = 0
    return numbers


def rows_of(packed: dict) -> dict[tuple[int, int, int, int], int]:
    """Counts by cell, square, kind and step."""
    cell, square = np.cumsum(unpack(packed["place_cell"])) - 1, np.array(unpack(packed["place_square"])) - 1
    kinds, wide = len(packed["kinds"]), packed["steps"] + 1
    found = {}
    for key, count in zip(np.cumsum(unpack(packed["keys"])), unpack(packed["counts"]), strict=True):
        place = key // wide // kinds
        found[int(cell[place]), int(square[place]), int(key // wide % kinds), int(key % wide) - 1] = count + 1
    return found


def some_incidents(division, n: int = 500, days: int = 40) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(5)
    west, south, east, north = division.street.total_bounds
    points = gpd.points_from_xy(rng.uniform(west, east, n), rng.uniform(south, north, n))
    codes = division.third["code"].to_numpy(dtype=object)[rng.integers(0, 96, n)]
    codes[:9] = None
    times = pd.Timestamp("2026-03-01 15:59", tz="UTC") + pd.to_timedelta(rng.integers(0, days * 1440, n), unit="min")
    kinds = rng.choice(["暴露垃圾", "占道经营", "噪声扰民"], n, p=[0.2, 0.5, 0.3]).astype(object)
    kinds[20:24] = None
    times = pd.Series(times)
    times[30:33] = pd.NaT
    frame = {"third": codes, "kind_name": kinds, "reported_at": times, "default_point": np.arange(n) % 50 == 7}
    return gpd.GeoDataFrame(frame, geometry=points, crs=division.crs)


@pytest.mark.parametrize("numbers", [[], [0], [127, 128, 16383, 16384, 2**31, 2**45], list(range(1000))])
def test_numbers_come_back(numbers) -> None:
    assert unpack(pack(numbers)) == numbers


def test_every_incident_is_counted_once_where_it_belongs(small_street) -> None:
    division = small_street.division()
    incidents = some_incidents(division)
    packed = encode_incidents(division, incidents, SHANGHAI, bandwidth_m=100.0)
    found = rows_of(packed)
    assert sum(found.values()) == 500
    names = [kind["zh"] for kind in packed["kinds"]]
    assert names[:3] == ["占道经营", "噪声扰民", "暴露垃圾"]  # Most frequent first.
    assert names[3] == "未注明类别"
    lattice = Lattice.over(division.street.geometry, 100.0)
    position = {code: i for i, code in enumerate(division.third["code"])}
    first = dt.date.fromisoformat(packed["first"])
    expected: dict[tuple[int, int, int, int], int] = {}
    squares = lattice.squares(incidents.geometry)
    for i, row in enumerate(incidents.itertuples()):
        name = row.kind_name if isinstance(row.kind_name, str) else "未注明类别"
        day = -1 if pd.isna(row.reported_at) else (row.reported_at.tz_convert(SHANGHAI).date() - first).days
        key = (position.get(row.third, -1), -1 if row.default_point else int(squares[i]), names.index(name), day)
        expected[key] = expected.get(key, 0) + 1
    assert found == expected


def test_a_day_is_the_day_of_the_clock_on_the_wall(small_street) -> None:
    division = small_street.division()
    times = pd.to_datetime(["2026-03-01 15:59", "2026-03-01 16:00"], utc=True)  # a minute before and at midnight
    incidents = pd.DataFrame({"cell": division.third["code"].iloc[:2].tolist(), "reported_at": times})
    packed = encode_incidents(division, incidents, SHANGHAI)
    assert (packed["first"], packed["days"], packed["steps"]) == ("2026-03-01", 2, 2)
    assert sorted(key[3] for key in rows_of(packed)) == [0, 1]


def test_many_counts_are_told_in_weeks_that_begin_on_mondays(small_street, monkeypatch: pytest.MonkeyPatch) -> None:
    division = small_street.division()
    incidents = some_incidents(division).dropna(subset=["reported_at"])
    incidents.loc[incidents.index[0], "reported_at"] = pd.Timestamp("2026-03-01 04:00", tz="UTC")
    daily = rows_of(encode_incidents(division, incidents, SHANGHAI))
    monkeypatch.setattr(incident_counts, "MOST_COUNTS", len(daily) - 1)
    packed = encode_incidents(division, incidents, SHANGHAI)
    assert packed["step_d"] == 7
    assert dt.date.fromisoformat(packed["first"]).weekday() == 6  # A Sunday: the first week has one day.
    by_week: dict[int, int] = {}
    for (_, _, _, day), count in daily.items():
        by_week[(day + 6) // 7] = by_week.get((day + 6) // 7, 0) + count
    found: dict[int, int] = {}
    for (_, _, _, week), count in rows_of(packed).items():
        found[week] = found.get(week, 0) + count
    assert found == by_week
    monkeypatch.setattr(incident_counts, "MOST_COUNTS", len(rows_of(packed)) - 1)
    packed = encode_incidents(division, incidents, SHANGHAI)
    assert packed["step_d"] == 14
    first = sum(count for (_, _, _, step), count in rows_of(packed).items() if step == 0)
    assert first == by_week[0] + by_week[1], "fortnights begin on Mondays, too"


def test_rare_kinds_are_put_together(small_street) -> None:
    division = small_street.division()
    n = incident_counts.MOST_KINDS + 30
    kinds = [f"类别{i:03d}" for i in range(n) for _ in range(1 + (i < incident_counts.MOST_KINDS))]
    incidents = pd.DataFrame({"cell": division.third["code"].iloc[0], "kind_name": kinds})
    packed = encode_incidents(division, incidents, SHANGHAI)
    assert len(packed["kinds"]) == incident_counts.MOST_KINDS + 1 == 61
    assert packed["kinds"][-1]["zh"] == "其他类别"
    assert rows_of(packed)[0, -1, incident_counts.MOST_KINDS, -1] == 30
    assert (packed["first"], packed["steps"]) == (None, 0)


def test_services_are_those_of_the_kinds_also_of_rare_ones(small_street) -> None:
    division = small_street.division()
    n = incident_counts.MOST_KINDS + 10
    kinds = [f"类别{i:03d}" for i in range(n) for _ in range(1 + (i < incident_counts.MOST_KINDS))]
    service = ["harmony" if int(kind[2:]) % 2 else "business" for kind in kinds]
    incidents = pd.DataFrame({"cell": division.third["code"].iloc[0], "kind_name": kinds, "service": service})
    packed = encode_incidents(division, incidents, SHANGHAI)
    assert [entry["key"] for entry in packed["services"]] == ["harmony", "business"]
    assert packed["services"][1]["zh"] == "商业网点服务"
    count = {"harmony": 0, "business": 0}
    for (_, _, kind, _), number in rows_of(packed).items():
        count[packed["services"][packed["service_of"][kind]]["key"]] += number
    assert count == pd.Series(service).value_counts().to_dict()
    assert [kind["zh"] for kind in packed["kinds"][-2:]] == ["其他类别"] * 2
    assert encode_incidents(division, incidents.drop(columns="service"), SHANGHAI)["services"] == []


def test_no_position_is_told_finer_than_a_square(small_street) -> None:
    division = small_street.division()
    incidents = some_incidents(division, n=1)
    lattice = Lattice.over(division.street.geometry, 100.0)
    assert lattice.side_m == 25.0
    # Squares are numbered row by row from the north-west.
    west, south, east, north = division.street.to_crs(3857).total_bounds
    corners = gpd.GeoSeries.from_xy([west + 1, east - 1, west + 1], [north - 1, north - 1, south + 1], crs=3857)
    assert lattice.squares(corners).tolist() == [0, lattice.columns - 1, (lattice.rows - 1) * lattice.columns]
    moved = incidents.set_geometry(incidents.geometry.translate(0.5, 0.5))
    same = lattice.squares(incidents.geometry)[0] == lattice.squares(moved.geometry)[0]
    one, two = (encode_incidents(division, frame, SHANGHAI, bandwidth_m=100.0) for frame in (incidents, moved))
    assert same
    assert one == two


def test_squares_have_their_size_on_the_ground(small_street) -> None:
    division = small_street.division()
    lattice = Lattice.over(division.street.geometry, 100.0)
    (south, west), (north, east) = lattice.bounds()
    corners = gpd.GeoSeries(gpd.points_from_xy([west, east, west], [south, south, north]), crs=4326).to_crs(
        division.crs
    )
    # Web Mercator treats the earth as a sphere: 0.4 % too short from north to south here.
    assert corners.iloc[0].distance(corners.iloc[1]) == pytest.approx(lattice.columns * 25.0, rel=5e-3)
    assert corners.iloc[0].distance(corners.iloc[2]) == pytest.approx(lattice.rows * 25.0, rel=5e-3)
    inside = lattice.inside(division.street.geometry)
    assert inside.sum() * 25.0**2 == pytest.approx(2_400 * 1_800, rel=0.02)


def test_incidents_take_few_bytes(small_street) -> None:
    """Ten bytes per incident, even if hardly two share place, kind and day."""
    division = small_street.division()
    incidents = some_incidents(division, n=10_000, days=365)
    packed = encode_incidents(division, incidents, SHANGHAI, bandwidth_m=150.0)
    size = sum(len(packed[name]) for name in ("keys", "counts", "place_cell", "place_square"))
    assert size < 100_000


def test_cells_of_another_division_are_refused(small_street) -> None:
    division = small_street.division()
    with pytest.raises(ColumnError, match="999, 999"):
        encode_incidents(division, pd.DataFrame({"cell": ["999", "999"]}), SHANGHAI)
    with pytest.raises(ColumnError, match="column cell is missing"):
        encode_incidents(division, pd.DataFrame({"kind": ["a"]}), SHANGHAI)
