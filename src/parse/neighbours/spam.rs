//! Content scanners: spamd, rspamd, clamav-milter.
//!
//! In: their result lines.  Out: `spam`, `ham`, rspamd's action, `infected`, `clean`.
//! Ignored on purpose: spamd's `identified spam` and `clean message`, which its `result:` line repeats together with the
//! Message-ID; everything about connections and children.

use super::{between, filter, judged};
use crate::{
    model::{
        Parsed,
        event::{Fate, Filter},
    },
    parse::sendmail::scan::{bare, find_outside},
    queue_id,
};

/// Reads a text logged by spamd: `spamd: result: Y|. SCORE - TESTS scantime=…,…,mid=<M>,…`.
pub fn spamd(text: &str) -> Parsed<'_> {
    let Some(rest) = text.strip_prefix("spamd: ") else { return Parsed::Ignored("spamd says this of itself") };
    let Some(rest) = rest.strip_prefix("result: ") else {
        return match rest.starts_with("identified spam (") || rest.starts_with("clean message (") {
            true => Parsed::Ignored("said again by the result line"),
            false => Parsed::Ignored("spamd says this of itself"),
        };
    };
    spamd_result(rest).map_or(Parsed::Unrecognised, |found| judged(None, found))
}

fn spamd_result(rest: &str) -> Option<Filter<'_>> {
    let (word, rest) = rest.split_once(' ')?;
    let (score, rest) = rest.split_once(" - ")?;
    let (tests, rest) = rest.split_once("scantime=")?;
    // spamd replaces blanks and commas of the Message-ID by `_`.
    let mid = rest.split_once(",mid=").map(|(_, mid)| mid.split(',').next().unwrap_or(mid));
    Some(Filter {
        score: number(score),
        detail: Some(tests.trim_end()).filter(|tests| !tests.is_empty()),
        message_id: mid.map(bare).filter(|mid| !matches!(*mid, "" | "(unknown)")),
        ..filter("spamd", if word == "Y" { "spam" } else { "ham" })
    })
}

/// Reads a text logged by rspamd: `<TAG>; proxy; rspamd_task_write_log: id: <M>, qid: <Q>, ip: A, …`.
pub fn rspamd(text: &str) -> Parsed<'_> {
    match text.split_once("rspamd_task_write_log: ") {
        Some((_, rest)) => rspamd_result(rest).unwrap_or(Parsed::Unrecognised),
        None => Parsed::Ignored("rspamd says this of itself"),
    }
}

/// `…, (default: F (ACTION): [SCORE/REQUIRED] [SYMBOLS]), len: N, …, rcpts: <A,B>, …`.
fn rspamd_result(text: &str) -> Option<Parsed<'_>> {
    // The text before the verdict is the sender's; the symbols after it are rspamd's own.
    let at = find_outside(text, ", (default: ").or_else(|| text.find(", (default: "))?;
    let (head, rest) = (&text[..at], &text[at..]);
    let (action, rest) = rest.split_once(": ")?.1.split_once(" (")?.1.split_once("): [")?;
    let (scores, rest) = rest.split_once("] [")?;
    let (symbols, rest) = rest.split_once("]), ").unwrap_or((rest, ""));
    let field = |key: &str| find_outside(head, key).map(|at| &head[at + key.len()..]);
    let id = field("id: ").filter(|_| head.starts_with("id: ")).and_then(in_angles);
    let queue_id = field(", qid: ").and_then(in_angles).filter(|id| queue_id::is_id(id));
    let recipients = between(rest, ", rcpts: <", ">");
    Some(judged(
        queue_id,
        Filter {
            score: scores.split('/').next().and_then(number),
            detail: Some(symbols).filter(|symbols| !symbols.is_empty()),
            message_id: id.filter(|id| !matches!(*id, "" | "undef")),
            client: field(", ip: ").map(|ip| ip.split(',').next().unwrap_or(ip)),
            from: field(", from: ").and_then(in_angles),
            to: recipients.map(|list| list.split(',').next().unwrap_or(list)),
            // rspamd ends a list that was too long with `...`.
            list: recipients.map(|list| list.trim_end_matches("...")).filter(|list| list.contains(',')),
            fate: match action {
                "reject" => Some(Fate::Rejected),
                "soft reject" | "greylist" => Some(Fate::Deferred),
                "discard" => Some(Fate::Discarded),
                "quarantine" => Some(Fate::Quarantined),
                _ => None,
            },
            ..filter("rspamd", action)
        },
    ))
}

/// The text in `<…>` at the beginning; it ends with `>, ` or the end of the text.
fn in_angles(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    inner.split_once(">, ").map(|(inner, _)| inner).or_else(|| inner.strip_suffix('>'))
}

/// Reads a text logged by clamav-milter (`LogInfected`, `LogClean`): `Message [QID ]from <A> to <B> … infected by V`.
pub fn clamav_milter(text: &str) -> Parsed<'_> {
    let found = match (text.strip_prefix("Message "), text.strip_prefix("Clean message ")) {
        (Some(rest), _) => {
            rest.rsplit_once(" infected by ").and_then(|(rest, virus)| scanned(rest, "infected", Some(virus)))
        }
        (_, Some(rest)) => scanned(rest, "clean", None),
        _ => return Parsed::Ignored("clamav-milter says this of itself"),
    };
    found.unwrap_or(Parsed::Unrecognised)
}

fn scanned<'a>(text: &'a str, verdict: &'a str, virus: Option<&'a str>) -> Option<Parsed<'a>> {
    let (id, rest) = match text.strip_prefix("from ") {
        Some(rest) => (None, rest),
        None => text.split_once(" from ").map(|(id, rest)| (Some(id), rest))?,
    };
    let (from, rest) = rest.split_once(" to ")?;
    // The subject may hold ` message-id '` as well: the last one counts.
    let id_of = |rest: &'a str| rest.rsplit_once(" message-id '").and_then(|(_, id)| id.split_once('\''));
    Some(judged(
        id.filter(|id| queue_id::is_id(id)),
        Filter {
            detail: virus,
            message_id: id_of(rest).map(|(id, _)| bare(id)).filter(|id| !id.is_empty()),
            from: Some(bare(from)),
            to: Some(bare(rest.split([' ', ',']).next().unwrap_or(rest))),
            ..filter("clamav-milter", verdict)
        },
    ))
}

/// A finite score.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
mod tests {
    use crate::parse::neighbours::check;

    #[test]
    fn spamd_knows_spam_from_ham() {
        check(
            "spamd",
            "spamd: result: Y 15 - BAYES_99,URIBL_BLACK scantime=1.2,size=2345,user=d,uid=112,mid=<1@example.org>,bayes=0.9,autolearn=spam",
            "spamd spam score=15 detail=BAYES_99,URIBL_BLACK mid=1@example.org",
        );
        check("spamd", "spamd: result: . -1 -  scantime=1.2,size=2,mid=(unknown),autolearn=no", "spamd ham score=-1");
        check(
            "spamd",
            "spamd: clean message (-1.9/5.0) for b:1001 in 0.4 seconds, 2345 bytes.",
            "ignored: said again by the result line",
        );
    }

    #[test]
    fn rspamd_names_its_action() {
        check(
            "rspamd",
            "<a1b2c3>; proxy; rspamd_task_write_log: id: <1@example.org>, qid: <3F2A41C0E7>, ip: 192.0.2.66, from: <e@example.org>, \
             (default: T (add header): [7.50/15.00] [BAYES_SPAM(5.10){99.9%;},MIME_GOOD(-0.10){text/plain;}]), len: 2345, time: 312ms, \
             rcpts: <b@example.org,c@example.org>, mime_rcpts: <b@example.org>",
            "3F2A41C0E7: rspamd add header score=7.5 detail=BAYES_SPAM(5.10){99.9%;},MIME_GOOD(-0.10){text/plain;} mid=1@example.org \
             client=192.0.2.66 from=e@example.org to=b@example.org list=b@example.org,c@example.org",
        );
        check(
            "rspamd",
            "<a>; normal; rspamd_task_write_log: id: <undef>, qid: <undef>, ip: 192.0.2.6, from: <>, (default: F (no action): [0.00/15.00] []), len: 2",
            "rspamd no action score=0 client=192.0.2.6 from=",
        );
    }

    #[test]
    fn clamav_names_the_virus() {
        check(
            "clamav-milter",
            "Message 3F2A41C0E7 from <e@example.org> to <b@example.org> with subject 'x' message-id '<2@example.org>' date 'y' infected by Eicar",
            "3F2A41C0E7: clamav-milter infected detail=Eicar mid=2@example.org from=e@example.org to=b@example.org",
        );
        check(
            "clamav-milter",
            "Message from <e@example.org> to <b@example.org> infected by Eicar",
            "clamav-milter infected detail=Eicar from=e@example.org to=b@example.org",
        );
    }

    #[test]
    fn each_action_of_rspamd_has_its_fate() {
        for (action, fate) in [
            ("reject", " fate=Rejected"),
            ("soft reject", " fate=Deferred"),
            ("greylist", " fate=Deferred"),
            ("discard", " fate=Discarded"),
            ("quarantine", " fate=Quarantined"),
            ("rewrite subject", ""),
        ] {
            check(
                "rspamd",
                &format!(
                    "<a>; proxy; rspamd_task_write_log: id: <>, qid: <flurble>, ip: 192.0.2.6, from: <>, (default: F ({action}): [nan/15.00] [A(1)]), len: 2"
                ),
                &format!("rspamd {action} detail=A(1) client=192.0.2.6 from={fate}"),
            );
        }
        check("rspamd", "<a>; proxy; rspamd_task_write_log: flurble", "unrecognised");
        check("rspamd", "<a>; proxy; flurble", "ignored: rspamd says this of itself");
    }

    #[test]
    fn spamd_says_some_things_twice_and_some_of_itself() {
        check("spamd", "spamd: identified spam (15.0/5.0) for b:1001", "ignored: said again by the result line");
        check("spamd", "spamd: connection from localhost", "ignored: spamd says this of itself");
        check("spamd", "prefork: child states: II", "ignored: spamd says this of itself");
        check("spamd", "spamd: result: flurble", "unrecognised");
        check("spamd", "spamd: result: Y inf - A scantime=1,mid=<>,x=1", "spamd spam detail=A");
    }

    #[test]
    fn clamav_may_find_nothing() {
        check(
            "clamav-milter",
            "Clean message 3F2A41C0E7 from <e@example.org> to <b@example.org> with subject 'x' message-id '<2@example.org>' date 'y'",
            "3F2A41C0E7: clamav-milter clean mid=2@example.org from=e@example.org to=b@example.org",
        );
        check(
            "clamav-milter",
            "Clean message flurble from <> to <b@example.org>, <c@example.org>",
            "clamav-milter clean from= to=b@example.org",
        );
        check("clamav-milter", "Clean message flurble", "unrecognised");
        check("clamav-milter", "Message flurble", "unrecognised");
        check("clamav-milter", "flurble", "ignored: clamav-milter says this of itself");
    }
}
