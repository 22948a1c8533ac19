"""Simulates incidents on the model street with known truth.

A hot spot is a disc with a given share of all incidents in addition to the background. Some incidents have the errors of real
data: geocoded to a default point, located outside the street, or sent twice under one number.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import Floats, Ints
from geo.errors import InputError
from geo.layers.transformers import to_crs
from geo.sample.days.matters import HOURS, MATTERS, SOURCES, STANDARD_REF, WEEKDAYS
from geo.sample.town import plan
from geo.sample.town.model import ModelStreet
from geo.sample.town.outline import Coordinates

#: Local time zone of the street.
LOCAL_ZONE = ZoneInfo("Asia/Shanghai")

#: Shares of incidents with each error.
DEFAULT_POINT_SHARE = 0.03
OUTSIDE_SHARE = 0.012
REPEATED_SHARE = 0.02

# Distance from the true place: a pin on a phone map, or an address geocoded to the centre line of a road.
_REPORT_NOISE_M = 6.0
_GROUPS = ("shop", "road", "home", "site")


class HotSpot(NamedTuple):
    """A true hot spot: a disc in EPSG:4549, and its share of all incidents."""

    hotspot_id: int
    name: str
    x: float
    y: float
    radius_m: float
    share: float


# Position on the plan, radius, share. Chosen near shops: a crossing, a village gate, a market street, a park entrance.
_HOT_SPOTS = (
    ("迈皋桥大街—和燕大道路口", (2050, 1440), 110.0, 0.085),
    ("万寿片区城中村口", (2230, 2620), 140.0, 0.060),
    ("十字街夜市", (1330, 960), 90.0, 0.050),
    ("东井农贸市场周边", (2960, 1230), 100.0, 0.035),
    ("创业园东门", (4240, 1900), 80.0, 0.025),
)


def hot_spots(street: ModelStreet) -> tuple[HotSpot, ...]:
    """True hot spots of :func:`simulate_incidents` on this street, each centred on the street building next to its place."""
    fronts = street.buildings.loc[street.buildings["compound"] < 0, "geometry"].centroid
    xy = shapely.get_coordinates(fronts.array)
    spots = []
    for number, (name, at, radius_m, share) in enumerate(_HOT_SPOTS):
        # The scale of the plan is within 3 % of 1, which moves a place by less than its radius.
        wanted = np.array(at) - plan.LOCAL_CENTRE_M + plan.CENTRE_XY_M
        x, y = xy[int(np.argmin(np.hypot(*(xy - wanted).T)))]
        spots.append(HotSpot(number, name, float(x), float(y), radius_m, share))
    return tuple(spots)


def simulate_incidents(
    street: ModelStreet, *, rng: np.random.Generator, start: dt.date, days: int = 30, count: int = 3000
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Simulate the incidents of some days.

    Parameters
    ----------
    street
        From :func:`geo.sample.model_street`.
    rng
        Source of randomness.
    start
        First local day; the days are those of Asia/Shanghai.
    days, count
        Number of days and of incidents, including repeated ones.

    Returns
    -------
    incidents : GeoDataFrame
        Points in EPSG:4326, in the order of reporting: ``incident_id reported_at kind_code kind_name standard_ref source address
        lon lat geometry``. ``reported_at`` is aware UTC. An ``incident_id`` can occur twice: then the whole row is repeated.
    truth : DataFrame
        Same index: ``x_m y_m`` (true place in EPSG:4549), ``hotspot_id`` (-1 for none), ``is_default_point``, ``is_outside``,
        ``is_duplicate`` (the later row of a repeated incident).

    Raises
    ------
    InputError
        If `days` or `count` is below 1.
    """
    if days < 1 or count < 1:
        raise InputError(f"days={days} and count={count}: both must be at least 1")
    repeated = round(count * REPEATED_SHARE)
    n = count - repeated
    kinds = rng.choice(len(MATTERS), n, p=_shares([m.weight for m in MATTERS]))
    true_xy, spot = _true_places(street, kinds, rng)
    default = rng.random(n) < DEFAULT_POINT_SHARE
    outside = ~default & (rng.random(n) < OUTSIDE_SHARE)
    reported_xy = true_xy + rng.normal(0, _REPORT_NOISE_M, (n, 2))
    reported_xy[outside] = _outside_places(street, int(outside.sum()), rng)
    reported_xy[default] = _default_place(street)
    true_xy[outside] = reported_xy[outside]
    spot[outside] = -1
    address = _addresses(street, true_xy, rng)
    address[default] = plan.STREET_NAME
    local = _times(kinds, start, days, rng)
    order = np.argsort(local, kind="stable")
    frame = _frame(kinds, local, reported_xy, address, start, order, rng)
    truth = pd.DataFrame(
        {
            "x_m": true_xy[order, 0],
            "y_m": true_xy[order, 1],
            "hotspot_id": spot[order],
            "is_default_point": default[order],
            "is_outside": outside[order],
            "is_duplicate": False,
        }
    )
    return _with_repeats(frame, truth, repeated, rng)


def _shares(weights: npt.ArrayLike) -> Floats:
    weight = np.asarray(weights, dtype=float)
    share: Floats = weight / weight.sum()
    return share


def _true_places(street: ModelStreet, kinds: Ints, rng: np.random.Generator) -> tuple[Coordinates, Ints]:
    """True place of each incident, and its hot spot (-1 for none)."""
    spots = hot_spots(street)
    chances = np.array([1 - sum(s.share for s in spots), *[s.share for s in spots]])
    spot = rng.choice(len(chances), len(kinds), p=chances) - 1
    xy = np.empty((len(kinds), 2))
    groups = np.array([_GROUPS.index(MATTERS[k].place) for k in kinds])
    for number, group in enumerate(_GROUPS):
        mine = groups == number
        xy[mine] = _places(street, group, int(mine.sum()), rng)
    for s in spots:
        mine = spot == s.hotspot_id
        # The power 0.5 would fill the disc evenly; 0.6 is denser towards the middle and still ends at the rim.
        r = s.radius_m * rng.random(int(mine.sum())) ** 0.6
        t = rng.uniform(0, 2 * np.pi, int(mine.sum()))
        xy[mine] = np.column_stack([s.x + r * np.cos(t), s.y + r * np.sin(t)])
    return xy, spot


def _places(street: ModelStreet, group: str, n: int, rng: np.random.Generator) -> Coordinates:
    """Places of background incidents: in front of shops, along roads, near homes, at construction sites."""
    if group == "road":
        roads = street.roads[street.roads["highway"].isin(["primary", "secondary", "tertiary", "residential"])]
        length = roads.length.to_numpy()
        pick = rng.choice(len(roads), n, p=_shares(length * np.sqrt(roads["width_m"].to_numpy())))
        at = shapely.line_interpolate_point(roads.geometry.array[pick], rng.random(n) * length[pick])
        side = roads["width_m"].to_numpy()[pick, None] * 0.35
        on_road: Coordinates = shapely.get_coordinates(at) + rng.normal(0, 1, (n, 2)) * side
        return on_road
    buildings = street.buildings
    if group == "shop":
        weight = buildings["units"].to_numpy() * buildings["building"].isin(["retail", "commercial"]).to_numpy()
    elif group == "home":
        weight = np.sqrt(buildings["population"].to_numpy())
    else:
        weight = (
            buildings.area.to_numpy() * buildings["building"].isin(["industrial", "warehouse", "office"]).to_numpy()
        )
    pick = rng.choice(len(buildings), n, p=_shares(weight))
    walls = buildings.geometry.array[pick].exterior
    at = shapely.line_interpolate_point(walls, rng.random(n), normalized=True)
    at_wall: Coordinates = shapely.get_coordinates(at) + rng.normal(0, 2.5, (n, 2))
    return at_wall


def _outside_places(street: ModelStreet, n: int, rng: np.random.Generator) -> Coordinates:
    """Places 40 to 900 m outside the outline, in random directions from the centre."""
    outline = street.outline.geometry.iloc[0]
    middle = np.array(outline.centroid.coords[0])
    t = rng.uniform(0, 2 * np.pi, n)
    way = np.column_stack([np.cos(t), np.sin(t)])
    # 4 km is beyond the outline in every direction; the farthest crossing counts, as the outline has bays.
    rays = shapely.linestrings(np.stack([np.broadcast_to(middle, (n, 2)), middle + way * 4000.0], axis=1))
    inside = shapely.intersection(rays, outline)
    reach = [float(np.hypot(*(shapely.get_coordinates(g) - middle).T).max()) for g in inside]
    outside: Coordinates = middle + way * (np.array(reach).reshape(-1) + rng.uniform(40, 900, n))[:, None]
    return outside


def _default_place(street: ModelStreet) -> Coordinates:
    """The default point of the geocoder for addresses with the street only."""
    point = street.outline.geometry.iloc[0].representative_point()
    return np.array(point.coords[0])


def _addresses(street: ModelStreet, xy: Coordinates, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Address in words: named road and number, or the compound."""
    named = street.roads[street.roads["name"].notna()]
    points = shapely.points(xy)
    road = shapely.STRtree(named.geometry.array).nearest(points)
    names = named["name"].to_numpy()[road]
    along = shapely.line_locate_point(named.geometry.array[road], points)
    compound = np.full(len(xy), -1)
    which, hit = shapely.STRtree(street.compounds.geometry.array).query(points, predicate="within")
    compound[which] = hit
    homes = street.compounds["name"].to_numpy()
    loose = rng.random(len(xy)) < 0.12
    words = [
        f"{homes[c]}附近"
        if c >= 0 and vague
        else homes[c]
        if c >= 0
        else f"{name}近路口"
        if vague
        else f"{name}{1 + int(metres // 12)}号"
        for c, name, metres, vague in zip(compound, names, along, loose, strict=True)
    ]
    return np.array([f"栖霞区{plan.STREET_NAME}{w}" for w in words], dtype=object)


def _times(kinds: Ints, start: dt.date, days: int, rng: np.random.Generator) -> Ints:
    """Local seconds after midnight of `start`."""
    weights = [WEEKDAYS[(start.weekday() + d) % 7] for d in range(days)]
    day = rng.choice(days, len(kinds), p=_shares(weights))
    hour = np.zeros(len(kinds), dtype=np.int64)
    patterns = np.array([MATTERS[k].hours for k in kinds])
    for name, pattern in HOURS.items():
        mine = patterns == name
        hour[mine] = rng.choice(24, int(mine.sum()), p=_shares(pattern))
    seconds: Ints = day * 86_400 + hour * 3600 + rng.integers(0, 3600, len(kinds))
    return seconds


def _frame(
    kinds: Ints,
    local: Ints,
    xy: Coordinates,
    address: npt.NDArray[np.object_],
    start: dt.date,
    order: Ints,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    midnight = dt.datetime.combine(start, dt.time(), LOCAL_ZONE).astimezone(dt.UTC)
    points = to_crs(gpd.GeoSeries(shapely.points(xy[order]), crs=f"EPSG:{plan.MODEL_EPSG}"), 4326)
    # Seven decimals are 1 cm, as in exports of hotlines.
    lon, lat = np.round(points.x.to_numpy(), 7), np.round(points.y.to_numpy(), 7)
    kinds = kinds[order]
    return gpd.GeoDataFrame(
        {
            "incident_id": [f"QX{start:%Y%m%d}{i + 1:06d}" for i in range(len(kinds))],
            "reported_at": pd.Timestamp(midnight) + pd.to_timedelta(local[order], unit="s"),
            "kind_code": [MATTERS[k].code for k in kinds],
            "kind_name": [MATTERS[k].name for k in kinds],
            "standard_ref": STANDARD_REF,
            "source": _sources(local[order], rng),
            "address": address[order],
            "lon": lon,
            "lat": lat,
        },
        geometry=shapely.points(lon, lat),
        crs="EPSG:4326",
    )


def _sources(local: Ints, rng: np.random.Generator) -> list[str]:
    """Source of each incident; at night there are no patrols, only calls of residents."""
    names, shares = zip(*SOURCES, strict=True)
    source = np.array(names)[rng.choice(len(names), len(local), p=shares)]
    hour = local % 86_400 // 3600
    source[(source == "网格巡查") & ((hour < 7) | (hour >= 20))] = "12345热线"
    return [str(s) for s in source]


def _with_repeats(
    frame: gpd.GeoDataFrame, truth: pd.DataFrame, repeated: int, rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Insert copies of some rows after the originals."""
    again = np.sort(rng.choice(len(frame), min(repeated, len(frame)), replace=False))
    rows = np.r_[np.arange(len(frame)), again]
    copy = np.r_[np.zeros(len(frame), dtype=bool), np.ones(len(again), dtype=bool)]
    order = np.lexsort((copy, rows))
    truth = truth.iloc[rows[order]].reset_index(drop=True).assign(is_duplicate=copy[order])
    return frame.iloc[rows[order]].reset_index(drop=True), truth
