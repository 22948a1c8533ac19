"""Ingest of fixes on both databases: batches, phones, uploads."""

from __future__ import annotations

import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token, revoke_device_tokens
from api.database.people import add_device
from api.ingest import postgresql
from api.ingest.fix import DATUMS, Fix
from api.ingest.rows import as_rows
from api.ingest.writer import Writer
from api.settings import Settings
from geo.layers import Datum, convert
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "postgresql by COPY"])
def service(request, tmp_path_factory):
    """A server whose clock is set to noon, two devices with tokens, and the token of a program with the right."""
    import shutil

    from api.database import open_store

    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("fixes")
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("fixes", template="template")
    patched = pytest.MonkeyPatch()
    if request.param == "postgresql by COPY":
        patched.setattr(postgresql, "MOST_FEW", 0)
    engine = open_store(address)
    with session(engine, write=True) as opened:
        tokens = {}
        for name in ("A", "B"):
            device = add_device(opened, 1, name, at=NOW)
            tokens[name] = add_token(opened, "device", device=device, at=NOW).text
        for name, role in (("P", Role.ADMINISTRATOR), ("L", Role.LEADER)):
            account = add_account(opened, 1, name, [Grant(role)], at=NOW, by="test")
            tokens[name] = add_token(opened, "program", account=account, at=NOW).text
    app = create_app(Settings(database=address, body_mb=1, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        yield SimpleNamespace(client=client, tokens=tokens, engine=engine, app=app)
    engine.dispose()
    patched.undo()
    if request.param != "sqlite":
        request.getfixturevalue("postgres").drop("fixes")


@pytest.fixture(autouse=True)
def _empty(service):
    """Each test starts without fixes, which only a running purge may delete."""
    with service.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO purge (id, at, actor, subject, before, rows, running) "
                "VALUES (1, '2026-03-02 00:00:00', 't', 'fix', '2026-03-02 00:00:00', 0, true)"
            )
        )
        connection.execute(text("DELETE FROM fix"))
        connection.execute(text("DELETE FROM purge"))
        connection.execute(text("DELETE FROM pending_day"))


def fix(device="A", second=0, lon=118.8, lat=32.1, **more):
    return {"device": device, "time": (NOW + timedelta(seconds=second)).isoformat(), "lon": lon, "lat": lat, **more}


def send(service, fixes, who="P", datum="WGS-84", **headers):
    return service.client.post(
        "/api/fixes",
        json={"datum": datum, "fixes": fixes},
        headers={"Authorization": f"Bearer {service.tokens[who]}", **headers},
    )


def rows(service):
    with service.engine.connect() as connection:
        query = text("SELECT * FROM fix ORDER BY device, time_us")
        return [Fix(*row) for row in connection.execute(query)]


def counts(stored=0, repeated=0, conflicting=0, refused=()):
    return {"stored": stored, "repeated": repeated, "conflicting": conflicting, "refused": list(refused)}


def test_a_batch_is_stored_and_known_at_the_second_time(service):
    fixes = [fix(second=k, lon=118.8 + k / 1e4, accuracy_m=5.5 if k else None, mock=bool(k % 2)) for k in range(3)]
    assert send(service, fixes).json() == counts(stored=3)
    assert send(service, fixes).json() == counts(repeated=3)
    first, second, _ = rows(service)
    assert (first.lon_e7, first.lat_e7, first.accuracy_m, first.mock, first.future) == (
        1_188_000_000,
        321_000_000,
        None,
        0,
        0,
    )
    assert (second.accuracy_m, second.mock) == (5.5, 1)
    assert first.time_us == first.received_us == int(NOW.timestamp() * 1e6)


def test_the_same_time_at_another_place_is_a_conflict_and_the_first_stays(service):
    assert send(service, [fix()]).json() == counts(stored=1)
    moved = fix(lon=118.8 + 1e-7)
    assert send(service, [moved, fix(second=1), fix(second=2)]).json() == counts(stored=2, conflicting=1)
    assert rows(service)[0].lon_e7 == 1_188_000_000


def test_once_twice_and_elsewhere_within_one_batch(service):
    body = [fix(), fix(), fix(lon=118.9), fix(second=5)]
    assert send(service, body).json() == counts(stored=2, repeated=1, conflicting=1)
    # A batch of more rows than one statement takes: its own rows are not known ones.
    many = [fix(second=10 + k) for k in range(70)]
    body = [*many, fix(second=10), fix(second=11, lon=118.9)]
    assert send(service, body).json() == counts(stored=70, repeated=1, conflicting=1)


def test_the_time_is_the_key_whatever_its_zone(service):
    assert send(service, [fix()]).json() == counts(stored=1)
    local = fix() | {"time": "2026-03-02T12:00:00+08:00"}
    assert send(service, [local]).json() == counts(repeated=1)
    assert send(service, [fix() | {"time": "2026-03-02T04:00:00.000001Z"}]).json() == counts(stored=1)


def test_what_cannot_be_used_is_refused_by_its_position(service):
    body = [
        fix(),
        fix(lat=91),
        fix(second=1) | {"time": "2026-03-02T12:00:00"},
        fix(device="nobody"),
        {"device": "A"},
        fix(second=2),
        "x",
        fix() | {"time": "1970-01-01T00:00:00Z"},
    ]
    answer = send(service, body).json()
    assert [entry["position"] for entry in answer["refused"]] == [1, 2, 3, 4, 6, 7]
    assert "no such device" in answer["refused"][2]["reason"]
    assert all(entry["reason"] for entry in answer["refused"])
    assert answer["stored"] == 2 == len(rows(service))


def test_a_device_sends_for_itself_only(service):
    answer = send(service, [fix(device="A"), fix(device="B")], who="A").json()
    reason = "该令牌只能为其所属设备发送 this token sends for its own device only"
    assert answer == counts(stored=1, refused=[{"position": 1, "reason": reason}])
    assert len({row.device for row in rows(service)}) == 1


def test_a_token_comes_before_the_body(service):
    address = "/api/fixes"
    for headers in (
        {},
        {"Authorization": "Bearer wg_dev_forged"},
        {"Authorization": "Basic !"},
        {"Authorization": "x"},
    ):
        answer = service.client.post(address, content=b"{", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert send(service, [fix()], who="L").status_code == 403
    for body in (b"{", b"[]", b"{}", b'{"fixes": []}', b'{"datum": "mars", "fixes": []}', b"\xff", b"[" * 5000):
        headers = {"Authorization": f"Bearer {service.tokens['P']}"}
        answer = service.client.post(address, content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert rows(service) == []


def test_a_fix_ahead_of_the_clock_is_stored_and_marked(service):
    assert send(service, [fix(second=60), fix(second=61), fix(second=86_400 * 3)]).json() == counts(stored=3)
    assert [row.future for row in rows(service)] == [0, 1, 1]


def test_nothing_is_refused_for_its_age(service):
    old = fix() | {"time": "1999-12-31T23:59:59Z"}
    recent = fix() | {"time": "2025-11-01T00:00:00Z"}
    assert send(service, [old, recent]).json() == counts(stored=2)
    assert send(service, [old, recent]).json() == counts(repeated=2)


def test_another_datum_is_brought_to_wgs84(service):
    lon, lat = convert([118.8], [32.1], Datum.WGS84, Datum.GCJ02)
    assert send(service, [fix(lon=float(lon[0]), lat=float(lat[0]))], datum="GCJ-02").json() == counts(stored=1)
    (row,) = rows(service)
    assert abs(row.lon_e7 - 1_188_000_000) <= 10
    assert abs(row.lat_e7 - 321_000_000) <= 10
    assert DATUMS[row.datum] == "GCJ-02"
    assert list(Datum) == list(DATUMS)


def test_a_large_body_is_turned_away_packed_or_not(service):
    headers = {"Authorization": f"Bearer {service.tokens['P']}", "Content-Type": "application/json"}
    big = b" " * (1 << 20) + b"x"
    assert service.client.post("/api/fixes", content=big, headers=headers).status_code == 413
    packed = gzip.compress(b" " * (50 << 20))
    assert len(packed) < 100_000
    answer = service.client.post("/api/fixes", content=packed, headers={**headers, "Content-Encoding": "gzip"})
    assert answer.status_code == 413
    small = gzip.compress(json.dumps({"datum": "WGS-84", "fixes": [fix()]}).encode())
    answer = service.client.post("/api/fixes", content=small, headers={**headers, "Content-Encoding": "gzip"})
    assert answer.json() == counts(stored=1)


def test_senders_at_once_lose_and_double_nothing(service):
    """Twenty batches, each sent twice at the same time; every fix is stored once."""
    batches = [[fix(second=-100 * b - k) for k in range(50)] for b in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda batch: send(service, batch).json(), batches + batches))
    assert sum(answer["stored"] for answer in answers) == 1000 == len(rows(service))
    assert sum(answer["repeated"] for answer in answers) == 1000
    assert sum(answer["conflicting"] for answer in answers) == 0


def test_a_group_counts_each_of_its_batches(service):
    """One commit for a group gives the same result as a commit for each batch."""
    from geo.errors import ImpossibleError

    writer = Writer(service.engine)
    base = Fix(1, 1, 1_772_424_000_000_000, 1, 2, None, None, None, 0, 0, 0, 0)
    batches = [
        [base, base._replace(time_us=base.time_us + 1)],
        [base, base._replace(lon_e7=9)],
        [base._replace(time_us=base.time_us + 2), base._replace(time_us=base.time_us + 1, lat_e7=9)],
    ]
    outcomes = writer._table.write([as_rows(batch) for batch in batches])
    assert [tuple(vars(o).values()) for o in outcomes] == [(2, 0, 0), (0, 1, 1), (1, 0, 1)]
    writer.close()
    with pytest.raises(ImpossibleError, match="stopping"):
        writer.submit(as_rows([base]))


def test_each_device_and_day_with_news_is_noted_for_new_verdicts(service):
    send(service, [fix(), fix(second=-86_400), fix(device="B")])
    with service.engine.connect() as connection:
        found = connection.execute(text("SELECT device, day FROM pending_day ORDER BY device, day DESC")).all()
    assert [tuple(row) for row in found] == [(1, 20_514), (1, 20_513), (2, 20_514)]


def test_a_revoked_token_is_refused(service):
    with session(service.engine, write=True) as opened:
        device = add_device(opened, 1, "C", at=NOW)
        token = add_token(opened, "device", device=device, at=NOW).text
    service.tokens["C"] = token
    assert send(service, [fix(device="C")], who="C").json() == counts(stored=1)
    with session(service.engine, write=True) as opened:
        revoke_device_tokens(opened, device, at=NOW)
    service.app.state.tokens.forget()
    assert send(service, [fix(device="C", second=1)], who="C").status_code == 401


class TestPhones:
    """Traccar Client and OwnTracks; units as those apps send them."""

    def basic(self, service, who="A"):
        return {"auth": ("anyone", service.tokens[who])}

    def test_osmand_by_query_and_form(self, service):
        stamp = int(NOW.timestamp())
        fields = {
            "id": "A",
            "lat": 32.1,
            "lon": 118.8,
            "timestamp": stamp,
            "speed": 10,
            "accuracy": 7,
            "token": service.tokens["A"],
        }
        answer = service.client.get("/osmand", params=fields)
        assert (answer.status_code, answer.content) == (200, b"")
        assert service.client.post("/osmand", data={**fields, "timestamp": (stamp + 1) * 1000}).status_code == 200
        assert service.client.get("/osmand", params={**fields, "timestamp": "2026-03-02T04:00:02Z"}).status_code == 200
        found = rows(service)
        assert [row.time_us // 1_000_000 - stamp for row in found] == [0, 1, 2]
        assert found[0].speed_m_s == pytest.approx(5.14)  # 10 knots, kept to 0.01 m/s
        assert found[0].accuracy_m == 7

    def test_the_identifier_may_be_the_token(self, service):
        fields = {"id": service.tokens["B"], "location": "32.1,118.8"}
        assert service.client.get("/osmand", params=fields).status_code == 200
        (row,) = rows(service)
        assert (row.device, row.lon_e7, row.time_us) == (2, 1_188_000_000, row.received_us)

    def test_traccar_json_keeps_the_mock_flag(self, service):
        coords = {"latitude": 32.1, "longitude": 118.8, "accuracy": 4.5, "speed": -1, "heading": -1}
        message = {
            "device_id": "A",
            "location": {"timestamp": "2026-03-02T04:00:00.500Z", "coords": coords, "mock": True},
        }
        headers = {"Authorization": f"Bearer {service.tokens['A']}"}
        answer = service.client.post("/osmand", json=message, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        (row,) = rows(service)
        assert (row.mock, row.speed_m_s, row.time_us % 1_000_000) == (1, None, 500_000)
        message["location"].pop("coords")
        assert service.client.post("/osmand", json=message, headers=headers).status_code == 200
        message["device_id"] = "B"
        assert service.client.post("/osmand", json=message, headers=headers).status_code == 404

    def test_forged_and_unknown_devices(self, service):
        place = {"lat": 32.1, "lon": 118.8}
        assert service.client.get("/osmand", params={"id": "A", **place}).status_code == 401
        for name in ("B", "nobody"):
            answer = service.client.get("/osmand", params={"id": name, "token": service.tokens["A"], **place})
            assert (answer.status_code, answer.content) == (400, b"")
        bad = {"id": "A", "token": service.tokens["A"], "lat": "x", "lon": 118.8}
        assert service.client.get("/osmand", params=bad).status_code == 422
        assert rows(service) == []

    def test_owntracks(self, service):
        message = {"_type": "location", "lat": 32.1, "lon": 118.8, "tst": int(NOW.timestamp()), "acc": 12, "vel": 36}
        answer = service.client.post("/owntracks", json=message, **self.basic(service))
        assert (answer.status_code, answer.json()) == (200, [])
        (row,) = rows(service)
        assert (row.device, row.accuracy_m, row.speed_m_s) == (1, 12, 10)
        for other in (message | {"t": "p", "tst": 9}, {"_type": "lwt"}, {"_type": "encrypted", "data": "x"}):
            answer = service.client.post("/owntracks", json=other, **self.basic(service))
            assert (answer.status_code, answer.json()) == (200, [])
        assert service.client.post("/owntracks", content=b"", **self.basic(service)).json() == []
        assert service.client.post("/owntracks", json=message).status_code == 401
        assert len(rows(service)) == 1


class TestFiles:
    """Uploads, and the track of a device."""

    CSV = "device,time,lon,lat\nA,2026-03-02 08:00:00,118.8,32.1\nB,2026-03-02 08:00:10,118.8,32.1\nx,2026-03-02 08:00:20,1,2\n"

    def upload(self, service, who, name, content, **form):
        headers = {"Authorization": f"Bearer {service.tokens[who]}"}
        return service.client.post("/api/fixes/files", files={"file": (name, content)}, data=form, headers=headers)

    def test_a_table_names_its_devices(self, service):
        answer = self.upload(service, "P", "t.csv", self.CSV, datum="WGS-84", zone="Asia/Shanghai")
        assert answer.status_code == 200, answer.text
        assert answer.json()["stored"] == 2
        assert [entry["position"] for entry in answer.json()["refused"]] == [2]
        assert rows(service)[0].time_us == int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1e6)
        assert self.upload(service, "P", "t.csv", self.CSV, zone="Asia/Shanghai").status_code == 422
        assert self.upload(service, "L", "t.csv", self.CSV).status_code == 403

    def test_a_gpx_file_of_a_phone_is_the_track_of_its_device(self, service):
        gpx = (
            '<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="t"><trk><trkseg>'
            '<trkpt lat="32.1" lon="118.8"><time>2026-03-02T00:00:00Z</time></trkpt></trkseg></trk></gpx>'
        )
        assert self.upload(service, "B", "../../walk.gpx", gpx).json()["stored"] == 1
        assert rows(service)[0].device == 2

    def test_a_look_at_a_track_is_written_down(self, service):
        send(service, [fix(), fix(second=10)])
        headers = {"Authorization": f"Bearer {service.tokens['P']}"}
        span = {"start": "2026-03-02T12:00:00+08:00", "end": "2026-03-02T12:00:10+08:00"}
        found = service.client.get("/api/tracks/A", params=span, headers=headers).json()
        assert [(f["lon"], f["lat"], f["future"]) for f in found] == [(118.8, 32.1, False)]
        entry = service.client.get("/api/audit?limit=1", headers=headers).json()[0]
        assert (entry["action"], entry["subject"], entry["actor"]) == ("look at track", "A", "program:P")
        assert service.client.get("/api/tracks/nobody", params=span, headers=headers).status_code == 404
        assert service.client.get("/api/tracks/A", params=span).status_code == 401


def test_a_phone_that_leaves_before_its_body_is_complete_is_no_failure_of_the_server(service):
    head = {"Authorization": f"Bearer {service.tokens['P']}"}

    def counted(status: int) -> float:
        lines = service.client.get("/metrics", headers=head).text.splitlines()
        series = f'wangge_requests_total{{method="POST",route="(none)",status="{status}"}} '
        return sum(float(line.removeprefix(series)) for line in lines if line.startswith(series))

    before = {status: counted(status) for status in (499, 500)}
    address = (service.client.base_url.host, service.client.base_url.port)
    fields = f"Host: street\r\nAuthorization: Bearer {service.tokens['A']}\r\nContent-Length: 99"
    with socket.create_connection(address, timeout=60) as opened:
        opened.sendall(f"POST /api/fixes HTTP/1.1\r\n{fields}\r\n\r\n{{".encode())
    for _ in range(600):
        if counted(499) > before[499]:
            break
        time.sleep(0.05)
    assert {status: counted(status) - before[status] for status in (499, 500)} == {499: 1, 500: 0}
