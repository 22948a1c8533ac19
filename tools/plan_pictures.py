"""Re-create the pictures of the editor's documents: ``python -m tools.plan_pictures [1366] [1920] [jobs]`` (needs Chromium).

A simulated planner operates the real page with the model street by mouse and keyboard; each tool is shown in two window sizes,
and the four common jobs step by step.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import shapely
from PIL import Image

from tests.browser.planner import Place, Planner, State
from tests.browser.planning import CHROMIUM, playwright, start_server
from tools.shrink_png import shrink

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images" / "plan"
WINDOWS = {1366: 768, 1920: 1080}

#: Width of the pictures in the documents, pixels.
WIDTH_PX = 1100


def save(page: Any, name: str) -> None:
    """Take a screenshot of the window, and scale it down."""
    page.wait_for_timeout(900)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as image:
        small = image.convert("RGB").resize(
            (WIDTH_PX, round(image.height * WIDTH_PX / image.width)), Image.Resampling.LANCZOS
        )
    small.save(path)
    shrink(path)


class Studio:
    """A planner, and the cells shown in the pictures: two neighbours in one grid, and one in the next grid."""

    def __init__(self, planner: Planner) -> None:
        self.planner, self.page = planner, planner.page
        state = planner.state()
        inner = [c for c in state.codes if state.rows[c]["name"].startswith("合班村社区第17网格")]
        same = {(a, b) for a in inner for b in state.neighbours(a) & set(inner) if len(state.border(a, b)) > 5}
        self.one, self.other = max(sorted(same), key=lambda pair: len(state.border(*pair)))
        self.state: State = state
        pairs = [
            (a, b)
            for a in inner
            for b in sorted(state.neighbours(a))
            if state.rows[b]["parent"] != state.rows[a]["parent"]
        ]
        #: A cell that would cut its grid in two if it went to the grid of its neighbour, and one that may go.
        self.refused = next(pair for pair in pairs if not self._may_go(*pair))
        self.foreign = next(pair for pair in pairs if self._may_go(*pair))
        #: Two neighbours and a new border between them that cuts no building.
        self.free, self.new_border = next(
            (pair, line)
            for pair in sorted(same, key=lambda pair: -len(state.border(*pair)))
            for line in _moved(state.border(*pair))
            if self._is_free(line)
        )

    def _is_free(self, line: list[Place]) -> bool:
        """Whether a new border is accepted and cuts no building."""
        answer = self._preview({"edit": "Reshape", "line": [list(place) for place in line]})
        return answer.is_success and not answer.json()["warnings"]

    def _may_go(self, code: str, neighbour: str) -> bool:
        """Whether the transfer of a cell to the grid of its neighbour is accepted."""
        to = self.state.rows[neighbour]["parent"]
        return self._preview({"edit": "Transfer", "codes": [code], "to": to}).is_success

    def _preview(self, edit: dict[str, Any]) -> Any:
        """Answer of the server to an edit that is not made."""
        sent = {"id": str(uuid4()), "client": "pictures", "edits": [edit]}
        return self.planner.client.post(f"{self.planner.address}/consequences", json=sent)

    def look(self, *codes: str, scale: float = 0.25) -> None:
        """Open the page at the cells."""
        middle = shapely.union_all([self.state.shape(code) for code in codes]).centroid
        self.planner.open((middle.x, middle.y), scale)
        self.page.wait_for_timeout(1800)

    def border(self) -> list[Place]:
        """The border between the two neighbours."""
        return self.state.border(self.one, self.other)

    def draw_border(self, line: list[Place] | None = None) -> None:
        """Draw a new border, by default the present one moved by a few metres, and leave the proposal on the screen."""
        line, planner = line or _moved(self.border())[0], self.planner
        self.page.keyboard.press("e")
        planner.click(line[0])
        self.page.keyboard.down("Alt")
        for place in line[1:-1]:
            planner.click(place)
        self.page.keyboard.up("Alt")
        planner.click(line[-1])
        self.page.wait_for_timeout(600)
        if not self.page.locator("#commit").count():
            # The click has not ended the line. With a proposal, Enter would accept it.
            self.page.keyboard.press("Enter")

    def split(self, code: str) -> None:
        """Draw a line across a cell."""
        _, south, _, north = self.state.shape(code).bounds
        x = self.state.shape(code).representative_point().x
        self.page.keyboard.press("s")
        self.page.keyboard.down("Alt")
        self.planner.click((x, north + 5))
        self.planner.click((x + 1, south - 5))
        self.page.keyboard.up("Alt")
        self.page.keyboard.press("Enter")

    def merge(self) -> None:
        """Select two neighbours with the merge tool."""
        self.page.keyboard.press("m")
        for code in (self.one, self.other):
            self.planner.click(self.planner.inside(code))

    def transfer(self, pair: tuple[str, str]) -> None:
        """Transfer a cell to the neighbouring grid."""
        code, target = pair
        self.page.keyboard.press("v")
        self.planner.click(self.planner.inside(code))
        self.page.keyboard.press("t")
        self.planner.click(self.planner.inside(target))

    def drag(self, dx: float, dy: float) -> None:
        """Hold a vertex away from its place."""
        vertex = self.border()[len(self.border()) // 2]
        self.page.keyboard.press("d")
        mouse = self.page.mouse
        mouse.move(*self.planner.pixel(vertex))
        mouse.down()
        self.page.keyboard.down("Alt")
        mouse.move(*self.planner.pixel((vertex[0] + dx, vertex[1] + dy)), steps=5)

    def release(self) -> None:
        """Release the pointer and cancel."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.up("Alt")
        self.page.mouse.up()

    def commit(self) -> None:
        """Accept the proposal, with a reason if buildings are cut."""
        reason = self.page.locator("#reason")
        self.page.locator("#commit").wait_for()
        self.page.locator("#panel .sentence").wait_for()
        if reason.count():
            reason.fill("楼栋将拆除")
        self.page.locator("#commit").click()
        self.page.locator("#saved[data-state=saved]").wait_for()


def _moved(line: list[Place]) -> list[list[Place]]:
    """A border with two inner places moved by a few metres, in several ways."""
    thirds = [line[len(line) // 3], line[2 * len(line) // 3]]
    moves = [
        (dx * far, dy * far) for far in (3, 6, 10) for dx, dy in ((1, 1), (1, 0), (0, 1), (-1, 0), (0, -1), (-1, -1))
    ]
    return [[line[0], *((x + dx, y + dy) for x, y in thirds), line[-1]] for dx, dy in moves]


def tools(studio: Studio, width: int) -> None:
    """One picture of each tool."""
    page, planner = studio.page, studio.planner
    x, y = planner.inside(studio.one)
    loop = [(x - 60, y - 50), (x + 60, y - 50), (x + 60, y + 50), (x - 60, y + 50), (x - 60, y - 45)]

    def lasso() -> None:
        page.keyboard.press("l")
        planner.drag(loop)
        page.get_by_role("tab", name="网格表").click()

    def brush() -> None:
        page.keyboard.press("b")
        planner.drag([planner.inside(studio.one), planner.inside(studio.other)])

    def with_key(key: str, place: Place) -> None:
        page.keyboard.press(key)
        planner.click(place)

    shots: dict[str, Callable[[], None]] = {
        "select": lambda: with_key("v", (x, y)),
        "drag": lambda: studio.drag(2.0, 2.0),
        "impossible": lambda: studio.drag(60.0, 40.0),
        "draw": studio.draw_border,
        "split": lambda: studio.split(studio.one),
        "merge": studio.merge,
        "transfer": lambda: studio.transfer(studio.refused),
        "lasso": lasso,
        "brush": brush,
        "redivide": lambda: with_key("r", (x, y)),
        "lock": lambda: with_key("k", (x, y)),
        "comment": lambda: with_key("c", (x, y)),
    }
    for name, act in shots.items():
        studio.look(studio.one, studio.other)
        if name == "transfer":
            studio.look(*studio.refused, scale=0.4)
        act()
        save(page, f"{name}-{width}")
        studio.release()


def jobs(studio: Studio) -> None:
    """The four common jobs: before the decision and afterwards."""
    page = studio.page
    for name, codes, act in (
        ("two", (studio.one, studio.other), studio.merge),
        ("grown", (studio.one,), lambda: studio.split(studio.one)),
        ("compound", studio.foreign, lambda: studio.transfer(studio.foreign)),
        ("move", studio.free, lambda: studio.draw_border(studio.new_border)),
    ):
        studio.look(*codes, scale=0.18 if name == "move" else 0.25)
        act()
        page.locator("#panel .sentence").wait_for(timeout=8000)
        save(page, f"job-{name}-1")
        studio.commit()
        save(page, f"job-{name}-2")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+z")
        page.wait_for_timeout(1500)


def main() -> int:
    """Make all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        start_server(Path(folder)) as clients,
        playwright.sync_playwright() as run,
    ):
        client = clients[0]
        browser = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for part in sys.argv[1:] or [*map(str, WINDOWS), "jobs"]:
            width = min(WINDOWS) if part == "jobs" else int(part)
            made = (
                client.post("/api/drafts", json={"id": str(uuid4()), "name": "和燕路沿线调整"})
                .raise_for_status()
                .json()
            )
            page = browser.new_context(
                viewport={"width": width, "height": WINDOWS[width]},
                extra_http_headers={"Authorization": client.headers["Authorization"]},
            ).new_page()
            studio = Studio(Planner(page, client, made["id"]))
            if part == "jobs":
                jobs(studio)
            else:
                tools(studio, width)
        browser.close()
    print(f"{len(list(IMAGES.glob('*.png')))} pictures in {IMAGES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
