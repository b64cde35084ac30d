//! From a document to a line.
//!
//! In: the `_source` of a document.  Out: a line, or the text that no line could be made of (counted as noise).
//! Ignored on purpose: every field but the five that settings name.

use crate::{
    config::Fields,
    model::{Intake, Line, Time},
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
pub fn line(source: &str, fields: &Fields, intake: &mut Intake) -> Result<Line, Noise> {
    let Ok(document) = serde_json::from_str::<Map<String, Value>>(source) else {
        return Err(carried::noise(source));
    };
    let text = |path: &str| lookup(&document, path).and_then(as_text).filter(|text| !text.trim().is_empty());
    let Some(message) = text(&fields.message) else {
        return Err(carried::noise(source));
    };
    let first = |names: &str| Fields::alternatives(names).find_map(text);
    let carried = Carried {
        time: lookup(&document, &fields.time).and_then(|value| time(value, fields.time_format.as_deref())),
        host: first(&fields.host),
        programs: Fields::alternatives(&fields.program).filter_map(text).collect(),
        pid: first(&fields.pid),
        message,
    };
    carried.line(intake)
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

/// A text or number, or the first one of a list. An object stands for its `name` (beats write `host: {name: …}`).
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        // One level only: what strangers nest deeper is no name.
        Value::Array(values) => {
            values.first().filter(|first| !first.is_array() && !first.is_object()).and_then(as_text)
        }
        Value::Object(object) => object.get("name").and_then(Value::as_str).map(Cow::Borrowed),
        Value::Null | Value::Bool(_) => None,
    }
}

/// ISO 8601 with or without a zone (UTC then), the same with a blank for the `T` (Graylog), or a number since the epoch:
/// milliseconds, unless the index keeps seconds.
fn time(value: &Value, format: Option<&str>) -> Option<Time> {
    let value = value.as_array().map_or(Some(value), |values| values.first())?;
    let seconds = format == Some("epoch_second");
    if let Some(number) = value.as_i64() {
        return Some(if seconds { Time::from_seconds(number) } else { Time(number) });
    }
    if let Some(number) = value.as_f64() {
        // Whole milliseconds are far below what a float loses; `as` clamps.
        #[expect(clippy::cast_possible_truncation, reason = "clamping is what is wanted of a hostile number")]
        return Some(Time(if seconds { (number * 1000.0) as i64 } else { number as i64 }));
    }
    let text = value.as_str()?.trim();
    if let Ok(number) = text.parse() {
        return Some(if seconds { Time::from_seconds(number) } else { Time(number) });
    }
    Time::parse_rfc3339(text)
        .or_else(|| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(|t| Time(t.timestamp_millis())))
        .or_else(|| {
            let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
            let found = naive.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
            found.map(|t| Time(t.and_utc().timestamp_millis()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::preset::Preset, source::elasticsearch::query::tests::settings};
    use serde_json::json;

    #[track_caller]
    fn check(document: Value, expected: &str) {
        let line = line(&document.to_string(), &settings(None).fields, &mut Intake::default());
        let compact = match line {
            Ok(line) => {
                format!("{} {} {}[{}]: {}", line.time, line.host, line.program, line.pid.unwrap_or(0), line.text)
            }
            Err(noise) => format!("noise: {}", noise.text),
        };
        assert_eq!(compact, expected);
    }

    #[test]
    fn graylogs_syslog_message_is_a_line() {
        check(
            json!({"timestamp": "2026-11-22 20:20:11.599", "source": "mx1.example.org", "message": "mx1 postfix/qmgr[7]: 4F1: removed"}),
            "2026-11-22T20:20:11.599Z mx1 postfix/qmgr[7]: 4F1: removed",
        );
    }

    #[test]
    fn a_parsed_message_is_the_same_line() {
        check(
            json!({"timestamp": 1_795_378_811_599_i64, "source": "MX1", "application_name": "postfix/qmgr", "process_id": "7", "message": "4F1: removed"}),
            "2026-11-22T20:20:11.599Z mx1 postfix/qmgr[7]: 4F1: removed",
        );
    }

    #[track_caller]
    fn check_preset(preset: Preset, document: Value, expected: &str) {
        let line = line(&document.to_string(), &preset.fields(), &mut Intake::default()).unwrap();
        assert_eq!(
            format!("{} {}[{}]: {}", line.host, line.program, line.pid.unwrap_or(0), line.text),
            expected,
            "{document}"
        );
    }

    #[test]
    fn a_header_in_the_message_is_taken_off() {
        let expected = "2026-11-22T20:20:11.599Z mx1 postfix/smtpd[7]: connect from a.example.org[192.0.2.1]";
        for header in ["<22>Nov 22 20:20:11 mx1 ", "Nov  2 20:20:11 mx1 ", "2026-11-22T20:20:11.599+01:00 mx1 ", "mx1 "]
        {
            let message = format!("{header}postfix/smtpd[7]: connect from a.example.org[192.0.2.1]");
            check(json!({"timestamp": 1_795_378_811_599_i64, "source": "192.0.2.9", "message": message}), expected);
        }
    }

    #[test]
    fn a_tag_cut_at_32_characters_is_a_tag() {
        check(
            json!({"timestamp": 0, "source": "mx1", "message": "mx1 postfix/submission/smtpd[1234567 4F1: x"}),
            "1970-01-01T00:00:00.000Z mx1 postfix/submission/smtpd[1234567]: 4F1: x",
        );
    }

    #[test]
    fn a_bare_text_belongs_to_the_program_that_a_field_names() {
        for text in ["warning: TLS library problem", "4F1: to=<a@example.org>"] {
            check(
                json!({"timestamp": 0, "source": "mx1", "application_name": "postfix/smtpd", "message": text}),
                &format!("1970-01-01T00:00:00.000Z mx1 postfix/smtpd[0]: {text}"),
            );
        }
    }

    #[test]
    fn fields_are_found_by_any_of_their_names() {
        let expected = "mx1 postfix/qmgr[7]: 4F1: removed";
        let time = "2026-11-22T20:20:11.599Z";
        let ecs = |fields: Value| {
            let mut document = json!({"@timestamp": time, "message": "4F1: removed"});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            document
        };
        check_preset(
            Preset::Ecs,
            ecs(json!({"host": {"name": "mx1"}, "process": {"name": "postfix/qmgr", "pid": 7}})),
            expected,
        );
        check_preset(
            Preset::Ecs,
            ecs(
                json!({"log": {"syslog": {"hostname": "mx1", "appname": "postfix/qmgr", "procid": "7"}}, "host": {"name": "relay"}}),
            ),
            expected,
        );
        check_preset(Preset::Logstash, ecs(json!({"host": "mx1", "program": "postfix/qmgr", "pid": "7"})), expected);
    }

    #[test]
    fn rsyslogs_program_is_completed_by_its_tag() {
        let document = json!({"@timestamp": "2026-11-22T20:20:11.599Z", "host": "mx1", "message": " 4F1: removed",
            "programname": "postfix", "syslogtag": "postfix/qmgr[7]:"});
        check_preset(Preset::Rsyslog, document, "mx1 postfix/qmgr[7]: 4F1: removed");
    }

    #[test]
    fn a_text_of_nobody_is_noise() {
        check(json!({"timestamp": 0, "source": "mx1", "message": "no header at all"}), "noise: no header at all");
        check(
            json!({"timestamp": 0, "message": "postfix/qmgr[1]: 4F1: removed"}),
            "noise: postfix/qmgr[1]: 4F1: removed",
        );
    }

    #[test]
    fn what_lacks_a_time_or_a_message_is_noise() {
        check(json!({"source": "mx1", "message": "postfix/qmgr[7]: x"}), "noise: postfix/qmgr[7]: x");
        check(
            json!({"timestamp": "yesterday", "source": "mx1", "message": "postfix/qmgr[7]: x"}),
            "noise: postfix/qmgr[7]: x",
        );
        check(json!({"timestamp": 0}), r#"noise: {"timestamp":0}"#);
    }

    #[test]
    fn a_time_that_cannot_be_kept_is_noise() {
        let stamps = [
            json!("9999-12-31T23:59:59-12:00"),
            json!("0000-01-01T00:00:00+12:00"),
            json!("9999-12-31 23:59:59.999"),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(-1),
            json!(1e300),
            json!(-1e300),
            json!("99999999999999999"),
        ];
        for stamp in stamps {
            let document = json!({"timestamp": stamp, "source": "mx1", "message": "postfix/qmgr[7]: x"});
            let found = line(&document.to_string(), &settings(None).fields, &mut Intake::default());
            assert_eq!(found.map_err(|noise| noise.text), Err("postfix/qmgr[7]: x".to_owned()), "{document}");
        }
    }

    #[test]
    fn dots_may_be_objects_or_parts_of_names() {
        let documents =
            [json!({"host": {"name": "a"}}), json!({"host.name": "a"}), json!({"host": {"name": ["a", "b"]}})];
        for document in documents {
            let found = lookup(document.as_object().unwrap(), "host.name").and_then(as_text);
            assert_eq!(found.as_deref(), Some("a"));
        }
        let mixed = json!({"a.b": {"c": "x"}});
        assert_eq!(lookup(mixed.as_object().unwrap(), "a.b.c"), Some(&json!("x")));
        let beats = json!({"host": {"name": "a"}});
        assert_eq!(lookup(beats.as_object().unwrap(), "host").and_then(as_text).as_deref(), Some("a"));
    }

    #[test]
    fn times_come_in_many_forms() {
        let forms = [
            json!("2026-11-22T20:20:11.599Z"),
            json!("2026-11-22T21:20:11.599123+01:00"),
            json!("2026-11-22T21:20:11.599+0100"),
            json!("2026-11-22T20:20:11.599"),
            json!("2026-11-22 20:20:11.599"),
            json!("1795378811599"),
            json!([1_795_378_811_599_i64]),
        ];
        for form in forms {
            assert_eq!(time(&form, None), Some(Time(1_795_378_811_599)), "{form}");
        }
        assert_eq!(time(&json!(1_795_378_811), Some("epoch_second")), Some(Time(1_795_378_811_000)));
        assert_eq!(time(&json!(1_795_378_811.5), Some("epoch_second")), Some(Time(1_795_378_811_500)));
        assert_eq!(time(&json!({}), None), None);
    }
}
