"""Re-create ``data/examples``: small files for every command of the README, of one community of the model street.

``python -m tools.examples``. Everything is seeded; the files are reproducible except for the times stored in a workbook.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from api.commands.demo.job import INCIDENTS_FROM, PATROL_DAY
from geo.errors import WanggeError
from geo.layers import Datum, Division, convert, read_division, write_division
from geo.redraw import Draft, Transfer
from geo.sample import MODEL_SEED, model_street, simulate_incidents, simulate_tracks
from tools.boundaries import FOLDER as BOUNDARIES

FOLDER = Path(__file__).resolve().parent.parent / "data" / "examples"
#: 十字街社区: ten second-level grids.
COMMUNITY = "320113003005"
#: Number of officers whose tracks are written, and interval of their fixes in seconds.
_OFFICERS, _INTERVAL_S = 3, 30.0
_INCIDENTS, _POINTS = 80, 12


def one_community(division: Division, code: str) -> Division:
    """A community of a division as a division; the street gets its outline and its sums."""
    community = division.community[division.community["code"] == code].reset_index(drop=True)
    second = division.second[division.second["parent"] == code].reset_index(drop=True)
    third = division.third[division.third["parent"].isin(second["code"])].reset_index(drop=True)
    sums = {
        name: community[name].to_numpy()
        for name in ("area_m2", "population", "households", "units", "workload", "buildings")
        if name in division.street and name in community
    }
    street = division.street.assign(**sums).set_geometry(
        gpd.GeoSeries(community.geometry.to_numpy(), index=division.street.index, crs=division.crs)
    )
    return Division(street=street, community=community, second=second, third=third)


def write_examples(folder: Path = FOLDER) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    street, part = model_street(MODEL_SEED), one_community(read_division(BOUNDARIES / "division.gpkg"), COMMUNITY)
    write_division(part, folder / "grids.gpkg")
    write_division(_changed(part), folder / "changed.gpkg")
    outline = part.street[["name", "geometry"]]
    outline.to_file(folder / "outline.gpkg", layer="outline", driver="GPKG")
    ground = part.street.geometry.iloc[0]
    for name, layer, columns in (("roads", street.roads, ["name", "highway"]), ("buildings", street.buildings, None)):
        near = layer[layer.to_crs(part.crs).intersects(ground.buffer(60 if name == "roads" else 0))]
        kept = near if columns is None else near[[*columns, "geometry"]]
        kept.to_crs("EPSG:4326").to_file(folder / f"{name}.geojson", driver="GeoJSON", COORDINATE_PRECISION=7)
    _tracks(street, part, folder / "tracks")
    _reports(street, part, folder)


def _changed(part: Division) -> Division:
    """The division with a third-level grid transferred to the neighbouring second-level grid."""
    draft = Draft.of(part)
    third = part.third
    for k, cell in enumerate(third.geometry):
        beside = third[third.geometry.touches(cell) & (third["parent"] != third["parent"].iloc[k])]
        for target in beside["parent"].unique():
            try:
                draft.apply(Transfer((str(third["code"].iloc[k]),), str(target)))
            except WanggeError:
                continue
            return draft.division()
    raise RuntimeError("no grid of the example can be given to another")


def _tracks(street: object, part: Division, folder: Path) -> None:
    rng = np.random.default_rng(MODEL_SEED)
    tracks = simulate_tracks(street, part, rng=rng, day=PATROL_DAY, officers=_OFFICERS, interval_s=_INTERVAL_S)  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    for officer, rows in tracks.groupby("officer", sort=True):
        points = "\n".join(
            f'<trkpt lat="{lat:.6f}" lon="{lon:.6f}"><time>{time:%Y-%m-%dT%H:%M:%SZ}</time></trkpt>'
            for lat, lon, time in zip(rows["lat"], rows["lon"], rows["time"], strict=True)
        )
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="wangge" '
            'xmlns="http://www.topografix.com/GPX/1/1">\n'
            f"<trk><name>{officer}</name><trkseg>\n{points}\n</trkseg></trk>\n</gpx>\n"
        )
        (folder / f"{officer}.gpx").write_text(text, encoding="utf-8", newline="\n")


def _reports(street: object, part: Division, folder: Path) -> None:
    rng = np.random.default_rng(MODEL_SEED)
    incidents, _ = simulate_incidents(street, rng=rng, start=INCIDENTS_FROM, days=30)  # type: ignore[arg-type]
    inside = incidents[incidents.to_crs(part.crs).within(part.street.geometry.iloc[0])].head(_INCIDENTS)
    lon, lat = convert(inside["lon"].to_numpy(), inside["lat"].to_numpy(), Datum.WGS84, Datum.GCJ02)
    local = inside["reported_at"].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)
    table = pd.DataFrame(
        {
            "工单号": inside["incident_id"],
            "上报时间": local.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "问题类型": inside["kind_name"],
            "地址": inside["address"],
            "经度": np.round(lon, 7),
            "纬度": np.round(lat, 7),
        }
    )
    table.to_excel(folder / "reports.xlsx", index=False, sheet_name="工单")
    points = inside.head(_POINTS)
    named = pd.DataFrame({"name": points["address"], "lon": points["lon"], "lat": points["lat"]})
    named.to_csv(folder / "points.csv", index=False, lineterminator="\n")


def main() -> int:
    """Write all files and print their sizes."""
    start = dt.datetime.now(dt.UTC)
    write_examples()
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{FOLDER}: {size / 1e6:.1f} MB, {(dt.datetime.now(dt.UTC) - start).total_seconds():.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
