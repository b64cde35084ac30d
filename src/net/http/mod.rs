//! Requests over HTTP, whatever service answers: base URLs in turn, back-off, certificates, secrets that never print.
//!
//! ```text
//! Call ─▶ client.rs (base URLs in turn, back-off) ─▶ Answer, or a Stream
//!           │ tls.rs, failure.rs, retry.rs             └ answer.rs (what it means, in the words of its Dialect)
//! ```
//! `elastic/` and `source/graylog/` know what is asked.

mod answer;
mod call;
mod client;
mod failure;
pub(crate) mod retry;
#[cfg(test)]
pub(crate) mod scripted;
mod tls;

pub use answer::{Answer, Dialect};
pub use call::{Body, Call};
pub use client::{Client, Stream};
pub use reqwest::Method;
