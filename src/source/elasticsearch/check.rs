//! The rows of `check` for this source: connection, version, clock, index, fields, what becomes of the newest
//! documents, lines of the last hour.
//!
//! Each row stands for itself. If one shows that nothing can be asked, the rest is left out.

use super::{Elasticsearch, document, query, sample::Sample};
use crate::{
    check::Check,
    config::Fields,
    error::{Kind, Result},
    model::{Intake, Range, Time},
    net::elastic::{Body, Call, Method, checks, in_path, search::Found},
    source::CountingSource,
};
use serde_json::{Value, json};
use std::sync::PoisonError;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

impl Elasticsearch {
    pub(super) async fn checks(&self, now: Time) -> Vec<Check> {
        let mut rows = checks::server(&self.client, now).await;
        // Only the first row decides: a wrong clock does not keep the others from being checked.
        if rows.first().is_none_or(|row| row.found.is_err()) {
            return rows;
        }
        let settings = &self.settings;
        match self.schema().await {
            Ok(schema) => {
                let (index, indices, time) = (&settings.index, schema.indices, &schema.fields.time);
                let found = format!("`{index}` is {indices} indices, field `{time}` is a date");
                rows.push(Check::new("index readable", Ok(found)));
            }
            Err(error) => {
                let mut row = Check::failed("index readable", &error);
                if error.kind() == Kind::Config
                    && let Ok(Some(advice)) = self.undated().await
                {
                    row.found = Err(format!("{error}: {advice}"));
                }
                rows.push(row);
                return rows;
            }
        }
        match self.samples(now).await {
            Ok(samples) => rows.extend(samples),
            Err(error) => rows.push(Check::failed("newest documents", &error)),
        }
        let what = "lines of the last hour";
        rows.push(match self.counts(Range { from: now.plus(-HOUR_MS), to: now }, HOUR_MS).await {
            Err(error) => Check::failed(what, &error),
            Ok(counts) => match counts.values().sum::<u64>() {
                0 => Check::new(what, Err("none: is `index` the right one, and do `programs` match?".into())),
                lines => Check::new(what, Ok(lines.to_string())),
            },
        });
        rows
    }

    /// Rows about the newest documents of all, and of the programs asked for. They come from the last day if it has
    /// any, so that the index is not asked for everything.
    async fn samples(&self, now: Time) -> Result<Vec<Check>> {
        let fields = &self.schema().await?.fields;
        let day = Range { from: now.plus(-24 * HOUR_MS), to: now.plus(24 * HOUR_MS) };
        let mut within = day;
        let mut all = self.newest(within, false).await?;
        if all.hits.hits.is_empty() {
            within = Range { from: Time(0), to: day.to };
            all = self.newest(within, false).await?;
        }
        let sample = |found: &Found| {
            let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
            Sample::of(found.hits.hits.iter(), fields, self.settings.timezone, &mut intake)
        };
        let all = sample(&all);
        if all.documents == 0 {
            return Ok(Vec::new());
        }
        let is_filtered = !self.settings.programs.is_empty();
        let asked = if is_filtered { sample(&self.newest(within, true).await?) } else { Sample::default() };
        let mut rows = Vec::new();
        // A mixed index may have no line among its newest documents and still be in order.
        let found = match all.found("newest documents") {
            Err(text) if all.mail.is_empty() && asked.account.lines > 0 => Ok(text),
            found => found,
        };
        rows.push(Check::new("newest documents", found));
        if asked.documents > 0 {
            rows.push(Check::new("newest of the programs", asked.found("newest documents of the programs")));
        }
        if is_filtered && !all.mail.is_empty() {
            rows.push(self.programs_row(within, &all.mail).await?);
        }
        rows.extend(if asked.account.mail > all.account.mail { asked.doubts(fields) } else { all.doubts(fields) });
        Ok(rows)
    }

    /// Whether the search for the programs finds documents that are known to look like a mail server's.
    async fn programs_row(&self, within: Range, mail: &[String]) -> Result<Check> {
        let doing = self.doing("search for the programs in");
        let mut query = self.query(within).await?;
        if let Some(filters) = query.pointer_mut("/bool/filter").and_then(Value::as_array_mut) {
            filters.push(json!({"ids": {"values": mail}}));
        }
        let body = json!({"size": 0, "track_total_hits": true, "query": query});
        let found = self.client.search(&doing, &format!("{}/_search", in_path(&self.settings.index)), &body).await?;
        let (found, all) = (found.total().unwrap_or_default(), mail.len());
        let what = "search for the programs";
        Ok(match found >= all as u64 {
            true => Check::new(what, Ok(format!("finds all {all} that look like a mail server's"))),
            false => Check::new(
                what,
                Err(format!(
                    "finds {found} of the {all} newest documents that look like a mail server's, as the index is mapped and \
                     `programs` are: set `programs = []` under `[source.elasticsearch]`"
                )),
            ),
        })
    }

    async fn newest(&self, within: Range, by_program: bool) -> Result<Found> {
        let doing = self.doing("read the newest documents of");
        let schema = self.schema().await?;
        let mut body = query::newest(&self.settings, schema, within, by_program);
        if let Some(beside) = document::asked_beside(&schema.fields) {
            body["docvalue_fields"] = beside;
        }
        let found = self.client.search(&doing, &format!("{}/_search", in_path(&self.settings.index)), &body).await?;
        if found.hits.hits.iter().any(|hit| hit.source.is_none()) {
            let error = self.client.search_error(Kind::Config, &doing);
            return Err(error
                .because("the index keeps no `_source` to read lines from")
                .hint("keep it: without it there is nothing to read"));
        }
        Ok(found)
    }

    /// The setting to propose if no name of the time is a date: that date field of the index with which most documents
    /// become lines.
    async fn undated(&self) -> Result<Option<String>> {
        let doing = self.doing("look for dates in");
        let index = in_path(&self.settings.index);
        let path = format!("{index}/_field_caps?fields=*");
        let caps: Value = self.client.json(Call::new(&doing, Method::GET, &path, Body::None)).await?;
        let found = self.client.search(&doing, &format!("{index}/_search"), &json!({"size": 100})).await?;
        let sources: Vec<&str> = found.hits.hits.iter().filter_map(|hit| Some(hit.source.as_ref()?.get())).collect();
        let lines = |time: &str| {
            let fields = Fields { time: time.to_owned(), time_format: None, ..self.settings.fields.clone() };
            sources.iter().filter(|source| document::line(source, &fields, &mut Intake::default()).is_ok()).count()
        };
        let best = query::dates(&caps).into_iter().map(|name| (lines(name), name)).max_by_key(|(lines, _)| *lines);
        Ok(Some(match best {
            Some((lines, name)) if lines > 0 => {
                format!("set `time = \"{name}\"` under `[source.elasticsearch.fields]`")
            }
            _ => "no field of it is the date of its lines: map the time as a `date` in the index template".to_owned(),
        }))
    }
}
