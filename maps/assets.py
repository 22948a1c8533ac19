"""Location of scripts and styles: our own in ``maps/static``, third-party ones in ``maps/static/vendor``.

Third-party libraries are installed from npm by lockfile. ``python -m maps.assets install`` copies the required files from
``node_modules`` to ``maps/static/vendor``, which the wheel and the server use; they are not committed.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from geo.errors import FileError, WanggeError
from geo.layers import aside

#: Folder that a server serves at ``/static``.
STATIC = Path(__file__).resolve().parent / "static"

VENDOR = "vendor"

#: Files that are copied, by npm package: path below the package and path below ``vendor/<package>``.
VENDOR_FILES = {
    "leaflet": {
        "dist/leaflet.js": "leaflet.js",
        "dist/leaflet.css": "leaflet.css",
        "dist/images/layers.png": "images/layers.png",
        "dist/images/layers-2x.png": "images/layers-2x.png",
        "dist/images/marker-icon.png": "images/marker-icon.png",
        "LICENSE": "LICENSE",
    }
}

# Stylesheets refer to images by relative path, which does not exist for a page in one file.
_RELATIVE_URL = re.compile(r"url\((['\"]?)(?!data:|#|https?:|//)([^'\")#]+)\1\)")
_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=.*\s*$")


def script(name: str) -> str:
    """Text of a script below ``maps/static``, without the reference to its source map.

    Raises
    ------
    FileError
        If the file is missing.
    """
    return _SOURCE_MAP.sub("\n", _read(name).decode("utf-8"))


def style(name: str) -> str:
    """Text of a stylesheet below ``maps/static``, with its images as ``data:`` addresses.

    Raises
    ------
    FileError
        If the file or one of its images is missing.
    """
    folder = Path(name).parent

    def inside(match: re.Match[str]) -> str:
        return f"url({data_uri((folder / match[2]).as_posix())})"

    return _RELATIVE_URL.sub(inside, _read(name).decode("utf-8"))


def data_uri(name: str) -> str:
    """Content of a file below ``maps/static`` as a ``data:`` address."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(_read(name)).decode('ascii')}"


def address(name: str) -> str:
    """Address of a file for a page of the server, with a hash of its content: ``/static/pages/frame.css?v=1a2b3c4d``.

    Raises
    ------
    FileError
        If the file is missing.
    """
    return f"/static/{name}?v={hashlib.sha256(_read(name)).hexdigest()[:8]}"


def install(node_modules: Path, *, static: Path = STATIC) -> list[Path]:
    """Copy the files of :data:`VENDOR_FILES` from `node_modules` to ``vendor`` below `static`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FileError
        If a file is missing in `node_modules`.
    """
    written = []
    for package, files in VENDOR_FILES.items():
        for source, target in files.items():
            origin = node_modules / package / source
            if not origin.is_file():
                raise FileError(
                    f"{origin}: no such file; run 'npm ci' in the project's root first (make setup does it)"
                )
            copy = static / VENDOR / package / target
            copy.parent.mkdir(parents=True, exist_ok=True)
            with aside(copy) as temporary:
                shutil.copyfile(origin, temporary)
            written.append(copy)
    return written


def _read(name: str) -> bytes:
    path = STATIC / name
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if Path(name).parts[:1] == (VENDOR,):
            raise FileError(
                f"{name}: the browser libraries are not installed; run 'make setup' in the project's root"
            ) from error
        raise FileError(f"{name}: no such file in maps/static; the installation of wangge is incomplete") from error


def main(arguments: Sequence[str]) -> int:
    """Run ``python -m maps.assets install [NODE_MODULES]``; the folder defaults to that of the project's root."""
    if not arguments or arguments[0] != "install" or len(arguments) > 2:
        print("usage: python -m maps.assets install [NODE_MODULES]", file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) == 2 else STATIC.parent.parent / "node_modules"
    try:
        written = install(folder)
    except WanggeError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(written)} files in {STATIC / VENDOR}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
