"""Ingest of incidents, with photos, corrections and duplicate candidates; on both databases."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from PIL import Image
from sqlalchemy import text

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token
from api.ingest import photos
from api.settings import Settings
from geo.errors import InputError
from geo.layers import lon_lat
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def image(kind="PNG", size=(4, 3)):
    raw = io.BytesIO()
    Image.new("RGB", size).save(raw, kind)
    return raw.getvalue()


def test_an_incident_from_report_to_correction(published, division):
    place = lon_lat(division.third.geometry.representative_point())[0]
    third, second = division.third["code"][0], division.third["parent"][0]
    other = division.second["code"][3]
    with session(published, write=True) as opened:
        heads = {}
        for name, grant in (
            ("k", Grant(Role.CLERK)),
            ("o", Grant(Role.OFFICER, second)),
            ("x", Grant(Role.OFFICER, other)),
        ):
            account = add_account(opened, 1, name, [grant], at=NOW, by="test")
            token = add_token(opened, "program", account=account, at=NOW)
            heads[name] = {"Authorization": f"Bearer {token.text}"}
    settings = Settings(database=published.url.render_as_string(hide_password=False), follow=False)
    body = {
        "number": "N1",
        "reported_at": "2026-03-02T09:00:00+08:00",
        "datum": "WGS-84",
        "text": "=1+1 <b>井盖</b>",
        "kind": "井盖",
    }
    body |= {"lon": place.x, "lat": place.y}
    with serving(create_app(settings, clock=lambda: NOW)) as client:
        first = client.post("/api/incidents", json=body, headers=heads["o"])
        assert (first.status_code, first.json()["third"], first.json()["duplicates"]) == (201, third, [])
        number = first.json()["id"]
        assert client.post("/api/incidents", json=body, headers=heads["o"]).status_code == 200
        changed = client.post("/api/incidents", json={**body, "text": "other"}, headers=heads["o"])
        assert changed.status_code in (409, 422)
        assert client.post("/api/incidents", json={**body, "number": "X"}, headers=heads["x"]).status_code == 403
        step = 1 / 111_320
        for name, north, kind in (("N2", 49, "井盖"), ("N3", 51, "井盖"), ("N4", 10, "路灯")):
            near = {**body, "number": name, "lat": place.y + north * step, "kind": kind}
            answer = client.post("/api/incidents", json=near, headers=heads["k"]).json()
            assert [d["number"] for d in answer["duplicates"]] == {"N2": ["N1"], "N3": ["N2"], "N4": []}[name]
        for mistake in ({"reported_at": "2026-03-02T09:00:00"}, {"lat": 91}, {"text": "a\x00"}, {"datum": "mars"}):
            assert (
                client.post("/api/incidents", json={**body, "number": "B", **mistake}, headers=heads["k"]).status_code
                == 422
            )
        address = f"/api/incidents/{number}"
        correction = {"reason": "called back", "kind": "路面"}
        assert client.post(f"{address}/corrections", json=correction, headers=heads["k"]).status_code == 204
        assert client.post(f"{address}/corrections", json={"reason": "x"}, headers=heads["k"]).status_code == 422
        picture = client.post(f"{address}/photos", files={"file": ("../a.exe", image())}, headers=heads["o"])
        assert picture.status_code == 201
        bad = client.post(f"{address}/photos", files={"file": ("a.png", b"<svg/>")}, headers=heads["o"])
        assert bad.status_code == 422
        shown = client.get(address, headers=heads["o"]).json()
        assert (shown["kind"], shown["text"], shown["corrections"]) == ("路面", body["text"], 1)
        assert shown["photos"] == [picture.json()["sha256"]]
        back = client.get(f"{address}/photos/{shown['photos'][0]}", headers=heads["o"])
        assert (back.content, back.headers["content-type"]) == (image(), "image/png")
        assert client.get(address, headers=heads["x"]).status_code == 403
        span = {"start": "2026-03-02T00:00:00+08:00", "end": "2026-03-03T00:00:00+08:00"}
        assert len(client.get("/api/incidents", params=span, headers=heads["k"]).json()) == 4
        assert client.get("/api/incidents", params=span, headers=heads["x"]).json() == []
    with published.connect() as connection:
        assert connection.execute(text("SELECT kind FROM incident WHERE number = 'N1'")).scalar() == "井盖"


def test_a_photo_is_what_its_content_says(monkeypatch):
    assert [photos.image_type(image(kind)) for kind in ("PNG", "JPEG", "WEBP")] == [
        "image/png",
        "image/jpeg",
        "image/webp",
    ]
    for content in (b"", b"GIF89a", image()[:40], image("GIF")):
        with pytest.raises(InputError):
            photos.image_type(content)
    monkeypatch.setattr(photos, "MOST_PIXELS", 11)
    with pytest.raises(InputError, match="pixels"):
        photos.image_type(image())
