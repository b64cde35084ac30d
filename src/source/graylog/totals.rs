//! Counts lines on a server that refuses the pivot, by totals of ranges that are halved down to single buckets.
//!
//! The older search narrows a window to the administrator's limit without saying so: the window in its answer must be
//! the one that was asked for.

use super::Graylog;
use crate::{
    error::{Kind, Result},
    model::{Range, Time},
    net::http::{Body, Call, Method},
    source::taking::MOST,
    window::Held,
};
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The answer of the older search.
#[derive(Deserialize)]
struct Found {
    total_results: u64,
    from: String,
    to: String,
}

impl Graylog {
    /// The number of lines in a range, with those at its end if the server includes them.
    pub(super) async fn legacy_total(&self, doing: &str, within: Range) -> Result<u64> {
        let streams: Vec<String> = self.server.streams().await?.iter().map(|id| format!("streams:{id}")).collect();
        let query = self.query.as_deref().unwrap_or(super::query::ALL);
        let (from, to) = (within.from.to_string(), within.to.to_string());
        let filter = streams.join(" OR ");
        let parameters = [("query", query), ("from", &from), ("to", &to), ("limit", "1"), ("filter", &filter)];
        let path = format!("api/search/universal/absolute?{}", encoded(&parameters));
        let found: Found = self.server.json(Call::new(doing, Method::GET, &path, Body::None)).await?;
        match (Time::parse_rfc3339(&found.from), Time::parse_rfc3339(&found.to)) {
            (Some(from), Some(to)) if (Range { from, to }) == within && found.total_results <= MOST => {
                Ok(found.total_results)
            }
            (Some(from), Some(to)) if (Range { from, to }) == within => {
                Err(self.server.error(Kind::Temporary, doing).because("the total is no number of lines"))
            }
            _ => Err(self.limited(doing)),
        }
    }

    /// Lines per bucket of a piece.
    pub(super) async fn halve(&self, doing: &str, piece: Range, bucket_ms: i64) -> Result<BTreeMap<Time, Held>> {
        let mut buckets = BTreeMap::new();
        let mut open = vec![(piece, self.half_open(doing, piece).await?)];
        while let Some((range, total)) = open.pop() {
            if total == 0 {
                continue;
            }
            let first = range.from.0.div_euclid(bucket_ms);
            let last = (range.to.0 - 1).div_euclid(bucket_ms);
            if first == last {
                buckets.insert(Time(first * bucket_ms), Held { lines: total, print: None });
                continue;
            }
            let middle = Time((first + (last - first) / 2 + 1) * bucket_ms);
            let earlier = Range { to: middle, ..range };
            let lines = self.half_open(doing, earlier).await?;
            open.push((earlier, lines));
            // If lines arrive between two totals, the half may be larger than the whole was.
            open.push((Range { from: middle, ..range }, total.saturating_sub(lines)));
        }
        Ok(buckets)
    }

    /// The number of lines in `[from, to)`, whether or not the server's windows include their end.
    async fn half_open(&self, doing: &str, range: Range) -> Result<u64> {
        let end = Range { from: range.to, to: range.to };
        let at_end = self.legacy_total(doing, end).await?;
        Ok(self.legacy_total(doing, range).await?.saturating_sub(at_end))
    }
}

/// `a=b&c=d`, percent-encoded. The host of the URL is never used.
fn encoded(parameters: &[(&str, &str)]) -> String {
    Url::parse_with_params("http://localhost/", parameters)
        .ok()
        .and_then(|url| url.query().map(str::to_owned))
        .unwrap_or_default()
}
