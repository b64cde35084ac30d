#!/usr/bin/env bash
# Faults, many times over: kills, engines that misbehave, a node of a cluster killed. Writes the table of docs/faults.md.
#
#   tests/faults.sh [TIMES [LOGS]]      20 times without an argument, some minutes each
#
# LOGS is the folder of an earlier run that was broken off: a round of a binary that is there in full is not run again.
# Whoever changes a test, or what it tests, deletes its logs first.
#
# Moments at which something is killed differ from time to time, so what passes once may fail another time. Every test that
# the binaries have must run every time: one that did not, because its binary died before, counts as broken. Ends with 1
# when anything was broken; what the tests said is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-20}
page=docs/faults.md
binaries=(late_lines crash faults bad_input cluster)
logs=${2:-$(mktemp -d)}
echo "logs in $logs"
targets=("${binaries[@]/#/--test=}")
cargo test --no-run "${targets[@]}"
for binary in "${binaries[@]}"; do
  cargo test --quiet --test "$binary" -- --list 2>/dev/null | sed -n 's/: test$//p' | sort >"$logs/$binary.names"
  [ -s "$logs/$binary.names" ] || { echo "no test in $binary" >&2; exit 1; }
done
round() { # BINARY…
  local binary since held
  for binary; do
    ! grep -q '^test result: ' "$logs/$binary-$n.log" 2>/dev/null || continue
    since=$SECONDS
    cargo test --quiet --test "$binary" -- --format=pretty >"$logs/$binary-$n.log" 2>&1 || true
    held=$(grep -cE '^test .* \.\.\. ok$' "$logs/$binary-$n.log" || true)
    echo "$n of $times, $binary: $held of $(wc -l <"$logs/$binary.names") held, $((SECONDS - since)) s"
  done
}
for n in $(seq "$times"); do
  # It waits most of its time, as long as all others take.
  round faults &
  round late_lines crash bad_input cluster
  wait
done

rows=() broken=0
for binary in "${binaries[@]}"; do
  while read -r name; do
    held=$(cat "$logs/$binary"-*.log | grep -cxF "test $name ... ok" || true)
    rows+=("| \`$binary\` | ${name//_/ } | $held | $((times - held)) |")
    [ "$held" = "$times" ] || { broken=1; echo "broken: ${rows[-1]}" >&2; }
  done <"$logs/$binary.names"
done
sed -i '/^## The last result$/,$d' "$page"
{
  echo '## The last result'
  echo
  echo "$(date -u +%F), mailstitch $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1), rounds: $times"
  echo
  echo '| tests | what must hold | held | broken |'
  echo '|---|---|---|---|'
  printf '%s\n' "${rows[@]}" | sed 's/| \([a-z ]*\)::/| \1: /'
} >>"$page"
echo "written: $page"
exit $broken
