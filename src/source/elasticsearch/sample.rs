//! What becomes of some of the newest documents, for `check`.
//!
//! In: documents and the names of the fields.  Out: how many are lines, a mail server's, and understood; of those that are
//! none, what is missing and what they have instead.

use super::document;
use crate::{
    config::{Fields, preset::Preset},
    model::{Intake, Parsed},
    parse::{self, Family},
};
use std::collections::BTreeMap;

/// The account of a sample.
#[derive(Debug, Default)]
pub struct Sample {
    pub documents: usize,
    lines: usize,
    pub mail: usize,
    understood: usize,
    /// Why documents are no lines, and how many for each reason.
    reasons: BTreeMap<String, usize>,
}

impl Sample {
    pub fn of<'d>(documents: impl Iterator<Item = &'d str>, fields: &Fields) -> Self {
        let mut sample = Self::default();
        for source in documents {
            sample.documents += 1;
            match document::line(source, fields, &mut Intake::default()) {
                Ok(line) => {
                    sample.lines += 1;
                    if matches!(parse::family(&line.program), Family::Postfix(_) | Family::Sendmail) {
                        sample.mail += 1;
                        sample.understood += usize::from(!matches!(parse::parse(&line), Parsed::Unrecognised));
                    }
                }
                Err(_) => *sample.reasons.entry(reason(source, fields)).or_default() += 1,
            }
        }
        sample
    }

    /// What the row of `check` says. It is an error where no document is a line, and, of those that were asked for by their
    /// programs, where most are none or most of a mail server's are not understood.
    pub fn found(&self, by_program: bool) -> Result<String, String> {
        let Self { documents, lines, mail, understood, .. } = *self;
        let mut text =
            format!("{lines} of {documents} are lines, {mail} of a mail server, {understood} of these understood");
        if let Some((reason, count)) = self.reasons.iter().max_by_key(|(_, count)| **count) {
            text.push_str(&format!("; {count}: {reason}"));
        }
        let is_wrong = lines == 0 || by_program && (lines * 2 < documents || understood * 2 < mail);
        if is_wrong { Err(text) } else { Ok(text) }
    }
}

/// Why a document is no line, with what to set where that shows.
fn reason(source: &str, fields: &Fields) -> String {
    let Some(wanting) = document::wanting(source, fields) else {
        return "no document with a time that can be kept".to_owned();
    };
    let auto = Preset::Auto.fields();
    let advice = if document::line(source, &auto, &mut Intake::default()).is_ok() {
        ": set `preset = \"auto\"`, and no names of your own".to_owned()
    } else if let Some(other) = wanting.instead {
        let part = wanting.part;
        format!("; the document has `{other}`: set `{part} = \"{other}\"` under `[source.elasticsearch.fields]`")
    } else {
        ", nor under another name".to_owned()
    };
    let names: Vec<String> = Fields::alternatives(wanting.names).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(4) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("no {}: none of {}{more}{advice}", wanting.part, names[..names.len().min(4)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(preset: Preset, document: Value, expected: Result<&str, &str>) {
        let document = document.to_string();
        let found = Sample::of([document.as_str()].into_iter(), &preset.fields()).found(true);
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn what_is_missing_is_named_with_what_the_document_has_instead() {
        let time = "2026-11-22T20:20:11.599Z";
        check(
            Preset::Vector,
            json!({"@timestamp": time, "message": "3F2A41C0E7: removed", "appname": "postfix/qmgr", "mailhost": "mx1"}),
            Err(
                "0 of 1 are lines, 0 of a mail server, 0 of these understood; 1: no host: none of `hostname`, `host`; the \
                 document has `mailhost`: set `host = \"mailhost\"` under `[source.elasticsearch.fields]`",
            ),
        );
        check(
            Preset::Vector,
            json!({"@timestamp": time, "message": "3F2A41C0E7: removed", "host": "mx1", "x": {"programm": "postfix/qmgr"}}),
            Err("0 of 1 are lines, 0 of a mail server, 0 of these understood; 1: no program: none of `appname`, \
                 `SYSLOG_IDENTIFIER`; the document has `x.programm`: set `program = \"x.programm\"` under \
                 `[source.elasticsearch.fields]`"),
        );
        check(
            Preset::Vector,
            json!({"@timestamp": time, "zeile": "Nov 22 20:20:11 mx1 postfix/qmgr[7]: 3F2A41C0E7: removed", "note": "a b"}),
            Err(
                "0 of 1 are lines, 0 of a mail server, 0 of these understood; 1: no message: none of `message`; the document \
                 has `zeile`: set `message = \"zeile\"` under `[source.elasticsearch.fields]`",
            ),
        );
        check(
            Preset::Vector,
            json!({"when": time, "message": "mx1 postfix/qmgr[7]: 3F2A41C0E7: removed", "host": "mx1"}),
            Err(
                "0 of 1 are lines, 0 of a mail server, 0 of these understood; 1: no time: none of `@timestamp`, `timestamp`; \
                 the document has `when`: set `time = \"when\"` under `[source.elasticsearch.fields]`",
            ),
        );
    }

    #[test]
    fn a_shape_that_another_preset_reads_names_it() {
        check(
            Preset::Graylog,
            json!({"@timestamp": "2026-11-22T20:20:11.599Z", "message": "3F2A41C0E7: removed", "host": {"name": "mx1"},
                "process": {"name": "postfix/qmgr"}}),
            Err(
                "0 of 1 are lines, 0 of a mail server, 0 of these understood; 1: no time: none of `timestamp`: set `preset = \
                 \"auto\"`, and no names of your own",
            ),
        );
    }

    #[test]
    fn lines_that_are_understood_are_no_complaint() {
        check(
            Preset::Auto,
            json!({"@timestamp": 1_795_378_811_599_i64, "message": "3F2A41C0E7: removed", "host": "mx1", "program": "postfix/qmgr"}),
            Ok("1 of 1 are lines, 1 of a mail server, 1 of these understood"),
        );
    }
}
