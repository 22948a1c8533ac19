"""Compiled kernels of an installation, for users without write access to it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

#: Folder with the kernels compiled by the installer.
FOLDER = "kernels"
#: Environment variable of numba's cache folder; inherited by child processes.
VARIABLE = "NUMBA_CACHE_DIR"


def user_cache() -> Path:
    """Cache folder of the user: ``XDG_CACHE_HOME`` or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def use_installed_kernels(installation: Path | None = None, home: Path | None = None) -> None:
    """Let numba use the kernels compiled by the installer, from a copy in the user's cache folder.

    numba requires a writable folder, and compiles kernels for another processor there. Without an installed folder (a source
    tree) nothing is changed.

    Parameters
    ----------
    installation
        By default the prefix of this Python.
    home
        Cache folder of the user; by default ``XDG_CACHE_HOME`` or ``~/.cache``.
    """
    installed = (installation or Path(sys.prefix)) / FOLDER
    if VARIABLE in os.environ or not installed.is_dir():
        return
    if os.access(installed, os.W_OK):
        os.environ[VARIABLE] = str(installed)
        return
    # A new installation in the same folder has another time, hence another copy.
    name = f"wangge-{installed.stat().st_mtime_ns:x}"
    own = (home or user_cache()) / name
    if not own.is_dir():
        partial = own.with_name(f".{name}.{os.getpid()}")
        try:
            shutil.copytree(installed, partial)
            # Another process may have created an equal copy first.
            with suppress(OSError):
                partial.rename(own)
        except (OSError, shutil.Error):
            return
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    os.environ[VARIABLE] = str(own)
