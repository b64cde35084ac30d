//! A minimal client for tests to look into a server.
//!
//! In: method, address, JSON or NDJSON text. Out: status and answer. On purpose not the client of mailstitch: a test
//! should not check something with itself.

use serde_json::Value;
use std::{
    sync::{LazyLock, mpsc},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// A thread of its own, so that tests can call from anywhere, even inside an async runtime.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));

/// Does not use a proxy for servers on this machine.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    // Graylog requires the second header; other servers ignore it.
    let headers = [("accept", "application/json"), ("x-requested-by", "tests")]
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    reqwest::Client::builder()
        .no_proxy()
        .default_headers(headers.into_iter().collect())
        .timeout(Duration::from_secs(120))
        .build()
        .expect("an HTTP client")
});

/// The status and the answer as JSON, or as text if it is not JSON.
pub fn call(method: &str, url: &str, body: String) -> Result<(u16, Value), String> {
    let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|e| e.to_string())?;
    let request = CLIENT.request(method, url);
    // Servers need to know that the body has one action or document per line.
    let kind = if body.ends_with('\n') { "application/x-ndjson" } else { "application/json" };
    let request = if body.is_empty() { request } else { request.header("content-type", kind).body(body) };
    let (tell, told) = mpsc::channel();
    RUNTIME.spawn(async move {
        let answer = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        // Fails only if the test has failed meanwhile.
        let _ = tell.send(answer.await);
    });
    let (status, text) = told.recv().map_err(|e| e.to_string())?.map_err(|e| format!("{e:?}"))?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
