"""Verdicts of stored fixes: of a day on request, and updated with new data; on both databases."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import text

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token
from api.database.events import events_after, read_audit
from api.database.people import add_device, device_names, hand_over, person_of
from api.database.verdicts import add_rule_set, history_of, pending, take_lease
from api.errors import NotStoredError
from api.ingest.fix import LARGEST, Fix
from api.ingest.rows import as_rows
from api.ingest.writer import Writer
from api.settings import Settings
from api.verdicts.day import basis_of, judge, rules_of
from api.verdicts.follower import Follower, Lease
from api.verdicts.reading import read_rows, read_tracks_of, span_of
from geo.errors import ImpossibleError
from geo.patrols import Rules
from tests.integration.api.serving import serving

DAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def rows_of(tracks: pd.DataFrame, devices: dict[str, int]) -> list[Fix]:
    times = pd.to_datetime(tracks["time"], utc=True).dt.as_unit("us").astype("int64")
    return [
        Fix(1, devices[name], int(t), round(lon * 1e7), round(lat * 1e7), 5.0, None, None, 0, 0, 0, 0)
        for name, t, lon, lat in zip(tracks["device"], times, tracks["lon"], tracks["lat"], strict=True)
    ]


@pytest.fixture
def devices(published):
    with session(published, write=True) as opened:
        for name in ("A", "B", "C"):
            device = add_device(opened, 1, name, at=NOON)
            person = person_of(opened, 1, f"{name}号", at=NOON)
            hand_over(opened, device, person, at=datetime(2026, 3, 1, tzinfo=UTC))
        return device_names(opened, 1)


@pytest.fixture
def send(published, devices):
    """Store the fixes of walks."""
    writer = Writer(published)

    def store(*walks):
        return writer.submit(as_rows(rows_of(pd.concat(walks), devices))).result(30)

    yield store
    writer.close()


@pytest.fixture
def follower(published):
    return Follower(published, 1, clock=lambda: NOON)


def whole(engine, day=DAY):
    return judge(engine, basis_of(engine, 1, day, rules=Rules()), day).verdicts


def followed(engine, code, day=DAY):
    with session(engine) as opened:
        return history_of(opened, 1, day, code)


def test_rows_come_back_as_they_were_stored(published, devices, send, division, stay):
    code = division.second["code"][0]
    send(stay(code, "B", "00:00", 1), stay(code, "A", "23:59", 2))
    rows = read_rows(published, 1, span_of(DAY, "Asia/Shanghai"))
    assert rows["device"].tolist() == [devices["A"]] * 6 + [devices["B"]] * 7
    assert (np.diff(rows["time_us"][:6]) == 10_000_000).all()
    assert (rows["accuracy_m"] == 5).all()
    assert (rows["mock"] == -1).all()
    only = read_rows(published, 1, span_of(DAY, "Asia/Shanghai"), [devices["B"]])
    assert len(only) == 7
    tracks = read_tracks_of(published, 1, DAY, "Asia/Shanghai")
    assert tracks["officer"].tolist() == ["A号"] * 6 + ["B号"] * 7
    assert tracks["mock"].isna().all()
    assert tracks["speed"].isna().all()


def test_each_fix_has_the_holder_of_its_time(published, devices, send, division, stay):
    """From the moment of the handover on it is the next holder's; without a holder there is no officer."""
    code = division.second["code"][0]
    send(stay(code, "A", "10:00", 2), stay(code, "B", "10:00", 2))
    ten = datetime(2026, 3, 2, 2, tzinfo=UTC)
    with session(published, write=True) as opened:
        hand_over(opened, devices["A"], person_of(opened, 1, "C号", at=NOON), at=ten + timedelta(seconds=30))
        hand_over(opened, devices["B"], None, at=ten + timedelta(seconds=31))
        hand_over(opened, devices["B"], person_of(opened, 1, "A号", at=NOON), at=ten + timedelta(seconds=60))
    tracks = read_tracks_of(published, 1, DAY, "Asia/Shanghai")
    passed = (tracks["time"] - ten).dt.total_seconds()
    officer = tracks["officer"].astype(object).fillna("nobody")
    rows_of_device = tracks.groupby("device").groups
    mine = {name: dict(zip(passed[rows], officer[rows], strict=True)) for name, rows in rows_of_device.items()}
    assert mine["A"] == {t: "A号" if t < 30 else "C号" for t in range(0, 121, 10)}
    assert mine["B"] == {t: "B号" if t < 31 else "A号" if t >= 60 else "nobody" for t in range(0, 121, 10)}


def test_a_day_is_judged_from_the_store(published, send, division, stay):
    first, second, third, fourth = division.second["code"]
    send(stay(first, "A", "08:00", 10), stay(first, "B", "14:00", 10), stay(second, "C", "09:00", 10))
    found = whole(published).set_index("code")["verdict"].to_dict()
    assert found == {first: "met", second: "short", third: "not_visited", fourth: "not_visited"}
    with pytest.raises(NotStoredError):
        whole(published, DAY - timedelta(days=1))


def test_what_follows_is_what_a_whole_day_gives(published, send, follower, division, stay):
    """Walks arrive in pieces and out of order; after each step every stored verdict equals that of the complete day."""
    first, second, third, _ = division.second["code"]
    walks = [
        stay(first, "A", "08:00", 10),
        stay(second, "B", "10:00", 5),
        stay(first, "B", "14:00", 10),
        stay(third, "A", "10:00", 0).iloc[:1],
        stay(second, "A", "07:00", 8),
    ]
    for walk in walks:
        for part in (walk.iloc[1::2], walk.iloc[::2]):
            if len(part):
                send(part)
                follower.step()
        table = whole(published).set_index("code")
        for code in (first, second, third):
            revisions = followed(published, code)
            state = revisions[-1]["state"] if revisions else "not_visited"
            assert (state, revisions[-1]["visits"] if revisions else 0) == tuple(table.loc[code, ["verdict", "visits"]])
    assert [r["state"] for r in followed(published, first)][-1] == "met"
    # The day is not over, so no change is called restated.
    assert not any(r["restated"] for r in followed(published, first))
    with session(published) as opened:
        assert pending(opened, 1) == []


def test_only_the_grid_and_day_of_a_fix_are_made_again(published, send, follower, division, stay, monkeypatch):
    import api.verdicts.follower as module

    first, second, *_ = division.second["code"]
    send(stay(first, "A", "08:00", 10), stay(second, "B", "08:00", 10))
    follower.step()
    judged = []
    real = module.verify

    def noting(made, part, **more):
        judged.append(list(part["code"]))
        return real(made, part, **more)

    monkeypatch.setattr(module, "verify", noting)
    send(stay(second, "B", "08:10", 10))
    follower.step()
    assert judged == [[second]]
    assert follower.step() == 0


def test_late_data_restate_a_past_day_and_say_so(published, send, division, stay):
    code = division.second["code"][0]
    follower = Follower(published, 1, clock=lambda: NOON + timedelta(days=1))
    send(stay(code, "A", "08:00", 10))
    follower.step()
    send(stay(code, "B", "14:00", 10))
    follower.step()
    found = [(r["state"], r["restated"]) for r in followed(published, code)]
    assert found == [("short", False), ("met", True)]
    with session(published) as opened:
        last = [e for e in events_after(opened, 1, 0) if e.kind == "verdict"][-1]
    assert (last.scope, last.data["was"], last.data["state"], last.data["restated"]) == (code, "short", "met", True)


def test_an_open_stay_is_told_what_it_needs(published, send, follower, division, stay):
    code = division.second["code"][0]
    walk = stay(code, "A", "08:00", 10)
    send(walk.iloc[:3])
    follower.step()
    send(walk.iloc[3:])
    follower.step()
    with session(published) as opened:
        told = [e.data for e in events_after(opened, 1, 0) if e.kind == "visit" and e.scope == code]
    assert (told[0]["counts"], told[0]["needs_s"]) == (False, 40)
    assert (told[-1]["counts"], told[-1]["needs_s"]) == (True, 0)
    assert "A" not in json.dumps(told)


def test_one_process_at_a_time_follows(engine):
    with session(engine, write=True) as opened:
        assert take_lease(opened, "x", "one", now_us=0, until_us=10)
        assert not take_lease(opened, "x", "two", now_us=9, until_us=19)
        assert take_lease(opened, "x", "one", now_us=9, until_us=19)
        assert not take_lease(opened, "x", "two", now_us=18, until_us=28)
        assert take_lease(opened, "x", "two", now_us=19, until_us=29)


def test_a_lease_is_renewed_during_a_long_step(published, monkeypatch):
    """Nothing but the lease's own thread renews it, and nobody else gets it meanwhile."""
    monkeypatch.setattr("api.verdicts.follower.RENEW_EVERY_S", 0.05)

    def until():
        with session(published) as opened:
            return opened.execute(text("SELECT until_us FROM lease")).scalars().one_or_none() or 0

    lease = Lease(published, 1, "one")
    try:
        seen = []
        for _ in range(1000):
            if (now := until()) not in seen:
                seen.append(now)
            if len(seen) > 3:
                break
            time.sleep(0.02)
        assert len(seen) > 3
        assert sorted(seen) == seen
        assert lease.held
        other = Lease(published, 1, "two")
        other.close()
        assert not other.held
    finally:
        lease.close()
    last = until()
    with session(published, write=True) as opened:
        assert take_lease(opened, "verdicts of street 1", "two", now_us=last, until_us=last + 1)
    lease.renew()
    assert not lease.held


def test_a_rule_set_is_stored_once_and_used(published, send, division, stay):
    code = division.second["code"][0]
    send(stay(code, "A", "08:00", 10))
    words = {"holds_from": None, "at": NOON, "by": "test"}
    text = 'id = "once"\nversion = "1"\nvisits_per_day = 1\n'
    with session(published, write=True) as opened:
        add_rule_set(opened, 1, name="once", version="1", text=text, **words)
        with pytest.raises(ImpossibleError, match="never changed"):
            add_rule_set(opened, 1, name="once", version="1", text=text, **words)
    assert rules_of(published, 1).name == rules_of(published, 1, "once@1").name == "once@1"
    assert rules_of(published, 1, Rules().name) == Rules()
    with pytest.raises(NotStoredError):
        rules_of(published, 1, "twice")
    basis = basis_of(published, 1, DAY, rules=rules_of(published, 1))
    assert judge(published, basis, DAY).verdicts.set_index("code")["verdict"][code] == "met"


def test_the_same_fixes_give_the_same_frame_whatever_the_order_of_arrival(published, send, division, stay):
    code = division.second["code"][0]
    walk = stay(code, "A", "08:00", 10)
    send(walk.iloc[::-1])
    before = whole(published)
    send(walk)
    assert_frame_equal(whole(published), before)


def test_over_http(published, send, follower, division, stay):
    first, second, *_ = division.second["code"]
    send(stay(first, "A", "08:00", 10))
    follower.step()
    with session(published, write=True) as opened:
        tokens = {}
        for name, grant in (("c", Grant(Role.CHECKER)), ("o", Grant(Role.OFFICER, first)), ("p", Grant(Role.PLANNER))):
            account = add_account(opened, 1, name, [grant], at=NOON, by="test")
            tokens[name] = {"Authorization": f"Bearer {add_token(opened, 'program', account=account, at=NOON).text}"}
    settings = Settings(database=published.url.render_as_string(hide_password=False), follow=False)
    with serving(create_app(settings, clock=lambda: NOON)) as client:
        every = client.get("/api/verdicts?day=2026-03-02", headers=tokens["c"]).json()
        own = client.get("/api/verdicts?day=2026-03-02", headers=tokens["o"]).json()
        assert len(every) == 4
        assert [row["code"] for row in own] == [first]
        assert own[0]["verdict"] == "short"
        # What was stored last is what is computed, for a part of the price, and a day without fixes is no error.
        stored = client.get("/api/me/grids?day=2026-03-02", headers=tokens["c"]).json()
        shared = ("code", "verdict", "visits")
        computed = {tuple(row[key] for key in shared) for row in every}
        assert {tuple(row[key] for key in shared) for row in stored} == computed
        assert [row["verdict"] for row in stored] == ["not_visited"] * 3 + ["short"]
        # Grids of other classes may require another number, so none is stated without a verdict.
        assert [row["required"] for row in stored] == [None] * 3 + [2]
        assert [row["name"] for row in stored if row["code"] == first] == [division.second["name"][0]]
        assert client.get("/api/me/grids?day=2026-03-02", headers=tokens["o"]).json() == stored[-1:]
        (quiet,) = client.get("/api/me/grids?day=2026-03-03", headers=tokens["o"]).json()
        assert (quiet["verdict"], quiet["visits"], quiet["required"], quiet["made_at"]) == (
            "not_visited",
            0,
            None,
            None,
        )
        assert client.get("/api/me/grids?day=2025-01-01", headers=tokens["c"]).status_code == 404
        revision = client.get(f"/api/verdicts/2026-03-02/{first}", headers=tokens["o"]).json()
        assert [r["state"] for r in revision] == ["short"]
        assert client.get(f"/api/verdicts/2026-03-02/{second}", headers=tokens["o"]).status_code == 403
        evidence = client.get(f"/api/verdicts/2026-03-02/{first}/evidence", headers=tokens["c"]).json()
        again = client.get(f"/api/verdicts/2026-03-02/{first}/evidence", headers=tokens["c"]).json()
        assert evidence["sha256"] == again["sha256"]
        assert len(evidence["fixes"]) > 0
        with session(published) as opened:
            looks = [row["subject"] for row in read_audit(opened, 1) if row["action"] == "look at evidence"]
        assert looks == [first, first]
        assert client.get(f"/api/verdicts/2026-03-02/{first}/evidence", headers=tokens["o"]).status_code == 403
        assert client.get("/api/verdicts/2026-03-02/no/evidence", headers=tokens["c"]).status_code == 404
        due = client.get("/api/due", headers=tokens["c"]).json()
        assert {row["code"]: row["missing"] for row in due}[first] == 1
        assert "nearest_officer" not in due[0]
        seen = client.get("/api/coverage?day=2026-03-02", headers=tokens["c"]).json()
        assert len(seen) == 36
        assert client.get("/api/verdicts?day=2025-01-01", headers=tokens["c"]).status_code == 404
        assert client.get("/api/verdicts?day=0001-01-01", headers=tokens["c"]).status_code == 422
        bad = client.post("/api/rules", json={"text": "id ="}, headers=tokens["p"])
        assert bad.status_code in (404, 422)
        text = 'id = "r"\nversion = "1"\n'
        assert client.post("/api/rules", json={"text": text}, headers=tokens["p"]).status_code == 201
        assert client.post("/api/rules", json={"text": text}, headers=tokens["p"]).status_code in (409, 422)
        heard = []
        with client.stream("GET", "/api/events", headers={**tokens["o"], "Last-Event-ID": "0"}) as stream:
            for line in stream.iter_lines():
                heard.append(line)
                if line.startswith("data:") and '"state"' in line:
                    break
        number = next(line for line in heard if line.startswith("id:"))
        assert int(number.partition(":")[2]) >= 1
        assert first in heard[-1] or first in "".join(heard)


@pytest.mark.parametrize("decimals", [2, None])
def test_fixes_are_read_as_they_were_stored(published, decimals):
    """Extreme and unknown values of all columns, of two devices, come back bit by bit and by device and time.

    Hundredths, which the service stores, and other numbers are read in two ways.
    """
    with session(published, write=True) as opened:
        devices = [add_device(opened, 1, name, at=NOON) for name in ("D1", "D2", "D3")]
    start, end = span_of(DAY, "Asia/Shanghai")
    rng = np.random.default_rng(5)
    exact = [float(np.float32(v)) for v in rng.uniform(0, 1e3, 200)] + [0.0, 1e-6, 12345.678, LARGEST, None]
    values = exact if decimals is None else [None if v is None else round(v, decimals) for v in exact]
    fixes = []
    for k, value in enumerate(values):
        for device in devices[:2]:
            speed = values[-k]
            at = start + (k * 104_729 % 86_400) * 1_000_000 + k
            place = (-1_800_000_000, 900_000_000) if k % 2 else (1_799_999_999, -899_999_999)
            fixes.append(Fix(1, device, at, *place, value, speed, (None, 0, 1)[k % 3], 0, 0, 0, 0))
    writer = Writer(published)
    writer.submit(as_rows(fixes)).result()
    writer.close()
    rows = read_rows(published, 1, (start, end))
    wanted = sorted((f.device, f.time_us) for f in fixes)
    assert [(int(row["device"]), int(row["time_us"])) for row in rows] == wanted
    known = {(f.device, f.time_us): f for f in fixes}
    for row in rows:
        fix = known[int(row["device"]), int(row["time_us"])]
        assert (row["lon_e7"], row["lat_e7"]) == (fix.lon_e7, fix.lat_e7)
        assert row["accuracy_m"] == np.float32(-1 if fix.accuracy_m is None else fix.accuracy_m)
        assert row["speed_m_s"] == np.float32(-1 if fix.speed_m_s is None else fix.speed_m_s)
        assert row["mock"] == (-1 if fix.mock is None else fix.mock)
    assert len(read_rows(published, 1, (start, end), [devices[2]])) == 0
    assert len(read_rows(published, 1, (start, end), [devices[1]])) == len(values)


@pytest.mark.parametrize("mock", [None, 0, 1])
def test_what_is_the_same_in_all_fixes_of_a_batch_is_stored_with_each(published, mock):
    """Columns with one value, known or not, in batches of more rows than one statement stores."""
    with session(published, write=True) as opened:
        device = add_device(opened, 1, "D1", at=NOON)
    start, end = span_of(DAY, "Asia/Shanghai")
    fixes = [
        Fix(
            1, device, start + k * 1_000_000, 1_188_000_000 + k, 321_000_000, 7.5, None, mock, 0, 1, 2, start + k // 200
        )
        for k in range(350)
    ]
    writer = Writer(published)
    writer.submit(as_rows(fixes)).result()
    writer.close()
    columns = ", ".join(Fix._fields)
    with session(published) as opened:
        stored = opened.execute(text(f"SELECT {columns} FROM fix WHERE time_us < {end} ORDER BY time_us"))
        assert [tuple(row) for row in stored] == [tuple(fix) for fix in fixes]
