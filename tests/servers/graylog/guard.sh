#!/usr/bin/env bash
# Runs one Graylog, its engine and its database for as long as somebody holds the other end of standard input.
#
#   JAVA_HOME=… guard.sh HOME DATA PORT ENGINE_PORT DATABASE_PORT
#
# In: HOME from setup.sh; DATA, an empty directory. The end of standard input comes when the test process ends, whatever
# way it ends, and then all are killed and DATA removed. A part that dies while DATA/NAME.held exists was killed by a
# test, and is started again when that file has become DATA/NAME.again; one that dies by itself ends the guard, which says why.
set -u
home=$1 data=$2 port=$3 engine_port=$4 database_port=$5
java=$JAVA_HOME/bin/java
mkdir -p "$data"/{engine,server/data,server/plugin,server/tmp}
cat >"$data/server.conf" <<CONF
is_master = true
node_id_file = $data/server/node-id
password_secret = 0123456789012345678901234567890123456789012345678901234567890123
root_password_sha2 = $(printf admin12345 | sha256sum | cut -d' ' -f1)
root_timezone = UTC
bin_dir = $data/server/bin
data_dir = $data/server/data
plugin_dir = $data/server/plugin
http_bind_address = 127.0.0.1:$port
elasticsearch_hosts = http://127.0.0.1:$engine_port
elasticsearch_shards = 1
elasticsearch_replicas = 0
mongodb_uri = mongodb://127.0.0.1:$database_port/graylog
message_journal_dir = $data/server/data/journal
message_journal_max_size = 512mb
message_journal_max_age = 1h
output_flush_interval = 1
processbuffer_processors = 1
outputbuffer_processors = 1
inputbuffer_processors = 1
ring_size = 8192
inputbuffer_ring_size = 8192
versionchecks = false
CONF
cat >"$data/log4j2.xml" <<'CONF'
<Configuration><Appenders><Console name="S"><PatternLayout pattern="%d %-5p %c{1} - %m%n"/></Console></Appenders>
<Loggers><Root level="info"><AppenderRef ref="S"/></Root></Loggers></Configuration>
CONF
opens=()
for package in java.lang java.lang.reflect java.util java.net java.io java.nio java.text java.time \
  java.util.concurrent sun.nio.ch; do
  opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
quick=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)
start() { # NAME
  case $1 in
    database) set -- database -Xmx192m -cp "$home/database/classes:$home/database/lib/*" Database "$database_port" ;;
    engine) set -- engine -Xms384m -Xmx384m -Dlog4j2.disable.jmx=true \
      -cp "$home/engine/classes:$home/engine/lib/*" Engine "$engine_port" "$data/engine" ;;
    # The server's own jar first: other jars too hold a version.properties.
    server) set -- server -Xms256m -Xmx512m "${opens[@]}" -Djava.io.tmpdir="$data/server/tmp" \
      -Dlog4j.configurationFile="$data/log4j2.xml" \
      -cp "$(echo "$home"/server/lib/graylog2-server-*.jar):$home/server/lib/*" \
      org.graylog2.bootstrap.Main server -f "$data/server.conf" -np ;;
  esac
  local name=$1
  shift
  "$java" "${quick[@]}" "$@" >>"$data/$name.log" 2>&1 </dev/null &
  echo $! >"$data/$name.pid"
}
finish() {
  for name in server engine database; do
    kill -9 "$(cat "$data/$name.pid")" 2>/dev/null
  done
  wait 2>/dev/null
  rm -rf "$data"
}
trap finish EXIT
trap exit INT TERM HUP
start database
start engine
# A server that finds no engine waits longer than the engine needs.
until (exec 3<>"/dev/tcp/127.0.0.1/$engine_port") 2>/dev/null; do
  kill -0 "$(cat "$data/engine.pid")" 2>/dev/null || break
  sleep 0.2
done
start server
while true; do
  for name in database engine server; do
    kill -0 "$(cat "$data/$name.pid")" 2>/dev/null && continue
    [ ! -e "$data/$name.held" ] || continue
    if [ -e "$data/$name.again" ]; then
      rm "$data/$name.again"
      start "$name"
      continue
    fi
    echo "the $name of the Graylog in $home died; its last words:" >&2
    tail -n 30 "$data/$name.log" >&2
    exit 1
  done
  read -r -t 1 _
  # More than 128 is the second that passed; anything else is the end of the input.
  [ $? -gt 128 ] || exit 0
done
