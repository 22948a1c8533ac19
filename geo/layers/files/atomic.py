"""Writing a file so that it is either complete or not there: :func:`aside`, the only writer of the product.

Regular files are written to a temporary folder beside their place and moved there at the end. What cannot be replaced is
written in place: a device or a pipe gets the bytes of the finished file, a symbolic link stays and the file that it leads to is
replaced.
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

#: Files that other programs keep beside one of these; those of an old file would be taken for parts of the new one.
_COMPANIONS = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind"),
    ".gpkg": (".gpkg-wal", ".gpkg-shm", ".gpkg-journal"),
}

# What the system says when the output cannot take more: no space, quota, limit of the file size, defect, read-only.
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENXIO}

# Where file names stand for open files and devices of the process: a regular file reached through them stays the same file.
_SYSTEM_FOLDERS = ("/dev/", "/proc/")


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Give a temporary path of the same name as `target`; what is written there becomes `target` if the block ends well.

    A program that is killed inside the block leaves the old file, and a hidden folder ``.wangge-*`` that can be deleted. If
    `target` is a symbolic link, the file that it leads to is replaced and the link stays; if it is a device or a pipe, the
    finished file is copied into it.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written to, `target` is a folder, a device or a pipe is to take a format of
        several files, or the output cannot take the content (disk full, reader gone).
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
    except OSError as error:  # a circle of links, a folder that must not be searched
        raise FileError(f"{target}: cannot be reached ({error.strerror})") from error
    if stat.S_ISREG(mode):
        return str(target.absolute()).startswith(_SYSTEM_FOLDERS)
    return not stat.S_ISDIR(mode)


def _behind_links(target: Path) -> Path:
    """The file itself, where `target` is a symbolic link; it need not exist."""
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
    """Put the parts of a file in place, the main one last, and remove companions that belonged to the old one only."""
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
