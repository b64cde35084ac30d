//! Interprets sendmail lines.
//!
//! In: one line of a life, in order of time.  Out: the draft with what the line adds.  sendmail gives an id to every
//! SMTP session, logs no removal at the usual log level, and puts several recipients on one line.

use super::{
    super::{key::Key, life::Told},
    draft::{Draft, remark},
    named::{Named, Said},
    postfix,
    recipient::Attempt,
    thin,
};
use crate::{
    model::{
        Event, Line, Text,
        event::{Action, MilterEdit, SendmailFrom, SendmailTo},
        logged::unescape,
        transaction::{Origin, RecipientStatus, Rel, Remark},
    },
    parse,
    stitch::id::hash64,
};
use std::collections::BTreeMap;

/// Adds one line to the draft.
pub(super) fn read<'a>(draft: &mut Draft<'a>, told: &Told<'a>) {
    let time = told.line.time;
    let host = Some(&*told.line.host);
    match told.event {
        Event::From(record) => from(draft, told, record),
        Event::To(record) => to(draft, told, record),
        Event::Dsn { child, how, text } => {
            draft.link(Rel::Bounce, child, host);
            let warning_only = *how == "sender notify" && text.starts_with("Warning: could not send");
            if *how == "sender notify" && text.starts_with("Cannot send message") {
                draft.expired = true;
            }
            draft.bounced |= !warning_only && matches!(*how, "DSN" | "return to sender" | "sender notify");
        }
        Event::Clone { children } => {
            for child in children.split(',').map(str::trim).filter(|c| !c.is_empty()) {
                draft.link(Rel::Child, child, host);
            }
        }
        Event::UserError { addr, code, dsn, text } => draft.rejects.push(Remark {
            stage: None,
            code: *code,
            dsn: dsn.map(Text::from),
            text: (*text).into(),
            recipient: Some(Text::from(*addr)).filter(|a| !a.is_empty()),
        }),
        Event::Done => draft.removed = true,
        Event::Policy(policy) => {
            draft.envelope(policy);
            draft.decided(policy);
            match policy.action {
                Action::Reject | Action::Hangup => {
                    draft.rejects.push(remark(policy));
                    draft.refused |= matches!(
                        policy.stage,
                        "check_data" | "check_eom" | "check_eoh" | "data" | "eom" | "header" | "body"
                    );
                }
                Action::Hold => {
                    draft.held = Some(time);
                    draft.warnings.push(remark(policy));
                }
                Action::Discard => {
                    draft.discarded = true;
                    draft.warnings.push(remark(policy));
                }
                Action::Warn => draft.warnings.push(remark(policy)),
                Action::Change | Action::Redirect | Action::Accept => {}
            }
        }
        Event::MilterEdit { edit: MilterEdit::ChangeSender, addr } => draft.sender(addr),
        // No delivery is logged for a recipient that a milter removed.
        Event::MilterEdit { edit: MilterEdit::DeleteRecipient, addr } => {
            draft.named.push(Named { to: addr, said: Said::Removed, text: "removed by a milter" });
            edited(draft, "recipient deleted", addr);
        }
        Event::MilterEdit { edit: MilterEdit::AddRecipient, addr } => edited(draft, "recipient added", addr),
        Event::Requeued { child } => {
            draft.released = Some(time);
            draft.requeued = true;
            draft.link(Rel::Next, child, host);
        }
        Event::Filter(filter) => draft.verdict(filter, told),
        _ => postfix::common(draft, told),
    }
}

/// Adds a warning: a milter added or deleted a recipient.
fn edited(draft: &mut Draft<'_>, what: &str, addr: &str) {
    draft.warnings.push(Remark {
        stage: Some("milter".into()),
        code: None,
        dsn: None,
        text: what.into(),
        recipient: Some(Text::from(addr)).filter(|a| !a.is_empty()),
    });
}

fn from<'a>(draft: &mut Draft<'a>, told: &Told<'a>, record: &SendmailFrom<'a>) {
    draft.arrived = true;
    draft.queued = draft.queued.max(Some(told.line.time));
    if let Some(from) = record.from.filter(|_| draft.from.is_none()) {
        draft.sender(&unescape(from));
    }
    draft.size = draft.size.max(record.size);
    draft.nrcpt = draft.nrcpt.max(record.nrcpts);
    draft.message_id = draft.message_id.or(record.msgid);
    draft.protocol = record.proto.or(draft.protocol);
    draft.user = draft.user.or(record.auth);
    if let Some(version) = record.tls_version {
        draft.tls = Some((version, record.cipher));
    }
    let relay = record.relay.unwrap_or_default();
    draft.origin = match () {
        () if relay == "[RESPONSE]" => Origin::Internal,
        () if record.proto.is_some() || record.peer.addr.is_some() => Origin::Smtp,
        () => Origin::Local,
    };
    if record.peer.addr.is_some() || record.peer.name.is_some() {
        draft.peer = Some(record.peer);
    }
}

fn to<'a>(draft: &mut Draft<'a>, told: &Told<'a>, record: &SendmailTo<'a>) {
    let stat = record.stat.unwrap_or_default();
    let status = status(record, stat);
    if record.quarantine.is_some() || stat == "quarantined" {
        draft.held = Some(told.line.time);
    }
    let queued_as = match status {
        RecipientStatus::Sent => parse::sendmail::reply_queue_id(stat),
        _ => None,
    };
    let peer = record.relay.map(parse::sendmail::peer).unwrap_or_default();
    if let Some(id) = queued_as {
        // The submission queue hands over to the daemon on its own host.
        let local = peer.addr.is_some_and(|a| a == "127.0.0.1" || a == "::1");
        draft.link(Rel::Next, id, if local { Some(&told.line.host) } else { postfix::next_host(peer) });
    }
    if draft.implied_arrival.is_none() {
        draft.implied_arrival = record.delay.map(|delay| told.line.time.plus(-((delay * 1000.0) as i64)));
    }
    let first = || parse::sendmail::recipients(record.to).next().map(unescape);
    let tls = draft.outgoing.record(told, peer, false, || hash64(&[&first().unwrap_or_default()]));
    let is_brief = thin::is_brief(draft.queue_id, &told.line.text);
    for address in parse::sendmail::recipients(record.to) {
        let attempt = Attempt {
            time: told.line.time,
            status,
            dsn: record.dsn,
            relay: record.relay,
            peer,
            reply: record.reply.filter(|_| !matches!(status, RecipientStatus::Sent)).or(record.stat),
            transport: record.mailer,
            delay_s: record.delay,
            delays: None,
            queued_as,
            tls,
        };
        // `ctladdr=` is the alias only for files, commands and `:include:` lists; elsewhere it is the sender.
        let is_file =
            address.starts_with(['/', '|', '"']) && !address.contains('@') || address.starts_with(":include:");
        let orig_to = record.ctladdr.filter(|_| is_file).map(unescape);
        let to = unescape(address);
        match is_brief {
            true => draft.recipients.add_brief(to, orig_to, Attempt { reply: None, ..attempt }),
            false => draft.recipients.add(to, orig_to, attempt),
        }
    }
}

/// The status of a record: quarantine, else the DSN class, else the beginning of the last `stat=`.
pub(super) fn status(record: &SendmailTo<'_>, stat: &str) -> RecipientStatus {
    use RecipientStatus as S;
    if record.quarantine.is_some() || stat == "quarantined" {
        return S::Held;
    }
    match record.dsn.and_then(|dsn| dsn.bytes().next()) {
        Some(b'2') if stat.contains("discarded") => S::Discarded,
        Some(b'2') => S::Sent,
        Some(b'4') => S::Deferred,
        Some(b'5') => S::Bounced,
        _ if stat.starts_with("Sent") => S::Sent,
        _ if begins(stat, TRIED_AGAIN) => S::Deferred,
        _ if stat.is_empty() => S::Unknown,
        // No mailer was chosen: the message was refused, and these would have been its recipients.
        _ if record.mailer.is_none() && record.dsn.is_none() => S::Rejected,
        _ if begins(stat, FAILURES) => S::Bounced,
        _ => S::Unknown,
    }
}

fn begins(stat: &str, with: &[&str]) -> bool {
    with.iter().any(|beginning| stat.starts_with(beginning))
}

/// Beginnings of `stat=` after which sendmail tries again (`libsm/sysexits.c`, `deliver.c markfailure`).
const TRIED_AGAIN: &[&str] = &["Deferred", "queued", "Operating system error", "I/O error"];

/// Beginnings of `stat=` after a permanent failure.
const FAILURES: &[&str] = &[
    "User unknown",
    "Host unknown",
    "Service unavailable",
    "Data format error",
    "Command line usage error",
    "Cannot open input",
    "Internal error",
    "System file missing",
    "Can't create output",
    "Remote protocol error",
    "Insufficient permission",
    "Local configuration error",
    "unknown mailer error",
];

/// A piece of a split line: its line, its number, its text, and whether it is the last.
type Piece<'a> = (&'a Line, u16, &'a str, bool);

/// Joins lines that sendmail split (`ID[1]: part ...`, `ID[2]: part`). Returns for each its first line and the text
/// `ID: parts`. Incomplete lines are left out, and so are pieces with one stamp that cannot be told apart.
pub(super) fn join_pieces<'a>(key: &Key, told: &[Told<'a>]) -> Vec<(&'a Line, String)> {
    let mut runs: BTreeMap<Option<u32>, Vec<Piece<'a>>> = BTreeMap::new();
    for Told { line, event, .. } in told.iter().filter(|t| t.own) {
        if let Event::Piece { number, text, last } = event {
            runs.entry(line.pid).or_default().push((line, *number, text, *last));
        }
    }
    runs.into_values().flat_map(|run| join(key, run)).collect()
}

/// Joins the pieces that one process wrote about a key.
fn join<'a>(key: &Key, mut run: Vec<Piece<'a>>) -> Vec<(&'a Line, String)> {
    let by_second = |(line, number, ..): &Piece<'_>| (line.time.second(), *number);
    let by_time = |(line, number, ..): &Piece<'_>| (line.time.0, *number);
    run.sort_by_key(by_second);
    // The numbers order the pieces of a second, whatever their milliseconds. If a number occurs twice in a second,
    // several lines were split, and only the stamps can order them.
    let is_single = run.windows(2).all(|two| by_second(&two[0]) != by_second(&two[1]));
    if !is_single {
        run.sort_by_key(by_time);
    }
    let mut joined = Vec::new();
    let mut current: Option<(&Line, u16, String)> = None;
    for alike in run.chunk_by(|a, b| !is_single && by_time(a) == by_time(b)) {
        current = match (alike, current) {
            ([(line, 1, text, _)], _) => Some((line, 1, format!("{}: {text}", key.queue_id))),
            ([(_, number, text, _)], Some((first, n, whole))) if *number == n + 1 => {
                Some((first, *number, whole + text))
            }
            _ => None,
        };
        if alike.iter().any(|(.., last)| *last) {
            joined.extend(current.take().map(|(first, _, whole)| (first, whole)));
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{
            Transaction,
            transaction::{Origin, RecipientStatus as S, Rel, Status},
        },
        stitch::testing::document,
    };

    const ID: &str = "6AMK00Zx042166";

    /// Checks the recipients and their statuses, given lines of one message: time, pid, text after the id.
    #[track_caller]
    fn check(lines: &[(&str, u32, &str)], expected: &[(&str, S)]) {
        let log: String =
            lines.iter().map(|(at, pid, text)| format!("{at} mx1 sendmail[{pid}]: {ID}{text}\n")).collect();
        let t = document(&log);
        let found: Vec<_> = t.mail.recipients.iter().map(|r| (&*r.address, r.status)).collect();
        assert_eq!(found, expected, "{lines:?}");
    }

    const FIRST: &str = "[1]: to=<a@example.net>, ...";
    const SECOND: &str = "[2]: <b@example.net>, delay=00:00:01, ...";
    const THIRD: &str = "[3]: mailer=esmtp, dsn=2.0.0, stat=Sent (ok)";
    const BOTH: &[(&str, S)] = &[("a@example.net", S::Sent), ("b@example.net", S::Sent)];

    /// Syslog daemons keep no order within a second, so the numbers order the pieces.
    #[test]
    fn pieces_in_any_order_of_a_second_are_one_record() {
        check(&[("1.1", 7, FIRST), ("1.2", 7, SECOND), ("1.3", 7, THIRD)], BOTH);
        check(&[("1.3", 7, FIRST), ("1.1", 7, SECOND), ("1.2", 7, THIRD)], BOTH);
        check(&[("1", 7, THIRD), ("1", 7, FIRST), ("1", 7, SECOND)], BOTH);
        check(&[("1.9", 7, FIRST), ("2.1", 7, SECOND), ("2.2", 7, THIRD)], BOTH);
    }

    #[test]
    fn a_piece_that_is_missing_leaves_nothing_to_join() {
        check(&[("1.1", 7, FIRST), ("1.3", 7, THIRD)], &[]);
        check(&[("1.1", 7, SECOND), ("1.3", 7, THIRD)], &[]);
        check(&[("1.1", 7, FIRST), ("1.2", 8, SECOND), ("1.3", 7, THIRD)], &[]);
    }

    #[test]
    fn two_split_records_of_a_process_are_two() {
        let other = "[2]: <c@example.net>, mailer=esmtp, dsn=5.1.1, stat=User unknown";
        let lines = [
            ("1.1", 7, FIRST),
            ("1.2", 7, SECOND),
            ("1.3", 7, THIRD),
            ("1.4", 7, "[1]: to=<d@example.net>, ..."),
            ("1.5", 7, other),
        ];
        let four = [
            ("a@example.net", S::Sent),
            ("b@example.net", S::Sent),
            ("c@example.net", S::Bounced),
            ("d@example.net", S::Bounced),
        ];
        check(&lines, &four);
    }

    #[test]
    fn the_dsn_decides_and_without_one_the_words() {
        let record = |rest: &str| format!(": to=<a@example.net>, delay=00:00:01, mailer=esmtp, {rest}");
        for (rest, expected) in [
            ("dsn=2.0.0, stat=Sent (ok)", S::Sent),
            ("dsn=2.0.0, stat=discarded", S::Discarded),
            ("dsn=4.4.1, stat=Deferred: Connection refused", S::Deferred),
            ("dsn=4.3.0, stat=Service unavailable", S::Deferred),
            ("dsn=5.1.1, stat=User unknown", S::Bounced),
            ("dsn=5.0.0, stat=something new", S::Bounced),
            ("stat=Sent", S::Sent),
            ("stat=Deferred: Connection refused", S::Deferred),
            ("stat=queued", S::Deferred),
            ("stat=Host unknown (Name server: x: host not found)", S::Bounced),
            ("stat=something new", S::Unknown),
            ("dsn=2.0.0, stat=quarantined", S::Held),
        ] {
            check(&[("1", 7, &record(rest))], &[("a@example.net", expected)]);
        }
        check(
            &[("1", 7, ": to=<a@example.net>, delay=00:00:01, stat=User unknown")],
            &[("a@example.net", S::Rejected)],
        );
        check(&[("1", 7, ": to=<a@example.net>, delay=00:00:01")], &[("a@example.net", S::Unknown)]);
    }

    #[test]
    fn pieces_of_one_moment_that_nothing_tells_apart_are_left_out() {
        let first = "[1]: to=<d@example.net>, ...";
        check(&[("1", 7, FIRST), ("1", 7, first), ("1", 7, "[2]: mailer=esmtp, dsn=2.0.0, stat=Sent (ok)")], &[]);
    }

    /// The document of a message with these lines, one second apart; `ID` stands for its queue id.
    #[track_caller]
    fn message(lines: &[(&str, &str)]) -> Transaction {
        let line = |(n, (program, text)): (usize, &(&str, &str))| format!("{} mx1 {program}[7]: {text}\n", n + 1);
        document(&lines.iter().enumerate().map(line).collect::<String>().replace("ID", ID))
    }

    const FROM: &str =
        "ID: from=<a@example.org>, size=9, class=0, nrcpts=2, proto=ESMTP, relay=c.example.org [192.0.2.7]";

    #[test]
    fn a_notice_tells_how_the_message_fared() {
        for (notice, expected) in [
            ("DSN: User unknown", Status::Bounced),
            ("return to sender: User unknown", Status::Bounced),
            ("sender notify: Warning: could not send message for past 4 hours", Status::Queued),
            ("sender notify: Cannot send message for 5 days", Status::Expired),
            // The sender was warned before.
            ("sender notify: User unknown", Status::Bounced),
            ("postmaster notify: User unknown", Status::Queued),
        ] {
            let notice = format!("ID: 6AMK00Zw042167: {notice}");
            assert_eq!(message(&[("sendmail", FROM), ("sendmail", &notice)]).mail.status, expected, "{notice}");
        }
    }

    #[test]
    fn the_relay_tells_where_a_message_comes_from() {
        for (rest, origin, domain) in [
            ("proto=ESMTP, daemon=MTA, relay=c.example.org", Origin::Smtp, Some("c.example.org")),
            ("relay=c.example.org [192.0.2.7]", Origin::Smtp, Some("c.example.org")),
            ("relay=root@localhost", Origin::Local, Some("localhost")),
            // A notice is made by sendmail itself, even in the middle of a client's session.
            ("relay=[RESPONSE]", Origin::Internal, None),
        ] {
            let from = format!("ID: from=<a@example.org>, size=9, class=0, nrcpts=1, {rest}");
            let t = message(&[("sendmail", "NOQUEUE: connect from d.example.org"), ("sendmail", &from)]);
            assert_eq!((t.mail.origin, t.source.domain.as_deref()), (origin, domain), "{rest}");
        }
    }

    #[test]
    fn a_milter_changes_the_sender_whenever_it_says_so() {
        let (from, change) = (("sendmail", FROM), ("sendmail", "ID: Milter (m) chgfrom: <n@example.org>"));
        for lines in [[from, change], [change, from]] {
            assert_eq!(message(&lines).email.from.address.as_deref(), Some("n@example.org"), "{lines:?}");
        }
    }

    /// For other recipients, `ctladdr=` is the sender.
    #[test]
    fn the_alias_of_files_and_commands_is_known() {
        let list = Some("list@example.net");
        for (to, expected) in [
            ("/var/mail/archive", list),
            ("\"|/usr/bin/filter\"", list),
            ("|/usr/bin/filter", list),
            (":include:/etc/mail/list", list),
            ("bob", None),
            ("<b@example.net>", None),
            ("<\"b c\"@example.net>", None),
        ] {
            let record = format!("ID: to={to}, ctladdr=<list@example.net> (8/0), delay=00:00:01, dsn=2.0.0, stat=Sent");
            assert_eq!(message(&[("sendmail", &record)]).mail.recipients[0].orig_to.as_deref(), expected, "{to}");
        }
    }

    #[test]
    fn a_shortened_attempt_has_no_reply() {
        let t = message(&[("sendmail", "ID: to=<b@example.net>, mailer=esmtp, dsn=4.4.1, stat=Deferred (…)")]);
        let b = &t.mail.recipients[0];
        assert_eq!((b.status, b.dsn.as_deref(), b.reply.as_deref()), (S::Deferred, Some("4.4.1"), None));
    }

    #[test]
    fn filters_say_of_the_message_what_they_did() {
        let scan = ("clamav-milter", "Message ID from <a@example.org> to <b@example.net> infected by Eicar");
        let filters = message(&[("sendmail", FROM), scan]).mail.filters;
        assert_eq!((filters.len(), &*filters[0].verdict), (1, "infected"));
        let t = message(&[("sendmail", FROM), ("MailScanner", "Requeue: ID to 6AMK00Zw042167")]);
        let link = &t.mail.links[0];
        assert_eq!(
            (t.mail.status, link.rel, link.queue_id.as_deref()),
            (Status::Requeued, Rel::Next, Some("6AMK00Zw042167"))
        );
    }
}
