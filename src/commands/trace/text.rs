//! A journey as text: readable in 80 columns and in a pipe, whatever strangers wrote into the log.

use super::tree::Branch;
use crate::{
    commands::output::word,
    escape::visible,
    model::{
        Text, Time, Transaction,
        transaction::{Kind, Recipient, RecipientStatus, Status},
    },
};
use std::fmt::Write;

/// Most recipients shown of a large message.
const OF_MANY: usize = 20;

/// The trees of a journey. With `lines`, each hop is followed by its log lines.
pub fn tree(roots: &[Branch<'_>], lines: bool) -> String {
    let mut out = String::new();
    for root in roots {
        branch(root, None, "", "", lines, &mut out);
        out.push('\n');
    }
    out
}

fn branch(b: &Branch<'_>, before: Option<Time>, first: &str, rest: &str, lines: bool, out: &mut String) {
    let t = b.transaction;
    _ = writeln!(out, "{first}{}", visible(&head(t, before, b.is_notice)));
    let bar = if b.children.is_empty() { "  " } else { "│ " };
    for row in body(t) {
        _ = writeln!(out, "{rest}{bar}  {}", visible(&row));
    }
    if lines {
        for line in &t.mail.lines {
            let pid = line.pid.map(|p| format!("[{p}]")).unwrap_or_default();
            let text = format!("{} {}{pid}: {}", clock(line.time, t.timestamp), line.program, line.text);
            _ = writeln!(out, "{rest}{bar}  | {}", visible(&text));
        }
        if t.mail.omitted.lines > 0 {
            _ = writeln!(out, "{rest}{bar}  | and {} lines of which only the times are kept", t.mail.omitted.lines);
        }
    }
    for (n, child) in b.children.iter().enumerate() {
        let (knot, space) = if n + 1 == b.children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(child, Some(t.event.start), &format!("{rest}{knot}"), &format!("{rest}{space}"), lines, out);
    }
}

/// `2026-11-22 20:20:11.599Z`, in UTC.
fn stamp(time: Time) -> String {
    time.utc().format("%Y-%m-%d %H:%M:%S%.3fZ").to_string()
}

/// `20:20:11.599`, with the date if it is not the day of `head`.
fn clock(time: Time, head: Time) -> String {
    let format = if time.utc().date_naive() == head.utc().date_naive() { "%H:%M:%S%.3f" } else { "%m-%d %H:%M:%S%.3f" };
    time.utc().format(format).to_string()
}

/// One line for a hop: time, host, queue id, program, status.
fn head(t: &Transaction, before: Option<Time>, is_notice: bool) -> String {
    let when = match before {
        // Can be negative: clocks differ, so a child may be logged before its parent.
        Some(before) => format!("{:+.3} s", (t.event.start.0 - before.0) as f64 / 1000.0),
        None => stamp(t.timestamp),
    };
    let id = t.email.local_id.as_deref().unwrap_or("-");
    let what = match (t.mail.kind, is_notice) {
        (_, true) => "notice, ",
        (Kind::Reject, _) => "refused attempt",
        (Kind::Filter, _) => "verdict",
        (Kind::Session, _) => "session",
        (Kind::Message, _) => "",
    };
    let open = matches!(t.mail.status, Status::Queued | Status::Deferred | Status::Held);
    let doubt =
        if t.mail.kind == Kind::Message && !t.mail.complete && !open { ", not both ends were seen" } else { "" };
    let gap = if t.mail.gap { ", lines were lost" } else { "" };
    let status = if t.mail.kind == Kind::Message { word(t.mail.status) } else { String::new() };
    format!("{when}  {} {id}  {}: {what}{status}{doubt}{gap}", t.host.name, t.service.name)
}

fn body(t: &Transaction) -> Vec<String> {
    let mut rows = Vec::new();
    if let Some(from) = &t.email.from.address {
        rows.push(format!("from {from}{}", t.mail.size.map(|s| format!(", {s} bytes")).unwrap_or_default()));
    }
    let client = [t.source.domain.clone(), t.source.ip.as_ref().map(|ip| compact_str::format_compact!("[{ip}]"))];
    let client: String = client.into_iter().flatten().collect();
    if !client.is_empty() {
        let user = t.user.name.as_ref().map(|u| format!(", login {u}")).unwrap_or_default();
        let tls = t.tls.version.as_ref().map(|v| format!(", {v}")).unwrap_or_default();
        rows.push(format!("client {client}{user}{tls}"));
    }
    if let Some(message_id) = &t.email.message_id {
        rows.push(format!("message-id {message_id}"));
    }
    if t.mail.parts > 1 {
        rows.extend(of_many(t));
    } else {
        rows.extend(t.mail.recipients.iter().filter(|r| !is_refused(t, r)).flat_map(recipient));
    }
    for reject in &t.mail.rejects {
        let code = reject.code.map(|c| format!("{c} ")).unwrap_or_default();
        let to = reject.recipient.as_ref().map(|r| format!(" for {r}")).unwrap_or_default();
        rows.push(format!("refused{to}: {code}{}", reject.text));
    }
    for warning in &t.mail.warnings {
        let to = warning.recipient.as_ref().map(|r| format!(" for {r}")).unwrap_or_default();
        rows.push(format!("note{to}: {}", warning.text));
    }
    if t.mail.kind == Kind::Filter && !t.email.to.address.is_empty() {
        rows.push(format!("for {}", t.email.to.address.join(", ")));
    }
    for f in &t.mail.filters {
        let score = f.score.map(|s| format!(", score {s}")).unwrap_or_default();
        let detail = f.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
        // Recipients of the message itself are already shown above.
        let known = |address: &Text| {
            t.email
                .to
                .address
                .iter()
                .chain(t.mail.recipients.iter().filter_map(|r| r.orig_to.as_ref()))
                .any(|to| to.eq_ignore_ascii_case(address))
        };
        let others: Vec<&str> = f.recipients.iter().filter(|address| !known(address)).map(Text::as_str).collect();
        let to = if others.is_empty() { String::new() } else { format!(" for {}", others.join(", ")) };
        rows.push(format!("{}{to}: {}{score}{detail}", f.name, f.verdict));
    }
    rows
}

/// Whether a refusal of the message names the recipient; it is then shown there, with its code.
fn is_refused(t: &Transaction, r: &Recipient) -> bool {
    let tells = |to: &Option<Text>| to.as_ref().is_some_and(|to| to.eq_ignore_ascii_case(&r.address));
    r.status == RecipientStatus::Rejected && t.mail.rejects.iter().any(|reject| tells(&reject.recipient))
}

/// Some recipients of a large message, undelivered ones first.
fn of_many(t: &Transaction) -> Vec<String> {
    let mut some: Vec<&Recipient> = t.mail.recipients.iter().collect();
    some.sort_by_key(|r| r.status == RecipientStatus::Sent);
    some.truncate(OF_MANY);
    let others = t.mail.nrcpt.unwrap_or(0).saturating_sub(some.len() as u64);
    let more = format!("… and {others} more recipients: ask for one by name");
    some.into_iter().flat_map(recipient).chain([more]).collect()
}

/// A recipient with its status, then the reply on a line of its own.
fn recipient(r: &Recipient) -> Vec<String> {
    let orig = r.orig_to.as_ref().map(|o| format!(" (for {o})")).unwrap_or_default();
    // sendmail logs no relay when one of its own mailers delivers; the mailer's name is shown instead.
    let via = r.relay.name.as_ref().or(r.transport.as_ref()).filter(|n| *n != "none");
    let via = via.map(|n| format!(" via {n}")).unwrap_or_default();
    let after = r.delay_s.map(|d| format!(" after {d} s")).unwrap_or_default();
    let tries = if r.attempts > 1 { format!(", {} attempts", r.attempts) } else { String::new() };
    let waits = matches!(r.status, RecipientStatus::Unknown | RecipientStatus::Held);
    let open = if r.is_final || waits { "" } else { ", still trying" };
    let mut rows = vec![format!("to {}{orig}: {}{via}{after}{tries}{open}", r.address, word(r.status))];
    rows.extend(r.reply.as_ref().filter(|t| !t.is_empty()).map(|text| format!("   {text}")));
    rows
}
