#!/usr/bin/env bash
# Lays out the home directory of a real Graylog from jars of Maven Central: the server, its engine, its database.
#
#   JAVA_HOME=… setup.sh HOME
#
# Out: HOME with engine/, database/ and server/, each with lib/ and perhaps classes/, which guard.sh starts. HOME appears
# by one rename when all is in it. The caller holds a lock.
set -euo pipefail
home=$1
here=$(cd "$(dirname "$0")" && pwd)
stage=$home.build
# Maven takes its own default for the version of an unnamed plugin; named, a setup of next year does the same.
plugin=org.apache.maven.plugins:maven-dependency-plugin:2.8

rm -rf "$stage" "$home"
for part in engine database server; do
  mkdir -p "$stage/$part"
  # Maven writes beside the file that it reads.
  cp "$here/$part/pom.xml" "$stage/$part/"
  mvn -q -B -f "$stage/$part/pom.xml" "$plugin:copy-dependencies" -DincludeScope=runtime \
    "-DoutputDirectory=$stage/$part/lib" >"$stage/maven.log" 2>&1 || { grep -m 5 ERROR "$stage/maven.log" >&2; exit 1; }
  if ls "$here/$part"/*.java >/dev/null 2>&1; then
    "$JAVA_HOME/bin/javac" -nowarn -cp "$stage/$part/lib/*" -d "$stage/$part/classes" "$here/$part"/*.java >&2
  fi
done
mv "$stage" "$home"
