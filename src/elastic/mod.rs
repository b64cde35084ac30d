//! The way to an Elasticsearch (7.10 to 9.x) or OpenSearch (1.3 to 3.x): what their source and their store share.
//!
//! ```text
//! Call ─▶ client.rs (base URLs in turn, back-off) ─▶ Answer ─▶ answer.rs (what an HTTP status means)
//!           │ tls.rs, failure.rs, retry.rs                     search.rs (is a search answer whole?)
//!           └ engine.rs (which product, which version, what it can do)
//! ```
//! Nothing here knows of lines or transactions.

mod answer;
pub mod checks;
mod client;
mod engine;
mod failure;
pub(crate) mod retry;
#[cfg(test)]
pub(crate) mod scripted;
pub mod search;
mod tls;

pub use answer::{Answer, Cause};
pub use client::{Body, Call, Client};
pub use engine::{Engine, PointInTime, Product};
pub use reqwest::Method;

use crate::model::Time;
use std::fmt::Write as _;

/// A time within the years 1970 to 9999, which every date format of an engine can read.
pub fn readable(time: Time) -> Time {
    time.clamp(Time(0), Time(253_402_300_799_999))
}

/// An index name, pattern or id made fit for the path of a URL: everything but what RFC 3986 calls unreserved and the
/// `,` and `*` of index patterns is percent-encoded.
pub fn in_path(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~,*".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::in_path;

    #[test]
    fn a_pattern_stays_and_the_rest_is_encoded() {
        assert_eq!(in_path("graylog_*,-old"), "graylog_*,-old");
        assert_eq!(in_path("<logs-{now/d}>"), "%3Clogs-%7Bnow%2Fd%7D%3E");
        assert_eq!(in_path("far:logs?x=1"), "far%3Alogs%3Fx%3D1");
    }
}
