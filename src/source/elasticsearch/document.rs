//! Turns a document into a line.
//!
//! In: the `_source` of a document.  Out: a line, or the text that no line could be made of (counted as noise).
//! Ignored on purpose: every field that settings do not name.

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

/// The `time_format` that takes the time of each document from the engine, whatever its form and name in the document.
pub(super) const BY_THE_ENGINE: &str = "engine";

/// The field to request with each document, so that [`known_time`] finds the engine's time.
pub(super) fn asked_beside(fields: &Fields) -> Option<Value> {
    let is_asked = fields.time_format.as_deref() == Some(BY_THE_ENGINE);
    is_asked.then(|| json!([{"field": fields.time, "format": "epoch_millis"}]))
}

/// The engine's time of a document, if it was requested. The engine writes numbers as text, and those of `date_nanos`
/// with a fraction.
pub(super) fn known_time(hit: &Hit, fields: &Fields) -> Option<Time> {
    time(hit.fields.get(&fields.time)?, Some("epoch_millis"))
}

/// The line that a document holds.
///
/// # Errors
/// The noise, if the document has no usable time, host, program or message.
pub(crate) fn line(source: &str, fields: &Fields, intake: &mut Intake) -> Result<Line, Noise> {
    line_at(source, None, fields, intake)
}

/// As [`line`]; `known`: the engine's time, if it was requested.
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
    // The first may be the bare text, and another (`event.original`) the line as it came.
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
        // Old versions of Filebeat have the path of the file in `source`, where Graylog has the host.
        host: texts(&fields.host).find(|host| !host.starts_with('/')),
        programs: texts(&fields.program).collect(),
        pid: texts(&fields.pid).find(|pid| pid.trim().parse::<u32>().is_ok()),
        message,
    }
}

/// A field as text; of an object its `name`. `-` means nothing (RFC 5424).
fn text<'d>(document: &'d Map<String, Value>, path: &str) -> Option<Cow<'d, str>> {
    let value = lookup(document, path)?;
    let name = || value.as_object()?.get("name")?.as_str().map(Cow::Borrowed);
    as_text(value).or_else(name).filter(|text| !matches!(text.trim(), "" | "-"))
}

/// A field as message, without the newline that a shipper of files may leave at its end.
pub(super) fn message<'d>(document: &'d Map<String, Value>, path: &str) -> Option<Cow<'d, str>> {
    let text = lookup(document, path).and_then(as_text).filter(|text| !text.trim().is_empty())?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(['\n', '\r'])),
        owned @ Cow::Owned(_) => owned,
    })
}

/// A value by its path, whether a dot separates objects or belongs to a name: `host.name` is found in
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

/// A text or number, or the first of a list.
pub(super) fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        // One level only: deeper nesting, which strangers may send, is no text.
        Value::Array(values) => {
            values.first().filter(|first| !first.is_array() && !first.is_object()).and_then(as_text)
        }
        Value::Object(_) | Value::Null | Value::Bool(_) => None,
    }
}

/// Reads a time: ISO 8601 with or without a zone (then UTC), also with a blank for the `T` (Graylog) or with slashes;
/// or a number since the epoch, also with a fraction or as text (OpenTelemetry).
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

/// A time from a number since the epoch. `unit`: its milliseconds; without one, a number below 1e11 is taken for
/// seconds, because in milliseconds it would be before March 1973.
fn epoch(number: f64, unit: Option<f64>) -> Time {
    let unit = unit.unwrap_or(if number.abs() < 1e11 { 1000.0 } else { 1.0 });
    // A float holds milliseconds exactly enough; `as` clamps numbers that are out of range.
    #[expect(clippy::cast_possible_truncation, reason = "clamping is what is wanted of a hostile number")]
    Time((number * unit).floor() as i64)
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
