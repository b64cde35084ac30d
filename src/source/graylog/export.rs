//! Reads the export of messages while it comes in, never holding all of it.

use super::{Graylog, Short, Whole, query, rows::Rows};
use crate::{
    config::Fields,
    error::{Kind, Result},
    model::{Intake, Line, Range, Time},
    net::http::{Body, Call, Method},
    source::{
        Noise,
        carried::{self, Carried},
        taking::Taking,
    },
};
use serde_json::Value;
use std::{borrow::Cow, sync::PoisonError};

/// Rows that are accepted beyond twice the count, for lines that arrive between the count and the export.
const MEANWHILE: u64 = 10_000;

impl Graylog {
    /// The lines of a range, and the number of rows that came, including noise and rows at the end of the range.
    /// `counted`: how many rows are expected. `limit`: about how many are enough. Once the lines take more than
    /// `bytes`, it stops early and returns them with a number of 0.
    pub(super) async fn export(
        &self,
        doing: &str,
        within: Range,
        counted: u64,
        limit: Option<usize>,
        bytes: u64,
    ) -> Whole<(Taking, u64)> {
        let columns = query::columns(&self.settings.fields);
        let mut body = self.export_body(&columns, within).await?;
        if let Some(limit) = limit {
            // The server rounds a limit up to whole chunks.
            (body["limit"], body["chunk_size"]) = (limit.into(), limit.into());
        }
        let call = Call::new(doing, Method::POST, "api/views/search/messages", Body::Json(&body)).accept("text/csv");
        let (mut stream, _turn) = self.server.stream(call).await?;
        let kind = stream.head().content_type.clone().unwrap_or_default();
        if !kind.starts_with("text/csv") {
            return Ok(Err(Short(format!("the answer is `{kind}` and not the export that was asked for"))));
        }
        let places = Places::of(&self.settings.fields, &columns);
        let most = counted.saturating_mul(2).saturating_add(MEANWHILE);
        let mut rows = Rows::new(columns);
        let mut taking = Taking::new(within);
        loop {
            let piece = match stream.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                // The rows so far are void; asking again may help.
                Err(error) if error.kind() == Kind::Temporary => return Ok(Err(Short(error.cause().to_owned()))),
                Err(error) => return Err(error),
            };
            // A poisoned lock does no harm: the intake is only added to.
            let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = rows.push(piece.as_ref(), |row| match places.line(row, &mut intake) {
                // A line at the very end of the window belongs to the next one.
                Ok(line) if line.time == within.to => Ok(()),
                line => taking.take(line),
            });
            if let Err(cause) = taken {
                return Ok(Err(Short(cause)));
            }
            if taking.bytes() > bytes {
                return Ok(Ok((taking, 0)));
            }
            if rows.count() > most {
                return Ok(Err(Short(format!("more than {most} rows came where Graylog counted {counted}"))));
            }
        }
        Ok(rows.finish().map(|count| (taking, count)).map_err(Short))
    }

    async fn export_body(&self, columns: &[String], within: Range) -> Result<Value> {
        let zone = self.server.version().await?.knows_time_zone();
        let streams = self.server.streams().await?;
        Ok(query::export(&self.settings, self.query.as_deref(), streams, columns, within, zone))
    }
}

/// The columns that hold the parts of a line, each list in order of trust.
pub(crate) struct Places {
    message: Vec<usize>,
    host: Vec<usize>,
    program: Vec<usize>,
    pid: Vec<usize>,
}

impl Places {
    pub fn of(fields: &Fields, columns: &[String]) -> Self {
        let places = |names: &str| {
            Fields::alternatives(names).filter_map(|name| columns.iter().position(|column| column == name)).collect()
        };
        Self {
            message: places(&fields.message),
            host: places(&fields.host),
            program: places(&fields.program),
            pid: places(&fields.pid),
        }
    }

    pub fn line(&self, row: &[&[u8]], intake: &mut Intake) -> std::result::Result<Line, Noise> {
        let text = |at: &usize| {
            let text = row.get(*at).map(|column| String::from_utf8_lossy(column));
            text.filter(|text| !text.trim().is_empty())
        };
        let Some(message) = self.message.iter().find_map(text) else {
            let columns = row.iter().map(|column| String::from_utf8_lossy(column));
            return Err(carried::noise(&columns.collect::<Vec<Cow<'_, str>>>().join(",")));
        };
        let carried = Carried {
            // It has the offset of the user's zone if the version does not take `time_zone`.
            time: text(&0).and_then(|stamp| Time::parse_rfc3339(&stamp)),
            message,
            host: self.host.iter().find_map(text),
            programs: self.program.iter().filter_map(text).collect(),
            pid: self.pid.iter().find_map(text),
        };
        carried.line(intake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset::Preset;

    #[track_caller]
    fn check(row: [&str; 5], expected: &str) {
        let fields = Preset::Graylog.first_names();
        let columns = query::columns(&fields);
        assert_eq!(columns, ["timestamp", "source", "message", "application_name", "process_id"]);
        let line = Places::of(&fields, &columns).line(&row.map(str::as_bytes), &mut Intake::default());
        let told = match line {
            Ok(l) => format!("{} {} {}[{}]: {}", l.time, l.host, l.program, l.pid.unwrap_or(0), l.text),
            Err(noise) => format!("noise: {}", noise.text),
        };
        assert_eq!(told, expected);
    }

    const LINE: &str = "2026-11-22T19:41:58.000Z mx1 postfix/qmgr[911]: 4Zk3Yp1qS9z5vK: removed";
    const TIME: &str = "2026-11-22T19:41:58.000Z";

    #[test]
    fn every_input_leaves_the_same_line() {
        check([TIME, "mx1", "mx1 postfix/qmgr[911]: 4Zk3Yp1qS9z5vK: removed", "", ""], LINE);
        check([TIME, "mx1.example.org", "4Zk3Yp1qS9z5vK: removed", "postfix/qmgr", "911"], LINE);
        let raw = "<22>Nov 22 19:41:58 mx1 postfix/qmgr[911]: 4Zk3Yp1qS9z5vK: removed";
        check([TIME, "127.0.0.1", raw, "", ""], LINE);
    }

    #[test]
    fn a_stamp_in_the_users_zone_is_the_same_time() {
        check(["2026-11-22T20:41:58.000+01:00", "mx1", "4Zk3Yp1qS9z5vK: removed", "postfix/qmgr", "911"], LINE);
    }

    #[test]
    fn a_time_that_cannot_be_kept_is_noise() {
        for time in ["9999-12-31T23:59:59.000-12:00", "0000-01-01T00:00:00.000+12:00", "1969-12-31T23:59:59.000Z"] {
            check([time, "mx1", "postfix/qmgr[7]: x", "", ""], "noise: postfix/qmgr[7]: x");
        }
    }

    #[test]
    fn what_is_no_line_is_noise() {
        check([TIME, "mx1", "no header at all", "", ""], "noise: no header at all");
        check([TIME, "mx1", "", "", ""], "noise: 2026-11-22T19:41:58.000Z,mx1,,,");
    }
}
