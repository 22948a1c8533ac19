"""Imports of the package of tables."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_room_loads_no_geometry_library():
    modules = ["table", "times", "coordinates", "numbers", "headers", "refused"]
    code = ";".join(["import sys", *(f"import geo.tables.{name}" for name in modules), "print(' '.join(sys.modules))"])
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"geopandas", "shapely", "pyproj", "scipy", "numba", "openpyxl"} & set(loaded)
