//! Shows what becomes of some of the newest documents, for `check`.
//!
//! In: documents and the names of the fields.  Out: how many are lines, a mail server's, and understood; what the
//! others lack and what to set; and what looks wrong about the lines.

use super::{document, wanting};
use crate::{
    check::Check,
    config::{Fields, preset::Preset},
    frame::{self, Dater},
    model::{Intake, Line, Time},
    net::elastic::search::Hit,
    source::{Noise, sample::Account},
};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The table of the settings.
const TABLE: &str = "source.elasticsearch";
/// A time in the index that is further than this from the line's own stamp is doubted: indexing takes minutes.
const LATE_MS: u64 = 10 * 60_000;
const DAY_MS: i64 = 86_400_000;

/// The counts of a sample.
#[derive(Debug, Default)]
pub struct Sample {
    pub documents: usize,
    pub account: Account,
    /// Ids of the documents that look like a mail server's lines.
    pub mail: Vec<String>,
    /// Reasons why documents are no lines, with how many there are for each.
    reasons: BTreeMap<String, usize>,
    /// A field with the whole syslog name, if the one that is read is cut.
    uncut: Option<String>,
    /// For lines with a stamp of their own: how far it is from the time in the index, milliseconds.
    apart: Vec<u64>,
    /// A field that has the time of that stamp.
    nearer: Option<String>,
}

impl Sample {
    pub fn of<'h>(hits: impl Iterator<Item = &'h Hit>, fields: &Fields, zone: Tz, intake: &mut Intake) -> Self {
        let mut sample = Self::default();
        for hit in hits {
            let Some(source) = hit.source.as_ref().map(|raw| raw.get()) else { continue };
            sample.documents += 1;
            let known = document::known_time(hit, fields);
            let line = document::line_at(source, known, fields, intake);
            if let Ok(line) = &line {
                sample.stamped(source, line, fields, zone);
            }
            let before = sample.account.cut;
            // Adds the whole document: the missing part may be the message.
            let seen = line.map_err(|noise| Noise { text: format!("{}\n{source}", noise.text), ..noise });
            if sample.account.saw(&seen) {
                sample.mail.push(hit.id.clone());
            }
            if sample.account.cut > before && sample.uncut.is_none() {
                sample.uncut = wanting::uncut(source);
            }
            if seen.is_err() {
                *sample.reasons.entry(reason(source, known, fields)).or_default() += 1;
            }
        }
        sample
    }

    /// Compares the stamp in the message, if there is one, with the time of the document.
    fn stamped(&mut self, source: &str, line: &Line, fields: &Fields, zone: Tz) {
        let Ok(document) = serde_json::from_str::<Map<String, Value>>(source) else { return };
        let stamp = Fields::alternatives(&fields.message).find_map(|name| {
            let text = document::message(&document, name)?;
            frame::message(&text, None, None, None).stamp
        });
        let Some(stamp) = stamp else { return };
        let own = Dater::new(zone, None, line.time.plus(DAY_MS), None).date(stamp);
        let apart = own.0.abs_diff(line.time.0);
        self.apart.push(apart);
        if apart > LATE_MS && self.nearer.is_none() {
            let mut leaves = Vec::new();
            wanting::gather(&document, "", &mut leaves);
            let is_it = |value: &Value| document::time(value, None).is_some_and(|t| t.0.abs_diff(own.0) < 2000);
            self.nearer = leaves.into_iter().find(|(_, value)| is_it(value)).map(|(name, _)| name);
        }
    }

    /// The row of `check` about how many documents are lines.
    pub fn found(&self, what: &str) -> Result<String, String> {
        let add = |mut text: String| {
            if let Some((reason, count)) = self.reasons.iter().max_by_key(|(_, count)| **count) {
                text.push_str(&format!("; {count}: {reason}"));
            }
            text
        };
        self.account.told(self.documents, what).map(add).map_err(add)
    }

    /// Rows for lines that can be read but look wrong: a daemon's name alone, a name cut at its slash, the time of
    /// reading.
    pub fn doubts(&self, fields: &Fields) -> Vec<Check> {
        let mut rows: Vec<Check> = self.account.bare_row().into_iter().collect();
        rows.extend(self.account.cut_row(self.uncut.as_deref(), TABLE));
        let mut late: Vec<u64> = self.apart.iter().copied().filter(|apart| *apart > LATE_MS).collect();
        late.sort_unstable();
        if late.len() * 2 > self.apart.len() {
            let typical = humantime::format_duration(std::time::Duration::from_secs(late[late.len() / 2] / 1000));
            let advice = match &self.nearer {
                Some(name) => format!("set `time = \"{name}\"` under `[{TABLE}.fields]`"),
                None => {
                    "have the shipper take the time from the line, or set `timezone` where that is what differs".into()
                }
            };
            let (late, of, time) = (late.len(), self.apart.len(), &fields.time);
            let told = format!(
                "in {late} of {of} lines that carry a stamp it is {typical} from `{time}`, which seems to be the time of \
                 reading: {advice}"
            );
            rows.push(Check::doubt("time of the lines", told));
        }
        rows
    }
}

/// Why a document is no line, and what to set if that can be told.
fn reason(source: &str, known: Option<Time>, fields: &Fields) -> String {
    let Some(wanting) = wanting::wanting(source, known, fields) else {
        return "no document with a time that can be kept".to_owned();
    };
    let auto = Preset::Auto.fields();
    let is_line = |fields: &Fields| document::line(source, fields, &mut Intake::default()).is_ok();
    let part = wanting.part;
    let advice = if part == "time" {
        format!(": set `time_format = \"{}\"` under `[{TABLE}.fields]`", document::BY_THE_ENGINE)
    } else if is_line(&auto) {
        ": set `preset = \"auto\"` under `[source.elasticsearch]`, and no names of your own".to_owned()
    } else if let Some(set) = wanting::instead(source, fields) {
        let set: Vec<String> = set.iter().map(|set| format!("`{set}`")).collect();
        format!("; the document has it elsewhere: set {} under `[{TABLE}.fields]`", set.join(" and "))
    } else if part == "message" {
        ", nor under another name: does the index leave it out of `_source`?".to_owned()
    } else {
        ", nor under another name: the shipper leaves it out".to_owned()
    };
    if let Some(unread) = wanting.unread {
        return format!("no {part}: `{unread}` is none that is read{advice}");
    }
    let names: Vec<String> = Fields::alternatives(wanting.names).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(4) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("no {part}: none of {}{more}{advice}", names[..names.len().min(4)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample(preset: Preset, document: &Value) -> Sample {
        let hit = serde_json::from_value(json!({"_id": "x", "_source": document})).unwrap();
        Sample::of([&hit].into_iter(), &preset.fields(), Tz::UTC, &mut Intake::default())
    }

    #[track_caller]
    fn check(preset: Preset, document: Value, expected: Result<&str, &str>) {
        let found = sample(preset, &document).found("documents");
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    const NONE: &str =
        "0 of 1 documents are lines, 0 of a mail server, 0 of these understood; 1 more look like a mail server's";

    #[test]
    fn what_is_missing_is_named_with_what_the_document_has_instead() {
        let time = "2026-11-22T20:20:11.599Z";
        for (document, told) in [
            (
                json!({"@timestamp": time, "message": "3F2A41C0E7: removed", "appname": "postfix/qmgr", "mailhost": "mx1"}),
                "no host: none of `hostname`, `host`; the document has it elsewhere: set `host = \"mailhost\"` under \
                 `[source.elasticsearch.fields]`",
            ),
            (
                json!({"@timestamp": time, "message": "3F2A41C0E7: removed", "host": "mx1", "x": {"which": "postfix/qmgr"}}),
                "no program: none of `appname`, `SYSLOG_IDENTIFIER`; the document has it elsewhere: set `program = \
                 \"x.which\"` under `[source.elasticsearch.fields]`",
            ),
            (
                json!({"@timestamp": time, "zeile": "Nov 22 20:20:11 mx1 postfix/qmgr[7]: 3F2A41C0E7: removed", "note": "a b"}),
                "no message: none of `message`; the document has it elsewhere: set `message = \"zeile\"` under \
                 `[source.elasticsearch.fields]`",
            ),
            (
                json!({"@timestamp": time, "text": "3F2A41C0E7: removed", "node": "mx1", "which": "postfix/qmgr"}),
                "no message: none of `message`; the document has it elsewhere: set `message = \"text\"` and `host = \
                 \"node\"` and `program = \"which\"` under `[source.elasticsearch.fields]`",
            ),
            (
                json!({"@timestamp": "22.11.2026 20:20", "message": "mx1 postfix/qmgr[7]: 3F2A41C0E7: removed"}),
                "no time: `22.11.2026 20:20` is none that is read: set `time_format = \"engine\"` under \
                 `[source.elasticsearch.fields]`",
            ),
        ] {
            check(Preset::Vector, document, Err(&format!("{NONE}; 1: {told}")));
        }
    }

    #[test]
    fn a_shape_that_another_preset_reads_names_it() {
        let document = json!({"timestamp": "2026-11-22T20:20:11.599Z", "message": "3F2A41C0E7: removed",
            "host": {"name": "mx1"}, "process": {"name": "postfix/qmgr"}});
        let told = "no host: none of `source`: set `preset = \"auto\"` under `[source.elasticsearch]`, and no names of your own";
        check(Preset::Graylog, document, Err(&format!("{NONE}; 1: {told}")));
    }

    #[test]
    fn lines_that_are_understood_are_no_complaint() {
        check(
            Preset::Auto,
            json!({"@timestamp": 1_795_378_811_599_i64, "message": "3F2A41C0E7: removed", "host": "mx1", "program": "postfix/qmgr"}),
            Ok("1 of 1 documents are lines, 1 of a mail server, 1 of these understood"),
        );
    }

    #[test]
    fn a_time_of_reading_is_told_with_the_field_that_has_the_lines_own() {
        let document = json!({"@timestamp": "2026-11-23T08:00:00Z", "logged": "2026-11-22T20:20:11Z",
            "message": "Nov 22 20:20:11 mx1 postfix/qmgr[7]: 3F2A41C0E7: removed"});
        let fields = Fields { time: "@timestamp".into(), ..Preset::Auto.fields() };
        let rows = sample(Preset::Auto, &document).doubts(&fields);
        let told = "in 1 of 1 lines that carry a stamp it is 11h 39m 49s from `@timestamp`, which seems to be the time of \
                    reading: set `time = \"logged\"` under `[source.elasticsearch.fields]`";
        assert_eq!(rows, [Check::doubt("time of the lines", told.to_owned())]);
    }
}
