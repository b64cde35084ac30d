#!/usr/bin/env bash
# Runs one search server for as long as somebody holds the other end of standard input, and not a moment longer.
#
#   JAVA_HOME=… guard.sh HOME DATA
#
# In: HOME from setup.sh; DATA, a directory with config/ in it. The end of standard input comes when the test process
# ends, whatever way it ends (SIGKILL too: the kernel closes its pipes), and then the server is killed and DATA removed.
# Nothing is lost by a kill: the data is thrown away. When the server dies by itself, the guard says why and ends. Told
# "kill", it kills the server; told "start" after that, it starts it again on the same data.
set -u
home=$1 data=$2
log=$data/server.log
# A runtime without compiler and incubator modules will do; the servers have a slower way for what those are used for.
unknown=none
"$JAVA_HOME/bin/java" --list-modules | grep -q '^jdk\.incubator\.vector' || unknown=--add-modules=jdk.incubator.vector
grep -vxFe "$unknown" "$home/java.args" >"$data/java.args"
# The jars come without native libraries. Elasticsearch 8 and 9 need this one for indices with `best_compression`, and
# lose the shard at the first refresh without it; Debian's own package manager depends on it.
mkdir -p "$data/native"
for zstd in /usr/lib/*/libzstd.so.1 /usr/lib64/libzstd.so.1; do
  [ ! -e "$zstd" ] || ln -sf "$zstd" "$data/native/libzstd.so"
done
start() {
  "$JAVA_HOME/bin/java" -Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="$data/tmp" -Dserver.conf="$data/config" -Des.nativelibs.path="$data/native" \
    -Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false \
    -Djava.awt.headless=true -Dio.netty.noUnsafe=true -Dio.netty.noKeySetOptimization=true \
    -Dio.netty.recycler.maxCapacityPerThread=0 -Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true \
    @"$data/java.args" >>"$log" 2>&1 </dev/null &
  server=$!
}
start
finish() {
  kill -9 "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  rm -rf "$data"
}
trap finish EXIT
trap exit INT TERM HUP
while kill -0 "$server" 2>/dev/null; do
  read -r -t 1 word
  case $? in
    0)
      if [ "$word" = kill ]; then
        kill -9 "$server"
        wait "$server" 2>/dev/null
        read -r word || exit 0
        start
      fi
      ;;
    # More than 128 is the second that passed; anything else is the end of the input.
    [1-9]|[1-9][0-9]|1[01][0-9]|12[0-8]) exit 0 ;;
  esac
done
echo "the search server in $home died; its last words:" >&2
tail -n 30 "$log" >&2
exit 1
