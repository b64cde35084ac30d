#!/usr/bin/env bash
# Unpacks rsyslog and syslog-ng of Debian's packages into a directory, for they cannot be installed side by side.
#
#   unpack.sh DIRECTORY      ends at once where that was done before
set -euo pipefail
[ ! -e "$1/done" ] || exit 0
rm -rf "$1" && mkdir -p "$1/packages"
cd "$1/packages"
command -v apt-get >/dev/null || { echo "missing: apt-get; the syslog daemons are those of Debian's packages" >&2; exit 69; }
packages=(rsyslog rsyslog-elasticsearch libestr0 libfastjson4 syslog-ng-core syslog-ng-mod-http syslog-ng-scl libivykis0 libnet1)
apt-get download -q "${packages[@]}" 2>/dev/null || { apt-get update -qq; apt-get download -q "${packages[@]}"; } >&2
for package in *.deb; do dpkg -x "$package" "$1"; done
rm -r "$1/packages"
touch "$1/done"
