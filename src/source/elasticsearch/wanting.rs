//! Finds the part that a document lacks to be a line, and the fields that may hold it instead.
//!
//! In: a document and the names of the fields.  Out: the missing part, with the value that could not be read, if any;
//! and field names with which the document becomes a line, tested before they are proposed.

use super::document::{self, as_text, carried_in, message, time};
use crate::{
    config::Fields,
    frame,
    model::{Intake, Time},
    program,
    program::Family,
};
use serde_json::{Map, Value};

/// The earliest time that is taken for one of a log: September 2001.
const EARLIEST: i64 = 1_000_000_000_000;

/// The first missing part of a document.
pub struct Wanting<'f> {
    /// The key under `[source.elasticsearch.fields]`.
    pub part: &'static str,
    /// The field names that were tried for it.
    pub names: &'f str,
    /// The value of the first of these fields that the document has, which could not be read.
    pub unread: Option<String>,
}

/// `None` if nothing is missing, or the document is not an object.
pub fn wanting<'f>(source: &str, known: Option<Time>, fields: &'f Fields) -> Option<Wanting<'f>> {
    let document = serde_json::from_str::<Map<String, Value>>(source).ok()?;
    let part = missing(&document, known, fields)?;
    let names = of(fields, part);
    let unread = Fields::alternatives(names).find_map(|name| as_text(document::lookup(&document, name)?));
    Some(Wanting { part, names, unread: unread.map(|text| text.chars().take(60).collect()) })
}

fn missing(document: &Map<String, Value>, known: Option<Time>, fields: &Fields) -> Option<&'static str> {
    let found = Fields::alternatives(&fields.message).find_map(|name| message(document, name));
    found.map_or(Some("message"), |found| carried_in(document, known, fields, found).wanting())
}

/// The settings with which the document becomes a line, such as `host = "mailhost"`; `None` if it has no such fields.
pub fn instead(source: &str, fields: &Fields) -> Option<Vec<String>> {
    let document = serde_json::from_str::<Map<String, Value>>(source).ok()?;
    let mut leaves = Vec::new();
    gather(&document, "", &mut leaves);
    let mut fields = fields.clone();
    let mut set = Vec::new();
    while let Some(part) = missing(&document, None, &fields) {
        let found = candidate(&leaves, part).filter(|_| set.len() < 4)?;
        set.push(format!("{part} = \"{found}\""));
        let place = match part {
            "message" => &mut fields.message,
            "time" => &mut fields.time,
            "host" => &mut fields.host,
            _ => &mut fields.program,
        };
        *place = found;
    }
    document::line(source, &fields, &mut Intake::default()).ok().map(|_| set).filter(|set| !set.is_empty())
}

fn of<'f>(fields: &'f Fields, part: &str) -> &'f str {
    match part {
        "message" => &fields.message,
        "time" => &fields.time,
        "host" => &fields.host,
        _ => &fields.program,
    }
}

/// The field that most likely holds a part: by its value if that tells, else by its name.
fn candidate(leaves: &[(String, &Value)], part: &str) -> Option<String> {
    let called = |name: &str, words: &[&str]| {
        let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        words.iter().any(|word| last.contains(word))
    };
    let text = |value: &Value| as_text(value).map(|text| text.into_owned()).unwrap_or_default();
    let is_word = |value: &Value| {
        let text = text(value);
        !text.is_empty() && !text.contains(char::is_whitespace) && text.parse::<f64>().is_err()
    };
    let first = |test: &dyn Fn(&str, &Value) -> bool| {
        leaves.iter().find(|(name, value)| test(name, value)).map(|(name, _)| name.clone())
    };
    match part {
        "message" => first(&|_, value| program::looks_like_mail("", &text(value)))
            .or_else(|| first(&|_, value| text(value).len() > 20 && text(value).contains(' '))),
        "time" => first(&|_, value| time(value, None).is_some_and(|time| time.0 > EARLIEST)),
        "host" => {
            first(&|name, value| called(name, &["host", "server", "node", "machine"]) && is_word(value)).or_else(|| {
                first(&|name, value| called(name, &["source", "device", "origin", "sender"]) && is_word(value))
            })
        }
        _ => first(&|_, value| is_word(value) && is_mail(&text(value))).or_else(|| {
            let words = ["prog", "app", "ident", "tag", "daemon", "service", "comm", "process"];
            first(&|name, value| called(name, &words) && is_word(value))
        }),
    }
}

/// Whether a value is the syslog name of a mail server, or a tag with one.
fn is_mail(value: &str) -> bool {
    let tag = frame::message(value, None, None, None).program.unwrap_or(value);
    matches!(program::family(tag.trim_end_matches(':')), Family::Postfix(_) | Family::Sendmail)
}

/// A field with the whole syslog name of a mail server, for when the one that is read is cut at the slash.
pub fn uncut(source: &str) -> Option<String> {
    let document = serde_json::from_str::<Map<String, Value>>(source).ok()?;
    let mut leaves = Vec::new();
    gather(&document, "", &mut leaves);
    let is_whole = |value: &Value| as_text(value).is_some_and(|text| text.contains('/') && is_mail(&text));
    leaves.into_iter().find(|(_, value)| is_whole(value)).map(|(name, _)| name)
}

/// Lists all fields by their dotted paths. The JSON parser limits how deep they are nested.
pub fn gather<'d>(object: &'d Map<String, Value>, before: &str, leaves: &mut Vec<(String, &'d Value)>) {
    for (name, value) in object {
        match value.as_object() {
            Some(inner) => gather(inner, &format!("{before}{name}."), leaves),
            None => leaves.push((format!("{before}{name}"), value)),
        }
    }
}
