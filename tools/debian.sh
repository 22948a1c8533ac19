#!/bin/sh
# Install what the tests of browser, database and GIS need from Debian's packages, if allowed and missing; else name what is skipped.
set -eu
missing=
command -v chromium >/dev/null 2>&1 || missing="chromium"
command -v firefox-esr >/dev/null 2>&1 || command -v firefox >/dev/null 2>&1 || missing="$missing firefox-esr"
command -v pdftoppm >/dev/null 2>&1 || missing="$missing poppler-utils"
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
command -v git >/dev/null 2>&1 || missing="$missing git"
fc-list ':lang=zh' 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 || missing="$missing postgresql-15-postgis-3"
command -v ogrinfo >/dev/null 2>&1 || missing="$missing gdal-bin"
[ -d /usr/lib/python3/dist-packages/qgis ] || missing="$missing python3-qgis"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then root=; elif sudo -n true 2>/dev/null; then root=sudo; else root=none; fi
if [ "$root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed, and not allowed to:$missing. Tests that need it are skipped by name."
    exit 0
fi
echo "Installing $missing ..."
export DEBIAN_FRONTEND=noninteractive
# The package would start a server of its own, which nobody needs: the tests start theirs on a private port.
config=/etc/postgresql-common/createcluster.conf
case "$missing" in *postgresql*)
    [ -e "$config" ] || { $root mkdir -p "${config%/*}" && echo "create_main_cluster = false" | $root tee "$config" >/dev/null; } ;;
esac
$root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    echo "Could not install:$missing. Tests that need it are skipped by name."
