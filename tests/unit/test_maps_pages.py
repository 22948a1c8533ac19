"""The first page shows the figures, and no text becomes markup."""

from __future__ import annotations

import re

from maps import render_first_page
from maps.assets import STATIC
from maps.pages.navigation import ENTRIES, shown_entries

SUMMARY = {
    "street_name": "迈皋桥街道",
    "communities": 13,
    "seconds": 255,
    "thirds": 3052,
    "area_km2": 12.46,
    "population": 180000,
    "version": 1,
    "valid_from": "2026-01-01",
    "crs": "EPSG:4549",
    "digest": "a" * 64,
    "note": None,
    "secret": "not shown",
}


def test_figures_are_on_the_page() -> None:
    page = render_first_page(SUMMARY)
    cells = dict(re.findall(r'<td data-key="(\w+)">(.*?)</td>', page))
    assert cells == {
        "street_name": '<span class="zh">迈皋桥街道</span><span class="en" lang="en">Maigaoqiao Subdistrict</span>',
        "communities": "13",
        "seconds": "255",
        "thirds": "3,052",
        "area_km2": "12.46",
        "population": "180,000",
        "version": "1",
        "valid_from": "2026-01-01",
        "crs": "EPSG:4549",
        "digest": "a" * 12,
    }
    assert "not shown" not in page


def test_text_is_escaped_and_missing_figures_are_left_out() -> None:
    page = render_first_page({"street_name": "<script>alert(1)</script>", "note": "<b>", "population": None})
    assert "<script>alert" not in page
    assert "&lt;b&gt;" in page
    assert 'data-key="population"' not in page
    assert 'data-key="street_name"' in page


def test_everything_comes_from_the_server_itself() -> None:
    page = render_first_page(SUMMARY)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert all(address.startswith(("/", "data:", "#")) and not address.startswith("//") for address in addresses)
    for static in re.findall(r'"/static/([^"?]+)\?v=[0-9a-f]{8}"', page):
        assert (STATIC / static).is_file()
    assert len(re.findall(r'"/static/', page)) == 4


def test_navigation_lists_the_pages_that_exist_in_one_order() -> None:
    shown = shown_entries({"/plan", "/", "/heat", "/health"})
    assert [entry.path for entry in shown] == ["/", "/heat", "/plan"]
    page = render_first_page(SUMMARY, navigation=shown)
    links = re.search(r'<nav class="pages".*?</nav>', page, re.DOTALL)
    assert links is not None
    assert re.findall(r'href="([^"]+)"( aria-current="page")?', links[0]) == [
        ("/", ' aria-current="page"'),
        ("/heat", ""),
        ("/plan", ""),
    ]


def test_names_of_pages_are_short_and_stand_in_both_languages() -> None:
    assert len({entry.path for entry in ENTRIES}) == len(ENTRIES)
    assert all(1 < len(entry.zh) <= 4 and 2 < len(entry.en) <= 13 for entry in ENTRIES)
