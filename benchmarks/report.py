"""Common functions of all benchmarks: medians of several runs, description of the machine, and tables written into documents."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def median_s(work: Callable[[], Any], runs: int = 3) -> tuple[float, Any]:
    """Median time of some runs, seconds, and the result of the last."""
    times, result = [], None
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def machine(*packages: str) -> str:
    """One line: processors, Python, versions of packages, commit."""
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}, {versions}, "
        f"commit {commit or 'unknown'}; load when it began {load:.1f}"
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def seconds(value: float | None) -> str:
    """A time as text with two or three significant digits."""
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def write(document: str, name: str, text: str) -> None:
    """Write text between the markers of a document: ``<!-- name -->`` and ``<!-- /name -->``."""
    path = ROOT / "docs" / document
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    if not rest:
        raise SystemExit(f"{path.name} has no marker {begin}")
    after = rest.partition(end)[2]
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
