//! amavis: one line for each message and outcome, in the default short template.
//!
//! In: `(AMID) Passed|Blocked WORD[ (NAMES)] {ACTIONS}, … <from> -> <to>,<to2>, …`, and the pieces that follow if that was too
//! long for one line (`(AMID) ...`).  Out: its verdict. With many recipients, ids and score are in the last piece, which becomes
//! a verdict of its own.
//! Ignored on purpose: pieces without an id, and lines of amavis about itself.

use super::{between, filter, judged};
use crate::{
    model::{
        Parsed,
        event::{Fate, Filter},
    },
    parse::sendmail::scan::find_outside,
    queue_id,
};

/// The most places that are tried as the beginning of the envelope; bounds the time that a hostile line can cost.
const CANDIDATES: usize = 16;

/// Reads a text logged by amavis.
pub fn parse(text: &str) -> Parsed<'_> {
    const OWN: Parsed<'static> = Parsed::Ignored("amavis says this of itself");
    let Some(rest) = text.strip_prefix('(') else { return OWN };
    let Some((id, rest)) = rest.split_once(") ") else { return OWN };
    if !id.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return OWN;
    }
    if let Some(piece) = rest.strip_prefix("...") {
        return continued(piece).unwrap_or(Parsed::Ignored("a piece of a long line, without an id"));
    }
    if rest.starts_with("Passed ") || rest.starts_with("Blocked ") {
        return verdict(rest).unwrap_or(Parsed::Unrecognised);
    }
    Parsed::Ignored("amavis at work on a message")
}

/// `Passed CLEAN {RelayedInbound}, [ip]:port [ip] <from> -> <to>, key: value, …, N ms`.
fn verdict(text: &str) -> Option<Parsed<'_>> {
    let word = text.find(' ')? + 1;
    let end = word + text[word..].find([' ', ','])?;
    let mut found = filter("amavis", &text[..end]);
    let rest = &text[end..];
    // Names of viruses or files in parentheses, then the actions in braces.
    let named = rest.strip_prefix(" (");
    let names = named.and_then(|names| names.split_once(") {").or_else(|| names.split_once("), ")));
    let actions = match names {
        Some((_, after)) => after.split_once('}'),
        None => rest.strip_prefix(" {").and_then(|actions| actions.split_once('}')),
    };
    let actions = actions.map(|(actions, _)| actions);
    found.detail = named.map_or(actions, |_| names.map(|(names, _)| names));
    // The name of a file may hold ` <` as well: the envelope is the first address that is followed by an arrow.
    let (at, from, to) = rest.match_indices(" <").take(CANDIDATES).find_map(|(at, _)| {
        // An address with a blank is quoted: amavis quotes the whole local part.
        let (from, arrow) =
            address(&rest[at + 1..]).filter(|(from, _)| from.starts_with('"') || !from.contains(' '))?;
        arrow.strip_prefix(" -> ").filter(|to| to.starts_with('<')).map(|to| (at, from, to))
    })?;
    found.client = between(&rest[..at], ", [", "]").or_else(|| between(&rest[..at], " [", "]"));
    let list = to;
    let (to, mut rest) = address(to)?;
    (found.from, found.to) = (Some(from), Some(to).filter(|to| !to.is_empty()));
    let first = rest.len();
    while let Some((_, more)) = rest.strip_prefix(',').filter(|r| r.starts_with('<')).and_then(address) {
        rest = more;
    }
    found.list = (rest.len() < first).then(|| &list[..list.len() - rest.len()]);
    found.fate = fate(text, actions.unwrap_or_default(), rest);
    found.takes = true;
    let queue_id = ids(rest, &mut found);
    Some(judged(queue_id, found))
}

/// The fate of a blocked message, by the actions of amavis (`{DiscardedInbound,Quarantined}`): the first of rejected, bounced,
/// deferred and quarantined that is among them. A `quarantine:` field also means quarantined; without any of these the message
/// was discarded.
fn fate(text: &str, actions: &str, rest: &str) -> Option<Fate> {
    let did = |action: &str| actions.split(',').any(|word| word.starts_with(action));
    match () {
        () if !text.starts_with("Blocked ") => None,
        () if did("Rejected") => Some(Fate::Rejected),
        () if did("Bounced") => Some(Fate::Bounced),
        () if did("TempFailed") => Some(Fate::Deferred),
        () if did("Quarantined") || find_outside(rest, ", quarantine: ").is_some() => Some(Fate::Quarantined),
        () => Some(Fate::Discarded),
    }
}

/// The last piece of a verdict: `rest@of.an.address>,<to>, key: value, …, N ms`.
fn continued(piece: &str) -> Option<Parsed<'_>> {
    let mut found = filter("amavis", "continued");
    // A piece may begin inside an address; if so, quotes and brackets count only after the end of that address.
    let cut = piece.find(">,").filter(|end| !piece[..*end].contains('<'));
    let queue_id = ids(cut.map_or(piece, |end| &piece[end + 1..]), &mut found);
    let known = queue_id.is_some() || found.message_id.is_some() || found.queued_as.is_some();
    known.then(|| judged(queue_id, found))
}

/// Reads the fields after the recipients. Returns the queue id of the message that amavis looked at.
fn ids<'a>(rest: &'a str, found: &mut Filter<'a>) -> Option<&'a str> {
    let rest = untraced(rest);
    found.message_id = after(rest, ", Message-ID: ").and_then(message_id);
    let plain = |key| after(rest, key).map(|value| value.split([',', ' ', '/']).next().unwrap_or(value));
    found.queued_as = plain(", queued_as: ");
    found.score = plain(", Hits: ").and_then(|hits| hits.parse().ok()).filter(|hits: &f64| hits.is_finite());
    plain(", Queue-ID: ").filter(|id| queue_id::is_id(id))
}

/// The text after the trace of the `Received` headers, whose arrows look like brackets: `, (ESMTP://[192.0.2.1]:4 < ESMTPA://…)`.
fn untraced(rest: &str) -> &str {
    let trace =
        rest.find("://").filter(|at| rest[..*at].rfind(", (").is_some_and(|open| !rest[open..*at].contains(')')));
    match trace.and_then(|at| rest[at..].find(')').map(|end| at + end + 1)) {
        Some(end) => &rest[end..],
        None => rest,
    }
}

/// A Message-ID in brackets. It may hold brackets and imitate the fields after it.
fn message_id(text: &str) -> Option<&str> {
    const NEXT: [&str; 4] = [">, Resent-Message-ID: ", ">, mail_id: ", ">, Hits: ", ">, size: "];
    let inner = text.strip_prefix('<')?;
    let end = NEXT.iter().find_map(|next| inner.rfind(next));
    end.map_or_else(|| address(text).map(|(id, _)| id), |end| Some(&inner[..end]))
}

/// The text after a key that is outside quotes and brackets.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    find_outside(text, key).map(|at| &text[at + key.len()..])
}

/// The address in `<…>` at the beginning of a text, and the rest. A quoted local part may hold `>`.
fn address(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = inner.bytes().position(|b| match b {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' if quoted => {
            escaped = true;
            false
        }
        b'"' => {
            quoted = !quoted;
            false
        }
        b => b == b'>' && !quoted,
    });
    let end = end.or_else(|| inner.find('>'))?;
    Some((&inner[..end], &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use crate::parse::neighbours::check;

    #[test]
    fn a_passed_message_has_its_next_id() {
        check(
            "amavis",
            "(12345-06) Passed CLEAN {RelayedInbound}, [192.0.2.10]:49152 [192.0.2.10] <a@example.org> -> <b@example.org>,<c@example.org>, \
             Queue-ID: 3F2A41C0E7, Message-ID: <1@example.org>, mail_id: Ab3d, Hits: -1.9, size: 2345, queued_as: 7C1D2E3F40, 812 ms",
            "3F2A41C0E7: amavis Passed CLEAN score=-1.9 detail=RelayedInbound mid=1@example.org as=7C1D2E3F40 client=192.0.2.10 \
             from=a@example.org to=b@example.org list=<b@example.org>,<c@example.org>",
        );
    }

    #[test]
    fn the_trace_of_received_headers_hides_no_id() {
        check(
            "amavis",
            "(1-2) Passed CLEAN {RelayedOutbound}, [192.0.2.1]:4 <a@example.org> -> <b@example.org>, (ESMTP://[192.0.2.1]:4 < ESMTPA://[192.0.2.7]), \
             Queue-ID: 3F2A41C0E7, Message-ID: <a, from=<x@y>, size=1@q>, mail_id: Ab3d, Hits: -1.9, queued_as: 7C1D2E3F40, 812 ms",
            "3F2A41C0E7: amavis Passed CLEAN score=-1.9 detail=RelayedOutbound mid=a, from=<x@y>, size=1@q as=7C1D2E3F40 client=192.0.2.1 \
             from=a@example.org to=b@example.org",
        );
    }

    #[test]
    fn what_amavis_did_with_a_blocked_message_is_its_fate() {
        let line = |did: &str| {
            format!("(1-2) Blocked SPAM {{{did}}}, [192.0.2.1]:4 <a@example.org> -> <b@example.org>, Hits: 9, 1 ms")
        };
        for (did, fate) in [
            ("DiscardedInbound,Quarantined", "Quarantined"),
            ("DiscardedInbound", "Discarded"),
            ("RejectedInbound,Quarantined", "Rejected"),
            ("BouncedInbound", "Bounced"),
            ("TempFailedOutbound", "Deferred"),
        ] {
            let expected = format!(
                "amavis Blocked SPAM score=9 detail={did} client=192.0.2.1 from=a@example.org to=b@example.org fate={fate}"
            );
            check("amavis", &line(did), &expected);
        }
    }

    #[test]
    fn a_blocked_message_has_its_virus() {
        check(
            "amavis",
            "(12345-08) Blocked INFECTED (Eicar, X) {DiscardedInbound,Quarantined}, [192.0.2.66]:40122 <> -> <b@example.org>, Hits: -, size: 690, 90 ms",
            "amavis Blocked INFECTED detail=Eicar, X client=192.0.2.66 from= to=b@example.org fate=Quarantined",
        );
    }

    #[test]
    fn a_key_in_an_address_or_id_is_text() {
        check(
            "amavis",
            r#"(1-2) Passed CLEAN {X}, [192.0.2.1]:1 <a@example.org> -> <"b>, Queue-ID: 3F2A41C0E7"@example.org>, Message-ID: <x, queued_as: 7C1D2E3F40>, Hits: 1, 9 ms"#,
            r#"amavis Passed CLEAN score=1 detail=X mid=x, queued_as: 7C1D2E3F40 client=192.0.2.1 from=a@example.org to="b>, Queue-ID: 3F2A41C0E7"@example.org"#,
        );
    }

    #[test]
    fn the_last_piece_of_a_long_line_has_the_ids() {
        check(
            "amavis",
            r#"(1-2-3) ..."y@example.org>,<"b, Queue-ID: 3F2A41C0E8"@example.org>, Queue-ID: 3F2A41C0E7, Message-ID: <1@example.org>, mail_id: Ab3d, Hits: 5.1, size: 9, queued_as: 7C1D2E3F40, 8 ms"#,
            "3F2A41C0E7: amavis continued score=5.1 mid=1@example.org as=7C1D2E3F40",
        );
    }

    #[test]
    fn a_piece_without_ids_is_not_a_verdict() {
        check("amavis", "(12345-08) ...org>, Hits: -, size: 690", "ignored: a piece of a long line, without an id");
        check("amavis", "(12345-08) ...org>,<b@example.o...", "ignored: a piece of a long line, without an id");
        check("amavis", "(12345-08) (!)DENIED ACCESS", "ignored: amavis at work on a message");
        check("amavis", "No decoder for       .zoo", "ignored: amavis says this of itself");
        check("amavis", "(1-2) Passed", "ignored: amavis at work on a message");
        check("amavis", "(1-2) Passed CLEAN", "unrecognised");
    }

    #[test]
    fn an_address_ends_outside_of_its_quotes() {
        for (text, found) in [
            (r#"<"a\">b"@example.org> x"#, Some((r#""a\">b"@example.org"#, " x"))),
            (r#"<"a\\">b"#, Some((r#""a\\""#, "b"))),
            (r"<a\>b>", Some((r"a\", "b>"))),
            (r#"<"open>b"#, Some((r#""open"#, "b"))),
            ("<open", None),
            ("a>", None),
        ] {
            assert_eq!(super::address(text), found, "{text}");
        }
    }

    #[test]
    fn a_place_of_quarantine_is_a_quarantine() {
        check(
            "amavis",
            "(1-2) Blocked SPAM {DiscardedInbound}, [192.0.2.1]:4 <a@example.org> -> <b@example.org>, quarantine: q/x, Hits: 9, 1 ms",
            "amavis Blocked SPAM score=9 detail=DiscardedInbound client=192.0.2.1 from=a@example.org to=b@example.org fate=Quarantined",
        );
        check(
            "amavis",
            "(1-2) Passed SPAM {RelayedInbound,Quarantined}, [192.0.2.1]:4 <a@example.org> -> <>, quarantine: q/x, Hits: 9, 1 ms",
            "amavis Passed SPAM score=9 detail=RelayedInbound,Quarantined client=192.0.2.1 from=a@example.org",
        );
    }

    #[test]
    fn a_message_may_have_neither_names_nor_actions() {
        check(
            "amavis",
            "(1-2) Passed CLEAN, <a@example.org> -> <b@example.org>, Hits: inf, 1 ms",
            "amavis Passed CLEAN from=a@example.org to=b@example.org",
        );
        check(
            "amavis",
            "(1-2) Blocked BANNED (a, b <c>.exe), [192.0.2.1] <a@example.org> -> <b@example.org>, Hits: -, 1 ms",
            "amavis Blocked BANNED detail=a, b <c>.exe client=192.0.2.1 from=a@example.org to=b@example.org fate=Discarded",
        );
        check(
            "amavis",
            "(1-2) Blocked BANNED (a, <b.exe), [192.0.2.1] <a@example.org> -> <b@example.org>, Hits: -, 1 ms",
            "amavis Blocked BANNED detail=a, <b.exe client=192.0.2.1 from=a@example.org to=b@example.org fate=Discarded",
        );
        check(
            "amavis",
            "(1-2) Passed CLEAN, [192.0.2.1] <\"a b\"@example.org> -> <b@example.org>, Hits: -, 1 ms",
            "amavis Passed CLEAN client=192.0.2.1 from=\"a b\"@example.org to=b@example.org",
        );
    }

    #[test]
    fn a_trace_is_skipped_whole() {
        check(
            "amavis",
            "(1-2) Passed CLEAN {X}, [192.0.2.1]:4 <a@example.org> -> <b@example.org>, (ESMTP://[192.0.2.1]:4 <), Queue-ID: 3F2A41C0E7, 1 ms",
            "3F2A41C0E7: amavis Passed CLEAN detail=X client=192.0.2.1 from=a@example.org to=b@example.org",
        );
        check(
            "amavis",
            "(1-2) Passed CLEAN {X}, [192.0.2.1]:4 <a@example.org> -> <b@example.org>, (a), Queue-ID: 3F2A41C0E7, Message-ID: <x://y)>, 1 ms",
            "3F2A41C0E7: amavis Passed CLEAN detail=X mid=x://y) client=192.0.2.1 from=a@example.org to=b@example.org",
        );
    }

    #[test]
    fn one_id_makes_a_piece_a_verdict() {
        for (field, found) in [
            ("Queue-ID: 3F2A41C0E7", "3F2A41C0E7: amavis continued"),
            ("Message-ID: <1@example.org>", "amavis continued mid=1@example.org"),
            ("queued_as: 7C1D2E3F40/x", "amavis continued as=7C1D2E3F40"),
        ] {
            check("amavis", &format!("(1-2-3) ...>,<b@example.org>, {field}, 8 ms"), found);
            check("amavis", &format!("(1-2-3) ...example.org>,<b@example.org>, {field}, 8 ms"), found);
            check("amavis", &format!("(1-2-3) ..., {field}, Resent-Message-ID: <2@example.org>, 8 ms"), found);
        }
    }

    #[test]
    fn a_line_without_the_number_of_a_message_is_of_amavis_itself() {
        for text in ["(a) Passed CLEAN", "(1-2)Passed CLEAN", "Passed CLEAN"] {
            check("amavis", text, "ignored: amavis says this of itself");
        }
        check("amavis", "(1-2) Blocked SPAM", "unrecognised");
        check("amavis", "(1-2) Checking", "ignored: amavis at work on a message");
    }
}
