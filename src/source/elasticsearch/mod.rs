//! Lines from an Elasticsearch or OpenSearch index, whatever filled it.
//!
//! * A window becomes a range on the time field in `bool.filter`, `[from, to)`; counting and reading send the same query.
//! * Lines arrive in no particular order.
//! * A page limit does not end a reading: the walk (`walk.rs`) goes on until the engine has no more.
//! * A short answer is noticed by `timed_out`, by shards that failed or that are on no node, by an index pattern that
//!   matches nothing, and by a number of documents that differs from the engine's count for the same point in time or
//!   scroll.

mod check;
pub mod counted;
pub mod document;
pub(crate) mod query;
mod sample;
mod touched;
mod walk;
mod wanting;

use super::{Batch, CountingSource, pieces, taking::Taking};
use crate::{
    check::Check,
    config::{ElasticsearchSource, Fields, preset::known_as},
    error::{Error, Kind, Result},
    model::{Intake, Range, Time},
    net::elastic::{Body, Call, Client, Method, in_path, search::Hit},
    window::{self, Held},
};
use async_trait::async_trait;
use query::Schema;
use serde_json::Value;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::{
    collections::BTreeMap,
    hash::Hasher,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::OnceCell;

/// Milliseconds of a day: the longest piece that is counted in one search.
const DAY_MS: i64 = 86_400_000;

/// Most buckets in one search; engines refuse more than 65,535, older ones more than 10,000.
const BUCKETS: i64 = 10_000;

/// A range longer than this is first counted by the day, so that only days with lines are asked for their buckets.
const LONG_MS: i64 = 32 * DAY_MS;

/// The source.
pub struct Elasticsearch {
    client: Client,
    settings: ElasticsearchSource,
    intake: Mutex<Intake>,
    schema: OnceCell<Schema>,
    /// The engine cannot sum up sequence numbers, so it is only asked for counts.
    no_prints: AtomicBool,
}

impl Elasticsearch {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(settings: ElasticsearchSource, intake: Intake) -> Result<Self> {
        let client = Client::new(&settings.connection)?;
        Ok(Self {
            client,
            settings,
            intake: Mutex::new(intake),
            schema: OnceCell::new(),
            no_prints: AtomicBool::new(false),
        })
    }

    fn doing(&self, what: &str) -> String {
        format!("cannot {what} index `{}`", self.settings.index)
    }

    /// How the fields can be searched; asked once.
    async fn schema(&self) -> Result<&Schema> {
        self.schema.get_or_try_init(|| self.ask_schema()).await
    }

    async fn ask_schema(&self) -> Result<Schema> {
        let doing = self.doing("ask for the fields of");
        let fields = &self.settings.fields;
        let names: Vec<String> = Schema::names(fields).into_iter().map(in_path).collect();
        let path = format!("{}/_field_caps?fields={}", in_path(&self.settings.index), names.join(","));
        let caps: Value = self.client.json(Call::new(&doing, Method::GET, &path, Body::None)).await?;
        let mut schema = Schema::from_caps(&caps, fields);
        if schema.indices == 0 {
            return Err(walk::no_index(&self.client, &doing));
        }
        if schema.fields.time.is_empty() {
            return Err(self.unusable(&doing, &format!("field `{}` is no date in all of its indices", fields.time)));
        }
        if schema.messages.is_empty() {
            return Err(self.unusable(&doing, &format!("no document has a field `{}`", fields.message)));
        }
        schema.fields.time = self.commonest(&doing, &schema.fields.time).await?;
        Ok(schema)
    }

    /// The time field that most documents have, of several, because lines are counted by one field. The first wins a
    /// tie.
    async fn commonest(&self, doing: &str, names: &str) -> Result<String> {
        let names: Vec<&str> = Fields::alternatives(names).collect();
        if let [one] = names[..] {
            return Ok(one.to_owned());
        }
        let path = format!("{}/_search", in_path(&self.settings.index));
        let found = self.client.search(doing, &path, &query::having(&names)).await?;
        let aggregations = found.aggregations();
        let having = |name: &str| {
            let buckets = aggregations.pointer("/having/buckets")?;
            buckets.get(name)?.get("doc_count")?.as_u64()
        };
        let best = names.iter().rev().max_by_key(|name| having(name));
        Ok(best.map_or_else(String::new, |name| (*name).to_owned()))
    }

    fn unusable(&self, doing: &str, cause: &str) -> Error {
        let hint = "set the names under `[source.elasticsearch.fields]`, or another `preset`";
        self.client.search_error(Kind::Config, doing).because(cause).hint(hint)
    }

    async fn query(&self, within: Range) -> Result<Value> {
        Ok(query::query(&self.settings, self.schema().await?, within))
    }

    /// Counts the lines per bucket with one search, and adds them to `into`.
    async fn histogram(
        &self,
        within: Range,
        bucket_ms: i64,
        prints: bool,
        into: &mut BTreeMap<Time, Held>,
    ) -> Result<()> {
        let doing = self.doing("count lines in");
        let query = self.query(within).await?;
        let time = &self.schema().await?.fields.time;
        let path = format!("{}/_search", in_path(&self.settings.index));
        let body = query::counts(&query, time, bucket_ms);
        let found = if prints && !self.no_prints.load(Ordering::Relaxed) {
            let with_prints = query::prints(&query, time, bucket_ms);
            match self.client.search(&doing, &path, &with_prints).await {
                Err(error) if error.kind() == Kind::Config || error.to_string().contains("_seq_no") => {
                    tracing::debug!("{error}; counting alone");
                    let found = self.client.search(&doing, &path, &body).await?;
                    self.no_prints.store(true, Ordering::Relaxed);
                    found
                }
                found => found?,
            }
        } else {
            self.client.search(&doing, &path, &body).await?
        };
        if found.shards.total == 0 {
            return Err(walk::no_index(&self.client, &doing));
        }
        let counts = counted::counted(&found, within, bucket_ms)
            .map_err(|cause| self.client.search_error(Kind::Temporary, &doing).because(cause))?;
        // A bucket that lies in two pieces gets a part from each.
        for (start, held) in counts {
            into.entry(start).and_modify(|there| *there = there.and(held)).or_insert(held);
        }
        Ok(())
    }

    /// Counts piece by piece.
    async fn pieces(&self, within: Range, bucket_ms: i64, prints: bool, into: &mut BTreeMap<Time, Held>) -> Result<()> {
        for piece in pieces(within, bucket_ms, (DAY_MS / bucket_ms.max(1)).min(BUCKETS)) {
            self.histogram(piece, bucket_ms, prints, into).await?;
        }
        Ok(())
    }

    async fn all(&self, within: Range, bucket_ms: i64, prints: bool) -> Result<BTreeMap<Time, Held>> {
        let mut held = BTreeMap::new();
        if within.to.0.saturating_sub(within.from.0) <= LONG_MS {
            self.pieces(within, bucket_ms, prints, &mut held).await?;
            return Ok(held);
        }
        let mut days = BTreeMap::new();
        self.histogram(within, DAY_MS, false, &mut days).await?;
        for &day in days.keys() {
            let piece = Range { from: day.max(within.from), to: day.plus(DAY_MS).min(within.to) };
            self.pieces(piece, bucket_ms, prints, &mut held).await?;
        }
        Ok(held)
    }

    fn take(&self, hits: Vec<Hit>, fields: &Fields, taking: &Mutex<Taking>, doing: &str) -> Result<()> {
        // A poisoned lock does no harm: both are only added to.
        let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taking = taking.lock().unwrap_or_else(PoisonError::into_inner);
        for hit in hits {
            let known = document::known_time(&hit, fields);
            let source = hit.source.ok_or_else(|| {
                self.client.search_error(Kind::Config, doing).because("the index keeps no `_source` to read lines from")
            })?;
            let line = document::line_at(source.get(), known, fields, &mut intake);
            taking.take(line).map_err(|cause| self.client.search_error(Kind::Temporary, doing).because(cause))?;
        }
        Ok(())
    }
}

/// A sum as print, if a float holds it exactly; `None` for zero, the sum of nothing.
fn print(sum: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
    sum.as_f64().filter(|sum| (1.0..9_007_199_254_740_992.0).contains(sum)).map(|sum| sum as u64)
}

#[async_trait]
impl CountingSource for Elasticsearch {
    fn fingerprint(&self) -> String {
        let settings = &self.settings;
        let mut addresses = self.client.addresses();
        addresses.sort();
        let mut programs = settings.programs.clone();
        programs.sort();
        let fields = known_as(&settings.fields);
        let mut text = format!("{addresses:?} {} {fields:?} {programs:?} {:?}", settings.index, settings.query);
        if settings.bare_daemons {
            text.push_str(" bare daemons");
        }
        let mut hasher = SipHasher13::new();
        hasher.write(text.as_bytes());
        format!("elasticsearch:{:032x}", hasher.finish128().as_u128())
    }

    async fn counts(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, u64>> {
        Ok(window::lines(&self.all(within, bucket_ms, false).await?))
    }

    async fn held(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, Held>> {
        self.all(within, bucket_ms, true).await
    }

    async fn later_than(&self, time: Time) -> Result<u64> {
        // The end of `date_nanos`, in 2262: such a field takes no later bound.
        let end = Time(i64::MAX / 1_000_000);
        let mut days = BTreeMap::new();
        self.histogram(Range { from: time, to: end }, DAY_MS, false, &mut days).await?;
        Ok(days.values().map(|held| held.lines).sum())
    }

    async fn read_at_most(&self, within: Range, bytes: u64) -> Result<Option<Batch>> {
        let doing = self.doing("read from");
        let query = self.query(within).await?;
        let taking = Mutex::new(Taking::new(within));
        let is_full = || taking.lock().unwrap_or_else(PoisonError::into_inner).bytes() > bytes;
        let fields = &self.schema().await?.fields;
        let (client, settings) = (&self.client, &self.settings);
        for index in self.touched(within).await? {
            let walk = walk::Walk { client, settings, index: &index, fields, query: &query, doing: &doing };
            let visit = |hits| {
                self.take(hits, fields, &taking, &doing)?;
                // Only ends the walk: below it becomes `None`.
                if is_full() { Err(client.search_error(Kind::Config, &doing).because("too much")) } else { Ok(()) }
            };
            let before = taking.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let restart = || *taking.lock().unwrap_or_else(PoisonError::into_inner) = before.clone();
            match walk.run(&visit, &restart).await {
                Err(_) if is_full() => return Ok(None),
                walked => walked?,
            }
        }
        let taken = taking.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
        taken.map(Some).map_err(|cause| {
            let error = self.client.search_error(Kind::Temporary, &doing).because(cause);
            error.hint(
                "`time` and `time_format` under `[source.elasticsearch.fields]` say where documents have their time",
            )
        })
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        self.checks(now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_follows_what_decides_which_lines_there_are() {
        let source = |change: fn(&mut ElasticsearchSource)| {
            let mut settings = query::tests::settings(None);
            change(&mut settings);
            Elasticsearch::new(settings, Intake::default()).unwrap().fingerprint()
        };
        let plain = source(|_| ());
        assert_eq!(plain, source(|s| s.connection.urls = vec!["https://u:p@search.example.org:9200/".into()]));
        assert_eq!(plain, source(|s| s.page_size = 7));
        assert_ne!(plain, source(|s| s.index = "other".into()));
        assert_ne!(plain, source(|s| s.programs.push("sendmail".into())));
    }
}
