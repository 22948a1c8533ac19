"""A planner in the browser: real mouse and keyboard events on the editor's page, and the resulting state of the server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import httpx
import numpy as np
import shapely

Place = tuple[float, float]

#: Timeout of all waits, milliseconds: the machine that runs the tests is often busy.
PATIENCE_MS = 60_000


class State:
    """A snapshot of the server with its arcs and cells in metres."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.snapshot = snapshot
        self.revision: int = snapshot["revision"]
        self.rows = {row[0]: dict(zip(snapshot["columns"], row, strict=True)) for row in snapshot["thirds"]}
        self.grids = {row[0]: dict(zip(snapshot["columns"], row, strict=True)) for row in snapshot["seconds"]}
        self.codes = [row[0] for row in snapshot["thirds"]]

    @cached_property
    def arcs(self) -> dict[int, list[Place]]:
        """Vertices of each arc by its number."""
        found, number, first = {}, 0, np.array(self.snapshot["origin"], dtype=np.int64)
        for step, sx, sy, *steps in self.snapshot["arcs"]:
            number, first = number + step, first + np.array((sx, sy))
            walk = np.vstack([first, np.array(steps, dtype=np.int64).reshape(-1, 2)]).cumsum(axis=0)
            found[number] = [(x / 1000, y / 1000) for x, y in walk.tolist()]
        return found

    @cached_property
    def beside(self) -> dict[int, tuple[str | None, str | None]]:
        """Codes on the left and right of each arc; None for the ground outside."""
        left = {
            signed: code
            for code, rings in zip(self.codes, self.snapshot["rings"], strict=True)
            for ring in rings
            for signed in ring
        }
        return {number: (left.get(number), left.get(-number)) for number in self.arcs}

    @cached_property
    def lines(self) -> set[tuple[Any, ...]]:
        """Every border with the cells on both sides, regardless of its number and direction."""
        found = set()
        for number, line in self.arcs.items():
            left, right = self.beside[number]
            found.add(min((tuple(line), left or "", right or ""), (tuple(line[::-1]), right or "", left or "")))
        return found

    def shape(self, code: str) -> shapely.Polygon:
        """Polygon of a third-level cell."""
        rings = []
        for ring in self.snapshot["rings"][self.codes.index(code)]:
            places: list[Place] = []
            for signed in ring:
                places += self.arcs[abs(signed)][:: 1 if signed > 0 else -1]
            rings.append(shapely.Polygon(places))
        shell = max(rings, key=lambda polygon: polygon.area)
        return shapely.Polygon(shell.exterior, [ring.exterior for ring in rings if ring is not shell])

    def neighbours(self, code: str) -> set[str]:
        """Cells that share a border with a cell."""
        pairs = [pair for pair in self.beside.values() if code in pair and None not in pair]
        return {other for pair in pairs for other in pair if other is not None and other != code}

    def border(self, one: str, other: str) -> list[Place]:
        """Vertices of the longest border between two cells."""
        return max((self.arcs[n] for n, pair in self.beside.items() if {one, other} == set(pair)), key=len)


class Planner:
    """One browser page that edits one draft."""

    def __init__(self, page: Any, client: httpx.Client, draft: int) -> None:
        self.page, self.client, self.draft = page, client, draft
        self.at: Place = (0.0, 0.0)
        self.metres_per_pixel = 1.0
        self._state: State | None = None

    @property
    def address(self) -> str:
        """Address of the draft for programs."""
        return f"/api/drafts/{self.draft}"

    def revision(self) -> int:
        """Revision on the server."""
        return int(self.client.get(self.address).raise_for_status().json()["revision"])

    def state(self) -> State:
        """State on the server."""
        if self._state is None or self._state.revision != self.revision():
            self._state = State(self.client.get(f"{self.address}/snapshot").raise_for_status().json())
        return self._state

    def open(self, at: Place, metres_per_pixel: float, more: str = "") -> None:
        """Open the page by a link to a place."""
        self.at, self.metres_per_pixel = at, metres_per_pixel
        base = str(self.client.base_url).rstrip("/")
        self.page.goto("about:blank")
        self.page.goto(f"{base}/plan?draft={self.draft}#at={at[0]:.3f},{at[1]:.3f},{metres_per_pixel}{more}")
        self.page.wait_for_selector("html[data-ready=yes]", timeout=PATIENCE_MS)
        self.page.wait_for_load_state("load")

    def pixel(self, place: Place) -> Place:
        """Position in the window of a place in metres."""
        box = self.page.locator("#map").bounding_box()
        return (
            box["x"] + box["width"] / 2 + (place[0] - self.at[0]) / self.metres_per_pixel,
            box["y"] + box["height"] / 2 - (place[1] - self.at[1]) / self.metres_per_pixel,
        )

    def click(self, place: Place) -> None:
        """Click on a place."""
        self.page.mouse.click(*self.pixel(place))

    def inside(self, code: str) -> Place:
        """A place inside a cell."""
        point = self.state().shape(code).representative_point()
        return point.x, point.y

    def drag(self, places: Sequence[Place], *, steps: int = 4) -> None:
        """Press at the first place, move along the others, release at the last."""
        mouse = self.page.mouse
        mouse.move(*self.pixel(places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.pixel(place), steps=steps)
        mouse.up()

    def key(self, name: str) -> None:
        """Press a key."""
        self.page.keyboard.press(name)

    def wait_revision(self, least: int) -> State:
        """State of the server once its revision has reached `least` and the page reports that everything is saved."""
        for _ in range(600):
            if self.revision() >= least:
                break
            self.page.wait_for_timeout(100)
        assert self.revision() >= least, self.page.locator("#panel").inner_text()
        self.page.locator("#saved[data-state=saved]").wait_for(timeout=PATIENCE_MS)
        return self.state()

    def panel(self) -> str:
        """Text of the panel."""
        return str(self.page.locator("#panel").inner_text())

    def wait_panel(self, text: str) -> str:
        """Text of the panel once it contains a text."""
        self.page.locator("#panel", has_text=text).wait_for(timeout=PATIENCE_MS)
        return self.panel()
