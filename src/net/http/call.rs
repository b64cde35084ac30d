//! What is asked: a method, a path, a body, and what may come back.

use reqwest::Method;
use serde_json::Value;

/// Largest answer that is taken where a call does not say otherwise, bytes, unpacked: memory must not follow what a server
/// sends.
pub(super) const LARGEST_ANSWER: usize = 16 << 20;

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    None,
    Json(&'a Value),
    /// NDJSON, as `_bulk` wants it.
    Lines(&'a [u8]),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What the user reads when it fails: "cannot search index `graylog_*`".
    pub doing: &'a str,
    pub method: Method,
    /// From the base URL on, without a leading slash, with its query.
    pub path: &'a str,
    pub body: Body<'a>,
    pub(super) accept: &'static str,
    pub(super) again: bool,
    /// Largest answer, bytes, and what can be done about a larger one.
    pub(super) most: (usize, Option<&'static str>),
}

impl<'a> Call<'a> {
    pub fn new(doing: &'a str, method: Method, path: &'a str, body: Body<'a>) -> Self {
        Self { doing, method, path, body, accept: "application/json", again: true, most: (LARGEST_ANSWER, None) }
    }

    /// Whether it may be sent twice.
    pub fn may_repeat(&self) -> bool {
        self.again
    }

    /// Not to be sent twice: the next page of a scroll, which the server may have turned without our knowing.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.again = false;
        self
    }

    /// Takes an answer of so many bytes; `hint` is what to do about a larger one.
    #[must_use]
    pub fn at_most(mut self, bytes: usize, hint: &'static str) -> Self {
        self.most = (bytes, Some(hint));
        self
    }

    /// What is wanted where it is not JSON.
    #[must_use]
    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }
}
