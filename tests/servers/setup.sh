#!/usr/bin/env bash
# Lays out the home directory of a real search server from jars of Maven Central.
#
#   JAVA_HOME=… setup.sh opensearch|elasticsearch VERSION HOME
#
# In: product, version. Out: HOME with lib/, modules/, classes/ and java.args, which guard.sh starts. HOME appears by one
# rename when all is in it, so that a broken-off setup is never taken for a finished one. The caller holds a lock.
# Left out on purpose: modules that the tests do not use (ingest, templates of searches, joins), and vendor archives.
set -euo pipefail
product=$1 version=$2 home=$3
here=$(cd "$(dirname "$0")" && pwd)
build=$home.build
stage=$build/home
# Maven takes its own default for the version of an unnamed plugin; named, a setup of next year does the same.
plugin=org.apache.maven.plugins:maven-dependency-plugin:2.8

# One line per module: directory, artifact, class (below org.PRODUCT), module that it extends. Elasticsearch publishes
# fewer and fewer of them, 8 and 9 only the transport.
modules() {
  case $product-$version in
    elasticsearch-7.10.*) tarball_modules | sed 's/-client / /' ;;
    elasticsearch-7.*) tarball_modules | grep -e '-client ' | sed 's/index\.reindex\.ReindexModule/reindex.Reindex/' ;;
    elasticsearch-*) echo 'transport-netty4 transport-netty4 transport.netty4.Netty4Plugin' ;;
    *) tarball_modules ;;
  esac
}
tarball_modules() {
  echo 'transport-netty4 transport-netty4-client transport.Netty4ModulePlugin'
  echo 'lang-painless lang-painless painless.PainlessModulePlugin'
  echo 'analysis-common analysis-common analysis.common.CommonAnalysisModulePlugin lang-painless'
  echo 'mapper-extras mapper-extras-client index.mapper.MapperExtrasModulePlugin'
  echo 'reindex reindex-client index.reindex.ReindexModulePlugin'
}
# The loader of modules that extend each other. Not every patch release of OpenSearch 2.19 published it.
class_loader() {
  case $product-$version in
    elasticsearch-7.10.*) dependency org.codelibs.elasticsearch.lib plugin-classloader "$version" ;;
    elasticsearch-7.*) dependency org.elasticsearch elasticsearch-plugin-classloader "$version" ;;
    elasticsearch-*) ;;
    opensearch-2.19.*) dependency org.opensearch opensearch-plugin-classloader 2.19.6 ;;
    *) dependency org.opensearch opensearch-plugin-classloader "$version" ;;
  esac
}
case $product-$version in
  elasticsearch-7.10.*) module_group=org.codelibs.elasticsearch.module ;;
  *) module_group=org.$product.plugin ;;
esac
case $product-$version in
  elasticsearch-7.*|opensearch-*) main=Server ;;
  *) main=PluggedServer ;;
esac
case $product-$version in
  elasticsearch-7.*|opensearch-[12].*) java_args='-Djava.security.manager=allow --add-opens=java.base/java.io=ALL-UNNAMED' ;;
  *) java_args='--add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED' ;;
esac

xmlns='xmlns="http://maven.apache.org/POM/4.0.0"'
dependency() { echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"; }
pom() { # NAME DEPENDENCIES
  mkdir -p "$build/maven/$1"
  echo "<project $xmlns><modelVersion>4.0.0</modelVersion><parent><groupId>servers</groupId><artifactId>all</artifactId>" \
    "<version>1</version></parent><artifactId>$1</artifactId><packaging>pom</packaging>" \
    "<dependencies>$2</dependencies></project>" >"$build/maven/$1/pom.xml"
}
maven() {
  (cd "$build/maven" && mvn -q -B "$@") >>"$build/maven.log" 2>&1 || { grep -m 5 ERROR "$build/maven.log" >&2; exit 1; }
}
artifacts() { sed -E 's/-[0-9][^-]*(\.Final)?(-linux-x86_64)?\.jar$//'; } # file names to names without version

fetch() {
  local list='<module>core</module>' name artifact rest
  pom core "$(dependency "org.$product" "$product" "$version")$(class_loader)"
  while read -r name artifact rest; do
    pom "$name" "$(dependency "$module_group" "$artifact" "$version")"
    list+="<module>$name</module>"
  done < <(modules)
  echo "<project $xmlns><modelVersion>4.0.0</modelVersion><groupId>servers</groupId><artifactId>all</artifactId>" \
    "<version>1</version><packaging>pom</packaging><modules>$list</modules></project>" >"$build/maven/pom.xml"
  maven "$plugin:copy-dependencies" '-DoutputDirectory=${project.basedir}/jars' -DincludeScope=runtime
  # log4j-core is optional in the servers' poms, yet they do not start without it.
  if ! ls "$build"/maven/core/jars/log4j-core-* >/dev/null 2>&1; then
    local api; api=$(basename "$build"/maven/core/jars/log4j-api-*.jar .jar)
    maven -N "$plugin:copy" "-Dartifact=org.apache.logging.log4j:log4j-core:${api#log4j-api-}" \
      "-DoutputDirectory=$build/maven/core/jars"
  fi
}
# A server refuses a module that brings a jar which the server, or the module it extends, already has ("jar hell").
lay_module() { # NAME ARTIFACT CLASS EXTENDS
  local dir=$stage/modules/$1 class=org.$product.$3 jar file
  mkdir -p "$dir"
  for jar in "$build/maven/$1"/jars/*.jar; do
    file=$(basename "$jar")
    case $file in *-osx-*|*-windows-*|*-aarch_64*) continue ;; esac
    if grep -qxF -- "$(artifacts <<<"$file")" "$build/core-artifacts"; then continue; fi
    if [ -n "$4" ] && [ -e "$stage/modules/$4/$file" ]; then continue; fi
    cp "$jar" "$dir/"
  done
  # The classes got "Module" into their names in OpenSearch 3; older jars hold the shorter name.
  "$JAVA_HOME/bin/jar" --list --file "$dir/$2-$version.jar" >"$build/classes"
  grep -qF "${class//.//}.class" "$build/classes" || class=${class/ModulePlugin/Plugin}
  describe "$1" "$class" "$4"
}
describe() { # NAME CLASS EXTENDS
  printf '%s\n' "name=$1" "description=$1" "version=$version" "$product.version=$version" java.version=11 \
    "classname=$2" "extended.plugins=$3" has.native.controller=false >"$stage/modules/$1/plugin-descriptor.properties"
}
compile() { # SOURCE DIRECTORY
  "$JAVA_HOME/bin/javac" -nowarn --release 17 -cp "$stage/lib/*" -d "$2" "$1" >"$build/javac.log" 2>&1 || { cat "$build/javac.log" >&2; exit 1; }
}

rm -rf "$build" "$home"
mkdir -p "$build/maven" "$build/sources" "$stage"/{lib,modules,plugins,classes}
fetch
cp "$build"/maven/core/jars/*.jar "$stage/lib/"
ls "$stage/lib" | artifacts >"$build/core-artifacts"
while read -r name artifact class extends; do lay_module "$name" "$artifact" "$class" "$extends"; done < <(modules)
sed "s/org\.PRODUCT\./org.$product./" "$here/launcher/$main.java" >"$build/sources/$main.java"
compile "$build/sources/$main.java" "$stage/classes"
if [ $main = PluggedServer ]; then
  # The signature differs between 8 and 9: each source line of the other one goes.
  sed "/\/\* only $([ "${version%%.*}" = 8 ] && echo 9 || echo 8) \*\//d" "$here/launcher/RestRoot.java" >"$build/sources/RestRoot.java"
  mkdir -p "$build/rest-root" "$stage/modules/rest-root"
  compile "$build/sources/RestRoot.java" "$build/rest-root"
  "$JAVA_HOME/bin/jar" --create --file "$stage/modules/rest-root/rest-root.jar" -C "$build/rest-root" .
  describe rest-root RestRoot ''
fi
printf '%s\n' $java_args "-Dserver.home=\"$home\"" "-Des.path.home=\"$home\"" -cp "\"$home/classes:$home/lib/*\"" $main >"$stage/java.args"
mv "$stage" "$home"
rm -rf "$build"
