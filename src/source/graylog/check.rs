//! The rows of `check` for this source, each with what to click or to change.
//!
//! Each row stands for itself. If one shows that nothing can be asked, the rest is left out.

use super::{DAY_MS, Graylog, HOUR_MS};
use crate::{
    check::Check,
    error::{Kind, Result},
    model::{Range, Time},
    net::http::{Body, Call, Method},
    source::{Noise, sample::Account},
};
use serde::Deserialize;
use std::time::Duration;

/// Path of Graylog's search range limit, in all versions.
const LIMIT: &str = "api/system/cluster_config/org.graylog2.indexer.searches.SearchesClusterConfig";

/// Messages in the sample: enough to see whether lines can be made of them.
const SAMPLE: usize = 100;

impl Graylog {
    pub(super) async fn checks(&self, now: Time) -> Vec<Check> {
        let mut rows = Vec::new();
        let reached = self
            .server
            .version()
            .await
            .map(|v| format!("Graylog {} on {}", v.number, self.server.addresses().join(", ")));
        let streams = match &reached {
            Ok(_) => Some(self.streams_row().await),
            Err(_) => None,
        };
        rows.push(Check::of("Graylog reachable", reached));
        let Some(streams) = streams else { return rows };
        let readable = streams.is_ok();
        rows.push(Check::of("token valid, streams readable", streams));
        if !readable {
            return rows;
        }
        rows.push(self.range_row(now).await);
        let hour = Range { from: now.plus(-HOUR_MS), to: now };
        let lines = match self.pivot("cannot count lines", hour, DAY_MS).await {
            Ok(counted) => {
                rows.extend(counted.as_ref().and_then(|counted| counted.now).map(|theirs| Check::clock(theirs, now)));
                match counted {
                    Some(counted) => Ok(counted.total),
                    None => self.legacy_total("cannot count lines", hour).await,
                }
            }
            Err(error) => Err(error),
        };
        let any = matches!(lines, Ok(lines) if lines > 0);
        rows.push(match lines {
            Ok(0) => Check::new(
                "lines of the last hour",
                Err("none: look in Graylog whether the stream has messages, and at `streams`, `programs` and `query`"
                    .into()),
            ),
            lines => Check::of("lines of the last hour", lines.map(|lines| lines.to_string())),
        });
        if any {
            rows.extend(self.fields_rows(hour).await);
        }
        rows
    }

    /// The titles of the streams that are read. A named one that is paused is an error, as it gets no new messages.
    async fn streams_row(&self) -> Result<String> {
        let chosen = self.server.streams().await?;
        let readable = self.server.readable().await?;
        let chosen: Vec<_> = readable.iter().filter(|stream| chosen.contains(&stream.id)).collect();
        let is_named = !self.settings.streams.is_empty();
        if let Some(paused) = chosen.iter().find(|stream| stream.disabled && is_named) {
            let error = self.server.error(Kind::Config, &format!("cannot read stream `{}`", paused.title));
            return Err(error
                .because("it is paused, so that no new messages come")
                .hint("in Graylog open Streams and start it"));
        }
        Ok(chosen.iter().map(|stream| format!("`{}`", stream.title)).collect::<Vec<_>>().join(", "))
    }

    /// Whether searches may go back as far as runs look: by the limit, if the user may read it, and by a search.
    async fn range_row(&self, now: Time) -> Check {
        #[derive(Deserialize)]
        struct Limit {
            query_time_range_limit: String,
        }
        let what = "searchable range";
        let doing = "cannot ask how far back searches go";
        let told: Result<Limit> = self.server.json(Call::new(doing, Method::GET, LIMIT, Body::None)).await;
        let limit = told.ok().and_then(|limit| span(&limit.query_time_range_limit));
        if let Some(limit) = limit.filter(|limit| !limit.is_zero() && *limit < self.reach) {
            let shorter = humantime::format_duration(limit);
            let error = self.limited(doing).because(format!(
                "Graylog searches only {shorter} back, and runs look back `horizon`, {}",
                humantime::format_duration(self.reach)
            ));
            return Check::failed(what, &error);
        }
        let back = i64::try_from(self.reach.as_millis()).unwrap_or(i64::MAX);
        match self.pivot(doing, Range { from: now.plus(-back), to: now }, DAY_MS).await {
            Ok(_) => Check::new(what, Ok(format!("reaches back {}", humantime::format_duration(self.reach)))),
            Err(error) => Check::failed(what, &error),
        }
    }

    /// Whether lines can be made of what the fields hold, and whether they are understood.
    async fn fields_rows(&self, hour: Range) -> Vec<Check> {
        let what = "message fields";
        let fields = &self.settings.fields;
        let doing = "cannot read some messages";
        let sample = self.persist(doing, || self.export(doing, hour, SAMPLE as u64, Some(SAMPLE), u64::MAX)).await;
        let (batch, read) = match sample.map(|(taking, read)| (taking.finish(), read)) {
            Ok((Ok(batch), read)) => (batch, read),
            Ok((Err(cause), _)) => return vec![Check::new(what, Err(cause))],
            Err(error) => return vec![Check::failed(what, &error)],
        };
        let mut account = Account::default();
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        for line in batch.lines {
            account.saw(&Ok(line));
        }
        for text in batch.noise {
            account.saw(&Err(Noise { text, misdated: false }));
        }
        let found = account.told(read, "messages").map_err(|told| {
            if account.lines * 2 >= read {
                return told;
            }
            let names = [&fields.message, &fields.host, &fields.program, &fields.pid].map(|name| format!("`{name}`"));
            let names = names.join(", ");
            format!("{told}: set the names of the fields under `[source.graylog.fields]`; asked for were {names}")
        });
        let mut rows = vec![Check::new(what, found)];
        rows.extend(account.bare_row());
        rows.extend(account.cut_row(None, "source.graylog"));
        rows
    }
}

/// Reads an ISO 8601 duration as Graylog writes it: `PT0S`, `PT5M`, `P1D`, `P1DT12H`. Weeks and shorter only: a month
/// has no fixed length.
fn span(text: &str) -> Option<Duration> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let seconds = part(days, &[('W', 604_800), ('D', 86_400)])? + part(time, &[('H', 3600), ('M', 60), ('S', 1)])?;
    Some(Duration::from_secs(seconds))
}

fn part(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut seconds: u64 = 0;
    for (unit, length) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            let whole: u64 = number.split('.').next()?.parse().ok()?;
            seconds = seconds.checked_add(whole.checked_mul(*length)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_an_iso_duration() {
        let seconds = |text| span(text).map(|span| span.as_secs());
        assert_eq!(seconds("PT0S"), Some(0));
        assert_eq!(seconds("PT5M"), Some(300));
        assert_eq!(seconds("P1DT12H0.5S"), Some(129_600));
        assert_eq!(seconds("P2W"), Some(1_209_600));
        assert_eq!(seconds("P1M"), None);
        assert_eq!(seconds("5 minutes"), None);
    }
}
