//! Access to Elasticsearch (7.10 to 9.x) or OpenSearch (1.3 to 3.x): the part that the source and the store share.
//!
//! On top of `http/`: `client.rs` (which engine answers), `engine.rs` (which features it has), `answer.rs` (how it
//! reports errors), `search.rs` (whether a search answer is complete). Nothing here knows about lines or transactions.

mod answer;
pub mod checks;
mod client;
mod engine;
pub mod search;

pub use crate::net::http::{Body, Call, Method};
pub use answer::Cause;
pub(crate) use answer::explain;
pub use client::Client;
pub use engine::{Engine, PointInTime, Product};

use crate::model::Time;
use std::fmt::Write as _;

/// Clamps a time to the years 1970 to 9999, which every date format of an engine can read.
pub fn readable(time: Time) -> Time {
    time.clamp(Time(0), Time::LATEST)
}

/// Percent-encodes an index name, pattern or id for the path of a URL: everything but the unreserved characters of RFC
/// 3986 and the `,` and `*` of index patterns.
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
