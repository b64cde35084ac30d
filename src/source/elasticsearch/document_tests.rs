//! Documents as shippers write them, and the lines made of them.

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
    for header in ["<22>Nov 22 20:20:11 mx1 ", "Nov  2 20:20:11 mx1 ", "2026-11-22T20:20:11.599+01:00 mx1 ", "mx1 "] {
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
    check(json!({"timestamp": 0, "message": "postfix/qmgr[1]: 4F1: removed"}), "noise: postfix/qmgr[1]: 4F1: removed");
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
    let documents = [json!({"host": {"name": "a"}}), json!({"host.name": "a"}), json!({"host": {"name": ["a", "b"]}})];
    for document in documents {
        let found = lookup(document.as_object().unwrap(), "host.name").and_then(as_text);
        assert_eq!(found.as_deref(), Some("a"));
    }
    let mixed = json!({"a.b": {"c": "x"}});
    assert_eq!(lookup(mixed.as_object().unwrap(), "a.b.c"), Some(&json!("x")));
    let beats = json!({"host": {"name": "a"}});
    assert_eq!(text(beats.as_object().unwrap(), "host").as_deref(), Some("a"));
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
        json!("1795378811599.000000"),
        json!("2026/11/22 20:20:11.599"),
        json!(1_795_378_811.599),
    ];
    for form in forms {
        assert_eq!(time(&form, None), Some(Time(1_795_378_811_599)), "{form}");
    }
    assert_eq!(time(&json!(1_795_378_811), Some("epoch_second")), Some(Time(1_795_378_811_000)));
    assert_eq!(time(&json!(1_795_378_811.5), Some("epoch_second")), Some(Time(1_795_378_811_500)));
    assert_eq!(time(&json!({}), None), None);
}

/// Documents of real shippers and from their manuals, each with the line that it was made from.
const SHIPPERS: &str = include_str!("../../../tests/data/shippers.ndjson");

#[test]
fn what_any_shipper_writes_is_a_line_with_its_own_preset_and_with_auto() {
    #[derive(serde::Deserialize)]
    struct Written {
        shape: String,
        preset: Preset,
        line: String,
        document: Value,
    }
    let mut wrong = Vec::new();
    for written in SHIPPERS.lines() {
        let Written { shape, preset, line: expected, document } = serde_json::from_str(written).unwrap();
        for preset in [preset, Preset::Auto] {
            let found = match line(&document.to_string(), &preset.fields(), &mut Intake::default()) {
                Ok(line) => {
                    format!("{} {} {}[{}]: {}", line.time, line.host, line.program, line.pid.unwrap_or(0), line.text)
                }
                Err(noise) => format!("noise: {}", noise.text),
            };
            if found != expected {
                wrong.push(format!("{shape} by {preset:?}: {found}\n    instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
