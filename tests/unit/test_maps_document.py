"""A saved map is one page that requests nothing and runs no script except its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

import folium
import pytest

from geo.errors import FileError, ImpossibleError
from maps import assets, coverage_map, document, save
from maps.document import json_in_html, with_packed_data

HOSTILE = (
    "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)> \u2028 & 'quote' \"double\""
)


def page_with(small_street, text: str) -> str:
    division = small_street.division()
    named = division.community.assign(name=[text, *division.community["name"].iloc[1:]])
    verdicts = small_street.verdicts(division).assign(reason_zh=text, rules=text)
    changed = type(division)(division.street.assign(name=text), named, division.second, division.third)
    return document.render(coverage_map(changed, verdicts, day="2026-03-02", note=text))


@pytest.fixture(scope="module")
def page(small_street) -> str:
    return page_with(small_street, HOSTILE)


def test_text_from_data_is_never_markup(page: str) -> None:
    assert "alert(1)" in page  # Present as data.
    assert "<script>alert" not in page
    assert "<img" not in page
    title = re.search(r"<title>(.*?)</title>", page)
    assert title is not None
    assert "&lt;/script&gt;" in title[1]


def test_nothing_is_loaded(page: str) -> None:
    without_data = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    assert re.findall(r"<(?:script|img|iframe|object|embed|source|audio|video)[^>]*\bsrc=", without_data) == []
    links = re.findall(r"<link[^>]*href=[\"']?([^\"'>]+)", without_data)
    assert [link[:5] for link in links] == ["data:"]
    assert set(re.findall(r"url\(['\"]?(.{5})", without_data)) <= {"data:", "#defa", "#patt", "#ramp"}
    assert "@import" not in without_data
    assert "sourceMappingURL" not in without_data


def test_policy_allows_exactly_the_scripts_of_the_page(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert page.index("Content-Security-Policy") < page.index("<script")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in scripts}
    assert hashes == set(re.findall(r"'sha256-([^']+)'", policy[1]))
    assert len(scripts) >= 3
    script_rule = policy[1].split("script-src")[1].split(";")[0]
    assert "unsafe" not in script_rule


def test_page_is_chinese_first_and_fits_a_phone(page: str) -> None:
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "user-scalable" not in page


def test_default_folium_map_with_tiles_is_refused() -> None:
    with pytest.raises(ImpossibleError, match=r"tile\.openstreetmap\.org"):
        document.render(folium.Map(location=[32.1, 118.8]))


def test_map_that_needs_another_library_is_refused() -> None:
    plain = folium.Map(location=[32.1, 118.8], tiles=None)
    folium.Marker([32.1, 118.8], popup="here", icon=folium.Icon(icon="home")).add_to(plain)
    with pytest.raises(ImpossibleError, match="is not installed"):
        document.render(plain)


def test_plain_folium_map_is_made_self_contained() -> None:
    plain = folium.Map(location=[32.1, 118.8], tiles=None)
    folium.GeoJson({"type": "Point", "coordinates": [118.8, 32.1]}).add_to(plain)
    text = document.render(plain)
    assert "bootstrap" not in text
    assert "L.map(" in text


def test_save_replaces_at_the_end_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "map.html"
    target.write_text("old")
    plain = folium.Map(location=[32.1, 118.8], tiles=None)
    with monkeypatch.context() as patch:
        patch.setattr(document, "render", lambda _: "\ud800")  # cannot be written as UTF-8
        with pytest.raises(UnicodeEncodeError):
            save(plain, target)
    assert target.read_text() == "old"
    save(plain, target)
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]
    with pytest.raises(FileError, match="does not exist"):
        save(plain, tmp_path / "no" / "map.html")
    with pytest.raises(FileError, match=r"written as \.html"):
        save(plain, tmp_path / "map.png")
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]


def test_missing_libraries_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with pytest.raises(FileError, match="run 'make setup'"):
        document.render(folium.Map(location=[32.1, 118.8], tiles=None))


def test_install_copies_what_the_pages_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = tmp_path / "node_modules"
    with pytest.raises(FileError, match="npm ci"):
        assets.install(modules, static=tmp_path / "static")
    for package, files in assets.VENDOR_FILES.items():
        for source in files:
            (modules / package / source).parent.mkdir(parents=True, exist_ok=True)
            (modules / package / source).write_text(
                "a { background: url(images/layers.png) }\n//# sourceMappingURL=x.map"
            )
    written = assets.install(modules, static=tmp_path / "static")
    assert sorted(path.name for path in written) == sorted(
        Path(t).name for t in assets.VENDOR_FILES["leaflet"].values()
    )
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    assert "url(data:image/png;base64," in assets.style("vendor/leaflet/leaflet.css")
    assert "sourceMappingURL" not in assets.script("vendor/leaflet/leaflet.js")


def test_our_scripts_can_stand_inside_a_page() -> None:
    for name in sorted(path.name for path in (assets.STATIC / "maps").glob("*.js")):
        text = assets.script(f"maps/{name}")
        assert "</script" not in text
        assert "innerHTML" not in text
        # Names of XML vocabularies are not addresses to load from.
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace(
            "http://schemas.openxmlformats.org", ""
        )


def test_data_of_a_file_are_deflated_to_the_same_data() -> None:
    data = {"name": "网格</script>", "numbers": [7, 8, 9] * 9000}
    page = f'<script type="application/json" id="payload">{json_in_html(data)}</script><script>x</script>'
    packed = with_packed_data(page)
    assert len(packed) < len(page) / 2
    size, text = re.search(r'<script type="application/x-deflate" id="payload">(\d+) (\S+)</script>', packed).groups()
    content = zlib.decompress(base64.b64decode(text), wbits=-15)
    assert (len(content), json.loads(content)) == (int(size), data)
    small = '<script type="application/json" id="payload">{"a":1}</script>'
    assert with_packed_data(small) == small
