"""The editor's page with the model street: CPU time until it is ready, per frame of a drag and of a pan, memory over 500 edits.

``python -m benchmarks.editor_page [--edits 500] [--write]``; ``--write`` writes the table into docs/editor.md. CPU time is read
per thread from /proc, so that it hardly depends on the load of the machine; needs Linux and Debian's Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import math
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import shapely

from benchmarks.report import machine, table, write
from tests.browser.planner import Planner, State
from tests.browser.planning import CHROMIUM, playwright, start_server

WINDOW = {"width": 1280, "height": 800}
MOVES = 120

_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def renderers() -> set[int]:
    """Process ids of the renderers of all Chromiums on the machine."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return {int(line.split()[0]) for line in listed.splitlines() if "--type=renderer" in line}


def cpu_ms(pid: int, *, main_only: bool = False) -> float:
    """CPU time of a process, or of its main thread, milliseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if main_only and task.name != str(pid):
            continue
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:  # a thread that has just ended
            continue
    return total / 1e6


def per_frame_ms(page: Any, pid: int, step: Callable[[int], None]) -> float:
    """CPU time of the main thread for one step and its frame, milliseconds."""
    for k in range(10):
        step(k)
        page.evaluate(_FRAME)
    start = cpu_ms(pid, main_only=True)
    for k in range(MOVES):
        step(k)
        page.evaluate(_FRAME)
    return (cpu_ms(pid, main_only=True) - start) / MOVES


def open_measured(planner: Planner, before: set[int], middle: tuple[float, float], scale: float) -> tuple[int, float]:
    """Open the page in a warm renderer; returns its process id and its CPU time until the division is shown, ms."""
    page = planner.page
    page.goto(f"{str(planner.client.base_url).rstrip('/')}/static/plan/plan.css")
    page.wait_for_timeout(500)
    at_start = {pid: cpu_ms(pid) for pid in renderers() - before}
    page.goto(f"{str(planner.client.base_url).rstrip('/')}/plan?draft={planner.draft}")
    page.wait_for_selector("html[data-ready=yes]")
    spent = {pid: cpu_ms(pid) - at_start.get(pid, 0.0) for pid in renderers() - before}
    ready = max(spent.values())
    planner.open(middle, scale)
    page.wait_for_timeout(3000)
    return renderer_of(page, before), ready


def renderer_of(page: Any, before: set[int]) -> int:
    """Process id of a page's renderer, which may change with the address: the one that works when the page does."""
    at_start = {pid: cpu_ms(pid) for pid in renderers() - before}
    page.evaluate("for (const start = performance.now(); performance.now() - start < 300; );")
    return max(at_start, key=lambda pid: cpu_ms(pid) - at_start[pid])


def measure_frames(planner: Planner, pid: int, state: State) -> tuple[float, float, float]:
    """Main-thread CPU per frame, ms: a dragged vertex, a pan over the whole street, and an idle frame."""
    page, mouse = planner.page, planner.page.mouse
    center = shapely.Point(planner.at)
    line = min(
        (line for line in state.arcs.values() if len(line) > 6), key=lambda one: center.distance(shapely.Point(one[3]))
    )
    x, y = planner.pixel(line[3])
    idle = per_frame_ms(page, pid, lambda _: page.wait_for_timeout(1))
    page.keyboard.press("d")
    page.keyboard.down("Alt")
    mouse.move(x, y)
    mouse.down()
    drag = per_frame_ms(page, pid, lambda k: mouse.move(x + 2 + k % 9, y + 2 + k % 7))
    page.keyboard.press("Escape")
    mouse.up()
    page.keyboard.up("Alt")
    page.keyboard.press("v")
    mouse.move(600, 400)
    mouse.down(button="middle")
    pan = per_frame_ms(page, pid, lambda k: mouse.move(600 + 150 * math.sin(k / 20), 400 + 100 * math.sin(k / 31)))
    mouse.up(button="middle")
    return drag, pan, idle


def measure_memory(planner: Planner, state: State, edits: int) -> tuple[tuple[float, int], tuple[float, int]]:
    """Heap in MB and number of DOM nodes, before and after edits by keyboard."""
    code = next(one for one in state.codes if len(state.neighbours(one)) > 4)
    middle = state.shape(code).centroid
    planner.open((middle.x, middle.y), 0.25, f"&cells={code}&tool=drag")
    page = planner.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def used() -> tuple[float, int]:
        session.send("HeapProfiler.collectGarbage")
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"])

    page.locator("circle[role=button].vertex").first.focus()
    before = None
    for k in range(edits):
        if k == 20:
            before = used()
        page.keyboard.press("ArrowRight" if k % 2 else "ArrowLeft")
        page.keyboard.press("Enter")
        planner.page.wait_for_timeout(20)
        page.locator("#saved[data-state=saved]").wait_for()
    assert before is not None, "more than 20 edits are needed"
    return before, used()


def run(edits: int) -> list[tuple[str, str, str]]:
    """Rows of the table: what, goal, here."""
    with (
        tempfile.TemporaryDirectory() as folder,
        start_server(Path(folder)) as clients,
        playwright.sync_playwright() as run,
    ):
        client, before = clients[0], renderers()
        made = client.post("/api/drafts", json={"id": "3f8e9f0e-6a51-4c0e-9a58-0f2a63f6f001", "name": "bench"}).json()
        browser = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        headers = {"Authorization": client.headers["Authorization"]}
        page = browser.new_context(viewport=WINDOW, extra_http_headers=headers).new_page()
        hosts: set[str] = set()
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        planner = Planner(page, client, made["id"])
        state = planner.state()
        packed = len(gzip.compress(client.get(f"{planner.address}/snapshot").content, 6)) / 1000
        street = shapely.MultiPoint([place for line in state.arcs.values() for place in line]).envelope
        pid, ready = open_measured(planner, before, (street.centroid.x, street.centroid.y), 5.0)
        drag, pan, idle = measure_frames(planner, pid, state)
        (heap, nodes), (heap_after, nodes_after) = measure_memory(planner, state, edits)
        browser.close()
    cells = f"{len(state.codes):,}"
    return [
        (f"page ready with {cells} cells, CPU of the renderer", "1.2 s", f"{ready / 1000:.2f} s"),
        ("snapshot, gzip", "400 kB", f"{packed:.0f} kB"),
        (f"vertex dragged with {cells} cells in view, main thread per frame", "8 ms", f"{drag:.1f} ms"),
        ("whole street panned, main thread per frame", "16 ms", f"{pan:.1f} ms"),
        ("frame in which nothing happens (asking for it costs this)", "", f"{idle:.1f} ms"),
        (f"heap before and after {edits} edits", "flat", f"{heap:.1f} → {heap_after:.1f} MB"),
        ("nodes of the document before and after", "flat", f"{nodes:,} → {nodes_after:,}"),
        ("hosts asked", "1", str(len(hosts))),
    ]


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=500)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    line = machine("playwright")
    rows = run(options.edits)
    text = f"{table(('what', 'goal', 'here'), rows)}\n\n{line}"
    print(text)
    if options.write:
        write("editor.md", "editor-page", text)


if __name__ == "__main__":
    main()
