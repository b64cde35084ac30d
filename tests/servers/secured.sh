#!/usr/bin/env bash
# Runs one OpenSearch with TLS and users for as long as somebody holds the other end of standard input.
#
#   JAVA_HOME=… secured.sh VERSION WORK
#
# In: a version whose security plugin is on Maven Central; WORK, an empty directory. Out: WORK/ca.pem, the authority that
# signed the server's certificate; WORK/admin.pem and admin.key, with which everything is allowed; no user and no role
# but the plugin's own, and those given to nobody; in WORK/server what guard.sh runs, and removes at the end.
set -euo pipefail
version=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
cache=${MAILSTITCH_TEST_CACHE:-$HOME/.cache/mailstitch-test-servers}
home=$cache/opensearch-$version-secured
plugin=$home/plugins/opensearch-security
server=$work/server

mkdir -p "$cache"
exec 8>"$home.lock"
flock 8
[ -d "$home" ] || "$here/setup.sh" opensearch "$version" "$home"
if ! [ -d "$plugin" ]; then
  fetch() { mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:2.8:copy -DoutputDirectory="$work/jars" -Dartifact="$1" >&2; }
  fetch "org.opensearch.plugin:opensearch-security:$version.0:zip"
  python3 -m zipfile -e "$work/jars/opensearch-security-$version.0.zip" "$work/jars/plugin"
  # It can do without the plugins that it extends, which are not on Maven Central, but for a library that one would lend.
  sed -i 's/^extended.plugins=.*/extended.plugins=/' "$work/jars/plugin/plugin-descriptor.properties"
  case $version in 3.*) fetch org.apache.commons:commons-collections4:4.5.0; mv "$work"/jars/*.jar "$work/jars/plugin/" ;; esac
  cp -r "$work/jars/plugin" "$plugin.part"
  mv "$plugin.part" "$plugin"
fi
exec 8>&-

# An authority of our own, the server's certificate, and one that may do everything.
mkdir -p "$server"/{data,logs,tmp,config/opensearch-security}
certificate() { # NAME EXTENSIONS
  openssl req -newkey rsa:2048 -nodes -keyout "$work/$1.rsa" -out "$work/$1.csr" -subj "/CN=$1"
  openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/$1.pem" -extfile <(printf "$2")
  openssl pkcs8 -topk8 -nocrypt -in "$work/$1.rsa" -out "$work/$1.key"
}
{
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$work/ca.key" -out "$work/ca.pem" -subj '/CN=an authority'
  certificate node 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth'
  certificate admin 'extendedKeyUsage=clientAuth'
} 2>/dev/null
cp "$work"/{ca.pem,node.pem,node.key} "$server/config/"
cp "$plugin"/config/*.yml "$server/config/opensearch-security/"
echo '_meta: {type: internalusers, config_version: 2}' >"$server/config/opensearch-security/internal_users.yml"
# As delivered, everyone has a role that allows bulk requests and scrolls.
echo '_meta: {type: rolesmapping, config_version: 2}' >"$server/config/opensearch-security/roles_mapping.yml"
cat >"$server/config/opensearch.yml" <<YAML
cluster.name: rights
node.name: n1
network.host: 127.0.0.1
http.port: 0
transport.port: 0
node.portsfile: true
discovery.type: single-node
path.data: $server/data
path.logs: $server/logs
cluster.routing.allocation.disk.threshold_enabled: false
plugins.security:
  ssl.transport: {pemcert_filepath: node.pem, pemkey_filepath: node.key, pemtrustedcas_filepath: ca.pem, enforce_hostname_verification: false}
  ssl.http: {enabled: true, pemcert_filepath: node.pem, pemkey_filepath: node.key, pemtrustedcas_filepath: ca.pem}
  allow_default_init_securityindex: true
  authcz.admin_dn: ["CN=admin"]
  nodes_dn: ["CN=node"]
YAML
printf '%s\n' 'status = error' 'appender.console.type = Console' 'appender.console.name = console' \
  'appender.console.layout.type = PatternLayout' 'appender.console.layout.pattern = [%p][%c{1.}] %m%n' \
  'rootLogger.level = info' 'rootLogger.appenderRef.console.ref = console' >"$server/config/log4j2.properties"
exec bash "$here/guard.sh" "$home" "$server"
