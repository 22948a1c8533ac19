"""Patrols: verdicts compared with known truth, and the speed from fixes to verdicts, compared with other libraries.

    python benchmarks/patrols.py [--full] [--date 2026-11-26] [--seeds 601,602] [--parts accuracy,walkers,speed,integrity]
    python benchmarks/patrols.py --parts habits [--habits base,ebike] [--rates 10,60] [--officers 255,60]

movingpandas is timed in the same run where it is installed, and named as left out where it is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from benchmarks import patrol_habits, walkers  # noqa: E402
from geo.errors import FileError  # noqa: E402
from geo.layers import read_division  # noqa: E402
from geo.locate import GridIndex  # noqa: E402
from geo.patrols import DEFAULT_RULES, clean, integrity, presences, read_tracks, verify, visits, who_counts  # noqa: E402
from geo.patrols.stays.visit_counts import visit_count  # noqa: E402
from geo.patrols.verdicts import as_ruled  # noqa: E402
from geo.sample.days.patrols import simulate_patrols  # noqa: E402
from geo.tracks.fix_values import utc  # noqa: E402

DAY = dt.date(2026, 11, 23)
DOC = HERE / "docs" / "patrols.md"


def street():
    division = read_division(HERE / "data/boundaries/division.gpkg")
    roads = gpd.read_file(HERE / "data/boundaries/street.gpkg", layer="roads")
    return SimpleNamespace(roads=roads, communities=division.community), division


def judged(tracks, division, index):
    """Cleaned fixes, visits as the rule in force judges them, and verdicts."""
    cleaned = clean(tracks)
    found = presences(cleaned, index)
    made = visits(found)
    result = verify(made, division.second, presences=found, day=DAY)
    in_force = who_counts(DEFAULT_RULES, division.second, cleaned["officer"].unique()).rules
    return cleaned, as_ruled(made, division.second, in_force), result


def silenced(tracks, share, rng):
    """Remove fixes in gaps of 5 to 60 minutes, until the mean silent share of the devices is reached."""
    keep, t = (
        np.ones(len(tracks), dtype=bool),
        utc(tracks["time"]).astype(np.int64) / 1e6,
    )
    for rows in tracks.groupby("device", sort=False).indices.values():
        begin, end = t[rows[0]], t[rows[-1]]
        # Some phones are much worse than others.
        left = min(rng.exponential(share), 0.9) * (end - begin)
        while left > 0:
            lasts = min(rng.uniform(300.0, 3600.0), left)
            at = rng.uniform(begin, end - lasts)
            keep[rows[(t[rows] >= at) & (t[rows] < at + lasts)]] = False
            left -= lasts
    return tracks[keep]


#: Class limits of the stated probabilities of stays, for comparison with the share of true ones.
GIVEN = (0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0)


def accuracy(seeds, intervals):
    """Verdicts, numbers of visits and probabilities of stays compared with the truth."""
    place, division = street()
    index = GridIndex(division.second)
    rows, given = [], {}
    for officers in (255, 60):
        for interval in intervals:
            made_of = [
                simulate_patrols(
                    place, division, rng=np.random.default_rng(seed), day=DAY, interval_s=interval, officers=officers
                )
                for seed in seeds
            ]
            for share in (0.0, 0.1):
                count, low_high, before, after = np.zeros(12), [], 0, 0
                for seed, (tracks, truth) in zip(seeds, made_of, strict=True):
                    heard = silenced(tracks, share, np.random.default_rng(seed)) if share else tracks
                    before, after = before + len(tracks), after + len(heard)
                    cleaned, made, result = judged(heard, division, index)
                    count += _compared(truth, cleaned, made, result)
                    both = truth.verdicts.merge(result, on="code", suffixes=("_true", ""))
                    low_high.append(both["visits_true"].between(both["visits_low"], both["visits_high"]).mean())
                    if officers == 255:
                        given.setdefault(interval, []).append(_true_stays(truth, made))
                true, proven, expected, hidden = count[8:]
                rows.append(
                    [
                        officers,
                        f"{interval:.0f} s",
                        f"{1 - after / before:.0%} more" if share else "as simulated",
                        *count[:6].astype(int),
                        f"{proven / true:.3f}",
                        f"{(expected + hidden) / true:.3f}",
                        f"{hidden / true:.3f}",
                        f"{np.mean(low_high):.2f}",
                        f"{count[6]:.0f} of {count[7]:.0f}",
                    ]
                )
                print(*rows[-1], flush=True)
    return rows, _calibration(given)


def _compared(truth, cleaned, made, result):
    """Counts of one day: verdicts, honest devices with a finding and all of them, and visits."""
    both = truth.verdicts.merge(result, on="code", suffixes=("_true", ""))
    liars = truth.faults[truth.faults["fault"].isin(["copied", "spoofed"])]
    named = set(liars["device"]) | {note[-4:] for note in liars["note"]}
    accused = set(integrity(cleaned)["device"]) - named
    return np.array(
        [
            *_judgements(both),
            len(accused),
            cleaned["device"].nunique() - len(named),
            truth.visits["counted"].sum(),
            made["counted"].sum(),
            result["visits_expected"].sum(),
            result["visits_hidden"].sum(),
        ]
    )


def _judgements(both):
    """Cross table of true and computed verdicts: failing grids, passed and unknown; passing ones, failed and unknown."""
    met, verdict = both["verdict_true"] == "met", both["verdict"]
    return [
        (~met).sum(),
        (~met & (verdict == "met")).sum(),
        (~met & (verdict == "unknown")).sum(),
        met.sum(),
        (met & verdict.isin(["short", "not_visited"])).sum(),
        (met & (verdict == "unknown")).sum(),
    ]


def other_walkers(seeds, intervals):
    """Verdicts and numbers of visits for other simulated walkers, compared with a count that ignores errors."""
    place, division = street()
    cells = division.second.reset_index(drop=True)
    index, rows = GridIndex(cells), []
    for kind, what in walkers.KINDS.items():
        for officers in (60,) if kind == "beats" else (60, 255):
            days = [walkers.simulate(kind, place, cells, officers=officers, seed=seed, day=DAY) for seed in seeds]
            for interval in intervals:
                count = np.zeros(10)
                for seed, (ways, led, stays, verdicts) in zip(seeds, days, strict=True):
                    tracks = walkers.phones(ways, cells.crs, interval_s=interval, seed=seed, day=DAY)
                    heard = silenced(tracks, 0.1, np.random.default_rng(seed))
                    _, made, result = judged(heard, SimpleNamespace(second=led), index)
                    both = verdicts.merge(result, on="code", suffixes=("_true", ""))
                    count += [
                        *_judgements(both),
                        stays["counted"].sum(),
                        made["counted"].sum(),
                        result[["visits_expected", "visits_hidden"]].to_numpy().sum(),
                        _by_path(made),
                    ]
                rows.append(
                    [
                        what,
                        officers,
                        f"{interval:.0f} s",
                        *count[:6].astype(int),
                        *(f"{number / count[6]:.3f}" for number in count[7:]),
                    ]
                )
                print(*rows[-1], flush=True)
    return rows


def _by_path(made):
    """Visits by the path alone, ignoring its error."""
    rules = DEFAULT_RULES
    some = made[(made["stay_s"] >= rules.min_stay_s) & (made["speed_m_s"] <= rules.max_patrol_speed_m_s)]
    group, codes = pd.factorize(some["code"])
    start, end = (utc(some[name]).astype(np.int64) for name in ("start", "end"))
    number = visit_count(
        group,
        start,
        end,
        np.ones(len(some)),
        groups=len(codes),
        apart=rules.min_between_s * 1e6,
        required=rules.visits_per_day,
    )
    return number.expected.sum()


def _true_stays(truth, made):
    """Probability of each stay not excluded by a rule, and whether its officer truly stayed long enough."""
    stays = made[
        ~made["reason"].isin(["vehicle", "off_hours", "not_leader"]) & (made["probability"] >= GIVEN[0])
    ].reset_index()
    long = truth.visits[truth.visits["stay_s"] >= 60.0]
    pairs = stays.merge(long, on=["code", "officer"], suffixes=("", "_true"))
    pairs = pairs[(pairs["start"] < pairs["left_at"]) & (pairs["end"] > pairs["entered_at"])]
    return pd.DataFrame({"given": stays["probability"], "true": stays["index"].isin(pairs["index"])})


def _calibration(given):
    """Share of true stays by class of stated probability."""
    cells = {}
    for interval, frames in given.items():
        table = pd.concat(frames)
        bins = pd.cut(table["given"], GIVEN, include_lowest=True)
        cells[interval] = table.groupby(bins, observed=False)["true"].agg(["mean", "size"])
    return [
        [f"{low:g}–{high:g}", *(f"{t['mean'].iloc[k]:.2f} ({t['size'].iloc[k]:,})" for t in cells.values())]
        for k, (low, high) in enumerate(pairwise(GIVEN))
    ]


def _mock(one, _):
    return one.assign(mock=one["mock"].where(one.index >= 300, True))


def _teleport(one, _):
    away = np.where(np.arange(len(one)) % 40 == 20, 0.05, 0.0)
    return one.assign(lon=one["lon"] + away)


def _drawn(one, speed_m_s, fixes):
    """Replace fixes by straight, even legs."""
    t = (one["time"] - one["time"].iloc[0]).dt.total_seconds().to_numpy()
    at = np.abs((speed_m_s * (t - t[500]) / 300.0 + 1.0) % 2.0 - 1.0) * 300.0 / 94_000.0
    drawn = np.arange(len(one))
    drawn = (drawn >= 500) & (drawn < 500 + fixes)
    lon, lat = one["lon"].iloc[500] + at, np.full(len(one), one["lat"].iloc[500])
    return one.assign(lon=np.where(drawn, lon, one["lon"]), lat=np.where(drawn, lat, one["lat"]))


def _frozen(one, _):
    still = np.arange(len(one)) // 400 == 2
    return one.assign(
        lon=one["lon"].where(~still, one["lon"].iloc[800]), lat=one["lat"].where(~still, one["lat"].iloc[800])
    )


def _second_phone(one, rng):
    other = one.assign(
        device="second", lon=one["lon"] + rng.normal(0, 3e-5, len(one)), lat=one["lat"] + rng.normal(0, 3e-5, len(one))
    )
    return pd.concat([one, other])


def _again(one, hours, **changed):
    """The first part of a track repeated some hours later."""
    first = one[one["time"] < one["time"].iloc[0] + pd.Timedelta(hours=3)]
    later = first.assign(time=first["time"] + pd.Timedelta(hours=hours), **changed)
    kept = one if changed or hours >= 24 else one[one["time"] < later["time"].iloc[0]]
    return pd.concat([kept, later])


#: Faults planted in honest tracks, and the findings accepted for each.
PLANTED = {
    "mock flag for an hour": (_mock, {"mock"}),
    "every fortieth fix 5 km away": (_teleport, {"teleport"}),
    "an hour drawn with a ruler at 1.2 m/s": (lambda one, _: _drawn(one, 1.2, 360), {"steady", "no_noise"}),
    "coordinates with four decimals": (
        lambda one, _: one.assign(lon=one["lon"].round(4), lat=one["lat"].round(4)),
        {"lattice"},
    ),
    "an hour at one place to the last digit": (_frozen, {"frozen"}),
    "on another device too": (lambda one, _: _again(one, 0, device="second"), {"copied"}),
    "on another device, two hours later": (lambda one, _: _again(one, 2, device="second"), {"replayed"}),
    "on the same device next day": (lambda one, _: _again(one, 24), {"replayed"}),
    "on the same device, four hours later": (lambda one, _: _again(one, 4), {"replayed"}),
    "a second phone in the same pocket": (_second_phone, {"carried_along"}),
    "two hours at 10 m/s": (lambda one, _: _drawn(one, 10.0, 720), {"vehicle"}),
}


def signs(seeds):
    """Planted faults found, and honest devices with a finding."""
    place, division = street()
    tracks, truth = simulate_patrols(place, division, rng=np.random.default_rng(seeds[0]), day=DAY, interval_s=10.0)
    bad = set(truth.faults["device"])
    honest = [device for device in tracks["device"].unique() if device not in bad][:40]
    rng, rows = np.random.default_rng(1), []
    for what, (plant, right) in PLANTED.items():
        found = 0
        for device in honest:
            one = plant(tracks[tracks["device"] == device].drop(columns="geometry").reset_index(drop=True), rng)
            points = gpd.points_from_xy(one["lon"], one["lat"])
            table = integrity(clean(gpd.GeoDataFrame(one, geometry=points, crs=4326)))
            found += bool(right & set(table["sign"]))
        rows.append([what, ", ".join(sorted(right)), f"{found} of {len(honest)}"])
        print(*rows[-1], flush=True)
    return rows, _real_signs()


def _real_signs():
    """Findings on real tracks of honest people, each counted once."""
    data = Path(os.environ.get("WANGGE_SHARED_DATA", HERE.parent / "shared" / "data"))
    walk = pd.read_csv(data / "stopgo" / "raw_example.csv")
    walk = walk.assign(device="walk", time=pd.to_datetime(walk["ts"], utc=True))
    points = gpd.points_from_xy(walk["longitude"], walk["latitude"])
    rows, known = [_signs_of("stopgo, a walk", gpd.GeoDataFrame(walk, geometry=points, crs=4326))], set()
    for file in sorted((data / "gpx-oddities").rglob("*.gpx")):
        try:
            track = read_tracks(file)
        except FileError:
            continue
        places = frozenset(zip(track["lon"].round(5), track["lat"].round(5), strict=True))
        if len(track) >= 60 and places not in known:
            known.add(places)
            rows.append(_signs_of(file.name, track))
    trucks = read_tracks(
        data / "jersey-city-trucks" / "all_dedup.csv",
        datum="WGS-84",
        zone="America/New_York",
        columns={"lat": 0, "lon": 1, "device": 2, "time": 4},
    )
    return [*rows, _signs_of("trucks of Jersey City, three days", trucks)]


def _signs_of(name, track):
    table = integrity(clean(track))
    told = ", ".join(f"{sign} {number}" for sign, number in table["sign"].value_counts().items())
    return [name, track["device"].nunique(), f"{len(track):,}", table["device"].nunique(), told]


def many(devices):
    """Fixes of one simulated day, repeated with an offset until there are enough devices; eight hours each."""
    place, division = street()
    tracks, _ = simulate_patrols(place, division, rng=np.random.default_rng(1), day=DAY, interval_s=10.0)
    tracks = pd.DataFrame(tracks[tracks.groupby("device").cumcount() < 2880].drop(columns=["geometry", "officer"]))
    code, names = pd.factorize(tracks["device"])
    parts = []
    for k in range(-(-devices // len(names))):
        kept = code < devices - k * len(names)
        parts.append(
            tracks[kept]
            .assign(device=code[kept] + k * len(names), lon=tracks["lon"][kept] + k * 1e-5)
            .astype({"device": "int32"})
        )
    return pd.concat(parts, ignore_index=True), division


def frame(table):
    """Fixes with named devices; without points, which would take more than a gigabyte."""
    names = [f"D{n:05d}" for n in range(int(table["device"].max()) + 1)]
    device = pd.Categorical.from_codes(table["device"].to_numpy(), names)
    return table.assign(device=device)


def one_size(file, repeats):
    """Cost of one process for a file of fixes: seconds to verdicts, and its memory."""
    division = read_division(HERE / "data/boundaries/division.gpkg")
    index = GridIndex(division.second)
    tracks = frame(pd.read_parquet(file))
    judged(tracks.iloc[:5000], division, index)
    seconds, used = [], []
    for _ in range(repeats):
        begin, own = time.perf_counter(), time.process_time()
        judged(tracks, division, index)
        seconds.append(time.perf_counter() - begin)
        used.append(time.process_time() - own)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "fixes": len(tracks),
        "seconds": statistics.median(seconds),
        "cpu": statistics.median(used),
        "memory": memory,
    }


def speed(sizes, repeats):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for devices in sizes:
            file = Path(folder) / f"{devices}.parquet"
            many(devices)[0].to_parquet(file, index=False)
            # A separate process, so that its memory is measured separately.
            run = [sys.executable, __file__, "--file", str(file), "--repeats", str(repeats)]
            found = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
            rows.append(
                [
                    devices,
                    f"{found['fixes']:,}",
                    f"{found['seconds']:.1f}",
                    f"{found['cpu']:.1f}",
                    f"{found['fixes'] / found['seconds'] / 1e6:.2f}",
                    f"{found['memory']:.1f}",
                ]
            )
    return rows


def beside():
    """movingpandas' clip of a few devices with the same cells, per fix."""
    if importlib.util.find_spec("movingpandas") is None:
        return "movingpandas is not installed in this environment and was left out."
    import movingpandas

    table, division = many(4)
    tracks = gpd.GeoDataFrame(frame(table), geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    metric = tracks.assign(t=tracks["time"].dt.tz_localize(None)).set_index("t").to_crs(division.second.crs)
    begin = time.perf_counter()
    for _, rows in metric.groupby("device", observed=True):
        way = movingpandas.Trajectory(rows, "one")
        for shape in division.second.geometry.iloc[:32]:
            way.clip(shape)
    taken = (time.perf_counter() - begin) * len(division.second) / 32
    rate = f"{len(metric) / taken:,.0f} fixes/s against {len(division.second)} cells"
    return f"movingpandas {movingpandas.__version__} clip: {rate}."


def table(headings, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [headings, ["---"] * len(headings), *rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--date", default=dt.date.today().isoformat())
    parser.add_argument("--seeds", default="601,602,603,604", help="none of them used to choose a constant")
    parser.add_argument("--parts", default="accuracy,walkers,speed,integrity")
    patrol_habits.add_options(parser)
    parser.add_argument("--file", help="measure this file of fixes only, and print what was found as JSON")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.file:
        print(json.dumps(one_size(options.file, options.repeats)))
        return
    seeds = [int(seed) for seed in options.seeds.split(",")]
    intervals = (10.0, 60.0, 300.0)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {options.date}"
    if "accuracy" in options.parts:
        truth, given = accuracy(seeds, intervals)
        put(
            "benchmark",
            [
                f"Seeds {options.seeds}; {machine}.",
                table(
                    [
                        "officers",
                        "fixes every",
                        "silent",
                        "failing",
                        "passed",
                        "unknown",
                        "passing",
                        "failed",
                        "unknown",
                        "proven / true",
                        "number / true",
                        "of it in silence",
                        "true number in the range",
                        "honest devices with a finding",
                    ],
                    truth,
                ),
                table(["given", *(f"{interval:.0f} s: true" for interval in intervals)], given),
            ],
        )
    if "habits" in options.parts:
        print(table(patrol_habits.HEADINGS, patrol_habits.rows_of(options, seeds)))
    if "walkers" in options.parts:
        put(
            "other walkers",
            [
                f"Seeds {options.seeds}; {machine}; a tenth of the time of each phone is silent.",
                table(
                    [
                        "walk",
                        "officers",
                        "fixes every",
                        "failing",
                        "passed",
                        "unknown",
                        "passing",
                        "failed",
                        "unknown",
                        "proven / true",
                        "number / true",
                        "path alone / true",
                    ],
                    other_walkers(seeds, intervals),
                ),
            ],
        )
    if "integrity" in options.parts:
        planted, real = signs(seeds)
        put(
            "integrity",
            [
                table(["planted in 40 honest tracks of a day", "sign", "found"], planted),
                table(["real tracks", "devices", "fixes", "devices with a finding", "signs"], real),
            ],
        )
    if "speed" in options.parts:
        cost = speed((250, 500, 1000, 2000) if options.full else (125, 250, 500), 3)
        put(
            "speed of verdicts",
            [
                f"{machine}, load {os.getloadavg()[0]:.1f}.",
                table(
                    [
                        "devices",
                        "fixes",
                        "seconds to verdicts (median of 3)",
                        "CPU seconds",
                        "million fixes/s",
                        "peak memory GB",
                    ],
                    cost,
                ),
                beside(),
            ],
        )


def put(name, paragraphs):
    """Write results between the markers in the document."""
    text = "\n\n".join(paragraphs)
    print(text)
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = DOC.read_text(encoding="utf-8")
    DOC.write_text(page[: page.index(begin) + len(begin)] + f"\n{text}\n" + page[page.index(end) :], encoding="utf-8")


if __name__ == "__main__":
    main()
