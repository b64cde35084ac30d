//! The configuration as typed. The comment on each field is the reference; `config.example.toml` shows the same keys.
//!
//! In: TOML.  Out: [`Raw`], every key with its default.  Left alone on purpose: whether values make sense together,
//! which `check.rs` decides. There is no `flatten` and no tagged enum: both lose the line of a mistake or let unknown
//! keys pass. So the keys of a connection are repeated in every table that has one.

mod fields;
mod shared;
mod store;

pub use fields::Fields;
pub use shared::{Connection, Key, OneOrMany};
pub use store::{ElasticsearchStore, SqliteStore, Store};

use super::{Secret, duration::Span, preset::Preset};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Raw {
    /// Directory of the ledger, the lock and dead letters. Default: `/var/lib/mailstitch`; without any configuration
    /// `$XDG_STATE_HOME/mailstitch` or `~/.local/state/mailstitch`.
    pub state_dir: Option<PathBuf>,
    /// Group that may read the state directory and the SQLite store (modes 0640 and 2750). Default: nobody but the
    /// user (0600 and 0700).
    pub group: Option<String>,
    /// File that each `run` replaces with its metrics in the text format of Prometheus (`*.prom` in the directory of
    /// node_exporter's textfile collector). Readable by everyone; it contains no addresses. Default: none.
    pub metrics_file: Option<PathBuf>,
    /// First labels of syslog names that are postfix instances with queues of their own (`["postfix-out"]` for
    /// `postfix-out/smtpd`). Default: none; `postfix-submission/smtpd` works for the queue of `postfix/qmgr`.
    pub instances: Vec<String>,
    /// `[hosts]`
    pub hosts: Hosts,
    /// `[programs]`
    pub programs: Programs,
    /// `[privacy]`
    pub privacy: Privacy,
    /// `[window]`
    pub window: Window,
    /// `[source.…]`: at most one table. Default: `[source.file]`.
    pub source: Source,
    /// `[store]` and `[store.…]`: at most one table. Default: `[store.sqlite]`.
    pub store: Store,
}

/// `[hosts]`
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Hosts {
    /// Name as logged → name to use, where one host logs under two names. Case does not matter. Default: none.
    pub alias: BTreeMap<String, String>,
}

/// `[programs]`: syslog names that do not tell which server logs under them. Each name also covers tags that begin
/// with it and a slash.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Programs {
    /// Further names of postfix (`syslog_name`), where the tag does not name the daemon: `["mailout"]`. Default:
    /// none.
    pub postfix: Vec<String>,
    /// Further names of sendmail (`-L`): `["relay"]`. Default: none.
    pub sendmail: Vec<String>,
    /// Whether `qmgr`, `smtpd` and other daemon names of postfix are read as postfix without a prefix, as in the
    /// journal's `_COMM`, if the text has a form of postfix. Default: false.
    pub bare_daemons: bool,
}

/// `[privacy]`: what is left out of lines. Changing it needs a new store and a new `state_dir`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Privacy {
    /// `hash` replaces the part of addresses before the `@` by a keyed hash. Default: `keep`.
    pub local_parts: LocalParts,
    /// `drop` leaves out the subjects in the lines of postfix's header checks. Default: `keep`.
    pub subjects: Subjects,
    /// The key of the hash. Better kept out of this file: the environment variable `MAILSTITCH_PRIVACY_KEY`, the
    /// systemd credential `privacy.key` and `key_file` are tried first, in this order. Default: none.
    pub key: Option<Secret>,
    /// File with the key. Default: none.
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum LocalParts {
    #[default]
    Keep,
    Hash,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Subjects {
    #[default]
    Keep,
    Drop,
}

/// `[window]`: which times are read. Durations are strings: `"90s"`, `"15m"`, `"24h"`, `"14d"`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Window {
    /// The unit of the ledger; must divide an hour. Default: `1m`.
    pub bucket: Span,
    /// How far the first run looks back. Default: `60m`.
    pub first: Span,
    /// Time that a line may take to become searchable; lines newer than this are left for the next run. Default:
    /// `60s`.
    pub settle: Span,
    /// How far back every run counts lines again, for those that come late. Default: `24h`.
    pub lookback: Span,
    /// How far back lines are counted once an hour, and how long a queue id may be silent and still be the same
    /// message. At least `lookback`. Default: `14d`.
    pub horizon: Span,
    /// How long before a stretch the lines of its sessions may begin. Default: `10m`.
    pub session_lead: Span,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            bucket: Span::seconds(60),
            first: Span::seconds(3600),
            settle: Span::seconds(60),
            lookback: Span::seconds(24 * 3600),
            horizon: Span::seconds(14 * 24 * 3600),
            session_lead: Span::seconds(600),
        }
    }
}

/// `[source]`: holds one table and no keys of its own.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Source {
    /// `[source.file]`
    pub file: Option<FileSource>,
    /// `[source.elasticsearch]`
    pub elasticsearch: Option<ElasticsearchSource>,
    /// `[source.journal]`
    pub journal: Option<JournalSource>,
    /// `[source.graylog]`
    pub graylog: Option<GraylogSource>,
}

/// `[source.file]`: log files, rotated and compressed ones included.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct FileSource {
    /// Paths and globs; `-` is standard input. Default: `["/var/log/mail.log*", "/var/log/maillog*"]`.
    pub paths: Vec<String>,
    /// Time zone of timestamps that carry none: a name of the tz database, or `local` for that of this machine.
    /// Default: `local`.
    pub timezone: String,
    /// Year of timestamps that carry none. Default: worked out from the files' modification times.
    pub year: Option<i32>,
}

impl Default for FileSource {
    fn default() -> Self {
        let paths = ["/var/log/mail.log*", "/var/log/maillog*"].map(String::from).to_vec();
        Self { paths, timezone: "local".into(), year: None }
    }
}

/// `[source.journal]`: the systemd journal of this host.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct JournalSource {
    /// Which lines to read, as matches of journalctl(1); `+` stands between alternatives. Default: facility mail, and
    /// journald's notices of lost lines.
    pub matches: Vec<String>,
    /// Directory of journal files, if not that of this host. Default: none.
    pub directory: Option<PathBuf>,
    /// As in `[source.file]`, for files that `backfill` is given. Default: `local`.
    pub timezone: String,
}

impl Default for JournalSource {
    fn default() -> Self {
        let matches = ["SYSLOG_FACILITY=2", "+", "SYSLOG_IDENTIFIER=systemd-journald"].map(String::from).to_vec();
        Self { matches, directory: None, timezone: "local".into() }
    }
}

/// `[source.elasticsearch]`: an index of Elasticsearch or OpenSearch that holds log lines, also Graylog's.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct ElasticsearchSource {
    /// URL of the cluster, or a list of the URLs of its nodes, tried in turn. Required.
    pub url: Option<OneOrMany>,
    /// Index, alias, pattern, or comma-separated list of them. Required.
    pub index: Option<String>,
    /// Field names, by the shipper that wrote the documents: `ecs` (also `filebeat`, `agent`), `logstash`, `rsyslog`,
    /// `syslog-ng`, `fluent`, `vector`, `otel`, `wazuh`, `cloudwatch`, `graylog`; `auto` tries the names of all.
    /// Default: `auto`.
    pub preset: Preset,
    /// `[source.elasticsearch.fields]`
    pub fields: Fields,
    /// Syslog names to ask for. Each covers all names that begin with it; one that begins with a slash covers all
    /// that end with it. `[]` asks for every line of the index. Default: all that mailstitch can read.
    pub programs: Option<Vec<String>>,
    /// A further condition in Lucene query string syntax. Default: none.
    pub query: Option<String>,
    /// Documents per page, 1 to 10000. Default: 5000.
    pub page_size: usize,
    /// Slices read in parallel, 1 to 64. Default: chosen by the number of shards.
    pub slices: Option<usize>,
    /// As in `[source.file]`, for timestamps inside the message field. Default: `local`.
    pub timezone: String,
    /// Name for basic authentication. Default: none.
    pub username: Option<String>,
    /// Its password. Better kept out of this file: the environment variable `MAILSTITCH_SOURCE_PASSWORD`, the systemd
    /// credential `source.password` and `password_file` are tried first, in this order. Default: none.
    pub password: Option<Secret>,
    /// File with the password. Default: none.
    pub password_file: Option<PathBuf>,
    /// API key in its encoded form, instead of username and password. Also `MAILSTITCH_SOURCE_API_KEY` and the
    /// systemd credential `source.api_key`. Default: none.
    pub api_key: Option<Secret>,
    /// File with the API key. Default: none.
    pub api_key_file: Option<PathBuf>,
    /// PEM file with a certificate authority to trust besides the system's. Default: none.
    pub ca_file: Option<PathBuf>,
    /// PEM file with a client certificate; needs `client_key_file`. Default: none.
    pub client_cert_file: Option<PathBuf>,
    /// PEM file with its key. Default: none.
    pub client_key_file: Option<PathBuf>,
    /// Whether the server's certificate is checked. Default: true.
    pub tls_verify: bool,
    /// Longest time for one request, 1s to 1h. Default: `60s`.
    pub timeout: Span,
}

impl Default for ElasticsearchSource {
    fn default() -> Self {
        Self {
            url: None,
            index: None,
            preset: Preset::Auto,
            fields: Fields::default(),
            programs: None,
            query: None,
            page_size: 5000,
            slices: None,
            timezone: "local".into(),
            username: None,
            password: None,
            password_file: None,
            api_key: None,
            api_key_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            tls_verify: true,
            timeout: Span::seconds(60),
        }
    }
}

/// `[source.graylog]`: a Graylog server, 3.3 to 7.0, through its REST API.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct GraylogSource {
    /// URL of its web interface, or a list of the URLs of its nodes, tried in turn. Required.
    pub url: Option<OneOrMany>,
    /// Streams to read, by name or id. Default: all that the user may read.
    pub streams: Vec<String>,
    /// As in `[source.elasticsearch]`; `auto` is `graylog`. Default: `graylog`.
    pub preset: Preset,
    /// `[source.graylog.fields]`
    pub fields: GraylogFields,
    /// As in `[source.elasticsearch]`.
    pub programs: Option<Vec<String>>,
    /// A further condition in Graylog's query language; no term may begin with a wildcard. Default: none.
    pub query: Option<String>,
    /// Messages that Graylog fetches from its search engine at once, 1 to 10000. Default: 5000.
    pub page_size: usize,
    /// Concurrent requests, 1 to 8. Default: 1.
    pub parallel: usize,
    /// Most requests per second, 1 to 1000. Default: 10.
    pub rate: u32,
    /// As in `[source.file]`, for files that `backfill` is given. Default: `local`.
    pub timezone: String,
    /// Access token of a Graylog user. Better kept out of this file: the environment variable
    /// `MAILSTITCH_SOURCE_TOKEN`, the systemd credential `source.token` and `token_file` are tried first, in this
    /// order. Default: none.
    pub token: Option<Secret>,
    /// File with the token. Default: none.
    pub token_file: Option<PathBuf>,
    /// Name of a Graylog user, instead of a token. Default: none.
    pub username: Option<String>,
    /// As in `[source.elasticsearch]`.
    pub password: Option<Secret>,
    /// As in `[source.elasticsearch]`.
    pub password_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub ca_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub client_cert_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub client_key_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub tls_verify: bool,
    /// Longest time for one request, and for one pause within an export, 1s to 1h. Default: `60s`.
    pub timeout: Span,
}

impl Default for GraylogSource {
    fn default() -> Self {
        Self {
            url: None,
            streams: Vec::new(),
            preset: Preset::Graylog,
            fields: GraylogFields::default(),
            programs: None,
            query: None,
            page_size: 5000,
            parallel: 1,
            rate: 10,
            timezone: "local".into(),
            token: None,
            token_file: None,
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            tls_verify: true,
            timeout: Span::seconds(60),
        }
    }
}

/// `[source.graylog.fields]`: as `[source.elasticsearch.fields]`. The time of a message is always in `timestamp`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct GraylogFields {
    /// The text, with or without the syslog header.
    pub message: Option<OneOrMany>,
    /// The host that logged it.
    pub host: Option<OneOrMany>,
    /// The syslog name.
    pub program: Option<OneOrMany>,
    /// The process id.
    pub pid: Option<OneOrMany>,
}
