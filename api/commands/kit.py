"""The offline kit: a folder for the installation of wangge on a machine without a network."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from api.commands import Progress, silent
from geo.errors import FileError, InputError

#: Files of :mod:`api.deployment` included in the kit.
DEPLOYMENT = ("install.sh", "debian-packages.txt", "wangge.service", "nginx.conf")
#: Required files of the wheel; without them the pages have no scripts.
FRONT_END = "maps/static/vendor/leaflet/leaflet.js"
#: System library needed by compiled wheels. A minimal Debian may lack it, so the kit includes it.
CPP_LIBRARY = "libstdc++.so.6"


@dataclass(frozen=True)
class Kit:
    """A created kit."""

    folder: Path
    wheels: int
    size: int


def make_kit(
    folder: Path, *, extras: Sequence[str] = (), wheels: Path | None = None, progress: Progress = silent
) -> Kit:
    """Create the kit.

    Parameters
    ----------
    folder
        New folder; it appears when it is complete.
    extras
        Optional parts: ``cluster``, ``oidc``.
    wheels
        Folder with existing wheels; then nothing is downloaded. Otherwise pip downloads the versions installed here from its
        configured index.

    Raises
    ------
    FileError
        If the folder exists, a wheel is not available, or the source of wangge is not installed.
    """
    if folder.exists():
        raise FileError(f"{folder}: exists; choose a new folder")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        target = partial / "wheels"
        target.mkdir(parents=True)
        progress("wangge", 0.0)
        _own_wheel(target)
        needed = [f"{name}=={version}" for name, version in pinned(extras).items()]
        progress("wheels", 0.1)
        where = ["--no-index", "--find-links", str(wheels)] if wheels else []
        _pip("download", "--no-deps", "--only-binary=:all:", *where, "--dest", str(target), *needed, "pip")
        progress("files", 0.9)
        _finish(partial)
        partial.rename(folder)
    except OSError as error:
        raise FileError(f"{folder}: the kit could not be written ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    made = [path for path in folder.rglob("*") if path.is_file()]
    return Kit(folder, len(list((folder / "wheels").iterdir())), sum(path.stat().st_size for path in made))


def pinned(extras: Sequence[str] = ()) -> dict[str, str]:
    """Names and installed versions of all runtime dependencies of wangge; wangge itself is excluded.

    Raises
    ------
    FileError
        If one is not installed.
    InputError
        If an optional part is unknown.
    """
    project = tomllib.loads((_source() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if unknown := sorted(set(extras) - set(project["optional-dependencies"])):
        raise InputError(f"no such part: {', '.join(unknown)}; there are {', '.join(project['optional-dependencies'])}")
    texts = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    waiting = [requirement for text in texts if (requirement := _wanted(text, ("",))) is not None]
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, wanted = entry = waiting.pop()
        if entry in seen:
            continue
        seen.add(entry)
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise FileError(f"the package {name} is not installed here, so its version is not known") from error
        found[name] = known.version
        needed = (_wanted(text, ("", *wanted)) for text in known.requires or ())
        waiting += [requirement for requirement in needed if requirement is not None]
    return dict(sorted(found.items()))


def _wanted(text: str, extras: Iterable[str]) -> tuple[str, frozenset[str]] | None:
    """Name and extras of a requirement; None if its marker does not apply here."""
    required = Requirement(text)
    marker = required.marker
    if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in extras):
        return None
    return canonicalize_name(required.name), frozenset(required.extras)


def _own_wheel(target: Path) -> None:
    """Build wangge's wheel from its source folder."""
    source = _source()
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source))
    (wheel,) = target.glob("wangge-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        if FRONT_END not in archive.namelist():
            raise FileError("the front-end files are not installed; run 'make setup' first")


def _source() -> Path:
    """Folder of the source of the running program."""
    source = Path(str(files("api"))).parent
    if not (source / "pyproject.toml").is_file():
        raise FileError(
            "the kit is made from the source of wangge: run it in that folder ('make setup', then 'wangge kit')"
        )
    return source


def _finish(folder: Path) -> None:
    """Write the files that accompany the wheels: requirements with hashes, installer, service files, and checksums."""
    lines = []
    for wheel in sorted((folder / "wheels").iterdir()):
        name, release, *_ = parse_wheel_filename(wheel.name)
        if name != "pip":
            lines.append(f"{name}=={release} --hash=sha256:{_sha256(wheel)}")
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    python = f"{sys.version_info.major}.{sys.version_info.minor} {platform.machine()}"
    (folder / "python.txt").write_text(python + "\n", encoding="utf-8")
    for deployed in DEPLOYMENT:
        (folder / deployed).write_bytes((files("api.deployment") / deployed).read_bytes())
    (folder / "lib").mkdir()
    shutil.copyfile(cpp_library(), folder / "lib" / CPP_LIBRARY)
    manual = _source() / "docs" / "zh" / "administrator.md"
    (folder / manual.name).write_bytes(manual.read_bytes())
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{_sha256(path)}  {path.relative_to(folder)}" for path in paths]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")


def cpp_library() -> Path:
    """File of the system's C++ library.

    Raises
    ------
    FileError
        If it is not installed here.
    """
    try:
        ctypes.CDLL(CPP_LIBRARY)
    except OSError as error:
        raise FileError(f"{CPP_LIBRARY} is not installed here; install Debian's libstdc++6") from error
    # The library found by the loader is mapped into this process.
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return next(Path(line.split(maxsplit=5)[5]).resolve() for line in lines if f"/{CPP_LIBRARY}" in line)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise FileError(f"pip {words[0]}: {lines[-1] if lines else 'failed'}")
