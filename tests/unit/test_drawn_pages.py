"""The cache of maps: drawn once, again when the data have changed, but not all the time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.overview.drawn_pages import REDRAW_AFTER_S, Drawing, DrawnPages


class Pages:
    """A cache with a clock of its own, and what was drawn."""

    def __init__(self, most: int = 16) -> None:
        self.now, self.drawn = 0.0, list[str]()
        self.cache = DrawnPages(most, clock=lambda: self.now)

    def get(self, key: str, state: int, event: int = 0) -> tuple[str, int]:
        def draw() -> str:
            self.drawn.append(f"{key}{state}")
            return f"{key}{state}"

        found = self.cache.get(Drawing(key, draw, state, event))
        return found.page, found.event


def test_a_page_is_drawn_again_when_its_data_have_changed_and_it_is_old_enough() -> None:
    pages = Pages()
    assert pages.get("a", 1, event=5) == ("a1", 5)
    pages.now = REDRAW_AFTER_S - 1e-3
    # Still the first state: a reader follows the events after the fifth.
    assert pages.get("a", 2, event=6) == ("a1", 5)
    pages.now = REDRAW_AFTER_S
    assert pages.get("a", 2, event=7) == ("a2", 7)
    # Without a change a page does not age.
    pages.now = 1e6
    assert pages.get("a", 2, event=9) == ("a2", 7)
    assert pages.drawn == ["a1", "a2"]


def test_the_page_that_was_read_longest_ago_is_dropped() -> None:
    pages = Pages(most=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        pages.get(key, 1)
    assert pages.drawn == ["a1", "b1", "c1", "b1"]


def test_readers_of_one_page_wait_for_one_drawing() -> None:
    cache, drawn, may_end = DrawnPages(), list[int](), threading.Event()

    def draw() -> str:
        drawn.append(1)
        may_end.wait(60)
        return "page"

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(cache.get, Drawing("a", draw)) for _ in range(4)]
        may_end.set()
        assert {found.result(60).page for found in asked} == {"page"}
    assert drawn == [1]


def test_a_drawing_that_fails_is_tried_again() -> None:
    cache = DrawnPages()
    answers = iter([ValueError("once"), "page"])

    def draw() -> str:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    with pytest.raises(ValueError, match="once"):
        cache.get(Drawing("a", draw))
    assert cache.get(Drawing("a", draw)).page == "page"
