//! From a document to a line.
//!
//! In: the `_source` of a document.  Out: a line, or the text that no line could be made of (counted as noise).
//! Ignored on purpose: every field but those that settings name.

use crate::{
    config::Fields,
    model::{Intake, Line, Time},
    net::elastic::search::Hit,
    source::{
        Noise,
        carried::{self, Carried},
    },
};
use chrono::{DateTime, NaiveDateTime};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The `time_format` by which the engine is asked for the time of each document, whatever form and name it has there.
pub(super) const BY_THE_ENGINE: &str = "engine";

/// The field to request with each document, in which [`known_time`] finds the engine's time.
pub(super) fn asked_beside(fields: &Fields) -> Option<Value> {
    let is_asked = fields.time_format.as_deref() == Some(BY_THE_ENGINE);
    is_asked.then(|| json!([{"field": fields.time, "format": "epoch_millis"}]))
}

/// The time that the engine has of a document, where it was asked. It writes numbers as texts, those of `date_nanos` with a
/// fraction.
pub(super) fn known_time(hit: &Hit, fields: &Fields) -> Option<Time> {
    time(hit.fields.get(&fields.time)?, Some("epoch_millis"))
}

/// # Errors
/// What is left of a document without a usable time, host, program or message.
pub(crate) fn line(source: &str, fields: &Fields, intake: &mut Intake) -> Result<Line, Noise> {
    line_at(source, None, fields, intake)
}

/// As [`line`], of the time that the engine has, where it was asked.
///
/// # Errors
/// As [`line`].
pub(super) fn line_at(source: &str, known: Option<Time>, fields: &Fields, intake: &mut Intake) -> Result<Line, Noise> {
    let Ok(document) = serde_json::from_str::<Map<String, Value>>(source) else {
        return Err(carried::noise(source));
    };
    let mut messages = Fields::alternatives(&fields.message).filter_map(|name| message(&document, name));
    let Some(first) = messages.next() else {
        return Err(carried::noise(source));
    };
    let mut carried = carried_in(&document, known, fields, first);
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

pub(super) fn carried_in<'d>(
    document: &'d Map<String, Value>,
    known: Option<Time>,
    fields: &Fields,
    message: Cow<'d, str>,
) -> Carried<'d> {
    let texts = |names| Fields::alternatives(names).filter_map(|name| text(document, name));
    let mut times = Fields::alternatives(&fields.time).filter_map(|name| lookup(document, name));
    Carried {
        time: known.or_else(|| times.find_map(|value| time(value, fields.time_format.as_deref()))),
        // Old Filebeats have the path of the file in `source`, where Graylog has the host.
        host: texts(&fields.host).find(|host| !host.starts_with('/')),
        programs: texts(&fields.program).collect(),
        pid: texts(&fields.pid).find(|pid| pid.trim().parse::<u32>().is_ok()),
        message,
    }
}

/// What a field says; `-` is RFC 5424's word for nothing.
fn text<'d>(document: &'d Map<String, Value>, path: &str) -> Option<Cow<'d, str>> {
    let value = lookup(document, path)?;
    let name = || value.as_object()?.get("name")?.as_str().map(Cow::Borrowed);
    as_text(value).or_else(name).filter(|text| !matches!(text.trim(), "" | "-"))
}

/// As [`text`], without the line's end, which what reads files may leave there.
pub(super) fn message<'d>(document: &'d Map<String, Value>, path: &str) -> Option<Cow<'d, str>> {
    let text = lookup(document, path).and_then(as_text).filter(|text| !text.trim().is_empty())?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(['\n', '\r'])),
        owned @ Cow::Owned(_) => owned,
    })
}

/// A value by its path, whichever of its dots separate objects and whichever belong to names: `host.name` is found in
/// `{"host.name": …}` and in `{"host": {"name": …}}`.
pub(super) fn lookup<'d>(object: &'d Map<String, Value>, path: &str) -> Option<&'d Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let inner = object.get(&path[..at])?.as_object()?;
        lookup(inner, &path[at + 1..])
    })
}

/// A text or number, or the first one of a list.
pub(super) fn as_text(value: &Value) -> Option<Cow<'_, str>> {
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
pub(super) fn time(value: &Value, format: Option<&str>) -> Option<Time> {
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
