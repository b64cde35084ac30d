//! Parts that several tables share: values that may be lists, and the keys of a connection.

use super::{ElasticsearchSource, ElasticsearchStore, GraylogSource};
use crate::config::{Secret, duration::Span};
use serde::Deserialize;
use std::path::PathBuf;

/// One string or a list of strings.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(untagged, expecting = "must be a text in quotes or a list of them")]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// The strings, separated by commas.
    pub fn joined(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Many(texts) => texts.join(","),
        }
    }
}

/// The secret that replaces username and password.
#[derive(Debug, Clone)]
pub enum Key {
    /// `api_key` and `api_key_file`
    ApiKey(Option<Secret>, Option<PathBuf>),
    /// `token` and `token_file`
    Token(Option<Secret>, Option<PathBuf>),
}

/// The connection keys common to all server tables, so that one function can check them.
#[derive(Debug, Clone)]
pub struct Connection {
    pub url: Option<OneOrMany>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    pub key: Key,
    pub ca_file: Option<PathBuf>,
    pub client_cert_file: Option<PathBuf>,
    pub client_key_file: Option<PathBuf>,
    pub tls_verify: bool,
    pub timeout: Span,
}

macro_rules! connection {
    ($table:ty, $kind:ident, $key:ident, $key_file:ident) => {
        impl $table {
            /// The keys of the connection.
            pub fn connection(&self) -> Connection {
                let t = self.clone();
                Connection {
                    url: t.url,
                    username: t.username,
                    password: t.password,
                    password_file: t.password_file,
                    key: Key::$kind(t.$key, t.$key_file),
                    ca_file: t.ca_file,
                    client_cert_file: t.client_cert_file,
                    client_key_file: t.client_key_file,
                    tls_verify: t.tls_verify,
                    timeout: t.timeout,
                }
            }
        }
    };
}
connection!(ElasticsearchSource, ApiKey, api_key, api_key_file);
connection!(ElasticsearchStore, ApiKey, api_key, api_key_file);
connection!(GraylogSource, Token, token, token_file);
