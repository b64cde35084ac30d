//! What `check` shows of this source: connection, version, index, fields, what becomes of the newest documents, lines of the
//! last hour, clock.
//!
//! Each row stands for itself; after the first that shows that nothing can be asked, the rest is left out.

use super::{Elasticsearch, query, sample::Sample};
use crate::{
    elastic::{checks, in_path},
    error::{Kind, Result},
    model::{Range, Time},
    source::{Check, CountingSource},
};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

impl Elasticsearch {
    pub(super) async fn checks(&self, now: Time) -> Vec<Check> {
        let mut rows = checks::server(&self.client, now).await;
        // A clock that is wrong hides nothing else.
        if rows.first().is_none_or(|row| row.found.is_err()) {
            return rows;
        }
        let settings = &self.settings;
        match self.schema().await {
            Ok(schema) => {
                let found = format!(
                    "`{}` is {} indices, field `{}` is a date",
                    settings.index, schema.indices, schema.fields.time
                );
                rows.push(Check { what: "index readable".into(), found: Ok(found) });
            }
            Err(error) => {
                rows.push(Check::failed("index readable", &error));
                return rows;
            }
        }
        rows.extend(self.samples(now).await);
        let what = "lines of the last hour";
        rows.push(match self.counts(Range { from: now.plus(-HOUR_MS), to: now }, HOUR_MS).await {
            Err(error) => Check::failed(what, &error),
            Ok(counts) => match counts.values().sum::<u64>() {
                0 => Check {
                    what: what.into(),
                    found: Err("none: is `index` the right one, and do `programs` match?".into()),
                },
                lines => Check { what: what.into(), found: Ok(lines.to_string()) },
            },
        });
        rows
    }

    /// What becomes of the newest documents of a day: of all, and of those that the programs are asked for by.
    async fn samples(&self, now: Time) -> Vec<Check> {
        let all = match self.sample(now, false).await {
            Ok(all) if all.documents > 0 => all,
            Ok(_) => return Vec::new(),
            Err(error) => return vec![Check::failed("newest documents", &error)],
        };
        let mut rows = vec![Check { what: "newest documents".into(), found: all.found(false) }];
        let what = "newest of the programs";
        match self.sample(now, true).await {
            _ if self.settings.programs.is_empty() => {}
            Ok(asked) if asked.documents > 0 => rows.push(Check { what: what.into(), found: asked.found(true) }),
            Ok(_) if all.mail > 0 => rows.push(Check {
                what: what.into(),
                found: Err(format!(
                    "none, though {} of the newest documents are of a mail server: the index cannot be searched for them as \
                     it is mapped; set `programs = []`",
                    all.mail
                )),
            }),
            Ok(_) => {}
            Err(error) => rows.push(Check::failed(what, &error)),
        }
        rows
    }

    async fn sample(&self, now: Time, by_program: bool) -> Result<Sample> {
        let doing = self.doing("read the newest documents of");
        let schema = self.schema().await?;
        let within = Range { from: now.plus(-24 * HOUR_MS), to: now };
        let body = query::newest(&self.settings, schema, within, by_program);
        let found = self.client.search(&doing, &format!("{}/_search", in_path(&self.settings.index)), &body).await?;
        let hits = found.hits.hits;
        if hits.iter().any(|hit| hit.source.is_none()) {
            let error = self.client.search_error(Kind::Config, &doing);
            return Err(error.because("the index keeps no `_source` to read lines from"));
        }
        Ok(Sample::of(hits.iter().filter_map(|hit| Some(hit.source.as_ref()?.get())), &schema.fields))
    }
}
