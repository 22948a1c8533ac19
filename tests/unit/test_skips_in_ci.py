"""With CI set, skips for a missing part fail, also at the import of a module. `make test` installs the parts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CONFTEST = TESTS / "conftest.py"

MODULE = """
import pytest
{top}

def test_one():
    {body}
"""

IMPORT = 'pytest.importorskip("no_such_package_anywhere")'
SKIP = 'pytest.skip("chromium is not installed")'
DATA = 'pytest.skip("real data: set WANGGE_SHARED_DATA to the folder that holds them")'


@pytest.mark.parametrize(
    ("ci", "top", "body", "code"),
    [
        ("true", IMPORT, "pass", 2),
        ("1", IMPORT, "pass", 2),
        ("", IMPORT, "pass", 5),
        ("true", "", SKIP, 1),
        ("1", "", SKIP, 1),
        ("0", "", SKIP, 0),
        ("true", "", DATA, 0),
        ("true", "", "pass", 0),
    ],
)
def test_a_missing_part_fails_where_ci_is_set(tmp_path: Path, ci: str, top: str, body: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(MODULE.format(top=top, body=body), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "CI": ci},
        cwd=tmp_path,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("although CI is set" in done.stdout) == (code in (1, 2))


def test_every_program_that_a_test_looks_for_is_installed_by_make_test() -> None:
    """A machine on which a program was installed by hand would hide that a new one lacks it."""
    sought = set()
    for path in TESTS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        sought |= set(re.findall(r'which\("([a-z-]+)"\)', text))
        names = re.search(r"^NAMES = \(\"([a-z-]+)\"", text, re.MULTILINE)
        sought |= {names[1]} if names else set()
    script = (TESTS.parent / "tools" / "debian.sh").read_text(encoding="utf-8")
    tested = set(re.findall(r"command -v ([a-z-]+)", script))
    assert {"chromium", "firefox-esr", "pdftoppm"} <= sought
    assert sought <= tested
