//! From a document to a line.
//!
//! In: the `_source` of a document.  Out: a line, or the text that no line could be made of (counted as noise).
//! Ignored on purpose: every field but those that settings name.

use crate::{
    config::Fields,
    model::{Intake, Line, Time},
    parse,
    source::{
        Noise,
        carried::{self, Carried},
    },
};
use chrono::{DateTime, NaiveDateTime};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// # Errors
/// What is left of a document without a usable time, host, program or message.
pub(crate) fn line(source: &str, fields: &Fields, intake: &mut Intake) -> Result<Line, Noise> {
    let Ok(document) = serde_json::from_str::<Map<String, Value>>(source) else {
        return Err(carried::noise(source));
    };
    let mut messages = Fields::alternatives(&fields.message).filter_map(|name| message(&document, name));
    let Some(first) = messages.next() else {
        return Err(carried::noise(source));
    };
    let mut carried = carried_in(&document, fields, first);
    let noise = match carried.line(intake) {
        Ok(line) => return Ok(line),
        Err(noise) => noise,
    };
    // `message` may hold the bare text, and `event.original` the line as it came.
    for message in messages {
        carried.message = message;
        if let Ok(line) = carried.line(intake) {
            return Ok(line);
        }
    }
    Err(noise)
}

fn carried_in<'d>(document: &'d Map<String, Value>, fields: &Fields, message: Cow<'d, str>) -> Carried<'d> {
    let texts = |names| Fields::alternatives(names).filter_map(|name| text(document, name));
    let mut times = Fields::alternatives(&fields.time).filter_map(|name| lookup(document, name));
    Carried {
        time: times.find_map(|value| time(value, fields.time_format.as_deref())),
        // Old Filebeats have the path of the file in `source`, where Graylog has the host.
        host: texts(&fields.host).find(|host| !host.starts_with('/')),
        programs: texts(&fields.program).collect(),
        pid: texts(&fields.pid).find(|pid| pid.trim().parse::<u32>().is_ok()),
        message,
    }
}

/// What a document lacks to be a line.
pub(super) struct Wanting<'f> {
    /// The key under `[source.elasticsearch.fields]`.
    pub part: &'static str,
    /// The names that were tried for it.
    pub names: &'f str,
    /// A field of the document that looks like it.
    pub instead: Option<String>,
}

/// The first part that is missing; `None` where none is, or the document is no object.
pub(super) fn wanting<'f>(source: &str, fields: &'f Fields) -> Option<Wanting<'f>> {
    let document = serde_json::from_str::<Map<String, Value>>(source).ok()?;
    let found = Fields::alternatives(&fields.message).find_map(|name| message(&document, name));
    let part = found.map_or(Some("message"), |found| carried_in(&document, fields, found).wanting())?;
    let mut leaves = Vec::new();
    gather(&document, "", &mut leaves);
    let called = |name: &str, words: &[&str]| {
        let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        words.iter().any(|word| last.contains(word))
    };
    let one_word = |value: &Value| as_text(value).is_some_and(|text| !text.contains(char::is_whitespace));
    let is_it = |(name, value): &&(String, &Value)| match part {
        "message" => as_text(value).is_some_and(|text| parse::looks_like_mail("", &text)),
        "time" => value.is_string() && time(value, None).is_some_and(|time| time.0 > 1_000_000_000_000),
        "host" => called(name, &["host", "server", "node", "machine"]) && one_word(value),
        _ => called(name, &["prog", "app", "ident", "tag", "daemon", "service"]) && one_word(value),
    };
    let instead = leaves.iter().find(is_it).map(|(name, _)| name.clone());
    let names = match part {
        "message" => &fields.message,
        "time" => &fields.time,
        "host" => &fields.host,
        _ => &fields.program,
    };
    Some(Wanting { part, names, instead })
}

/// All fields by their dotted paths. The parser of JSON limits how deep they may lie.
fn gather<'d>(object: &'d Map<String, Value>, before: &str, leaves: &mut Vec<(String, &'d Value)>) {
    for (name, value) in object {
        match value.as_object() {
            Some(inner) => gather(inner, &format!("{before}{name}."), leaves),
            None => leaves.push((format!("{before}{name}"), value)),
        }
    }
}

/// What a field says; `-` is RFC 5424's word for nothing.
fn text<'d>(document: &'d Map<String, Value>, path: &str) -> Option<Cow<'d, str>> {
    let value = lookup(document, path)?;
    let name = || value.as_object()?.get("name")?.as_str().map(Cow::Borrowed);
    as_text(value).or_else(name).filter(|text| !matches!(text.trim(), "" | "-"))
}

/// As [`text`], without the line's end, which what reads files may leave there.
fn message<'d>(document: &'d Map<String, Value>, path: &str) -> Option<Cow<'d, str>> {
    let text = lookup(document, path).and_then(as_text).filter(|text| !text.trim().is_empty())?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(['\n', '\r'])),
        owned @ Cow::Owned(_) => owned,
    })
}

/// A value by its path, whichever of its dots separate objects and whichever belong to names: `host.name` is found in
/// `{"host.name": …}` and in `{"host": {"name": …}}`.
fn lookup<'d>(object: &'d Map<String, Value>, path: &str) -> Option<&'d Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let inner = object.get(&path[..at])?.as_object()?;
        lookup(inner, &path[at + 1..])
    })
}

/// A text or number, or the first one of a list.
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        // One level only: what strangers nest deeper is no name.
        Value::Array(values) => {
            values.first().filter(|first| !first.is_array() && !first.is_object()).and_then(as_text)
        }
        Value::Object(_) | Value::Null | Value::Bool(_) => None,
    }
}

/// ISO 8601 with or without a zone (UTC then), the same with a blank for the `T` (Graylog) or with slashes, or a number
/// since the epoch, also one with a fraction and as a text (OpenTelemetry).
fn time(value: &Value, format: Option<&str>) -> Option<Time> {
    let value = value.as_array().map_or(Some(value), |values| values.first())?;
    let unit = match format {
        Some("epoch_second") => Some(1000.0),
        Some("epoch_millis") => Some(1.0),
        _ => None,
    };
    if let Some(number) = value.as_f64() {
        return Some(epoch(number, unit));
    }
    let text = value.as_str()?.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| epoch(number, unit));
    }
    Time::parse_rfc3339(text)
        .or_else(|| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(|t| Time(t.timestamp_millis())))
        .or_else(|| {
            let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f"];
            let found = naive.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
            found.map(|t| Time(t.and_utc().timestamp_millis()))
        })
}

/// A number since the epoch, of milliseconds in a `unit`. Where settings name none it shows: what would be a day before
/// April 1973 in milliseconds is of seconds.
fn epoch(number: f64, unit: Option<f64>) -> Time {
    let unit = unit.unwrap_or(if number.abs() < 1e11 { 1000.0 } else { 1.0 });
    // Milliseconds are far below what a float loses; `as` clamps.
    #[expect(clippy::cast_possible_truncation, reason = "clamping is what is wanted of a hostile number")]
    Time((number * unit).floor() as i64)
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
