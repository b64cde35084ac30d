//! An answer, and what its status means for the run.
//!
//! In: status, body, and the address that answered. Out: the JSON in it, or the error for the user. Each kind of server
//! reports errors in its own way, which its [`Dialect`] knows.

use crate::{
    error::{Error, Kind, Result},
    model::Time,
};
use serde::de::DeserializeOwned;

/// The headers that a kind of server expects, and how it reports errors.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// Turns an answer into an error; `doing` is "cannot search index `graylog_*`".
    pub explain: fn(&Answer, &str) -> Error,
}

/// A server's answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// The server's clock, if the server or a proxy sends `Date`.
    pub date: Option<Time>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// The base URL that answered, without user and password.
    pub base: String,
    pub(crate) explain: fn(&Answer, &str) -> Error,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The JSON of a successful answer.
    ///
    /// # Errors
    /// As [`failure`](Self::failure) for any other status. `Temporary` if the body cannot be parsed, because a proxy's
    /// error page or a truncated body looks like that.
    pub fn json<T: DeserializeOwned>(&self, doing: &str) -> Result<T> {
        if !self.is_success() {
            return Err(self.failure(doing));
        }
        serde_json::from_slice(&self.body).map_err(|cause| {
            self.error(Kind::Temporary, doing).because(format!("the answer is not understood: {cause}"))
        })
    }

    /// This answer as an error.
    pub fn failure(&self, doing: &str) -> Error {
        (self.explain)(self, doing)
    }

    /// An error that names this answer's server; the caller adds the cause.
    pub fn error(&self, kind: Kind, doing: &str) -> Error {
        Error::new(kind, format!("{doing} on {}", self.base))
    }
}
