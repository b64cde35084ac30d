//! What `check` shows of this source: connection, version, index, fields, lines of the last hour, clock.
//!
//! Each row stands for itself; after the first that shows that nothing can be asked, the rest is left out.

use super::Elasticsearch;
use crate::{
    elastic::checks,
    model::{Range, Time},
    source::{Check, CountingSource},
};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

impl Elasticsearch {
    pub(super) async fn checks(&self, now: Time) -> Vec<Check> {
        let mut rows = checks::server(&self.client, now).await;
        if rows.iter().any(|row| row.found.is_err()) {
            return rows;
        }
        let settings = &self.settings;
        match self.schema().await {
            Ok(schema) => {
                let found = format!(
                    "`{}` is {} indices, field `{}` is a date",
                    settings.index, schema.indices, settings.fields.time
                );
                rows.push(Check { what: "index readable".into(), found: Ok(found) });
            }
            Err(error) => {
                rows.push(Check::failed("index readable", &error));
                return rows;
            }
        }
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
}
