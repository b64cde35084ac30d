//! Talks to a Graylog server: its errors, the rate of requests, its version and its streams.
//!
//! Requests go one at a time unless `parallel` is set, and never faster than `rate`; `http/` waits after 429 and 5xx.

use super::query;
use crate::{
    config::GraylogSource,
    error::{Error, Kind, Result},
    net::http::{Answer, Body, Call, Client, Dialect, Method, Stream},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{sync::PoisonError, time::Duration};
use tokio::{
    sync::{OnceCell, Semaphore, SemaphorePermit},
    time::Instant,
};

/// Graylog wants this header in every request but a GET.
const DIALECT: Dialect = Dialect { headers: &[("x-requested-by", "mailstitch")], explain };

/// Streams of Graylog's own events, which are no log lines.
const EVENTS: [&str; 2] = ["000000000000000000000002", "000000000000000000000003"];

/// A server.
pub struct Server {
    http: Client,
    gate: Semaphore,
    /// When the next request may be sent.
    next: std::sync::Mutex<Option<Instant>>,
    pause: Duration,
    timeout: Duration,
    wanted: Vec<String>,
    version: OnceCell<Version>,
    streams: OnceCell<Vec<String>>,
}

/// The version of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As the server reports it, without the build: `3.3.11`.
    pub number: String,
    pair: (u32, u32),
}

/// A stream that the user may read.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub disabled: bool,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let number = text.split('+').next()?;
        let mut parts = number.split(['.', '-']).map(str::parse);
        Some(Self { number: number.to_owned(), pair: (parts.next()?.ok()?, parts.next()?.ok()?) })
    }

    /// Whether an export takes `time_zone`; an older version answers 400 to a key that it does not know.
    pub fn knows_time_zone(&self) -> bool {
        self.pair >= (4, 3)
    }
}

impl Server {
    /// Reads the certificate files; sends nothing yet.
    pub fn new(settings: &GraylogSource) -> Result<Self> {
        Ok(Self {
            http: Client::new(&settings.connection, DIALECT)?,
            gate: Semaphore::new(settings.parallel),
            next: std::sync::Mutex::default(),
            pause: Duration::from_secs(1) / settings.rate,
            timeout: settings.connection.timeout,
            wanted: settings.streams.clone(),
            version: OnceCell::new(),
            streams: OnceCell::new(),
        })
    }

    /// The base URLs, without a token.
    pub fn addresses(&self) -> Vec<String> {
        self.http.addresses()
    }

    /// An error about an answer of this server; the caller adds the cause.
    pub fn error(&self, kind: Kind, doing: &str) -> Error {
        Error::new(kind, format!("{doing} on {}", self.addresses().join(", ")))
    }

    /// The answer to one request, whatever its status.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer> {
        let _turn = self.turn().await?;
        self.http.send(&call).await
    }

    /// The JSON of a successful answer.
    pub async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        let doing = call.doing;
        self.send(call).await?.json(doing)
    }

    /// The body of an answer while it comes in. It takes up one of the `parallel` turns until the permit is dropped.
    pub async fn stream(&self, call: Call<'_>) -> Result<(Stream, SemaphorePermit<'_>)> {
        let turn = self.turn().await?;
        Ok((self.http.stream(&call).await?, turn))
    }

    /// How long a search may take on the server, milliseconds: less than our timeout, so that the server gives up
    /// first.
    pub fn search_ms(&self) -> u128 {
        self.timeout.as_millis() * 9 / 10
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = self.gate.acquire().await;
        let turn = turn.map_err(|cause| Error::new(Kind::Software, "cannot wait for a turn").because(cause))?;
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(at + self.pause);
            at
        };
        tokio::time::sleep_until(at).await;
        Ok(turn)
    }

    /// The version of the server; asked once.
    ///
    /// # Errors
    /// `Config` if it is not a Graylog, or one older than 3.3.
    pub async fn version(&self) -> Result<&Version> {
        self.version.get_or_try_init(|| self.ask_version()).await
    }

    async fn ask_version(&self) -> Result<Version> {
        let doing = "cannot ask for the version";
        let answer = self.send(Call::new(doing, Method::GET, "api/", Body::None)).await?;
        if !answer.is_success() {
            return Err(answer.failure(doing));
        }
        let root: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let root = root.filter(|root| root.get("cluster_id").is_some());
        let version = root.as_ref().and_then(|root| root.get("version")?.as_str()).and_then(Version::parse);
        let Some(version) = version else {
            let error = answer.error(Kind::Config, doing).because("this is no Graylog");
            return Err(error.hint("`url` is the address of Graylog's web interface, without `/api`"));
        };
        if version.pair < (3, 3) {
            let cause = format!("Graylog {} is too old: 3.3 is the oldest that can be used", version.number);
            return Err(answer.error(Kind::Config, doing).because(cause));
        }
        Ok(version)
    }

    /// The ids of the streams to read; asked once. Requests always name them: if the user may not read one, Graylog
    /// answers with an error, whereas a request that names none would get an empty answer.
    pub async fn streams(&self) -> Result<&[String]> {
        let found = self.streams.get_or_try_init(|| async { self.chosen(&self.readable().await?) }).await?;
        Ok(found)
    }

    /// The streams that the user may read, without those of Graylog's own events.
    pub async fn readable(&self) -> Result<Vec<Named>> {
        #[derive(Deserialize)]
        struct Streams {
            streams: Vec<Named>,
        }
        let doing = "cannot ask for the streams";
        let all: Streams = self.json(Call::new(doing, Method::GET, "api/streams", Body::None)).await?;
        Ok(all.streams.into_iter().filter(|stream| !EVENTS.contains(&stream.id.as_str())).collect())
    }

    /// The ids of the streams that settings name, or of all if they name none.
    fn chosen(&self, readable: &[Named]) -> Result<Vec<String>> {
        if readable.is_empty() {
            let error = self.error(Kind::Permission, "cannot read streams").because("the user may read none");
            return Err(error.hint(SHARE));
        }
        if self.wanted.is_empty() {
            return Ok(readable.iter().map(|stream| stream.id.clone()).collect());
        }
        let mut chosen = Vec::new();
        for wanted in &self.wanted {
            let named: Vec<&Named> = readable.iter().filter(|s| s.id == *wanted || s.title == *wanted).collect();
            let doing = format!("cannot read stream `{wanted}`");
            match named[..] {
                [one] => chosen.push(one.id.clone()),
                [] => {
                    let titles: Vec<String> = readable.iter().map(|stream| format!("`{}`", stream.title)).collect();
                    let cause =
                        format!("there is none of that name that the user may read, only {}", titles.join(", "));
                    return Err(self.error(Kind::Config, &doing).because(cause).hint(SHARE));
                }
                _ => {
                    let ids: Vec<&str> = named.iter().map(|stream| stream.id.as_str()).collect();
                    let error = self.error(Kind::Config, &doing).because("several streams have that name");
                    return Err(error.hint(format!("name one of them by its id: {}", ids.join(", "))));
                }
            }
        }
        Ok(chosen)
    }
}

/// The hint if a query is refused.
pub const QUERY: &str = "check `query` and `programs`";

/// The hint if a right is missing.
const SHARE: &str = "in Graylog open Streams, More, Share and let the token's user view the stream; before 4.0: System, \
                     Authentication, Users, Edit, a role that reads the stream";

/// Turns a failed answer into an error.
///
/// | status                     | kind       |
/// |----------------------------|------------|
/// | 401, 403                   | Permission |
/// | 408, 429, 5xx              | Temporary  |
/// | everything else: 400, 404  | Config     |
///
/// A query that is not understood is `Config` too, although the older search answers 500 to it.
pub(crate) fn explain(answer: &Answer, doing: &str) -> Error {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let message = body.as_ref().and_then(|body| body.get("message")?.as_str());
    let message = message.map(|message| message.lines().collect::<Vec<_>>().join(" "));
    let message: Option<String> = message.map(|message| message.chars().take(300).collect());
    let told = |kind| {
        answer.error(kind, doing).because(match &message {
            Some(message) => format!("{message} ({})", answer.status),
            None => format!("status {}", answer.status),
        })
    };
    match answer.status {
        401 => {
            let error = answer.error(Kind::Permission, doing);
            let error = error.because("the token, or the user name and password, was not accepted (401)");
            error.hint("in Graylog open System, Users, the user's Edit Tokens, and put a token into `token_file`")
        }
        403 => told(Kind::Permission).hint(SHARE),
        _ if message.as_deref().is_some_and(query::is_not_understood) => told(Kind::Config).hint(QUERY),
        status if crate::net::http::retry::may_pass(status) => told(Kind::Temporary),
        404 => told(Kind::Config).hint("`url` is the address of Graylog's web interface, without `/api`"),
        _ => told(Kind::Config),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_without_its_build() {
        let version = |text| Version::parse(text).map(|v| (v.number.clone(), v.knows_time_zone()));
        assert_eq!(version("3.3.11+9335407"), Some(("3.3.11".into(), false)));
        assert_eq!(version("4.2.0-beta.1+x"), Some(("4.2.0-beta.1".into(), false)));
        assert_eq!(version("7.0.1+29f3984"), Some(("7.0.1".into(), true)));
        assert_eq!(version("next"), None);
    }
}
