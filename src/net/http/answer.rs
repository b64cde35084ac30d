//! An answer, and what its status means for the run.
//!
//! In: status, body, where it came from.  Out: the JSON in it, or the error as the user reads it: each kind of server has
//! its own way to tell one, which its [`Dialect`] knows.

use crate::{
    error::{Error, Kind, Result},
    model::Time,
};
use serde::de::DeserializeOwned;

/// How a kind of server is spoken to, and how it tells its errors.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// The error that an answer is; `doing` is "cannot search index `graylog_*`".
    pub explain: fn(&Answer, &str) -> Error,
}

/// What a server answered, whatever the status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// The server's clock, where it or a proxy before it sends `Date`.
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
    /// As [`failure`](Self::failure) says for another status; temporary when the body is not what it should be, because
    /// a proxy's page or a cut body looks like that.
    pub fn json<T: DeserializeOwned>(&self, doing: &str) -> Result<T> {
        if !self.is_success() {
            return Err(self.failure(doing));
        }
        serde_json::from_slice(&self.body).map_err(|cause| {
            self.error(Kind::Temporary, doing).because(format!("the answer is not understood: {cause}"))
        })
    }

    /// The error that this answer is.
    pub fn failure(&self, doing: &str) -> Error {
        (self.explain)(self, doing)
    }

    /// An error of this answer's server; the cause is still to be added.
    pub fn error(&self, kind: Kind, doing: &str) -> Error {
        Error::new(kind, format!("{doing} on {}", self.base))
    }
}
