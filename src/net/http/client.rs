//! Sends requests to one of several base URLs, with retries, and never puts a secret into a message.
//!
//! In: a [`Call`]. Out: an [`Answer`] whose status a retry would not change, or the error of the last attempt. A request may be
//! sent twice; one that must not has a guard (`create`, `if_seq_no`) or is marked with [`Call::once`].

use super::{
    Answer, Body, Call, Dialect,
    failure::Failure,
    retry::{self, TRIES},
    tls,
};
use crate::{
    config::{Auth, Connection, Secret},
    error::{Error, Kind, Result},
};
use reqwest::{
    Response, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Largest part of an error body that is read, in bytes.
const LARGEST_ERROR: usize = 1 << 20;

/// A timeout has already cost much time, so it counts as this many failures: after the first there is one more attempt.
const TIMEOUT_COUNTS: u32 = TRIES / 2 + 1;

/// The body of a successful answer, read as it arrives.
pub struct Stream {
    response: Response,
    head: Answer,
    doing: String,
}

impl Stream {
    /// Status, content type and address of the answer; its body is empty.
    pub fn head(&self) -> &Answer {
        &self.head
    }

    /// The next piece, unpacked; `None` at the announced end. `Temporary` if the body ends early or pauses beyond the timeout.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>> {
        self.response.chunk().await.map_err(|cause| {
            let failure = Failure::of(cause);
            self.head.error(failure.kind, &self.doing).because(failure.cause)
        })
    }
}

/// A connection to one service.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    bases: Vec<Url>,
    auth: Auth,
    /// Index of the base URL that answered last.
    preferred: AtomicUsize,
    timeout: Duration,
    dialect: Dialect,
}

/// Result of one attempt.
struct Got {
    answer: Answer,
    /// The body, if it is to be streamed.
    left: Option<Response>,
    /// The wait that the server asked for (`Retry-After`).
    asked: Option<Duration>,
}

/// A failed attempt.
struct Trouble {
    error: Error,
    tells: Tells,
    /// The number of failures that it counts as.
    counts: u32,
    asked: Option<Duration>,
}

/// How informative a failed attempt is, least first. Only `Setting` is not retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tells {
    Setting,
    Down,
    Late,
    Busy,
}

impl Trouble {
    /// Combines two failures of one round: keeps the more informative one, or the later of two equals.
    fn and(self, later: Self) -> Self {
        let counts = self.counts.max(later.counts);
        let telling = if self.tells > later.tells { self } else { later };
        Self { counts, ..telling }
    }
}

impl Client {
    /// Reads the certificate files; sends nothing yet.
    ///
    /// # Errors
    /// `Config` for an invalid URL or certificate, `Permission` for a file that may not be read.
    pub fn new(connection: &Connection, dialect: Dialect) -> Result<Self> {
        let mut auth = connection.auth.clone();
        let mut bases = Vec::with_capacity(connection.urls.len());
        for url in &connection.urls {
            let (base, user) = base(url)?;
            bases.push(base);
            if let (Auth::None, Some(user)) = (&auth, user) {
                auth = user;
            }
        }
        if bases.is_empty() {
            return Err(Error::new(Kind::Config, "cannot connect").because("`url` is empty"));
        }
        let compressed = !bases.iter().all(is_this_machine);
        let http = tls::http_client(connection, compressed)?;
        Ok(Self { http, bases, auth, preferred: AtomicUsize::new(0), timeout: connection.timeout, dialect })
    }

    /// The base URLs, without user and password.
    pub fn addresses(&self) -> Vec<String> {
        self.bases.iter().map(shown).collect()
    }

    /// Sends the call and parses the JSON of a successful answer.
    pub async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        self.send(&call).await?.json(call.doing)
    }

    /// Sends the call, with retries. The answer is successful or has a status that the caller may expect (404, 409, 413).
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer> {
        self.persist(call, false).await.map(|(answer, _)| answer)
    }

    /// As [`send`](Self::send), but the caller reads the body of a successful answer, each piece with its own timeout and without
    /// retries. An unsuccessful answer is an error.
    pub async fn stream(&self, call: &Call<'_>) -> Result<Stream> {
        match self.persist(call, true).await? {
            (head, Some(response)) => Ok(Stream { response, head, doing: call.doing.to_owned() }),
            (answer, None) => Err(answer.failure(call.doing)),
        }
    }

    async fn persist(&self, call: &Call<'_>, streamed: bool) -> Result<(Answer, Option<Response>)> {
        let mut failed = 0;
        loop {
            let trouble = match self.round(call, streamed).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            failed += trouble.counts;
            if trouble.tells == Tells::Setting || !call.again || failed >= TRIES {
                return Err(trouble.error);
            }
            tracing::debug!("{}; trying again", trouble.error);
            retry::note(1);
            tokio::time::sleep(retry::wait(failed, trouble.asked)).await;
        }
    }

    /// One attempt at each base URL until one answers, beginning with the one that answered last.
    async fn round(&self, call: &Call<'_>, streamed: bool) -> std::result::Result<(Answer, Option<Response>), Trouble> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut troubles: Option<Trouble> = None;
        let mut met = |trouble: Trouble| {
            troubles = Some(match troubles.take() {
                Some(before) => before.and(trouble),
                None => trouble,
            });
        };
        for turn in 0..self.bases.len() {
            let at = (first + turn) % self.bases.len();
            match self.once(&self.bases[at], call, streamed).await {
                Ok(Got { answer, asked, .. }) if retry::may_pass(answer.status) => {
                    let next_node = retry::try_next_node(answer.status);
                    met(Trouble { error: answer.failure(call.doing), tells: Tells::Busy, counts: 1, asked });
                    if !next_node {
                        break;
                    }
                }
                Ok(Got { answer, left, .. }) => {
                    self.preferred.store(at, Ordering::Relaxed);
                    return Ok((answer, left));
                }
                Err(trouble) => {
                    met(trouble);
                    // The server may have done what was asked, so no other node may be sent the same.
                    if !call.again {
                        break;
                    }
                }
            }
        }
        // There is at least one base URL, so this default is never used.
        Err(troubles.unwrap_or_else(|| Trouble {
            error: Error::new(Kind::Software, call.doing).because("no base URL"),
            tells: Tells::Setting,
            counts: 1,
            asked: None,
        }))
    }

    async fn once(&self, base: &Url, call: &Call<'_>, streamed: bool) -> std::result::Result<Got, Trouble> {
        let shown = shown(base);
        self.exchange(base, call, streamed).await.map_err(|failure| {
            let error = Error::new(failure.kind, format!("{} on {shown}", call.doing)).because(&failure.cause);
            Trouble {
                error: match failure.hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                },
                tells: match failure.kind {
                    Kind::Temporary if failure.timed_out => Tells::Late,
                    Kind::Temporary => Tells::Down,
                    _ => Tells::Setting,
                },
                counts: if failure.timed_out { TIMEOUT_COUNTS } else { 1 },
                asked: None,
            }
        })
    }

    async fn exchange(&self, base: &Url, call: &Call<'_>, streamed: bool) -> std::result::Result<Got, Failure> {
        let shown = shown(base);
        let url = format!("{shown}/{}", call.path);
        let mut request = self.http.request(call.method.clone(), url).header(ACCEPT, call.accept);
        for (name, value) in self.dialect.headers {
            request = request.header(*name, *value);
        }
        if !streamed {
            request = request.timeout(self.timeout);
        }
        request = match &self.auth {
            Auth::None => request,
            Auth::Basic { username, password } => request.basic_auth(username, Some(&password.0)),
            // Graylog's convention: the token takes the place of the user name.
            Auth::Token(token) => request.basic_auth(&token.0, Some("token")),
            Auth::ApiKey(key) => request.header(AUTHORIZATION, api_key(key)?),
        };
        request = match call.body {
            Body::None => request,
            Body::Json(json) => request.header(CONTENT_TYPE, "application/json").body(json.to_string()),
            Body::Lines(lines) => request.header(CONTENT_TYPE, "application/x-ndjson").body(lines.to_vec()),
        };
        let mut response = request.send().await.map_err(Failure::of)?;
        let status = response.status().as_u16();
        let date = text(response.headers(), &DATE).and_then(retry::http_date);
        let asked = retry::retry_after(text(response.headers(), &RETRY_AFTER), date);
        let content_type = text(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        let explain = self.dialect.explain;
        let mut answer = Answer { status, date, content_type, body: Vec::new(), base: shown, explain };
        if streamed && answer.is_success() {
            return Ok(Got { answer, left: Some(response), asked });
        }
        let (most, hint) = call.most;
        // Reserve at once: growing by doubling would hold a large body twice.
        let length = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        answer.body.reserve(length.min(most));
        while let Some(chunk) = response.chunk().await.map_err(Failure::of)? {
            if !answer.is_success() && answer.body.len() > LARGEST_ERROR {
                break;
            }
            if answer.body.len() + chunk.len() > most {
                let cause = format!("the answer is larger than {} MiB", most >> 20);
                // It would be no smaller the next time: count it like a timeout, so that it is retried only once.
                return Err(Failure { kind: Kind::Temporary, cause, hint, timed_out: true });
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(Got { answer, left: None, asked })
    }
}

/// The header, marked as sensitive so that it is never shown.
fn api_key(key: &Secret) -> std::result::Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("ApiKey {}", key.0)).map_err(|_| Failure {
        kind: Kind::Config,
        cause: "the API key holds characters that no header can".to_owned(),
        hint: Some("use the encoded form of the key"),
        timed_out: false,
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A base URL from the configuration, and the user in it, if any.
fn base(typed: &str) -> Result<(Url, Option<Auth>)> {
    // The URL is not quoted: it may hold a password.
    let refused = |cause: String| Error::new(Kind::Config, "cannot use a `url` of the server").because(cause);
    let mut url = Url::parse(typed.trim_end_matches('/')).map_err(|cause| refused(cause.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("it does not start with `http://` or `https://` and a host".to_owned()));
    }
    let user = (!url.username().is_empty()).then(|| Auth::Basic {
        username: decoded(url.username()),
        password: Secret(decoded(url.password().unwrap_or_default())),
    });
    url.set_query(None);
    url.set_fragment(None);
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| refused("it holds a user where none can be".to_owned()))?;
    Ok((url, user))
}

/// A base URL as it is shown and as paths are appended to it: without user and without a trailing slash.
fn shown(base: &Url) -> String {
    base.as_str().trim_end_matches('/').to_owned()
}

/// Percent-decodes a user name or password (RFC 3986, 2.1); if the result is not UTF-8, the text stays as typed.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| byte == b'%') {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn is_this_machine(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http::{
        call::LARGEST_ANSWER,
        scripted::{DEAD, Scripted, connection, plain},
    };
    use reqwest::Method;
    use serde_json::Value;

    async fn ask(client: &Client) -> Result<Value> {
        client.json(Call::new("cannot ask", Method::GET, "x", Body::None)).await
    }

    #[tokio::test]
    async fn a_busy_server_is_asked_again_when_it_says() {
        let busy = (429, "retry-after: 0\r\n", String::new());
        let server = Scripted::new(vec![busy.clone(), busy, (200, "", "7".into())]);
        let client = Client::new(&connection(&[&server.url]), plain()).unwrap();
        assert_eq!(ask(&client).await.unwrap(), 7);
        assert_eq!(server.asked(), ["GET /x"; 3]);
    }

    #[tokio::test]
    async fn a_dead_node_is_passed_over_and_not_asked_first_again() {
        let server = Scripted::new(vec![(200, "", "1".into()), (200, "", "2".into())]);
        let client = Client::new(&connection(&[DEAD, &server.url]), plain()).unwrap();
        assert_eq!(ask(&client).await.unwrap(), 1);
        assert_eq!(client.preferred.load(Ordering::Relaxed), 1);
        assert_eq!(ask(&client).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn of_two_nodes_in_trouble_the_one_that_speaks_is_told_of() {
        let busy = vec![(503, "retry-after: 0\r\n", String::new()); TRIES as usize];
        let server = Scripted::new([vec![(200, "", "1".into())], busy].concat());
        let client = Client::new(&connection(&[&server.url, DEAD]), plain()).unwrap();
        assert_eq!(ask(&client).await.unwrap(), 1);
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot ask on {}: status 503", server.url));
    }

    #[tokio::test]
    async fn a_server_that_stays_busy_is_a_temporary_error() {
        let server = Scripted::new(vec![(503, "retry-after: 0\r\n", String::new()); TRIES as usize]);
        let client = Client::new(&connection(&[&server.url]), plain()).unwrap();
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Temporary);
        assert_eq!(error.to_string(), format!("cannot ask on {}: status 503", server.url));
    }

    #[tokio::test]
    async fn a_call_that_must_happen_once_is_sent_once() {
        let server = Scripted::new(vec![(503, "retry-after: 0\r\n", String::new()), (200, "", "1".into())]);
        let client = Client::new(&connection(&[&server.url]), plain()).unwrap();
        assert!(client.send(&Call::new("cannot ask", Method::GET, "x", Body::None).once()).await.is_err());
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn a_secret_never_enters_an_error() {
        let server = Scripted::new(vec![(401, "", "{}".into())]);
        let url = server.url.replace("http://", "http://stitch:secret@");
        let error = ask(&Client::new(&connection(&[&url]), plain()).unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Permission);
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let replies = vec![(200, "", " ".repeat(LARGEST_ANSWER + 1)); 2];
        let server = Scripted::new(replies);
        let client = Client::new(&connection(&[&server.url]), plain()).unwrap();
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Temporary);
        assert_eq!(error.to_string(), format!("cannot ask on {}: the answer is larger than 16 MiB", server.url));
    }

    #[test]
    fn a_user_in_the_url_is_used_and_never_shown() {
        let (url, user) = base("https://stitch:p%40ss@search.example.org:9200/es/").unwrap();
        assert_eq!(shown(&url), "https://search.example.org:9200/es");
        assert_eq!(user, Some(Auth::Basic { username: "stitch".into(), password: Secret("p@ss".into()) }));
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_it() {
        for typed in ["search.example.org:9200", "ftp://u:secret@example.org", "https://", "https://u:secret@:9200"] {
            let error = base(typed).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn this_machine_is_known_by_name_and_by_number() {
        let local = ["http://localhost:9200", "http://127.0.0.1:9200", "http://[::1]:9200"];
        assert!(local.iter().all(|url| is_this_machine(&base(url).unwrap().0)));
        assert!(!is_this_machine(&base("http://192.0.2.1:9200").unwrap().0));
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(decoded("100%_%zz%"), "100%_%zz%");
        assert_eq!(decoded("a%3Ab%ff"), "a%3Ab%ff");
    }
}
