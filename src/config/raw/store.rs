//! `[store]` as typed.

use super::OneOrMany;
use crate::config::{Secret, duration::Span};
use serde::Deserialize;
use std::path::PathBuf;

/// `[store]`
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Store {
    /// Age after its end at which `prune` deletes a transaction, unless told otherwise. At least `window.horizon`.
    /// Default: none.
    pub retention: Option<Span>,
    /// `[store.sqlite]`
    pub sqlite: Option<SqliteStore>,
    /// `[store.elasticsearch]`
    pub elasticsearch: Option<ElasticsearchStore>,
}

/// `[store.sqlite]`: one file, no server.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct SqliteStore {
    /// The file. Default: `transactions.sqlite` in the state directory.
    pub path: Option<PathBuf>,
}

/// `[store.elasticsearch]`: a cluster of Elasticsearch (7.10 to 9.x) or OpenSearch (1.3 to 3.x).
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct ElasticsearchStore {
    /// As in `[source.elasticsearch]`. Required.
    pub url: Option<OneOrMany>,
    /// The alias to search; behind it are monthly indices such as `mail-transactions-2026.11`. Default:
    /// `mail-transactions`.
    pub index: String,
    /// Primary shards of a monthly index, 1 to 1024. Default: 1.
    pub shards: u32,
    /// Replicas of each shard, 0 to 100. Default: 1.
    pub replicas: u32,
    /// Most bytes of one bulk request, 10000 to 100000000. Default: 5000000.
    pub bulk_bytes: usize,
    /// As in `[source.elasticsearch]`.
    pub username: Option<String>,
    /// As in `[source.elasticsearch]`, with `MAILSTITCH_STORE_PASSWORD` and the credential `store.password`.
    pub password: Option<Secret>,
    /// As in `[source.elasticsearch]`.
    pub password_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`, with `MAILSTITCH_STORE_API_KEY` and the credential `store.api_key`.
    pub api_key: Option<Secret>,
    /// As in `[source.elasticsearch]`.
    pub api_key_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub ca_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub client_cert_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub client_key_file: Option<PathBuf>,
    /// As in `[source.elasticsearch]`.
    pub tls_verify: bool,
    /// As in `[source.elasticsearch]`.
    pub timeout: Span,
}

impl Default for ElasticsearchStore {
    fn default() -> Self {
        Self {
            url: None,
            index: "mail-transactions".into(),
            shards: 1,
            replicas: 1,
            bulk_bytes: 5_000_000,
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
