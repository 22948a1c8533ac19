#!/bin/sh
# Installs wangge from this folder without a network: sh install.sh [FOLDER], by default /opt/wangge.
# Needs Debian's python3 (3.11 or later) alone. Nothing outside FOLDER is changed.
set -eu

kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-/opt/wangge}
python=${PYTHON:-python3}

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "python3 is missing; install the packages of debian-packages.txt"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "python3 is older than 3.11"

# sha256sum is part of Debian's coreutils, which are always there.
(cd "$kit" && sha256sum --check --quiet SHA256SUMS) || fail "the kit is damaged; copy it again"

found=$("$python" -c 'import sys, platform; print(f"{sys.version_info.major}.{sys.version_info.minor} {platform.machine()}")')
[ "$found" = "$(cat "$kit/python.txt")" ] ||
    fail "the kit was made for python and processor '$(cat "$kit/python.txt")', here are '$found'; make a kit on such a machine"

# An upgrade goes into a new folder, so that the old one stays for the way back.
[ ! -e "$target" ] || fail "$target exists; choose a new folder, such as $target-$(date +%Y%m%d)"
mkdir -p "$(dirname -- "$target")"
"$python" -m venv --without-pip "$target"
pip=$(ls "$kit"/wheels/pip-*.whl)
# --isolated: no settings of pip, neither from a file nor from the environment.
PYTHONPATH="$pip" PIP_CONFIG_FILE=/dev/null "$target/bin/python" -m pip --isolated install --quiet --no-cache-dir \
    --disable-pip-version-check --no-index --find-links "$kit/wheels" --no-deps --require-hashes -r "$kit/requirements.txt"

# numpy, shapely and others need the C++ library. Where Debian's libstdc++6 is not installed, the kit's copy is loaded.
if ! "$target/bin/python" -c 'import ctypes; ctypes.CDLL("libstdc++.so.6")' 2>/dev/null; then
    cp "$kit/lib/libstdc++.so.6" "$target/lib/"
    site=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    echo "import ctypes, sys; ctypes.CDLL(sys.prefix + '/lib/libstdc++.so.6')" >"$site/libstdcxx.pth"
fi
"$target/bin/wangge" --version >/dev/null || fail "wangge does not start"

# Compiled for this processor now, so that the first start does not wait for it; takes one to three minutes.
mkdir "$target/kernels"
NUMBA_CACHE_DIR="$target/kernels" "$target/bin/python" -m api.deployment.kernels ||
    echo "install.sh: the kernels were not compiled; the first start does it" >&2

echo "installed: $target/bin/wangge"
echo "next: see administrator.md (database, first login, wangge.service)"
