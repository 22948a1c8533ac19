"""The live demonstration: a simulated day is sent to a service over HTTP, and its verdicts equal those of the complete day."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from api.access import Grant, Role
from api.app import create_app
from api.commands.live.replaying import Pace, replay
from api.commands.live.simulated_day import live_day
from api.commands.patrols.verified import verify_tracks
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.database.events import events_after, read_audit
from api.database.people import holdings, list_devices
from api.database.verdicts import pending
from api.overview.days import judged_days
from api.settings import Settings
from api.verdicts.follower import Follower
from api.verdicts.storing import store_verdicts
from geo.errors import InputError
from geo.patrols import Rules
from tests.integration.api.conftest import SIDE, SOUTH, WEST
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 9, 4, 0, tzinfo=UTC)
BEFORE = date(2026, 3, 4)


class Clock:
    """A clock that advances only while it is waited for."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wait(self, seconds: float) -> bool:
        self.seconds += seconds
        return False

    def pace(self, speed: float) -> Pace:
        return Pace(speed=speed, now=lambda: self.seconds, wait=self.wait)


@pytest.fixture
def live_roads(division):
    """Roads along the borders of the grids and through their centres."""
    steps = np.arange(0, 601, SIDE / 2)
    lines = [shapely.LineString([(WEST + x, SOUTH + 10), (WEST + x, SOUTH + 590)]) for x in steps[1:-1]]
    lines += [shapely.LineString([(WEST + 10, SOUTH + y), (WEST + 590, SOUTH + y)]) for y in steps[1:-1]]
    noded = list(shapely.get_parts(shapely.union_all(lines)))
    return gpd.GeoDataFrame({"highway": ["residential"] * len(noded)}, geometry=noded, crs=division.crs)


@pytest.fixture
def live(published, division, live_roads):
    """A day after one that was judged."""
    codes = list(division.second["code"])
    row = {"day": BEFORE, "verdict": "met", "visits": 2, "required": 2, "uncounted": 0}
    store_verdicts(published, 1, pd.DataFrame([{"code": c, **row} for c in codes]), version=1, rules="a@1", at=NOW)
    return live_day(published, 1, live_roads, seed=1, zone="Asia/Shanghai", at=NOW), live_roads


def test_the_day_after_the_last_one_is_replayed(published, live):
    day, roads = live
    assert day.day == BEFORE + timedelta(days=1)
    local = day.tracks["time"].dt.tz_convert("Asia/Shanghai").dt.date
    assert set(local) == {day.day}
    assert day.tracks["time"].is_monotonic_increasing
    with session(published) as opened:
        assert {device.name for device in list_devices(opened, 1)} == set(day.tokens) == set(day.tracks["device"])
        carriers = dict(day.tracks[["device", "officer"]].drop_duplicates().to_numpy())
        names = {device.id: device.name for device in list_devices(opened, 1)}
        assert {names[device]: person for device, person, _, _ in holdings(opened, 1)} == carriers
    # Another run with the same phones gives them new tokens and keeps their holders.
    again = live_day(published, 1, roads, seed=1, zone="Asia/Shanghai", at=NOW)
    assert again.tracks.equals(day.tracks)
    assert set(again.tokens) == set(day.tokens)
    assert not set(again.tokens.values()) & set(day.tokens.values())


def test_fixes_arrive_in_order_and_end_in_the_verdicts_of_the_day(published, live, division, tmp_path):
    day, _ = live
    address = published.url.render_as_string(hide_password=False)
    clock = Clock()
    first = day.tracks["time"].iloc[0]
    with serving(create_app(Settings(database=address, pages=tmp_path, follow=False), clock=lambda: NOW)) as client:
        reached, follower = [], Follower(published, 1, clock=lambda: NOW)
        for sent in replay(str(client.base_url), day, clock.pace(3600.0)):
            reached.append(sent.until)
            # Nothing is sent before its time: an hour of the day in a second.
            assert sent.until <= first + timedelta(hours=clock.seconds)
            assert sent.sent == int((day.tracks["time"] <= sent.until).sum())
            if len(reached) == 4:
                follower.step()
                with session(published) as opened:
                    early = judged_days(opened, 1, day.day, days=1)[day.day].counts()
        assert (sent.stored, sent.repeated, sent.refused) == (len(day.tracks), 0, 0)
    assert reached == sorted(set(reached))
    assert len(reached) > 8
    follower.step()
    with session(published) as opened:
        assert pending(opened, 1) == []
        judged = judged_days(opened, 1, day.day, days=1)[day.day]
        told = [event for event in events_after(opened, 1, 0, limit=100_000) if event.kind == "verdict"]
    # A track as read by geo, without the database in between.
    tracks = gpd.GeoDataFrame(
        day.tracks, geometry=gpd.points_from_xy(day.tracks["lon"], day.tracks["lat"], crs="EPSG:4326")
    )
    whole = verify_tracks(tracks, division.second, rules=Rules(), days=[day.day]).verdicts
    assert {code: judged.state(code) for code in whole["code"]} == dict(
        zip(whole["code"], whole["verdict"], strict=True)
    )
    assert early != judged.counts()
    last = {event.scope: event.data["state"] for event in told}
    assert all(judged.state(code) == state for code, state in last.items())


def test_a_service_that_refuses_ends_the_replay(published, live, tmp_path):
    day, _ = live
    with pytest.raises(InputError, match="accepts no further fixes"):
        list(replay("http://127.0.0.1:9/", day, Clock().pace(60.0)))
    address = published.url.render_as_string(hide_password=False)
    broken = type(day)(day.day, day.tracks, dict.fromkeys(day.tokens, "wg_device_x"))
    app = create_app(Settings(database=address, pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(app) as client, pytest.raises(InputError, match="401"):
        list(replay(str(client.base_url), broken, Clock().pace(60.0)))
    with session(published) as opened:
        assert pending(opened, 1) == []
    with pytest.raises(InputError, match="above 0"):
        Pace(speed=0.0)


def test_the_command_ends_by_itself(empty_store, live_roads, division, tmp_path):
    address = str(shutil.copy(empty_store, tmp_path / "wangge.sqlite"))
    engine = open_store(address)
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
    engine.dispose()
    live_roads.to_file(tmp_path / "background.gpkg", layer="roads", driver="GPKG")
    words = [
        sys.executable,
        "-m",
        "api.cli",
        "demo",
        "--live",
        "--out",
        str(tmp_path),
        "--speed",
        "20000",
        "--port",
        "0",
    ]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stdout.splitlines() if not line.startswith("{")]
    assert lines[0].startswith("打开 open: http://127.0.0.1:")
    assert "回放 replay: " in lines[2]
    counts = re.search(r"回放结束.*met (\d+) .*short (\d+) .*not visited (\d+) .*unknown (\d+)", lines[-1])
    assert counts is not None, ran.stdout
    assert sum(int(n) for n in counts.groups()) == len(division.second)
    assert int(counts[3]) < len(division.second)


def test_a_replay_can_be_stopped(published, live, tmp_path):
    day, _ = live
    address = published.url.render_as_string(hide_password=False)
    with serving(create_app(Settings(database=address, pages=tmp_path, follow=False), clock=lambda: NOW)) as client:
        rounds = list(replay(str(client.base_url), day, Pace(speed=60.0, now=lambda: 60.0, wait=lambda _: True)))
    assert len(rounds) <= 1


def test_the_checker_sees_the_day_with_its_tracks(published, live, division, tmp_path):
    day, _ = live
    address = published.url.render_as_string(hide_password=False)
    own = str(division.second["code"].iloc[0])
    with session(published, write=True) as opened:
        tokens = {}
        grants = {"all": Grant(Role.CHECKER), "one": Grant(Role.CHECKER, own), "officer": Grant(Role.OFFICER)}
        for name, grant in grants.items():
            account = add_account(opened, 1, name, [grant], at=NOW, by="test")
            tokens[name] = {"Authorization": f"Bearer {add_token(opened, 'program', account=account, at=NOW).text}"}
    settings = Settings(database=address, pages=tmp_path, follow=False, public_pages=True)
    with serving(create_app(settings, clock=lambda: NOW)) as client:
        assert client.get("/checker", headers=tokens["all"]).status_code == 404, "of the day before there are no fixes"
        list(replay(str(client.base_url), day, Clock().pace(1e6)))
        Follower(published, 1, clock=lambda: NOW).step()
        form = client.get("/checker", headers={"Accept": "text/html"}, follow_redirects=False)
        assert (form.status_code, form.headers["location"]) == (303, "/login")
        assert client.get("/checker", headers=tokens["officer"]).status_code == 403
        page = client.get("/checker", headers=tokens["all"]).text
        assert _data(page, "payload")["day"] == day.day.isoformat()
        assert "巡查核验与轨迹回放" in page
        assert any(entry["path"] == "/checker" for entry in _data(page, "navigation"))
        assert len(_data(page, "replay-data")["paths"]) == len(day.tokens)
        assert client.get("/checker?day=2026-01-05", headers=tokens["all"]).status_code == 404
        part = client.get(f"/checker?day={day.day}", headers=tokens["one"]).text
        box = division.second.iloc[:1].to_crs(4326).total_bounds
        for path in _data(part, "replay-data")["paths"]:
            lon, lat = (np.cumsum(path[k::4]) / 1e6 for k in (1, 2))
            assert (
                (lon >= box[0] - 2e-6) & (lon <= box[2] + 2e-6) & (lat >= box[1] - 2e-6) & (lat <= box[3] + 2e-6)
            ).all()
        assert [bool(rows) for rows in _data(part, "payload")["visits"]] == [True, False, False, False]
    with session(published) as opened:
        looks = [entry for entry in read_audit(opened, 1) if entry["action"] == "look at tracks"]
    assert {entry["actor"] for entry in looks} == {"program:all", "program:one"}


def _data(page, name):
    return json.loads(re.search(rf'id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
