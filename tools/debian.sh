#!/bin/sh
# Install what the browser tests need from Debian's packages, if we may and it is not there; else name what they will skip.
set -eu
missing=
command -v chromium >/dev/null 2>&1 || missing="chromium"
fc-list ':lang=zh' 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then root=; elif sudo -n true 2>/dev/null; then root=sudo; else root=none; fi
if [ "$root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed, and not allowed to:$missing. Tests that need it are skipped by name."
    exit 0
fi
echo "Installing $missing ..."
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    echo "Could not install:$missing. Tests that need it are skipped by name."
