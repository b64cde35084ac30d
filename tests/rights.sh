#!/usr/bin/env bash
# An OpenSearch with TLS and users: the roles of examples/rights are enough for all that mailstitch does, with the same
# documents as without; each right in them is needed; and who lacks one is told so at once.
#
#   tests/rights.sh [VERSION]     2.19.4 without an argument; 3.4.0 with JAVA_HOME of a JDK 21 or later. Maven Central has
#                                 the security plugin of few versions.
#
# In: a JDK, Maven, curl, openssl, python3.  Out: a line for each thing that held; ends with 1 at the first that did not.
# About five minutes of two busy cores once the jars are there. Nothing but jars is left behind.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-2.19.4}
export JAVA_HOME=${JAVA_HOME:-${MAILSTITCH_TEST_JDK17:-$(ls -d /usr/lib/jvm/java-17-openjdk* | head -n 1)}}
work=$(mktemp -d)
finish() { exec 9>&-; wait; rm -rf "$work"; }
trap finish EXIT

cargo build --quiet
exec 9> >(exec bash tests/servers/secured.sh "$version" "$work" >&2)
secured=$!
url=
password=$(openssl rand -hex 16)
ask() { # USER METHOD PATH [BODY]: the status; the answer is in $work/answer
  local who=(-u "$1:$password")
  [ "$1" != admin ] || who=(--cert "$work/admin.pem" --key "$work/admin.key")
  curl -sS --noproxy '*' --cacert "$work/ca.pem" "${who[@]}" -X "$2" -H 'content-type: application/json' \
    -o "$work/answer" -w '%{http_code}' "$url$3" ${4:+--data-binary "$4"} || true
}
must() { # RESULT WHAT COMMAND…: what it prints last is the result
  local wanted=$1 what=$2 got
  shift 2
  got=$("$@")
  if [ "$got" != "$wanted" ]; then echo "✖ $what: $got instead of $wanted" >&2; tail -c 2000 "$work/answer" >&2; exit 1; fi
  echo "✔ $what"
}
for _ in $(seq 1200); do
  kill -0 $secured 2>/dev/null || exit 1
  [ ! -s "$work/server/logs/http.ports" ] || url=https://$(head -n 1 "$work/server/logs/http.ports")
  [ -z "$url" ] || [ "$(ask admin GET '/_plugins/_security/api/roles' 2>/dev/null)" != 200 ] || break
  sleep 0.5
done

for role in reader writer pruner viewer; do
  must 201 "role $role" ask admin PUT "/_plugins/_security/api/roles/mailstitch_$role" "@examples/rights/$role.json"
  must 201 "user $role" ask admin PUT "/_plugins/_security/api/internalusers/$role" "{\"password\":\"$password\"}"
  must 201 "who has the role" ask admin PUT "/_plugins/_security/api/rolesmapping/mailstitch_$role" "{\"users\":[\"$role\"]}"
done
head -n 1500 examples/demo/mail.log >"$work/mail.log"
python3 - "$work/mail.log" >"$work/lines" <<'PY'
import datetime, json, sys
now = datetime.datetime.now(datetime.timezone.utc).isoformat()
lines = [line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1])]
for n, (stamp, rest) in enumerate([*lines, (now, "mx1 postfix/anvil[1]: statistics: max cache size 1")]):
    print(json.dumps({"index": {}}))
    print(json.dumps({"timestamp": stamp, "source": rest.split(" ")[0], "message": rest, "gl2_message_id": str(n)}))
PY
index='{"settings":{"number_of_replicas":0},"mappings":{"properties":{"timestamp":{"type":"date"},"message":{"type":"text"},"gl2_message_id":{"type":"keyword"}}}}'
must 200 "an index of lines" ask admin PUT /graylog_0 "$index"
must 200 "lines in it" ask admin POST '/graylog_0/_bulk?refresh=true' "@$work/lines"

settings() { # STATE READER WRITER [LINE OF THE SOURCE [LINE OF THE STORE]]
  cat <<TOML
state_dir = "$work/$1"
instances = ["postfix-out"]
[source.elasticsearch]
url = "$url"
index = "graylog_*"
timezone = "UTC"
page_size = 500
username = "$2"
ca_file = "$work/ca.pem"
${4:-}
[store.elasticsearch]
url = "$url"
index = "mail-transactions"
replicas = 0
username = "$3"
ca_file = "$work/ca.pem"
${5:-}
TOML
}
export MAILSTITCH_SOURCE_PASSWORD=$password MAILSTITCH_STORE_PASSWORD=$password
now=2026-11-22T20:30:00Z
mailstitch() { # CONFIG ARGUMENT…: the exit code
  local config=$work/$1.toml
  shift
  target/debug/mailstitch -c "$config" "$@" >"$work/answer" 2>"$work/told" && echo 0 || { echo $?; cat "$work/told" >>"$work/answer"; }
}
same() { # CONFIG: whether it has the documents of the file
  mailstitch "$1" export >/dev/null
  cmp -s "$work/answer" "$work/expected" && echo same || echo other
}
refused() { # CODE WHAT CONFIG ARGUMENT…: told in one line, and nothing is asked twice
  local code=$1 what=$2
  shift 2
  must "$code" "$what" mailstitch "$@" -vv
  if [ "$(grep -c 'error: ' "$work/told")" != 1 ] || grep 'trying again' "$work/told" >&2; then cat "$work/told" >&2; exit 1; fi
  echo "  $(grep 'error: ' "$work/told")"
}

printf 'state_dir = "%s/file"\ninstances = ["postfix-out"]\n[source.file]\npaths = ["%s/mail.log"]\n' "$work" "$work" >"$work/file.toml"
settings first reader writer >"$work/good.toml"
settings second reader writer 'fields.tie_break = ""' >"$work/scroll.toml"
settings third reader writer '' 'shards = 2' >"$work/shards.toml"
settings first nobody viewer >"$work/view.toml"
settings first nobody pruner >"$work/prune.toml"
must 0 "a file into SQLite" mailstitch file --now $now run
must 0 "its documents" mailstitch file export
cp "$work/answer" "$work/expected"
[ "$(wc -l <"$work/expected")" -gt 100 ]

must 0 "check, before there is anything" mailstitch good check
must 0 "backfill" mailstitch good --now $now backfill --since 3d
must same "the same documents as from the file, $(wc -l <"$work/expected")" same view
must 0 "run" mailstitch good --now $now run
must 0 "run without its state directory, reading by scroll" mailstitch scroll --now $now run
must 0 "backfill without its state directory, template and mapping anew" mailstitch shards --now $now backfill --since 3d
must 0 "reparse" mailstitch good reparse
must 0 "check" mailstitch good check
must same "the same documents after all that" same view
must 0 "coverage" mailstitch good --now $now coverage
must 0 "viewer: status" mailstitch view status
must 0 "viewer: report" mailstitch view --now $now report
must 0 "viewer: trace" mailstitch view trace "$(python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["email"]["local_id"])' <"$work/expected")"

must 403 "the reader writes no line" ask reader POST /graylog_0/_doc '{}'
must 403 "the reader deletes no line" ask reader DELETE /graylog_0
must 403 "the reader sees no transaction" ask reader GET /mail-transactions/_search
must 403 "the writer reads no line" ask writer GET /graylog_0/_search
must 403 "the writer makes no other index" ask writer PUT /other
must 403 "the writer drops no month" ask writer DELETE /mail-transactions-2026.11
must 403 "the writer makes no user" ask writer PUT /_plugins/_security/api/internalusers/other '{}'
must 403 "the viewer writes no transaction" ask viewer POST /mail-transactions-2026.11/_doc '{}'
must 403 "the viewer reads no line" ask viewer GET /graylog_0/_search
must 403 "the pruner writes no transaction" ask pruner POST /mail-transactions-2026.11/_doc '{}'
must 403 "the pruner drops no lines" ask pruner DELETE /graylog_0

settings bad writer writer >"$work/bad.toml"
refused 77 "a source that may not be read" bad --now $now run
settings bad reader reader >"$work/bad.toml"
refused 77 "a store that may not be written" bad --now $now backfill --since 3d
refused 77 "a store that may not be pruned" good --now 2027-02-01T00:00:00Z prune --older-than 30d
settings bad nobody writer >"$work/bad.toml"
refused 77 "a user of the source who is not there" bad --now $now backfill --since 3d
settings bad reader nobody >"$work/bad.toml"
refused 77 "a user of the store who is not there" bad --now $now backfill --since 3d
settings bad reader writer | grep -v ca_file >"$work/bad.toml"
refused 69 "an authority that nobody named" bad --now $now run
must same "and no document was changed by these" same view

some='prune --now 2026-12-22T20:19:41Z prune --older-than 30d' all='prune --now 2027-02-01T00:00:00Z prune --older-than 30d'
must 0 "pruner: a dry run" mailstitch $some --dry-run
must same "which deletes nothing" same view
must 0 "pruner: documents" mailstitch $some
must other "they are gone" same view
must 200 "and their month is there" ask admin GET /mail-transactions-2026.11
must 0 "pruner: a month" mailstitch $all
must 404 "it is gone" ask admin GET /mail-transactions-2026.11

needed() { # ROLE: all that needs its rights, from nothing
  local what steps
  case $1 in
    reader) steps=('good check' "good --now $now -vv backfill --since 3d" "scroll --now $now -vv run") ;;
    writer) steps=('good check' "good --now $now backfill --since 3d" 'good check' "shards --now $now backfill --since 3d") ;;
    pruner) steps=("good --now $now backfill --since 3d" "$some" "$all") ;;
    viewer) steps=('view status') ;;
  esac
  ask admin DELETE /mail-transactions-2026.11 >/dev/null
  ask admin DELETE /_index_template/mailstitch-mail-transactions >/dev/null
  rm -rf "$work"/{first,second,third}
  for what in "${steps[@]}"; do
    # A search that could not be ended is no failure, and a clock that could not be asked for is only not told.
    [ "$(mailstitch $what)" = 0 ] && ! grep -q 'cannot end a search' "$work/told" || return 1
    case $what in *check) [ "$(grep -c ': clock: ' "$work/answer")" = 2 ] || return 1 ;; esac
  done
}
for role in reader writer pruner viewer; do
  python3 - "examples/rights/$role.json" >"$work/smaller" <<'PY'
import json, sys
role = json.load(open(sys.argv[1]))
for actions in [role["cluster_permissions"], role["index_permissions"][0]["allowed_actions"]]:
    for action in list(actions):
        actions.remove(action)
        print(action, json.dumps(role))
        actions.append(action)
PY
  needed $role || { echo "✖ $role: $(cat "$work/told")" >&2; exit 1; }
  while read -r action smaller; do
    ask admin PUT "/_plugins/_security/api/roles/mailstitch_$role" "$smaller" >/dev/null
    if needed $role; then echo "✖ $role needs no $action" >&2; exit 1; fi
  done <"$work/smaller"
  ask admin PUT "/_plugins/_security/api/roles/mailstitch_$role" "@examples/rights/$role.json" >/dev/null
  echo "✔ the $role needs each of $(wc -l <"$work/smaller") actions"
done
echo "OpenSearch $version: the four roles are enough, and each right in them is needed"
