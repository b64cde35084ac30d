//! Real search servers for the tests: no containers, no mocks.
//!
//! In: a server's name (`opensearch-2.19.6`). Out: an [`Engine`] that answers HTTP. A test file with `mod servers;`
//! also needs `mod common;`. The servers are laid out once per machine from jars of Maven Central (`setup.sh`),
//! started on a free port with an empty data directory (`launch.rs`), shared by the tests of one binary, and ended
//! with the test process (`guard.sh`). Nothing is skipped silently: without a JDK or Maven a test fails and says what
//! to install. `MAILSTITCH_TEST_OPENSEARCH_URL` and `MAILSTITCH_TEST_ELASTICSEARCH_URL` name running servers to use
//! instead; `MAILSTITCH_TEST_OPENSEARCH_VERSION` and `MAILSTITCH_TEST_ELASTICSEARCH_VERSION` run the same tests with
//! another version. Known to work: OpenSearch 1.3.14, 2.19.6, 3.8.0; Elasticsearch 7.10.2, 7.17.29, 8.19.21, 9.5.3.
//!
//! Shared servers hold the indices of all tests, so each test takes its own names from [`unique_name`].
#![allow(dead_code, unused_imports, reason = "each test binary uses the part that it needs")]

mod graylog;
mod http;
pub mod launch;
mod load;
mod proxy;

pub use graylog::{Graylog, Sink};
pub use load::Shape;
pub use proxy::{Asked, Deed, Proxy};

use mailstitch::config::{Auth, Connection};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{
        LazyLock, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// How a source or a store reaches a server.
pub fn connection(url: String, auth: Auth) -> Connection {
    Connection {
        urls: vec![url],
        auth,
        ca_file: None,
        client_cert_file: None,
        client_key_file: None,
        tls_verify: true,
        timeout: Duration::from_secs(60),
    }
}

/// A running server.
pub struct Engine {
    name: String,
    url: String,
    /// `None` for a server named by the environment; otherwise the process ends when this is dropped.
    process: Option<launch::Process>,
}

type Slot = OnceLock<Result<Engine, String>>;

impl Engine {
    /// The OpenSearch shared by the tests of this binary.
    pub fn opensearch() -> &'static Self {
        Self::shared(&opensearch())
    }

    /// The Elasticsearch shared by the tests of this binary.
    pub fn elasticsearch() -> &'static Self {
        Self::shared(&elasticsearch())
    }

    /// A server by name, shared by the tests of this binary and started by the first that asks for it.
    pub fn shared(name: &str) -> &'static Self {
        static ALL: LazyLock<Mutex<HashMap<String, &'static Slot>>> = LazyLock::new(Mutex::default);
        // The table is locked only for the lookup, so that two servers can start at the same time.
        let slot: &'static Slot = ALL
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.to_owned())
            .or_insert_with(|| Box::leak(Box::default()));
        // A failure is kept, so that other tests need not wait for it again.
        match slot.get_or_init(|| Self::named_by_environment(name).map_or_else(|| Self::launch(name, &[]), Ok)) {
            Ok(engine) => engine,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// A server for the caller alone, with its own settings (`http.max_content_length`), killed when it is dropped.
    pub fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        Self::launch(name, settings).unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Kills a server of the caller's own; it stays down until [`start_again`](Self::start_again).
    #[track_caller]
    pub fn kill(&mut self) {
        let process = self.process.as_mut().expect("a server of one's own");
        process.kill().unwrap_or_else(|reason| panic!("{} {reason}", self.name));
    }

    /// Restarts the killed server on its data, under another address unless its settings name one.
    #[track_caller]
    pub fn start_again(&mut self) {
        let process = self.process.as_mut().expect("a server of one's own");
        self.url = process.start_again().unwrap_or_else(|reason| panic!("{} {reason}", self.name));
    }

    fn launch(name: &str, settings: &[(&str, &str)]) -> Result<Self, String> {
        let (process, url) = launch::launch(name, settings)?;
        Ok(Self { name: name.to_owned(), url, process: Some(process) })
    }

    fn named_by_environment(name: &str) -> Option<Self> {
        let variable = match name {
            _ if name == opensearch() => "MAILSTITCH_TEST_OPENSEARCH_URL",
            _ if name == elasticsearch() => "MAILSTITCH_TEST_ELASTICSEARCH_URL",
            _ => return None,
        };
        let url = var(variable).filter(|url| !url.is_empty())?;
        Some(Self { name: name.to_owned(), url: url.trim_end_matches('/').to_owned(), process: None })
    }

    /// `opensearch-2.19.6`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `http://127.0.0.1:40123`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How a source or a store reaches it.
    pub fn connection(&self) -> Connection {
        connection(self.url.clone(), Auth::None)
    }

    /// The JSON answer to a request; fails the test if the status is not 2xx. `Value::Null` sends no body. Works
    /// inside and outside of an async runtime.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.answer(method, path, body);
        assert!((200..300).contains(&status), "{method} {path} on {}: {status} {answer}", self.name);
        answer
    }

    /// Like [`request`](Self::request), but returns any status.
    #[track_caller]
    pub fn answer(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, body)
    }

    /// Indexes documents with the given ids, or ids from the server, and makes them visible.
    #[track_caller]
    pub fn index(&self, index: &str, documents: impl IntoIterator<Item = (Option<String>, Value)>) {
        let mut documents = documents.into_iter().peekable();
        while documents.peek().is_some() {
            let mut body = String::new();
            for (id, document) in documents.by_ref().take(2_000) {
                // A data stream accepts no action but `create`.
                let action = id.map_or_else(
                    || serde_json::json!({ "create": {} }),
                    |id| serde_json::json!({ "index": { "_id": id } }),
                );
                body += &format!("{action}\n{document}\n");
            }
            let (status, answer) = self.send("POST", &format!("/{index}/_bulk"), body);
            assert!(status == 200 && answer["errors"] == false, "bulk on {}: {status} {answer}", self.name);
        }
        self.request("POST", &format!("/{index}/_refresh"), Value::Null);
    }

    /// Removes `best_compression` from the installed template of a transactions index and leaves its `_meta`, so that
    /// mailstitch recognises its own template and keeps it. Since 8.16 Elasticsearch compresses with a native zstd,
    /// which is in its distribution but not on Maven Central, so no index with that codec can be made here.
    #[track_caller]
    pub fn plain_codec(&self, alias: &str) {
        let path = format!("/_index_template/mailstitch-{alias}");
        let mut installed = self.request("GET", &path, Value::Null);
        let mut template = installed["index_templates"][0]["index_template"].take();
        let settings = template.pointer_mut("/template/settings/index").and_then(Value::as_object_mut);
        settings.expect("settings of the index").remove("codec").expect("a codec");
        // Since 9.1 the server adds times of creation and change, and does not accept them back.
        let fields = template.as_object_mut().expect("a template");
        fields.retain(|name, _| !name.starts_with("created_date") && !name.starts_with("modified_date"));
        self.request("PUT", &path, template);
    }

    fn send(&self, method: &str, path: &str, body: String) -> (u16, Value) {
        http::call(method, &format!("{}{path}", self.url), body)
            .unwrap_or_else(|cause| panic!("{method} {path} on {}: {cause}", self.name))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the harness is what the environment configures; nobody sets it meanwhile"
)]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The name of the OpenSearch to test with.
pub fn opensearch() -> String {
    let version = var("MAILSTITCH_TEST_OPENSEARCH_VERSION");
    format!("opensearch-{}", version.as_deref().unwrap_or("2.19.6"))
}

/// The name of the Elasticsearch to test with.
pub fn elasticsearch() -> String {
    let version = var("MAILSTITCH_TEST_ELASTICSEARCH_VERSION");
    format!("elasticsearch-{}", version.as_deref().unwrap_or("8.19.21"))
}

/// A name that no other test, process or earlier run uses: `graylog-4711-18d3a…-0`. Valid for an index.
pub fn unique_name(stem: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_millis());
    format!("{stem}-{}-{since:x}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
