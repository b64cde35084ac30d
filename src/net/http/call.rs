//! A request: method, path, body, and the limits of its answer.

use reqwest::Method;
use serde_json::Value;

/// Default limit of an answer in bytes, unpacked: memory must not depend on what a server sends.
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
    /// The start of the error message if it fails: "cannot search index `graylog_*`".
    pub doing: &'a str,
    pub method: Method,
    /// Relative to the base URL, without a leading slash, with the query string.
    pub path: &'a str,
    pub body: Body<'a>,
    pub(super) accept: &'static str,
    pub(super) again: bool,
    /// Limit of the answer in bytes, and a hint on what to do about a larger one.
    pub(super) most: (usize, Option<&'static str>),
}

impl<'a> Call<'a> {
    pub fn new(doing: &'a str, method: Method, path: &'a str, body: Body<'a>) -> Self {
        Self { doing, method, path, body, accept: "application/json", again: true, most: (LARGEST_ANSWER, None) }
    }

    /// Whether the call may be sent twice.
    pub fn may_repeat(&self) -> bool {
        self.again
    }

    /// Never sends the call twice: for the next page of a scroll, which the server may have turned without our knowing.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.again = false;
        self
    }

    /// Accepts an answer of up to `bytes`; `hint` is what to do about a larger one.
    #[must_use]
    pub fn at_most(mut self, bytes: usize, hint: &'static str) -> Self {
        self.most = (bytes, Some(hint));
        self
    }

    /// Sets the `Accept` header for an answer that is not JSON.
    #[must_use]
    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }
}
