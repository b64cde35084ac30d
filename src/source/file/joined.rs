//! Joins records that span several lines: pieces of a long line that a container runtime cut, and journal entries that
//! `journalctl` prints field by field.
//!
//! In: raw lines and their offsets.  Out: records, and where the first unfinished one began: the next run goes on
//! there.
//! Ignored on purpose: fields that are no part of a line; whatever a record has beyond [`LONGEST`].

use crate::{
    frame::{self, Journalled},
    source::lines::LONGEST,
};
use serde::Deserialize;
use std::borrow::Cow;

/// A record, made from one or more lines.
#[derive(Debug, PartialEq)]
pub enum Record {
    /// To be parsed like any other line.
    Line(String),
    Journal(Journalled<'static>),
    /// Lines that began like a record but are none.
    Noise(String),
}

/// Result of [`Joiner::take`] for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It belongs to a record.
    Yes,
    /// It belongs to no record; it may be a line of its own.
    No,
    /// A record ended before it: hand the line in again.
    Again,
}

/// The records under way.
#[derive(Debug, Default)]
pub struct Joiner {
    /// The unfinished line of each container stream: stream, header with the text so far, and the offset where it
    /// began.
    pieces: Vec<(String, String, u64)>,
    entry: Option<Entry>,
}

#[derive(Debug)]
struct Entry {
    form: Form,
    start: u64,
    fields: Vec<(String, String)>,
    value: Value,
    /// The raw lines: of `Pretty` all, parsed at the end; of other forms the beginning, which is shown if it is noise.
    text: String,
}

/// Position of the next line within the last field of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// After the field.
    Whole,
    /// At its length, eight bytes of which the last is NUL: no value has 2^56 bytes.
    Unmeasured,
    /// Inside its value, which may span any number of lines.
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `-o json-pretty`: from `{` to `}`.
    Pretty,
    /// `-o export`: `NAME=value`, up to an empty line.
    Export,
    /// `-o verbose`: a stamp with the cursor, then the fields, indented.
    Verbose,
}

/// The fields that a line is made from.
const FIELDS: [&str; 6] = ["__REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_PID", "MESSAGE"];

/// A line of Docker's json-file driver.
#[derive(Deserialize)]
struct Docker<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

impl Joiner {
    /// Whether no record is under way. Then a line that parses by itself is a line.
    pub fn is_idle(&self) -> bool {
        self.pieces.is_empty() && self.entry.is_none()
    }

    /// Offset of the first record that is not complete yet.
    pub fn begun(&self) -> Option<u64> {
        self.pieces.iter().map(|piece| piece.2).chain(self.entry.as_ref().map(|entry| entry.start)).min()
    }

    /// Takes the line at offset `at`. Returns the record that ends with or before it, and what became of the line.
    pub fn take(&mut self, line: &str, at: u64) -> (Option<Record>, Taken) {
        let is_long = |start: u64| at.saturating_sub(start) > LONGEST as u64;
        // Its rest has not come within `LONGEST` bytes: the container ended in the middle of a line.
        if let Some(torn) = self.pieces.iter().position(|piece| is_long(piece.2)) {
            return (Some(Record::Line(self.pieces.swap_remove(torn).1)), Taken::Again);
        }
        let Some(entry) = &mut self.entry else { return self.begin(line, at) };
        match entry.goes_on(line) {
            Step::Held if !is_long(entry.start) => (None, Taken::Yes),
            Step::Last | Step::Held => (self.finish_entry(), Taken::Yes),
            Step::Over => (self.finish_entry(), Taken::Again),
        }
    }

    /// A record still under way when the input has ended; call it until it returns `None`.
    pub fn finish(&mut self) -> Option<Record> {
        self.finish_entry().or_else(|| self.pieces.pop().map(|(_, line, _)| Record::Line(line)))
    }

    fn begin(&mut self, line: &str, at: u64) -> (Option<Record>, Taken) {
        // The prefixes of `-o json-sse` and `-o json-seq`.
        let json = line.strip_prefix("data: ").or_else(|| line.strip_prefix('\u{1e}')).unwrap_or(line);
        if json.starts_with("{\"log\":")
            && let Ok(Docker { log, stream, time }) = serde_json::from_str(json)
        {
            let whole = log.strip_suffix('\n');
            let stream = if stream == "stderr" { "stderr" } else { "stdout" };
            return self.piece(&time, stream, whole.unwrap_or(&log), whole.is_some(), at);
        }
        if json.trim_end() == "{" {
            self.entry = Some(Entry::new(Form::Pretty, at, line));
            return (None, Taken::Yes);
        }
        if json.starts_with('{') {
            let record = frame::journal(json).map(|found| Record::Journal(found.into_owned()));
            let taken = if record.is_some() { Taken::Yes } else { Taken::No };
            return (record, taken);
        }
        if let Some((time, stream, tag, rest)) = container(line)
            && (tag == "P" || self.pieces.iter().any(|piece| piece.0 == stream))
        {
            return self.piece(time, stream, rest, tag == "F", at);
        }
        let form = match () {
            () if line.starts_with("__CURSOR=") => Form::Export,
            () if is_verbose(line) => Form::Verbose,
            () => return (None, Taken::No),
        };
        let mut entry = Entry::new(form, at, line);
        if let Some(time) = realtime(line).filter(|_| form == Form::Verbose) {
            entry.fields.push(("__REALTIME_TIMESTAMP".into(), time.to_string()));
        }
        self.entry = Some(entry);
        (None, Taken::Yes)
    }

    /// Adds a piece to its container stream. A line that is whole is the only piece, and the last one.
    fn piece(&mut self, time: &str, stream: &str, text: &str, last: bool, at: u64) -> (Option<Record>, Taken) {
        let known = self.pieces.iter().position(|piece| piece.0 == stream);
        let (_, mut line, start) = match known {
            Some(known) => self.pieces.swap_remove(known),
            None => (String::new(), format!("{time} {stream} F "), at),
        };
        line.push_str(text);
        if last || line.len() > LONGEST {
            return (Some(Record::Line(line)), Taken::Yes);
        }
        self.pieces.push((stream.to_owned(), line, start));
        (None, Taken::Yes)
    }

    fn finish_entry(&mut self) -> Option<Record> {
        let entry = self.entry.take()?;
        let found = match entry.form {
            Form::Pretty => frame::journal(&entry.text).map(Journalled::into_owned),
            Form::Export | Form::Verbose => frame::journal_fields(&entry.fields),
        };
        Some(found.map_or(Record::Noise(entry.text), Record::Journal))
    }
}

/// The records at the head of a file; single lines are [`Record::Line`].
pub fn records(head: &[u8]) -> Vec<Record> {
    let mut joiner = Joiner::default();
    let mut found = Vec::new();
    for raw in head.split(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(raw);
        let mut taken = Taken::Again;
        while taken == Taken::Again {
            let (record, now) = joiner.take(&line, 0);
            found.extend(record);
            taken = now;
        }
        if taken == Taken::No {
            found.push(Record::Line(line.into_owned()));
        }
    }
    found.extend(joiner.finish());
    found
}

/// How a line relates to the entry under way.
enum Step {
    Held,
    Last,
    /// Not part of it: the entry ended before.
    Over,
}

impl Entry {
    fn new(form: Form, start: u64, line: &str) -> Self {
        Self { form, start, fields: Vec::new(), value: Value::Whole, text: format!("{line}\n") }
    }

    fn goes_on(&mut self, line: &str) -> Step {
        let is_over = match self.form {
            // All lines but the last are indented, or begin with a quote or `]`.
            Form::Pretty => line.trim_end() != "}" && (!line.starts_with([' ', '\t', '"', ']']) || is_mail(line)),
            Form::Export if line.is_empty() => false,
            Form::Export => !is_field(line) && (self.value == Value::Whole || is_mail(line)),
            Form::Verbose => !line.is_empty() && !line.starts_with("    "),
        };
        if is_over {
            return Step::Over;
        }
        let room = LONGEST.saturating_sub(self.text.len());
        if self.form == Form::Pretty || self.text.len() < 4096 {
            self.text.extend(line.chars().take(room));
            self.text.push('\n');
        }
        match self.form {
            Form::Pretty if line.trim_end() == "}" => return Step::Last,
            Form::Pretty => {}
            // After the name of a binary field, an empty line is a newline byte at the start of its length.
            Form::Export | Form::Verbose if line.is_empty() && self.value != Value::Unmeasured => return Step::Last,
            Form::Export => self.field(line),
            // Further lines of a field are indented more than the names of fields.
            Form::Verbose => match line.strip_prefix("    ") {
                Some(field) if !field.starts_with(' ') => self.field(field),
                more => self.more(more.unwrap_or_default().trim_start_matches(' ')),
            },
        }
        Step::Held
    }

    /// `NAME=value`; in an export a binary field is `NAME`, a newline, eight bytes of length, and the value.
    fn field(&mut self, line: &str) {
        let (name, rest) = line.split_at(name_bytes(line));
        match rest.strip_prefix('=') {
            Some(value) if !name.is_empty() => {
                self.fields.extend(FIELDS.contains(&name).then(|| (name.into(), value.into())));
                self.value = Value::Whole;
            }
            None if is_field(line) && self.form == Form::Export => {
                self.fields.push((name.into(), String::new()));
                self.value = Value::Unmeasured;
            }
            _ if self.value == Value::Unmeasured => {
                self.value = Value::Open;
                // If the length contains a newline byte, this line has only its first half.
                self.more(line.rsplit_once('\0').map_or("", |(_, value)| value));
            }
            _ => self.more(line),
        }
    }

    fn more(&mut self, text: &str) {
        if let Some((_, value)) = self.fields.last_mut()
            && value.len() < LONGEST
        {
            if !value.is_empty() {
                value.push('\n');
            }
            value.push_str(text);
        }
    }
}

fn name_bytes(line: &str) -> usize {
    line.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_').count()
}

/// `NAME=…` or `NAME`.
fn is_field(line: &str) -> bool {
    let len = name_bytes(line);
    len > 0 && matches!(line.as_bytes().get(len), None | Some(b'='))
}

/// Whether a line by itself is a mail server's. Such a line is no part of an entry under way: that was cut.
fn is_mail(line: &str) -> bool {
    frame::frame(line).is_some_and(|frame| frame::is_mail(frame.program))
}

/// Stamp, stream, tag and text of a container's line (Kubernetes): `2026-03-14T10:12:01Z stdout F text`.
fn container(line: &str) -> Option<(&str, &str, &str, &str)> {
    let (time, rest) = line.split_once(' ')?;
    let (stream, rest) = rest.split_once(' ').filter(|(stream, _)| matches!(*stream, "stdout" | "stderr"))?;
    let (tags, text) = rest.split_once(' ')?;
    Some((time, stream, tags.split(':').next().unwrap_or(tags), text))
}

/// The first line of a verbose entry: `Sun 2026-11-22 20:19:26.123456 CET [s=…;i=…;b=…;m=…;t=64418f5b64b00;x=…]`.
fn is_verbose(line: &str) -> bool {
    line.trim_end().ends_with(']') && line.contains(" [s=") && realtime(line).is_some()
}

/// The microseconds since 1970 that a cursor holds.
fn realtime(line: &str) -> Option<i64> {
    let (_, rest) = line.split_once(";t=")?;
    i64::from_str_radix(rest.split([';', ']']).next()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a text, and how many of its lines belong to none.
    fn all(text: &str) -> (Vec<String>, usize) {
        let (mut joiner, mut found, mut alone) = (Joiner::default(), Vec::new(), 0);
        let show = |record| match record {
            Record::Line(line) => line,
            Record::Noise(text) => format!("noise {text}"),
            Record::Journal(j) => {
                format!("{} {} {} {:?} {}", j.time, j.host.as_deref().unwrap_or("-"), j.program, j.pid, j.text)
            }
        };
        for (at, line) in (0..).zip(text.lines()) {
            let mut taken = Taken::Again;
            while taken == Taken::Again {
                let (record, now) = joiner.take(line, at);
                found.extend(record.map(show));
                taken = now;
            }
            alone += usize::from(taken == Taken::No);
        }
        while let Some(record) = joiner.finish() {
            found.push(show(record));
        }
        (found, alone)
    }

    const ENTRY: &str = "2026-11-22T20:20:11.599Z mx1 postfix/qmgr Some(12) 3F2A41C0E7: removed";

    #[test]
    fn pieces_of_a_containers_line_are_joined_by_stream() {
        let lines = "2026-03-14T10:12:01Z stdout P Mar 14 10:12:01 mx1 postfix/qmgr[12]: 3F2A\n\
                     2026-03-14T10:12:01Z stderr F other\n\
                     2026-03-14T10:12:02Z stdout P 41C0E7: \n\
                     2026-03-14T10:12:02Z stdout F removed\n";
        let whole = "2026-03-14T10:12:01Z stdout F Mar 14 10:12:01 mx1 postfix/qmgr[12]: 3F2A41C0E7: removed";
        assert_eq!(all(lines), (vec![whole.to_owned()], 1));
    }

    #[test]
    fn dockers_file_of_json_is_read_as_its_lines() {
        let lines = "{\"log\":\"postfix/qmgr[12]: 3F2A\",\"stream\":\"stdout\",\"time\":\"2026-03-14T10:12:01Z\"}\n\
                     {\"log\":\"41C0E7: \\\"x\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-14T10:12:02Z\"}\n";
        let whole = "2026-03-14T10:12:01Z stdout F postfix/qmgr[12]: 3F2A41C0E7: \"x\"";
        assert_eq!(all(lines), (vec![whole.to_owned()], 0));
    }

    #[test]
    fn an_export_of_the_journal_has_a_field_a_line() {
        let lines = "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795378811599454\n_BOOT_ID=5\n_HOSTNAME=mx1\n_PID=12\n\
                     SYSLOG_IDENTIFIER=postfix/qmgr\nMESSAGE=3F2A41C0E7: removed\n\n\
                     __CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1795378811599454\n_HOSTNAME=mx1\nSYSLOG_PID=12\n_PID=1\n\
                     SYSLOG_IDENTIFIER=postfix/qmgr\nMESSAGE\n\u{13}\0\0\0\0\0\0\u{0}3F2A41C0E7: removed\n\n";
        assert_eq!(all(lines), (vec![ENTRY.to_owned(), ENTRY.to_owned()], 0));
    }

    #[test]
    fn verbose_output_begins_with_the_cursor() {
        let lines = "Sun 2026-11-22 20:20:11.599454 UTC [s=1;i=2;b=3;m=4;t=660e3344d7a5e;x=5]\n    _HOSTNAME=mx1\n    \
                     SYSLOG_IDENTIFIER=postfix/qmgr\n    _PID=12\n    MESSAGE=3F2A41C0E7: removed\n\
                     Sun 2026-11-22 20:20:11.599454 UTC [s=1;i=3;b=3;m=4;t=660e3344d7a5e;x=5]\n    _HOSTNAME=mx1\n    \
                     MESSAGE=3F2A41C0E7: removed\n    SYSLOG_PID=12\n    SYSLOG_IDENTIFIER=postfix/qmgr\n";
        assert_eq!(all(lines), (vec![ENTRY.to_owned(), ENTRY.to_owned()], 0));
    }

    #[test]
    fn json_comes_pretty_as_events_and_in_sequences() {
        let fields = "\"__REALTIME_TIMESTAMP\" : \"1795378811599454\",\n\"_HOSTNAME\" : \"mx1\",\n\"_PID\" : \"12\",\n\
                      \"SYSLOG_IDENTIFIER\" : \"postfix/qmgr\",\n\"MESSAGE\" : \"3F2A41C0E7: removed\"";
        let flat = fields.replace('\n', "");
        let lines = format!("{{\n{fields}\n}}\ndata: {{{flat}}}\n\u{1e}{{{flat}}}\n{{{flat}}}\n");
        assert_eq!(all(&lines), (vec![ENTRY.to_owned(); 4], 0));
    }

    #[test]
    fn what_is_no_entry_is_told_and_not_lost() {
        let (found, alone) = all("{\n\"a\": 1\n}\n__CURSOR=x\n\nplain\n{ not json\n");
        assert_eq!((found, alone), (vec!["noise {\n\"a\": 1\n}\n".into(), "noise __CURSOR=x\n\n".into()], 2));
    }

    #[test]
    fn a_length_may_hold_the_byte_of_a_new_line() {
        let entry = |length: &str| {
            format!(
                "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795378811599454\n_HOSTNAME=mx1\n_PID=12\n\
                 SYSLOG_IDENTIFIER=postfix/qmgr\nMESSAGE\n{length}3F2A41C0E7: removed\n\n"
            )
        };
        // Without the NUL bytes of the length, which the reader of lines drops at the beginning of a line.
        for length in ["\n", "\u{b}\n"] {
            assert_eq!(all(&entry(length)), (vec![ENTRY.to_owned()], 0), "{length:?}");
        }
    }

    #[test]
    fn what_ends_an_entry_may_be_an_entry_itself() {
        let flat = "{\"__REALTIME_TIMESTAMP\":\"1795378811599454\",\"_HOSTNAME\":\"mx1\",\"_PID\":\"12\",\
                    \"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":\"3F2A41C0E7: removed\"}";
        let verbose = "Sun 2026-11-22 20:20:11.599454 UTC [s=1;t=660e3344d7a5e;x=5]\n    _HOSTNAME=mx1\n    \
                       SYSLOG_IDENTIFIER=postfix/qmgr\n    _PID=12\n    MESSAGE=3F2A41C0E7: removed\n";
        assert_eq!(all(&format!("{verbose}{flat}\n{verbose}")), (vec![ENTRY.to_owned(); 3], 0));
    }

    #[test]
    fn a_line_of_a_mail_server_is_part_of_no_entry_that_was_cut() {
        let line = "Nov 22 20:19:26 mx1 postfix/qmgr[12]: 3F2A41C0E7: removed";
        for cut in
            ["{\n", "{\n\t\"a\" : 1,\n", "__CURSOR=x\n", "__CURSOR=x\nMESSAGE=y\n", "__CURSOR=x\nMESSAGE\n", "{\n  "]
        {
            assert_eq!(all(&format!("{cut}{line}\n{line}\n")).1, 2, "{cut:?}");
        }
    }

    #[test]
    fn a_piece_whose_rest_never_comes_is_a_line_at_last() {
        let mut joiner = Joiner::default();
        joiner.take("2026-03-14T10:12:01Z stdout P a", 7);
        let far = 8 + LONGEST as u64;
        let piece = Record::Line("2026-03-14T10:12:01Z stdout F a".into());
        assert_eq!(joiner.take("x", far), (Some(piece), Taken::Again));
        assert_eq!(joiner.take("x", far), (None, Taken::No));
        assert_eq!(joiner.begun(), None);
    }

    #[test]
    fn what_is_under_way_says_where_it_began() {
        let mut joiner = Joiner::default();
        joiner.take("2026-03-14T10:12:01Z stdout P a", 7);
        joiner.take("2026-03-14T10:12:01Z stderr P b", 9);
        joiner.take("2026-03-14T10:12:01Z stdout P c", 11);
        assert_eq!(joiner.begun(), Some(7));
    }
}
