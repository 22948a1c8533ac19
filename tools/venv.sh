#!/bin/sh
# Make .venv. Debian and Ubuntu ship Python without ensurepip: then python3-venv is installed first, if we may.
set -eu
PYTHON=${PYTHON:-python3}

if ! command -v "$PYTHON" >/dev/null 2>&1 || ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "wangge needs Python 3.11 or later; say which one with: make PYTHON=/path/to/python3 ..." >&2
    exit 1
fi
if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "This Python lacks ensurepip; installing python$version-venv ..."
    if [ "$(id -u)" = 0 ]; then root=; elif sudo -n true 2>/dev/null; then root=sudo; else
        echo "Not allowed to install it. Ask an administrator for: apt-get install python$version-venv" >&2
        exit 1
    fi
    $root apt-get update -qq
    $root apt-get install -y -qq "python$version-venv" >/dev/null
fi
[ -x .venv/bin/pip ] || "$PYTHON" -m venv --clear .venv
