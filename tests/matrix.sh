#!/usr/bin/env bash
# The promises of source and store, and the whole flow, with every engine that mailstitch says it works with.
#
#   tests/matrix.sh [PRODUCT-VERSION…]      all of them without arguments; then docs/compatibility.md is written anew
#
# The servers are real ones, fetched from Maven Central and started by the tests themselves (tests/servers); what they
# need of Java is said there. About two minutes an engine. Ends with 1 when any promise was broken.
set -euo pipefail
cd "$(dirname "$0")/.."
all=(elasticsearch-7.10.2 elasticsearch-7.17.29 elasticsearch-8.19.21 elasticsearch-9.5.3
  opensearch-1.3.14 opensearch-2.19.6 opensearch-3.8.0)
page=docs/compatibility.md
logs=$(mktemp -d)
echo "logs in $logs"

# The tests of one engine, by the names that they have for it. FILTER matches in any of the binaries.
tests() { # PRODUCT VERSION BINARY FILTER
  local variable=MAILSTITCH_TEST_${1^^}_VERSION log=$logs/$1-$2-$3.log result
  env "$variable=$2" cargo test --quiet --test "$3" -- --test-threads=2 "$4" >"$log" 2>&1 || true
  result=$(sed -n 's/^test result: \([a-zA-Z]*\)\. \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2 \3/p' "$log")
  case $result in
    "ok 0 0") echo "no test" ;;
    "ok "*) set -- $result; echo "✔ $2" ;;
    *) echo "✖ see \`$(basename "$log")\`" ;;
  esac
}

# How lines are read: src/source/elasticsearch/walk.rs.
way() {
  case $1 in
    elasticsearch-7.10.*|opensearch-1.*) echo scroll ;;
    opensearch-2.*) echo 'point in time, sorted by time and a unique field; scroll without one' ;;
    *) echo 'point in time, sorted by `_shard_doc`' ;;
  esac
}

cargo test --no-run --test source_contract --test store_contract --test end_to_end
rows=() broken=0
for engine in "${@:-${all[@]}}"; do
  product=${engine%%-*} version=${engine#*-}
  flow=elasticsearch_is_source_and_store
  [ "$product" = elasticsearch ] || flow=windows_of_an_index
  source=$(tests "$product" "$version" source_contract "$product")
  store=$(tests "$product" "$version" store_contract "$product::")
  flow=$(tests "$product" "$version" end_to_end "$flow")
  rows+=("| $product $version | $(way "$engine") | $source | $store | $flow |")
  echo "${rows[-1]}"
  case "$source$store$flow" in *✖*|*"no test"*) broken=1 ;; esac
done

[ $# = 0 ] || exit $broken
secured=$(tests/rights.sh 2>"$logs/rights.log" | tail -n 1) || { secured='✖ see `rights.log`' broken=1; }
{
  cat <<'PAGE'
# Compatibility

Elasticsearch 7.10 to 9.x and OpenSearch 1.3 to 3.x work as source and as store; `GET /` tells them apart. Later versions are
assumed to work. Graylog keeps its messages in one of these engines, where mailstitch can read them.

This is the last full result of `tests/matrix.sh`. It starts each engine and checks the promises that every source and every
store must keep (`tests/source_contract.rs`, `tests/store_contract.rs`). It also reads real lines from the engine in windows of
seconds and writes the result back to it; the documents must be the same as those from a log file (`tests/end_to_end.rs`). The
number is the number of tests passed.

PAGE
  echo "$(date -u +%F), mailstitch $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1):"
  echo
  echo '| engine | how lines are read | source | store | whole flow |'
  echo '|---|---|---|---|---|'
  printf '%s\n' "${rows[@]}"
  cat <<'PAGE'

The engines run from the jars in Maven Central, not from the vendors' archives. For Elasticsearch 8.16 and later these jars
lack the native library for the codec `best_compression`, which the store's template asks for, so the tests remove it from the
template there. Everything else is as installed.

TLS, users and [least rights](operations.md#least-rights-in-a-cluster), tested by `tests/rights.sh`, which `tests/matrix.sh`
runs last:

PAGE
  echo "$(date -u +%F), $secured"
  cat <<'PAGE'

mailstitch relies on these requests for a monthly index, and every version answers them: `GET /INDEX` (aliases, mapping,
`verified_before_close` of a closed one), `PUT /INDEX` with the required fields, `POST /_aliases`, `PUT /INDEX/_mapping`, and the
`_meta`, patterns, aliases and mapping of an index template. A closed index answers 400 `index_closed_exception`, also to
searches through the alias, unless they ignore unavailable indices.
PAGE
} >"$page"
echo "written: $page"
exit $broken
