"""With CI set, skips for a missing part fail, also at the import of a module; without it, they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"

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
