//! Lines of `journalctl -o json`.
//!
//! In: one JSON object (systemd.journal-fields(7); "Journal JSON Format" of systemd).  Out: a [`Journalled`].
//! Ignored on purpose: every field but the seven named here; all but the first value of a field with several.

use crate::model::Time;
use serde::Deserialize;
use std::borrow::Cow;

/// A line of the journal taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journalled<'a> {
    pub time: Time,
    pub host: Option<Cow<'a, str>>,
    /// `SYSLOG_IDENTIFIER`; empty where it is missing.
    pub program: Cow<'a, str>,
    pub pid: Option<u32>,
    pub text: Cow<'a, str>,
    /// Position in the journal, for `journalctl --cursor`.
    pub cursor: Option<Cow<'a, str>>,
}

impl Journalled<'_> {
    /// An owned copy.
    pub fn into_owned(self) -> Journalled<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Journalled {
            time: self.time,
            host: self.host.map(own),
            program: own(self.program),
            pid: self.pid,
            text: own(self.text),
            cursor: self.cursor.map(own),
        }
    }
}

#[derive(Deserialize)]
struct Object<'a> {
    /// Microseconds since 1970, as a string.
    #[serde(borrow, rename = "__REALTIME_TIMESTAMP")]
    time: Value<'a>,
    #[serde(borrow, default, rename = "_HOSTNAME")]
    host: Value<'a>,
    #[serde(borrow, default, rename = "SYSLOG_IDENTIFIER")]
    program: Value<'a>,
    /// The process id that the program put into its tag; `_PID` is the process that handed the line over.
    #[serde(borrow, default, rename = "SYSLOG_PID")]
    syslog_pid: Value<'a>,
    #[serde(borrow, default, rename = "_PID")]
    pid: Value<'a>,
    #[serde(borrow, rename = "MESSAGE")]
    text: Value<'a>,
    #[serde(borrow, default, rename = "__CURSOR")]
    cursor: Value<'a>,
}

/// A field: a string; an array of bytes if it is not printable UTF-8; an array of values if it was given more than once; null if
/// it is too long.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Value<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Bytes(Vec<u8>),
    Several(Vec<Value<'a>>),
    #[default]
    Absent,
}

impl<'a> Value<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())),
            Self::Several(values) => values.into_iter().next().and_then(Self::text),
            Self::Absent => None,
        }
    }

    fn number<N: std::str::FromStr>(self) -> Option<N> {
        self.text()?.parse().ok()
    }
}

/// Takes a line of `journalctl -o json` apart; `None` if it is not one, or has no time or no message.
pub fn journal(line: &str) -> Option<Journalled<'_>> {
    let object: Object<'_> = serde_json::from_str(line).ok()?;
    Some(Journalled {
        time: Time(object.time.number::<i64>()?.div_euclid(1000)),
        host: object.host.text(),
        program: object.program.text().unwrap_or_default(),
        pid: object.syslog_pid.number().or_else(|| object.pid.number()),
        text: object.text.text()?,
        cursor: object.cursor.text(),
    })
}

/// An entry from the fields that `journalctl -o export` or `-o verbose` prints. Of several fields with one name the first counts.
/// `None` without a time or a message.
pub fn journal_fields(fields: &[(String, String)]) -> Option<Journalled<'static>> {
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let own = |text: &str| Cow::Owned(text.to_owned());
    let number = |name| field(name).and_then(|pid| pid.parse().ok());
    Some(Journalled {
        time: Time(field("__REALTIME_TIMESTAMP")?.parse::<i64>().ok()?.div_euclid(1000)),
        host: field("_HOSTNAME").map(own),
        program: field("SYSLOG_IDENTIFIER").map(own).unwrap_or_default(),
        pid: number("SYSLOG_PID").or_else(|| number("_PID")),
        text: own(field("MESSAGE")?),
        cursor: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let found = journal(line).map_or_else(
            || "none".to_owned(),
            |j| format!("{} {:?} {} {:?} {}", j.time, j.host.as_deref(), j.program, j.pid, j.text),
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn the_tag_s_own_process_id_comes_first() {
        check(
            r#"{"__REALTIME_TIMESTAMP":"1795378811599454","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtpd","SYSLOG_PID":"7","_PID":"1","MESSAGE":"connect from \"x\""}"#,
            r#"2026-11-22T20:20:11.599Z Some("mx1") postfix/smtpd Some(7) connect from "x""#,
        );
    }

    #[test]
    fn bytes_that_are_no_text_come_as_numbers() {
        check(
            r#"{"__REALTIME_TIMESTAMP":"1795378811000000","_PID":"1","MESSAGE":[104,105,255],"SYSLOG_IDENTIFIER":["a","b"]}"#,
            "2026-11-22T20:20:11.000Z None a Some(1) hi\u{fffd}",
        );
    }

    #[test]
    fn nothing_without_time_or_message() {
        check(r#"{"__REALTIME_TIMESTAMP":"x","MESSAGE":"a"}"#, "none");
        check(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":null}"#, "none");
        check("{", "none");
    }

    #[test]
    fn an_object_is_the_same_when_it_owns_its_texts() {
        let line = r#"{"__REALTIME_TIMESTAMP":"1795378811000000","_HOSTNAME":"mx1","_PID":"1","MESSAGE":"hi","SYSLOG_IDENTIFIER":"a","__CURSOR":"s=1;i=2"}"#;
        let found = journal(line).unwrap();
        assert_eq!(found.cursor.as_deref(), Some("s=1;i=2"));
        assert_eq!(found.clone().into_owned(), found);
    }

    #[test]
    fn an_entry_is_read_from_its_fields() {
        let entry = |fields: &[(&str, &str)]| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            journal_fields(&fields)
        };
        let time = ("__REALTIME_TIMESTAMP", "1795378811599454");
        let found = entry(&[
            ("_PID", "1"),
            ("MESSAGE", "removed"),
            ("MESSAGE", "again"),
            ("SYSLOG_PID", "7"),
            time,
            ("_HOSTNAME", "mx1"),
            ("SYSLOG_IDENTIFIER", "postfix/qmgr"),
        ]);
        let expected = Journalled {
            time: Time(1_795_378_811_599),
            host: Some("mx1".into()),
            program: "postfix/qmgr".into(),
            pid: Some(7),
            text: "removed".into(),
            cursor: None,
        };
        assert_eq!(found, Some(expected));
        let bare = entry(&[time, ("MESSAGE", "x"), ("_PID", "1")]).unwrap();
        assert_eq!((bare.host, &*bare.program, bare.pid), (None, "", Some(1)));
        assert_eq!(entry(&[("MESSAGE", "x")]), None);
        assert_eq!(entry(&[time]), None);
        assert_eq!(entry(&[("__REALTIME_TIMESTAMP", "soon"), ("MESSAGE", "x")]), None);
    }
}
