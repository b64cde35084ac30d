//! The smallest client that the tests need to look into a server themselves.
//!
//! In: method, address, JSON or NDJSON text. Out: status and answer. Not the client of mailstitch, on purpose: a test
//! does not check a thing with the thing itself.

use serde_json::Value;
use std::{
    sync::{LazyLock, mpsc},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// One thread of its own, so that a test may call from anywhere, an async runtime included.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));

/// Servers on this machine are not asked through a proxy.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    // Graylog wants the second header; nobody minds it.
    let headers = [("accept", "application/json"), ("x-requested-by", "tests")]
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    reqwest::Client::builder()
        .no_proxy()
        .default_headers(headers.into_iter().collect())
        .timeout(Duration::from_secs(120))
        .build()
        .expect("an HTTP client")
});

/// The status and the answer: JSON, or its text where it is none.
pub fn call(method: &str, url: &str, body: String) -> Result<(u16, Value), String> {
    let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|e| e.to_string())?;
    let request = CLIENT.request(method, url);
    // An action line per document: the servers want to be told.
    let kind = if body.ends_with('\n') { "application/x-ndjson" } else { "application/json" };
    let request = if body.is_empty() { request } else { request.header("content-type", kind).body(body) };
    let (tell, told) = mpsc::channel();
    RUNTIME.spawn(async move {
        let answer = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        // Nobody listens any more only when the test has failed meanwhile.
        let _ = tell.send(answer.await);
    });
    let (status, text) = told.recv().map_err(|e| e.to_string())?.map_err(|e| format!("{e:?}"))?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
