"""Run semantic mutations: each changes one meaning in the code, and at least one of its tests must fail.

``python -m tools.mutations [ROOM ...] [--only TEXT]`` runs the lists in ``tests/mutations``; all by default. A list is a TOML
file with one ``[[mutation]]`` table for each change:

``file``
    Path of the source file, relative to the repository.
``old``, ``new``
    Text that occurs exactly once in the file, and its replacement.
``tests``
    Targets of pytest that must fail, the smallest set that should.
``why``
    The meaning that the change breaks, one line.

The repository is copied to a temporary folder first; nothing in the working tree is changed. The tests are run once without
a change, and must pass. Exit code 1 if more than 5 % of the mutations of a room survive, 2 if a list is unusable.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTS = ROOT / "tests" / "mutations"

#: Maximum share of a room's mutations that may survive.
_LIMIT = 0.05
# A change may cause an endless loop, which counts as detected.
_TIMEOUT_S = 900


@dataclass(frozen=True)
class Mutation:
    """One change of meaning, and the tests that must detect it."""

    room: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str

    def apply(self, tree: Path) -> str:
        """Change the file in a copy of the repository; return its former text."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")
        return text


def read_list(path: Path) -> list[Mutation]:
    """Read the mutations of a room.

    Raises
    ------
    ValueError
        If a field or a file is missing, or the text to replace does not occur exactly once; the message identifies the mutation
        by its reason.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("mutation", [])
    mutations = []
    for position, table in enumerate(tables, start=1):
        missing = {"file", "old", "new", "tests", "why"} - table.keys()
        if missing:
            raise ValueError(f"{path.name}, mutation {position}: {', '.join(sorted(missing))} missing")
        source = ROOT / table["file"]
        if not source.is_file():
            raise ValueError(f"{path.name}, mutation {position} ({table['why']}): no file {table['file']}")
        found = source.read_text(encoding="utf-8").count(table["old"])
        if found != 1 or table["old"] == table["new"]:
            raise ValueError(
                f"{path.name}, mutation {position} ({table['why']}): the old text occurs {found} times in {table['file']}, "
                "once is needed, and the new text has to differ"
            )
        mutations.append(
            Mutation(path.stem, table["file"], table["old"], table["new"], tuple(table["tests"]), table["why"])
        )
    return mutations


def copy_repository(tree: Path) -> None:
    """Copy the tracked and untracked (not ignored) files of git, and the compiled kernels."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, tree / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for cache in ROOT.glob("geo/**/__pycache__"):
        shutil.copytree(cache, tree / cache.relative_to(ROOT), dirs_exist_ok=True)
    vendor = ROOT / "maps" / "static" / "vendor"
    if vendor.is_dir():
        shutil.copytree(vendor, tree / "maps" / "static" / "vendor", dirs_exist_ok=True)


def run_tests(tree: Path, tests: tuple[str, ...], *, fresh_kernels: Path | None = None) -> int:
    """Run tests in a copy of the repository; return pytest's exit code, or -1 after a timeout.

    ``fresh_kernels``, an empty folder, compiles all kernels again: a cached kernel contains the code of the kernels that it
    calls.
    """
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.setdefault("WANGGE_SHARED_DATA", str(ROOT.parent / "shared" / "data"))
    if fresh_kernels is not None:
        environment["NUMBA_CACHE_DIR"] = str(fresh_kernels)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return -1
    return done.returncode


def survives(mutation: Mutation, tree: Path) -> str | None:
    """Apply a mutation, run its tests, and undo it; return the reason why it survives, or None if a test failed."""
    with tempfile.TemporaryDirectory() as kernels:
        compiled = "@kernel(" in (ROOT / mutation.file).read_text(encoding="utf-8")
        text = mutation.apply(tree)
        try:
            code = run_tests(tree, mutation.tests, fresh_kernels=Path(kernels) if compiled else None)
        finally:
            (tree / mutation.file).write_text(text, encoding="utf-8")
            shutil.copystat(ROOT / mutation.file, tree / mutation.file)
    if code in (1, -1):
        return None
    return "all tests passed" if code == 0 else f"pytest ended with exit code {code}: not a failed test"


def main(arguments: list[str]) -> int:
    """Run the lists of the given rooms."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", help="names of lists in tests/mutations; all by default")
    parser.add_argument("--only", default="", help="run the mutations whose reason contains this text")
    options = parser.parse_args(arguments)
    paths = [LISTS / f"{room}.toml" for room in options.rooms] or sorted(LISTS.glob("*.toml"))
    try:
        lists = [[m for m in read_list(path) if options.only in m.why] for path in paths]
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_repository(tree)
        for mutations in filter(None, lists):
            failed |= not _run_room(mutations, tree)
    return int(failed)


def _run_room(mutations: list[Mutation], tree: Path) -> bool:
    room = mutations[0].room
    targets = tuple(sorted({test for mutation in mutations for test in mutation.tests}))
    code = run_tests(tree, targets)
    if code != 0:
        print(f"{room}: the tests do not pass without a change (pytest's exit code {code})")
        return False
    alive = 0
    for mutation in mutations:
        reason = survives(mutation, tree)
        alive += reason is not None
        print(
            f"{room}: {'survived' if reason else 'killed  '} {mutation.file}: {mutation.why}{f' ({reason})' if reason else ''}"
        )
    print(f"{room}: {len(mutations)} mutations, {alive} survived")
    return alive <= _LIMIT * len(mutations)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
