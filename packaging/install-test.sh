#!/usr/bin/env bash
# Tries a Debian package of mailstitch in a Debian of its own: install, run, upgrade, remove, purge.
#
#   packaging/install-test.sh target/debian/mailstitch_0.1.0-1_amd64.deb
#
# The Debian is made once, in MAILSTITCH_TEST_CACHE (default: ~/.cache/mailstitch-test-servers); delete it there for a
# newer one. Needs root and mmdebstrap. Ends with 0 when all held.
set -euo pipefail
package=$(realpath "${1:?which package?}")
cd "$(dirname "$0")/.."
base=${MAILSTITCH_TEST_CACHE:-$HOME/.cache/mailstitch-test-servers}/bookworm.tar

command -v mmdebstrap >/dev/null || { echo "missing: mmdebstrap" >&2; exit 69; }
work=$(mktemp -d)
root=$work/root
trap 'umount -q "$root/proc" || true; rm -rf "$work"' EXIT

say() { printf '== %s (after %s s)\n' "$*" "$SECONDS"; }
holds() { "$@" || { printf 'does not hold: %s\n' "$*" >&2; exit 1; }; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# As the unit does: a user that no file knows, nothing but the state directory is its own.
user=61184
as_service() { inside setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs env --unset=HOME "$@"; }

if ! [ -s "$base" ]; then
  say "a Debian"
  mkdir -p "$(dirname "$base")"
  mmdebstrap --quiet --variant=minbase --include=systemd,man-db bookworm "$base.new.tar"
  mv "$base.new.tar" "$base"
fi
say "unpack it"
mkdir "$root"
tar --extract --file="$base" --directory="$root" --exclude='./dev/*'
mkdir -p "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mount -t proc proc "$root/proc"
cp "$package" "$root/root/mailstitch.deb"
cp examples/demo/mail.log "$root/srv/mail.log"

say "install"
inside dpkg --install /root/mailstitch.deb
holds inside mailstitch --version
for command in $(inside mailstitch --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  [ "$command" = help ] || holds test -s "$root/usr/share/man/man1/mailstitch-$command.1.gz"
done
holds test "$(inside man --warnings mailstitch 2>&1 >/dev/null | wc -l)" = 0
holds grep --quiet mailstitch-trace <(inside man mailstitch)
holds inside bash -n /usr/share/bash-completion/completions/mailstitch
words='COMP_WORDS=(mailstitch tr); COMP_CWORD=1; . /usr/share/bash-completion/completions/mailstitch; _mailstitch mailstitch tr mailstitch; echo "${COMPREPLY[*]}"'
holds test "$(inside bash -c "$words")" = trace
for file in usr/share/zsh/vendor-completions/_mailstitch usr/share/fish/vendor_completions.d/mailstitch.fish \
  usr/share/mailstitch/mailstitch.ndjson usr/share/doc/mailstitch/{copyright,README.md,docs/exit-codes.md}; do
  holds test -s "$root/$file"
done
holds cmp config.example.toml "$root/etc/mailstitch/config.toml"
holds grep --quiet "^ /etc/mailstitch/config.toml " <(inside dpkg-query --show --showformat="\${Conffiles}\n" mailstitch)

say "units"
holds inside systemd-analyze verify --man=no --recursive-errors=no /usr/lib/systemd/system/mailstitch.{service,timer}
holds test "$(inside systemctl is-enabled mailstitch.timer || true)" = disabled
inside systemctl --quiet enable mailstitch.timer

say "run as the service does"
# What systemd does for `StateDirectory=` of a service with `DynamicUser=`.
install -d -m 0700 "$root/var/lib/private"
install -d -m 0700 -o $user -g $user "$root/var/lib/private/mailstitch"
ln -s private/mailstitch "$root/var/lib/mailstitch"
# Of others nobody passes /var/lib/private; systemd shows the service its part of it.
chmod 0711 "$root/var/lib/private"
sed -i 's/^instances = \[\]$/instances = ["postfix-out"]/' "$root/etc/mailstitch/config.toml"
holds as_service mailstitch backfill /srv/mail.log
holds as_service mailstitch status
holds test "$(as_service mailstitch export | wc -l)" -gt 400
store=$root/var/lib/private/mailstitch/transactions.sqlite
holds test "$(stat --format='%u %a' "$store")" = "$user 600"

say "upgrade to a version with another configuration"
dpkg-deb --raw-extract "$package" "$work/newer"
sed -i 's/^Version: .*/Version: 99/' "$work/newer/DEBIAN/control"
echo '# new in 99' >> "$work/newer/etc/mailstitch/config.toml"
dpkg-deb --build --root-owner-group -Znone "$work/newer" "$root/root/newer.deb" >/dev/null
inside dpkg --install --force-confold /root/newer.deb
holds grep --quiet '^instances = \["postfix-out"\]$' "$root/etc/mailstitch/config.toml"
holds grep --quiet '^# new in 99$' "$root/etc/mailstitch/config.toml.dpkg-dist"
holds test "$(inside systemctl is-enabled mailstitch.timer)" = enabled

say "remove: configuration and state stay"
inside dpkg --remove mailstitch
holds test ! -e "$root/usr/bin/mailstitch"
holds grep --quiet '^instances = \["postfix-out"\]$' "$root/etc/mailstitch/config.toml"
holds test -s "$store"

say "purge: nothing stays"
inside dpkg --purge mailstitch
left=$(find "$root"/{etc,usr,var/lib} -path "$root/var/lib/dpkg" -prune -o -name '*mailstitch*' -print)
holds test -z "$left"
say "all holds"
