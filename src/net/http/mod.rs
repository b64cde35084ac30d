//! HTTP requests for any service: several base URLs in turn, back-off, certificates, and secrets that are never
//! printed.
//!
//! ```text
//! Call ─▶ client.rs (base URLs in turn, back-off) ─▶ Answer, or a Stream
//!           │ tls.rs, failure.rs, retry.rs             └ answer.rs (what its status means, by its Dialect)
//! ```
//! The requests themselves are made in `elastic/` and `source/graylog/`.

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
