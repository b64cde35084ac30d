//! Laws that hold of any input at all. Fuzz targets (`fuzz/`) and property tests call these functions with whatever
//! they generate; nothing else does. A broken law panics.

pub mod answers;
mod print;
#[cfg(test)]
pub mod stored;

pub use print::print;

use crate::{
    frame,
    model::{Line, Parsed, Transaction},
    parse::parse_text,
    program::{Family, family, looks_like_mail},
    stitch::{self, Rules},
};
use std::{collections::BTreeSet, mem::discriminant};

/// Parsing any text of any program does not panic. A queue id that is found stands in the text. The event, printed as
/// the server writes it, parses to an event of the same kind and queue id. It need not be the very same event, which
/// holds for lines that servers write (`tests/printed.rs`): the fields of a spoilt line may begin and end elsewhere.
pub fn text(program: &str, text: &str) {
    let Parsed::Event { queue_id, event } = parse_text(program, text) else { return };
    if let Some(id) = queue_id {
        assert!(id.len() >= 6 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id:?} is no queue id: {text:?}");
        assert!(text.contains(id), "{id:?} is not in {text:?}");
    }
    // Postfix only: a decision of sendmail has no postfix form to print, and in a spoilt sendmail record with
    // unclosed brackets one field more or less moves all the others.
    let printed = print(queue_id, &event).filter(|_| matches!(family(program), Family::Postfix(_)));
    let Some((server, printed)) = printed else { return };
    let again = parse_text(server, &printed);
    let same = match &again {
        Parsed::Event { queue_id: id, event: e } => *id == queue_id && discriminant(e) == discriminant(&event),
        Parsed::Ignored(_) | Parsed::Unrecognised => false,
    };
    assert!(same, "{text:?}\nis {event:?}\n{printed:?}\nis {again:?}");
}

/// Reading any bytes as a line of a log file, of the journal, or as the message of a document does not panic. The
/// parts of a frame stand in the line. A line that looks like a mail server's is not left out.
pub fn frame(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    frame::journal(&line);
    for (host, program, pid) in [(None, None, None), (Some("mx1"), Some("postfix"), Some(7))] {
        let found = frame::message(&line, host, program, pid);
        assert!(line.ends_with(found.text), "{:?} is not the end of {line:?}", found.text);
    }
    // Text that is not a line counts as not understood.
    let Some(found) = frame::frame(&line) else { return };
    understood(&line, &found);
    let head = &line[..line.len() - found.text.len()];
    assert!(line.ends_with(found.text) && head.contains(found.program), "{found:?} is not in {line:?}");
    assert!(found.host.is_none_or(|host| head.contains(host)), "{found:?} is not in {line:?}");
}

/// A line is read, or counts as not understood, or holds nothing that looks like a mail server's (law L4).
fn understood(line: &str, found: &frame::Frame<'_>) {
    let server = matches!(family(found.program), Family::Postfix(_) | Family::Sendmail);
    if server || !matches!(parse_text(found.program, found.text), Parsed::Ignored(_)) {
        return;
    }
    let head = &line[..line.len() - found.text.len()];
    assert!(!looks_like_mail("", head), "{head:?} was left out of {found:?}");
    let text = looks_like_mail("", found.text) && family(found.program) == Family::Foreign;
    assert!(!text, "{found:?} is no mail server's");
}

/// Each line is counted once. A document holds lines of its own host only. Documents do not depend on the order of
/// the lines (law L1).
pub fn lines(lines: &[Line], rules: &Rules) {
    let (documents, counted) = stitched(lines.to_vec(), rules);
    assert_eq!(counted, lines.len() as u64, "lines counted");
    let (backwards, _) = stitched(lines.iter().rev().cloned().collect(), rules);
    assert_eq!(documents, backwards, "the order of lines matters");
    let ids: BTreeSet<_> = lines.iter().map(|l| (l.id, &*l.host)).collect();
    for document in &documents {
        for line in &document.mail.lines {
            assert!(ids.contains(&(line.id, &document.host.name)), "a line from elsewhere: {line:?}");
        }
    }
}

/// The documents made of these lines, and how many lines were counted.
fn stitched(mut lines: Vec<Line>, rules: &Rules) -> (Vec<Transaction>, u64) {
    let duplicates = stitch::unite(&mut lines);
    let gathered = stitch::gather(&lines, |_| false, rules);
    let mut documents: Vec<Transaction> = gathered.documents(rules).collect();
    documents.sort_by(|a, b| a.mail.id.cmp(&b.mail.id));
    (documents, gathered.tally.read() + duplicates)
}
