//! Settings: `raw.rs` is the TOML as typed, this is the checked form.
//!
//! [`load`] is the entry point. All other code may rely on the ranges that `raw.rs` documents.

mod check;
mod connection;
pub mod duration;
mod environment;
mod load;
mod place;
pub mod preset;
pub mod raw;
mod secret;
mod zone;

#[cfg(test)]
mod example;

pub use environment::Environment;
pub use load::load;

use crate::{model::Privacy, program::Named};
use chrono_tz::Tz;
use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub state_dir: PathBuf,
    /// Group that may read the state and the SQLite file (0640/2750 instead of 0600/0700).
    pub group: Option<String>,
    /// File that `run` writes its metrics to, for Prometheus.
    pub metrics_file: Option<PathBuf>,
    /// First labels of syslog names that are postfix instances of their own.
    pub instances: Vec<String>,
    /// `[hosts] alias`: host name as logged → name to use, both in lower case.
    pub host_aliases: HashMap<String, String>,
    /// `[programs]`: further syslog names of postfix and sendmail on this site.
    pub programs: Named,
    /// `[programs] bare_daemons`: daemon names of postfix without its prefix (`qmgr`) count as postfix.
    pub bare_daemons: bool,
    /// `[privacy]`; `None` if nothing is replaced.
    pub privacy: Option<Arc<Privacy>>,
    pub window: Window,
    pub source: Source,
    pub store: Store,
    /// `[store] retention`: the age that `prune` uses by default; `None` if not set.
    pub retention: Option<Duration>,
    /// The file that was read; `None` without a configuration.
    pub file: Option<PathBuf>,
    /// Mistakes that the user should correct although all works: a secret that everyone may read.
    pub warnings: Vec<String>,
}

/// `[window]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub bucket: Duration,
    pub first: Duration,
    pub settle: Duration,
    pub lookback: Duration,
    pub horizon: Duration,
    pub session_lead: Duration,
}

/// The configured source; there is exactly one.
#[derive(Debug, Clone)]
pub enum Source {
    Elasticsearch(ElasticsearchSource),
    File(FileSource),
    Graylog(GraylogSource),
    Journal(JournalSource),
}

/// `[source.graylog]`
#[derive(Debug, Clone)]
pub struct GraylogSource {
    pub connection: Connection,
    /// By name or id; empty reads all that the user may read.
    pub streams: Vec<String>,
    /// The time is always in `timestamp`.
    pub fields: Fields,
    /// Syslog names to ask for, in the form of [`crate::program::PROGRAMS`]; empty asks for every line.
    pub programs: Vec<String>,
    /// `[programs] bare_daemons`
    pub bare_daemons: bool,
    /// A further condition in Graylog's query language.
    pub query: Option<String>,
    /// Messages that Graylog fetches at once, 1 to 10,000.
    pub page_size: usize,
    /// Concurrent requests, at least 1.
    pub parallel: usize,
    /// Requests per second, at least 1.
    pub rate: u32,
    /// Time zone of timestamps in files that carry none.
    pub timezone: Tz,
}

/// `[source.file]`
#[derive(Debug, Clone)]
pub struct FileSource {
    /// Paths and globs; `-` is standard input.
    pub paths: Vec<String>,
    /// Time zone of timestamps that carry none.
    pub timezone: Tz,
    /// Year of timestamps that carry none; worked out if `None`.
    pub year: Option<i32>,
}

/// `[source.journal]`
#[derive(Debug, Clone)]
pub struct JournalSource {
    /// As journalctl(1) takes them: `FIELD=value`, and `+` between alternatives.
    pub matches: Vec<String>,
    /// Directory of the journal files; `None` for the journal of this host.
    pub directory: Option<PathBuf>,
    /// Time zone of timestamps in files that carry none.
    pub timezone: Tz,
}

impl Default for JournalSource {
    fn default() -> Self {
        let raw::JournalSource { matches, directory, timezone: _ } = raw::JournalSource::default();
        Self { matches, directory, timezone: Tz::UTC }
    }
}

/// `[source.elasticsearch]`
#[derive(Debug, Clone)]
pub struct ElasticsearchSource {
    pub connection: Connection,
    /// An index, alias, pattern or comma-separated list.
    pub index: String,
    pub fields: Fields,
    /// Syslog names to ask for, in the form of [`crate::program::PROGRAMS`]; empty asks for every line.
    pub programs: Vec<String>,
    /// `[programs] bare_daemons`
    pub bare_daemons: bool,
    /// A further condition in Lucene query string syntax.
    pub query: Option<String>,
    /// Documents per page, 1 to 10,000.
    pub page_size: usize,
    /// Parallel slices; `None` lets the tool choose (never more than shards).
    pub slices: Option<usize>,
    /// Time zone of timestamps inside `message` that carry none.
    pub timezone: Tz,
}

/// Names of the fields in which a document of the source keeps the parts of a line. Each may be a dotted path, or
/// several names; see [`Fields::alternatives`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    pub message: String,
    pub time: String,
    pub host: String,
    pub program: String,
    pub pid: String,
    /// Unique field to sort by after the time (`gl2_message_id`); `None` uses what the engine offers.
    pub tie_break: Option<String>,
    /// Date format of the time field in queries, if it is not ISO 8601.
    pub time_format: Option<String>,
}

impl Fields {
    /// The names in one of these texts, to be tried in turn: `host.hostname,host.name` has two, most have one.
    pub fn alternatives(names: &str) -> impl Iterator<Item = &str> {
        names.split(',').map(str::trim)
    }
}

/// How to reach a server: Elasticsearch, OpenSearch or Graylog.
#[derive(Debug, Clone)]
pub struct Connection {
    /// One or more base URLs without a trailing slash, tried in turn.
    pub urls: Vec<String>,
    pub auth: Auth,
    /// PEM file with a certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files of a client certificate and its key.
    pub client_cert_file: Option<PathBuf>,
    pub client_key_file: Option<PathBuf>,
    /// False only with `tls_verify = false`.
    pub tls_verify: bool,
    /// Longest time for one request.
    pub timeout: Duration,
}

/// A secret that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    None,
    Basic {
        username: String,
        password: Secret,
    },
    /// Access token of Graylog, sent in place of a username.
    Token(Secret),
    /// In the encoded form, as `Authorization: ApiKey …` expects it.
    ApiKey(Secret),
}

/// The configured store; there is exactly one.
#[derive(Debug, Clone)]
pub enum Store {
    Sqlite { path: PathBuf },
    Elasticsearch(ElasticsearchStore),
}

/// `[store.elasticsearch]`
#[derive(Debug, Clone)]
pub struct ElasticsearchStore {
    pub connection: Connection,
    /// The alias; behind it are monthly indices `ALIAS-2026.11`.
    pub index: String,
    pub shards: u32,
    pub replicas: u32,
    /// Most bytes of one bulk request.
    pub bulk_bytes: usize,
}
