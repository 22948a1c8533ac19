"""Public names of a package, imported when first used.

Importing a package with all its dependencies (pandas, GEOS, numba, SciPy) takes seconds of CPU, and most commands need
a part of it. So the ``__init__`` of a room imports its modules for type checkers only, and a table says where each public name is
defined.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the module-level ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package
        ``__name__`` of the package.
    homes
        Full name of each module, and the public names that it defines, separated by blanks.

    Returns
    -------
    (__getattr__, __dir__)
        The first imports the module of a name and keeps the value in the package, so it is called once for each name.

    Raises
    ------
    AttributeError
        From ``__getattr__``, if the package has no such name.
    """
    home = {name: module for module, names in homes.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(importlib.import_module(home[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home})

    return get, names
