//! Lines from Graylog through its REST API, versions 3.3 to 7.0.
//!
//! * A window is sent as it is. Up to 4.2 its end belongs to it, later it does not. Lines exactly at the end are left
//!   out here, of rows and of counts, so that none is read twice or lost between two windows.
//! * Counts come from one pivot over time, lines from the export of messages; both with the same query and streams.
//! * Lines arrive in no particular order.
//! * There is no page limit: an export goes on to its end (`export.rs`).
//! * A short answer is noticed by the range that the server says it searched, by the columns of each row, by the end of
//!   the body, and by a number of rows that is not between a count before the export and one after it (3.3 ends an
//!   export without an error when its engine dies).
//! * A server that refuses the pivot is asked for totals of ranges, which are halved down to single buckets
//!   (`totals.rs`).

mod check;
pub(crate) mod export;
pub(crate) mod pivot;
pub(crate) mod query;
pub(crate) mod rows;
pub(crate) mod server;
mod totals;

use super::{Batch, CountingSource, pieces};
use crate::{
    check::Check,
    config::GraylogSource,
    error::{Error, Kind, Result},
    model::{Intake, Range, Time},
    net::{
        elastic::readable,
        http::{Body, Call, Method, retry},
    },
    window::{self, Held},
};
use async_trait::async_trait;
use pivot::{Counted, Refused};
use server::Server;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hasher,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Most buckets in one request; engines refuse more than 10,000.
const BUCKETS: i64 = 5_000;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A range longer than this is first counted by the hour, so that only days with lines are asked for their buckets.
const LONG_MS: i64 = 32 * DAY_MS;

/// How many attempts are made while answers are short.
const TRIES: u32 = 3;

/// A short answer, and why it is one: asking again may help.
struct Short(String);

/// The outer error is final; the inner one may go away when asked again.
type Whole<T> = Result<std::result::Result<T, Short>>;

/// The source.
pub struct Graylog {
    server: Server,
    settings: GraylogSource,
    query: Option<String>,
    intake: Mutex<Intake>,
    /// How far back a run looks: `horizon`.
    reach: Duration,
    /// The server cannot sum up message sizes, so it is only asked for counts.
    no_prints: AtomicBool,
}

impl Graylog {
    /// `reach`: how far back runs look, which `check` compares with the server's limit. Sends nothing yet.
    ///
    /// # Errors
    /// `Config` for an invalid URL or certificate, `Permission` for a file that may not be read.
    pub fn new(settings: GraylogSource, intake: Intake, reach: Duration) -> Result<Self> {
        let server = Server::new(&settings)?;
        let query = query::text(&settings);
        Ok(Self { server, settings, query, intake: Mutex::new(intake), reach, no_prints: AtomicBool::new(false) })
    }

    /// A hash of everything that decides which lines there are.
    fn identity(&self) -> u128 {
        let settings = &self.settings;
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let (addresses, streams) = (sorted(self.server.addresses()), sorted(settings.streams.clone()));
        let text = format!("{addresses:?} {streams:?} {:?} {:?}", self.query, settings.fields);
        let mut hasher = SipHasher13::new();
        hasher.write(text.as_bytes());
        hasher.finish128().as_u128()
    }

    /// Asks up to [`TRIES`] times while the answer is short.
    async fn persist<T, F>(&self, doing: &str, ask: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Whole<T>>,
    {
        let mut failed = 0;
        loop {
            let Short(cause) = match ask().await? {
                Ok(whole) => return Ok(whole),
                Err(short) => short,
            };
            failed += 1;
            let error = self.server.error(Kind::Temporary, doing).because(cause);
            if failed >= TRIES {
                return Err(error);
            }
            tracing::debug!("{error}; trying again");
            retry::note(1);
            tokio::time::sleep(retry::wait(failed, None)).await;
        }
    }

    /// Counts lines by units of time; `None` if the server does not know the request.
    async fn pivot(&self, doing: &str, within: Range, unit_ms: i64) -> Result<Option<Counted>> {
        self.pivot_of(doing, within, unit_ms, false).await
    }

    /// As [`pivot`](Self::pivot), with prints, unless the server cannot sum up sizes.
    async fn pivot_with_prints(&self, doing: &str, within: Range, unit_ms: i64) -> Result<Option<Counted>> {
        if self.no_prints.load(Ordering::Relaxed) {
            return self.pivot(doing, within, unit_ms).await;
        }
        match self.pivot_of(doing, within, unit_ms, true).await {
            // An engine names the field that it cannot sum up; a server that does not know these series rejects all of
            // the request.
            Err(error) if error.kind() == Kind::Config || error.to_string().contains(query::SIZE) => {
                tracing::debug!("{error}; counting alone");
            }
            Ok(None) => {}
            found => return found,
        }
        let counted = self.pivot(doing, within, unit_ms).await?;
        self.no_prints.store(true, Ordering::Relaxed);
        Ok(counted)
    }

    async fn pivot_of(&self, doing: &str, within: Range, unit_ms: i64, prints: bool) -> Result<Option<Counted>> {
        // A search needs an id of its own. This one does not collide with the searches of others.
        let id = format!("{:032x}", self.identity()).split_off(8);
        let streams = self.server.streams().await?;
        let body = query::counts(&id, self.query.as_deref(), streams, within, unit_ms, prints);
        let path = format!("api/views/search/sync?timeout={}", self.server.search_ms());
        let (path, body) = (&path, &body);
        self.persist(doing, || async move {
            let answer = self.server.send(Call::new(doing, Method::POST, path, Body::Json(body))).await?;
            let is_page = answer.content_type.as_deref().is_some_and(|kind| kind.starts_with("text/html"));
            if matches!(answer.status, 400 | 404 | 405) || (answer.is_success() && is_page) {
                return Ok(Ok(None));
            }
            let found: pivot::Answer = answer.json(doing)?;
            match found.counted(within, unit_ms) {
                Ok(counted) => Ok(Ok(Some(counted))),
                Err(Refused::Short(cause)) => Ok(Err(Short(cause))),
                Err(Refused::Query(cause)) => {
                    Err(self.server.error(Kind::Config, doing).because(cause).hint(server::QUERY))
                }
                Err(Refused::Limit) => Err(self.limited(doing)),
            }
        })
        .await
    }

    /// The error if the server searches less far back than it was asked to.
    fn limited(&self, doing: &str) -> Error {
        let error = self.server.error(Kind::Config, doing).because("Graylog limits how far back it searches");
        error.hint(
            "in Graylog open System, Configurations, Search and raise or switch off the query time range limit, or set \
             `lookback` and `horizon` in `[window]` below it",
        )
    }

    /// The number of lines in a range, with those at its end if the server includes them.
    async fn total(&self, doing: &str, within: Range) -> Result<u64> {
        match self.pivot(doing, within, DAY_MS).await? {
            Some(counted) => Ok(counted.total),
            None => self.legacy_total(doing, within).await,
        }
    }

    /// The days that have lines, perhaps a few more: an hour of a server in India (UTC+5:30) can lie in two days.
    async fn days(&self, within: Range) -> Result<BTreeSet<Time>> {
        let mut days = BTreeSet::new();
        for piece in pieces(within, HOUR_MS, BUCKETS) {
            let hours = match self.pivot("cannot count lines", piece, HOUR_MS).await? {
                Some(counted) => counted.buckets.into_keys().flat_map(|hour| [hour, hour.plus(HOUR_MS - 1)]).collect(),
                // Without a pivot all days are taken. One without lines costs `halve` only its total.
                None => pieces(piece, DAY_MS, 1).map(|day| day.from).collect::<Vec<_>>(),
            };
            days.extend(hours.into_iter().map(|time| Time(time.0.div_euclid(DAY_MS) * DAY_MS)));
        }
        Ok(days)
    }

    /// Counts piece by piece, and adds to the buckets in `into`.
    async fn pieces(&self, within: Range, bucket_ms: i64, into: &mut BTreeMap<Time, Held>) -> Result<()> {
        let doing = "cannot count lines";
        let unit_ms = query::unit_ms(bucket_ms);
        for piece in pieces(within, unit_ms, BUCKETS) {
            let found = match self.pivot_with_prints(doing, piece, unit_ms).await? {
                Some(counted) => counted.buckets,
                None => self.halve(doing, piece, bucket_ms).await?,
            };
            for (start, held) in found {
                let bucket = into.entry(Time(start.0.div_euclid(bucket_ms) * bucket_ms));
                bucket.and_modify(|there| *there = there.and(held)).or_insert(held);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl CountingSource for Graylog {
    fn fingerprint(&self) -> String {
        format!("graylog:{:032x}", self.identity())
    }

    async fn counts(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, u64>> {
        Ok(window::lines(&self.held(within, bucket_ms).await?))
    }

    async fn held(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, Held>> {
        let within = Range { from: readable(within.from), to: readable(within.to) };
        let mut held = BTreeMap::new();
        if within.to.0.saturating_sub(within.from.0) <= LONG_MS {
            self.pieces(within, bucket_ms, &mut held).await?;
            return Ok(held);
        }
        for day in self.days(within).await? {
            let piece = Range { from: day.max(within.from), to: day.plus(DAY_MS).min(within.to) };
            self.pieces(piece, bucket_ms, &mut held).await?;
        }
        Ok(held)
    }

    async fn read_at_most(&self, within: Range, bytes: u64) -> Result<Option<Batch>> {
        let doing = "cannot read lines";
        let within = Range { from: readable(within.from), to: readable(within.to) };
        self.persist(doing, || async move {
            let before = self.total(doing, within).await?;
            if before == 0 {
                return Ok(Ok(Some(Batch::default())));
            }
            let (taking, rows) = match self.export(doing, within, before, None, bytes).await? {
                Ok((taking, _)) if taking.bytes() > bytes => return Ok(Ok(None)),
                Ok(exported) => exported,
                Err(short) => return Ok(Err(short)),
            };
            // Lines that arrive during the export may or may not be in it.
            let after = self.total(doing, within).await?;
            if (before..=after).contains(&rows) {
                return Ok(taking.finish().map(Some).map_err(Short));
            }
            Ok(Err(Short(format!("{rows} rows came where Graylog counted {before} before and {after} after"))))
        })
        .await
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        self.checks(now).await
    }
}
