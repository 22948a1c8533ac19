"""A root folder with the files of Debian's ``python3`` and its dependencies, for testing the offline kit.

``python -m tools.bare_root FOLDER`` copies the files of the installed packages, so that no network is needed; then
``unshare -n chroot FOLDER sh /kit/install.sh`` runs without any network, cache or other package.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

#: Packages that every Debian system has, as far as a shell script needs them.
ESSENTIAL = ("base-files", "coreutils", "dash", "grep", "sed", "libc-bin")
WANTED = ("python3", *ESSENTIAL)


def packages(wanted: tuple[str, ...] = WANTED) -> list[str]:
    """The given packages and their installed dependencies."""
    found: dict[str, None] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        told = subprocess.run(
            ["dpkg-query", "-W", "-f", "${db:Status-Status}, ${Depends}, ${Pre-Depends}", name],
            capture_output=True,
            text=True,
            check=False,
        )
        # A virtual name provided by another package has no files.
        state, _, needed = told.stdout.partition(",")
        if told.returncode != 0 or state != "installed":
            continue
        found[name] = None
        for entry in needed.split(","):
            first = entry.split("|")[0].split("(")[0].split(":")[0].strip()
            if first:
                waiting.append(first)
    return sorted(found)


def make(root: Path) -> None:
    """Copy the files of the packages into a new folder."""
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "tmp", "proc", "dev", "opt"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    # Debian's merged /usr: the old names are links.
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    for package in packages():
        listed = subprocess.run(["dpkg-query", "-L", package], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            source = Path(line)
            if not line.startswith("/") or not os.path.lexists(source) or "/share/doc/" in line:
                continue
            _copy(source, root / source.relative_to("/"))
    for name in ("null", "urandom", "random"):
        status = os.stat(f"/dev/{name}")
        os.mknod(root / "dev" / name, stat.S_IFCHR, status.st_rdev)
        # Not by mknod, whose mode the umask reduces: any user may write to /dev/null.
        (root / "dev" / name).chmod(0o666)
    (root / "tmp").chmod(0o1777)


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        if not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(os.readlink(source))
    elif source.is_dir():
        if not os.path.lexists(target):
            target.mkdir(parents=True, exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
