"""Imports of packages: public names are imported when first used, and kernels are compiled when first called."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from geo.kernels import Kernel, kernel, uncompiled

ROOT = Path(__file__).parents[2]
ROOMS = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in [*ROOT.glob("geo/**/__init__.py"), *ROOT.glob("maps/**/__init__.py")]
    if "lazy_names(" in path.read_text(encoding="utf-8")
)


def test_the_rooms_are_lazy():
    assert {"geo.layers", "geo.coverage", "geo.locate", "geo.incidents", "geo.patrols", "geo.tracks", "maps"} <= set(
        ROOMS
    )


@pytest.mark.parametrize("room", ROOMS)
def test_type_checkers_the_table_and_all_name_the_same(room):
    """Finds names that occur in only one or two of the three places."""
    module = importlib.import_module(room)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    (branch,) = [node for node in tree.body if isinstance(node, ast.If)]
    for_checkers = {
        alias.name: node.module for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    (call,) = [node for node in ast.walk(branch.orelse[0]) if isinstance(node, ast.Call)]
    table = {name: home for home, names in ast.literal_eval(call.args[1]).items() for name in names.split()}
    assert table == for_checkers
    assert set(table) <= set(module.__all__)
    for name in module.__all__:
        assert name in dir(module)
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module '{room}' has no attribute 'nothing'"):
        _ = module.nothing


def imported(code: str, *names: str) -> set[str]:
    """Which of some modules a new process has imported after some code."""
    show = f"import sys; {code}; print(*(n for n in {names!r} if n in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stderr.split("\n")[-2].split())


def test_rooms_import_nothing_by_themselves():
    everything = "import " + ", ".join(ROOMS)
    assert imported(everything, "numpy", "pandas", "geopandas", "shapely", "numba", "scipy", "folium") == set()


def test_kernels_do_not_import_numba():
    code = "import geo.locate.index, geo.coverage.checking, geo.incidents.assignment"
    assert imported(code, "numba", "scipy.stats", "scipy.optimize", "folium", "rasterio") == set()


def test_the_server_takes_requests_before_the_slow_libraries_are_imported():
    """They are imported with the first division, in a thread parallel to the answers."""
    assert imported("import api.app", "pandas", "geopandas", "numba", "scipy", "folium", "psycopg", "PIL") == set()


def test_fixes_are_stored_and_points_located_before_frames_and_web_frameworks_are_imported():
    slow = ("pandas", "geopandas", "pyogrio", "numba", "scipy", "fastapi", "geoalchemy2", "alembic")
    assert imported("import api.server, api.ingest.sqlite", *slow) == set()
    assert imported("import api.snapshot, api.database.divisions", *slow) == set()


def test_the_base_class_of_rows_has_the_tables_of_modules_not_imported_yet():
    code = "from api.database.models import Base; print(len(Base.metadata.sorted_tables), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    files = (ROOT / "api" / "database" / "models").glob("*.py")
    assert int(done.stderr) == sum(path.read_text(encoding="utf-8").count("__tablename__ =") for path in files)


@kernel(nogil=True)
def _inner(values):
    return values[0] * values[0]


@kernel()
def _outer(values, out):
    for i in range(len(values)):
        out[i] = _inner(values[i:]) + np.uint64(1)


class TestKernels:
    def test_compiled_and_uncompiled_give_the_same_and_wrap_alike(self):
        values = np.array([3, 2**63, 2**40 + 7], dtype=np.uint64)
        compiled, plain = np.zeros(3, dtype=np.uint64), np.zeros(3, dtype=np.uint64)
        _outer(values, compiled)
        with uncompiled(when=True):
            _outer(values, plain)
        assert compiled.tolist() == plain.tolist() == [(int(v) ** 2 + 1) % 2**64 for v in values]

    def test_kernels_that_kernels_call_are_compiled_with_them(self):
        assert isinstance(_outer, Kernel)
        assert _outer.compiled() is _outer.compiled()
        assert _outer.compiled().py_func.__globals__["_inner"] is _inner.compiled()
        assert (_outer.__name__, _inner.__doc__) == ("_outer", None)

    def test_the_block_ends_and_a_condition_that_does_not_hold_changes_nothing(self, monkeypatch):
        called = []
        one = Kernel(lambda: called.append("plain"), {})
        monkeypatch.setattr(one, "_compiled", lambda: called.append("compiled"))
        with uncompiled(when=False):
            one()
        with uncompiled(when=True):
            one()
        one()
        with suppress(ZeroDivisionError), uncompiled(when=True):
            one()
            _ = 1 / 0
        one()
        assert called == ["compiled", "plain", "compiled", "plain", "compiled"]


def test_numba_is_imported_in_one_place():
    """A function compiled directly by numba cannot call a kernel, and importing its module would import numba."""
    found = [
        str(path.relative_to(ROOT))
        for path in ROOT.glob("geo/**/*.py")
        if "import numba" in path.read_text(encoding="utf-8") and path != ROOT / "geo" / "kernels.py"
    ]
    assert found == []
    assert "import numba" in (ROOT / "geo" / "kernels.py").read_text(encoding="utf-8")
