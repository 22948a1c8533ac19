"""Atomic writing of files: all files of the product are written through :func:`aside`.

Regular files are written to a temporary folder next to the target and moved into place when complete. Targets that cannot be
replaced are written in place: a device or a pipe receives the bytes of the finished file; a symbolic link is kept and the file
that it points to is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from geo.errors import FileError

#: Companion files that other programs keep; those of the old file would be mistaken for parts of the new one.
_COMPANIONS = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind"),
    ".gpkg": (".gpkg-wal", ".gpkg-shm", ".gpkg-journal"),
}

# Errors of an output that cannot take more data: no space, quota, file size limit, I/O error, read-only, no reader.
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENXIO}

# Folders in which names stand for open files and devices of the process: files there are written in place.
_SYSTEM_FOLDERS = ("/dev/", "/proc/")

# Folder of ordinary files in memory, although it lies below /dev.
_MEMORY_FOLDER = "/dev/shm/"


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a temporary path with the same name as `target`; its content replaces `target` if the block succeeds.

    If the program is killed inside the block, the old file remains, and so does a hidden folder ``.wangge-*``, which can be
    deleted. If `target` is a symbolic link, the file that it points to is replaced and the link is kept; if it is a device or a
    pipe, the finished file is copied into it.

    Raises
    ------
    FileError
        If the folder does not exist or is not writable, `target` is a folder, the format consists of several files and
        `target` is a device or a pipe, or the output cannot take the content (disk full, reader closed).
    """
    in_place = _is_special(target)
    final = target if in_place else _behind_links(target)
    if not final.parent.is_dir():
        raise FileError(f"{target}: the folder {final.parent} does not exist")
    if final.is_dir():
        raise FileError(f"{target}: is a folder, a file is expected")
    try:
        folder = tempfile.TemporaryDirectory(dir=None if in_place else final.parent, prefix=".wangge-")
    except OSError as error:
        raise FileError(f"{target}: the folder {final.parent} cannot be written to ({error.strerror})") from error
    with folder as inside:
        try:
            yield Path(inside) / target.name
        except OSError as error:
            if error.errno not in _CANNOT_WRITE:
                raise
            raise FileError(f"{target}: cannot be written ({error.strerror})") from error
        parts = sorted(Path(inside).iterdir(), key=lambda part: part.name == target.name)
        if in_place:
            _copy_into(parts, target)
        else:
            _move(parts, target, final)


def _is_special(target: Path) -> bool:
    """Whether a path leads to something that must not be replaced by a regular file."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:  # a loop of links, or a folder without search permission
        raise FileError(f"{target}: cannot be reached ({error.strerror})") from error
    if stat.S_ISREG(mode):
        path = str(target.absolute())
        return path.startswith(_SYSTEM_FOLDERS) and not path.startswith(_MEMORY_FOLDER)
    return not stat.S_ISDIR(mode)


def _behind_links(target: Path) -> Path:
    """Target of a symbolic link, which need not exist; other paths are returned unchanged."""
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def _copy_into(parts: list[Path], target: Path) -> None:
    """Copy a finished file into a device or a pipe."""
    if len(parts) > 1:
        raise FileError(
            f"{target}: is a device or a pipe, and {target.suffix} consists of {len(parts)} files; write {target.suffix}.zip"
        )
    try:
        for part in parts:
            with part.open("rb") as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    except OSError as error:
        raise FileError(f"{target}: cannot be written ({error.strerror})") from error


def _move(parts: list[Path], target: Path, final: Path) -> None:
    """Move the parts of a file into place, the main one last, and remove companions of the old file."""
    new = {part.name for part in parts}
    try:
        for ending in _COMPANIONS.get(target.suffix.lower(), ()):
            if target.with_suffix(ending).name not in new:
                final.with_suffix(ending).unlink(missing_ok=True)
        for part in parts:
            main = part.name == target.name
            os.replace(part, final if main else final.parent / (final.stem + part.name.removeprefix(target.stem)))
    except OSError as error:
        raise FileError(f"{target}: cannot be replaced ({error.strerror})") from error
