//! Policy services and milters that judge a client before its mail: postgrey, policyd-spf, postfwd, milter-greylist.
//!
//! In: `[QID: ]action=…`, `[QID: ]prepend Received-SPF: …`, `[RULES] rule=…`, `QID: addr …`.  Out: `pass`, `greylist`, the SPF
//! result, …
//! Ignored on purpose: starts, stops and settings of these programs. policyd-spf writes `: ` where it knows no queue id.

use super::{between, filter, judged, known, leading_id};
use crate::model::event::Filter;
use crate::model::{Event, Parsed};
use crate::parse::sendmail::peer;
use crate::parse::sendmail::scan::{bare, find_outside};

/// Reads a text logged by postgrey.
pub fn postgrey(text: &str) -> Parsed<'_> {
    const OWN: &[&str] = &[
        "Process Backgrounded",
        "Setting ",
        "Binding ",
        "cleaning ",
        "whitelisted: ",
        "Server closing",
        "Pid_file",
        "Group ",
    ];
    let (queue_id, rest) = leading_id(text);
    let Some(rest) = rest.strip_prefix("action=") else {
        let started = text.contains(" postgrey (type ") || text.contains(" Server closing");
        let own = if started { Some(Parsed::Ignored(SELF)) } else { known(text, OWN, SELF) };
        return own.unwrap_or(Parsed::Unrecognised);
    };
    let (verdict, rest) = rest.split_once(", ").unwrap_or((rest, ""));
    let mut found = filter("postgrey", verdict);
    found.detail = rest.strip_prefix("reason=").map(|reason| {
        let end = [", delay=", ", client_name="].iter().filter_map(|key| reason.find(key)).min();
        &reason[..end.unwrap_or(reason.len())]
    });
    found.client = between(rest, ", client_address=", ",");
    // The sender is the client's own text: all between its key and the last recipient.
    if let Some((before, to)) = rest.rsplit_once(", recipient=") {
        found.to = Some(to);
        found.from = before.split_once(", sender=").map(|(_, from)| from);
    }
    judged(queue_id, found)
}

const SELF: &str = "the filter says this of itself";

/// Reads a text logged by policyd-spf.
pub fn policyd_spf(text: &str) -> Parsed<'_> {
    let (queue_id, rest) = leading_id(text.strip_prefix(": ").unwrap_or(text));
    if let Some(header) = rest.strip_prefix("prepend Received-SPF: ") {
        return judged(queue_id, received_spf(header));
    }
    if let Some((answer, reason)) = rest.split_once("Message rejected due to: ") {
        let verdict = if answer.starts_with('4') { "defer" } else { "reject" };
        let (reason, link) = reason.split_once(". Please see ").unwrap_or((reason, ""));
        return judged(
            queue_id,
            Filter {
                detail: Some(reason),
                from: between(link, ";id=", ";ip="),
                client: between(link, ";ip=", ";"),
                to: link.rsplit_once(";r=").map(|(_, to)| to),
                ..filter("policyd-spf", verdict)
            },
        );
    }
    if rest.starts_with("prepend ") || rest.starts_with("dunno") {
        return match queue_id {
            Some(_) => Parsed::Event { queue_id, event: Event::Note },
            None => Parsed::Ignored("policyd-spf did not judge"),
        };
    }
    // `Pass; identity=mailfrom; …` repeats the header.
    if rest.contains("; identity=") || rest.contains("spfcheck: ") {
        return Parsed::Ignored("said again by another line");
    }
    known(rest, &["Starting", "Normal exit", "Read line:", "Found the end", "Config:", "Cached data", "Action: "], SELF)
        .unwrap_or(Parsed::Unrecognised)
}

/// `RESULT (COMMENT) identity=I; client-ip=A; helo=H; envelope-from=F; receiver=R` (RFC 7208, 9.1).
fn received_spf(header: &str) -> Filter<'_> {
    let (word, rest) = header.split_once(' ').unwrap_or((header, ""));
    let verdict = match word {
        "Pass" => "pass",
        "Fail" => "fail",
        "Softfail" => "softfail",
        "Neutral" => "neutral",
        "None" => "none",
        "Temperror" => "temperror",
        "Permerror" => "permerror",
        other => other,
    };
    let from = rest
        .split_once("; envelope-from=")
        .map(|(_, from)| from.rsplit_once("; receiver=").map_or(from, |(from, _)| from));
    let receiver = rest.rsplit_once("; receiver=").map(|(_, receiver)| receiver.trim_end_matches([';', ' ']));
    Filter {
        to: receiver.filter(|to| to.contains('@')),
        detail: between(rest, "(", ") identity="),
        client: between(rest, "; client-ip=", ";"),
        from: from.map(|from| bare(from.trim_end_matches([';', ' ']))),
        ..filter("policyd-spf", verdict)
    }
}

/// Reads a text logged by postfwd: `[RULES] rule=N, id=NAME, client=HOST[IP], sender=<A>, recipient=<B>, …, action=ACTION`.
pub fn postfwd(text: &str) -> Parsed<'_> {
    let Some((_, rest)) = text.split_once("] rule=") else { return Parsed::Ignored(SELF) };
    let Some((before, action)) = rest.rsplit_once(", action=") else { return Parsed::Unrecognised };
    let client = between(before, ", client=", ", sender=").map(|client| peer(client).addr);
    let sender = between(before, ", sender=<", ">, recipient=<");
    let recipient = before.split_once(">, recipient=<").and_then(|(_, to)| to.split_once('>')).map(|(to, _)| to);
    let Some(client) = client else { return Parsed::Unrecognised };
    let (verdict, reason) = action.split_once(' ').map_or((action, None), |(verdict, why)| (verdict, Some(why)));
    let found = Filter {
        client,
        from: sender,
        to: recipient.filter(|to| !to.is_empty()),
        detail: reason.or_else(|| between(before, ", id=", ", client=")),
        ..filter("postfwd", verdict)
    };
    judged(None, found)
}

/// Reads a text logged by milter-greylist.
pub fn milter_greylist(text: &str) -> Parsed<'_> {
    let (queue_id, rest) = leading_id(text);
    if rest.contains("bypassing greylist") || rest.contains("skipping greylist") {
        return judged(queue_id, Filter { detail: Some(rest), ..filter("milter-greylist", "pass") });
    }
    let found = rest.strip_prefix("addr ").and_then(greylisted);
    match (found, queue_id) {
        (Some(found), _) => judged(queue_id, found),
        (None, Some(_)) if is_remark(rest) => Parsed::Event { queue_id, event: Event::Note },
        (None, Some(_)) => Parsed::Unrecognised,
        (None, None) => Parsed::Ignored(SELF),
    }
}

/// Whether a text is a remark on a message that milter-greylist did not judge.
fn is_remark(text: &str) -> bool {
    const STARTS: [&str; 8] =
        ["addr ", "skipping ", "bypassing ", "Sender IP ", "User ", "DNSRBL ", "SPF ", "(local): "];
    let failed = ["() failed", " failed: "].iter().any(|part| text.contains(part));
    failed || STARTS.iter().any(|start| text.starts_with(start))
}

/// `HOST[IP] from <A> to <B> delayed[ after DATA phase] for hh:mm:ss (ACL n)`, `… blacklisted (ACL n)`.
fn greylisted(text: &str) -> Option<Filter<'_>> {
    let (host, rest) = text.split_once(" from ")?;
    let at = find_outside(rest, " to ").or_else(|| rest.find(" to "))?;
    let (from, rest) = (&rest[..at], &rest[at + " to ".len()..]);
    let (to, outcome) = match find_outside(rest, " ") {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => rest.split_once(' ')?,
    };
    let (verdict, detail) = outcome.split_once(' ').unwrap_or((outcome, ""));
    Some(Filter {
        detail: Some(detail).filter(|d| !d.is_empty()),
        client: peer(host).addr,
        from: Some(bare(from)),
        to: Some(bare(to)),
        ..filter("milter-greylist", verdict)
    })
}

#[cfg(test)]
mod tests {
    use crate::parse::neighbours::check;

    #[test]
    fn postgrey_passes_or_delays() {
        check(
            "postgrey",
            "action=greylist, reason=new, client_name=m.example.org, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.org",
            "postgrey greylist detail=new client=192.0.2.7 from=a@example.org to=b@example.org",
        );
        check(
            "postgrey",
            "3F2A41C0E7: action=pass, reason=triplet found, delay=312, client_name=m, client_address=192.0.2.7, sender=, recipient=b@example.org",
            "3F2A41C0E7: postgrey pass detail=triplet found client=192.0.2.7 from= to=b@example.org",
        );
        check("postgrey", "Process Backgrounded", "ignored: the filter says this of itself");
    }

    #[test]
    fn postfwd_names_its_rule() {
        check(
            "postfwd2/policy",
            "[RULES] rule=17, id=DUMMY, client=m.example.org[192.0.2.7], sender=<a@example.org>, recipient=<b@example.org>, helo=<m>, proto=SMTP, state=RCPT, delay=0s, hits=X;DUMMY, action=DUNNO",
            "postfwd DUNNO detail=DUMMY client=192.0.2.7 from=a@example.org to=b@example.org",
        );
        check(
            "postfwd",
            "[RULES] rule=1, id=R, client=unknown[192.0.2.7], sender=<>, recipient=<b@example.org>, helo=<m>, proto=SMTP, state=RCPT, delay=0s, hits=R, action=REJECT not today",
            "postfwd REJECT detail=not today client=192.0.2.7 from= to=b@example.org",
        );
    }

    #[test]
    fn spf_has_a_result() {
        check(
            "policyd-spf",
            ": prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.7; helo=m; envelope-from=x > y; receiver=z, a@example.org; receiver=example.org ",
            "policyd-spf pass detail=mailfrom client=192.0.2.7 from=x > y; receiver=z, a@example.org",
        );
        check(
            "policyd-spf",
            "3F2A41C0E7: prepend Received-SPF: None (no SPF record) identity=helo; client-ip=192.0.2.7; helo=m; envelope-from=<>; receiver=example.org ",
            "3F2A41C0E7: policyd-spf none detail=no SPF record client=192.0.2.7 from=",
        );
    }

    #[test]
    fn spf_refuses() {
        check(
            "policyd-spf",
            "550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see http://www.openspf.net/Why?s=mfrom;id=e@example.org;ip=192.0.2.66;r=b@example.org",
            "policyd-spf reject detail=SPF fail - not authorized client=192.0.2.66 from=e@example.org to=b@example.org",
        );
    }

    #[test]
    fn milter_greylist_delays_or_refuses() {
        check(
            "milter-greylist",
            "3F2A41C0E7: addr m.example.org[192.0.2.7] from <a@example.org> to <b@example.org> delayed for 00:05:00 (ACL 120)",
            "3F2A41C0E7: milter-greylist delayed detail=for 00:05:00 (ACL 120) client=192.0.2.7 from=a@example.org to=b@example.org",
        );
        check(
            "milter-greylist",
            "3F2A41C0E7: addr unknown[192.0.2.66] from <> to <b@example.org> blacklisted (ACL 60)",
            "3F2A41C0E7: milter-greylist blacklisted detail=(ACL 60) client=192.0.2.66 from= to=b@example.org",
        );
        check(
            "milter-greylist",
            "3F2A41C0E7: Sender IP 192.0.2.7 and address <a@example.org> are SPF-compliant, bypassing greylist",
            "3F2A41C0E7: milter-greylist pass detail=Sender IP 192.0.2.7 and address <a@example.org> are SPF-compliant, bypassing greylist",
        );
    }

    #[test]
    fn postgrey_says_some_things_of_itself() {
        const SELF: &str = "ignored: the filter says this of itself";
        check("postgrey", "2026/11/22-10:00:00 postgrey (type Net::Server::Multiplex) starting! pid(7)", SELF);
        check("postgrey", "2026/11/22-10:00:00 Server closing!", SELF);
        check("postgrey", "cleaning up old logs...", SELF);
        check("postgrey", "flurble", "unrecognised");
        check("postgrey", "action=pass", "postgrey pass");
        check("postgrey", "action=pass, reason=client whitelist", "postgrey pass detail=client whitelist");
    }

    #[test]
    fn each_result_of_spf_is_a_verdict() {
        for result in ["Pass", "Fail", "Softfail", "Neutral", "None", "Temperror", "Permerror", "flurble"] {
            check(
                "policyd-spf",
                &format!(
                    "prepend Received-SPF: {result} (mailfrom) identity=mailfrom; client-ip=192.0.2.7; envelope-from=a@example.org; receiver=b@example.org; "
                ),
                &format!(
                    "policyd-spf {} detail=mailfrom client=192.0.2.7 from=a@example.org to=b@example.org",
                    result.to_lowercase()
                ),
            );
        }
    }

    #[test]
    fn spf_may_refuse_for_now() {
        check(
            "policyd-spf",
            "3F2A41C0E7: 450 4.7.24 Message rejected due to: SPF temperror",
            "3F2A41C0E7: policyd-spf defer detail=SPF temperror",
        );
    }

    #[test]
    fn what_spf_did_not_judge_is_evidence_of_a_message_only() {
        for text in ["prepend X-Comment: SPF skipped", "dunno"] {
            check("policyd-spf", &format!("3F2A41C0E7: {text}"), "3F2A41C0E7: note");
            check("policyd-spf", text, "ignored: policyd-spf did not judge");
        }
        for text in ["Pass; identity=mailfrom; client-ip=192.0.2.7", "spfcheck: pyspf result: \"['None', '', 'helo']\""]
        {
            check("policyd-spf", text, "ignored: said again by another line");
        }
        check("policyd-spf", "Normal exit", "ignored: the filter says this of itself");
        check("policyd-spf", "flurble", "unrecognised");
    }

    #[test]
    fn postfwd_needs_a_rule_an_action_and_a_client() {
        check("postfwd", "ready for input", "ignored: the filter says this of itself");
        check("postfwd", "[RULES] rule=1, id=R, client=c[192.0.2.7], sender=<>", "unrecognised");
        check("postfwd", "[RULES] rule=1, id=R, sender=<>, action=DUNNO", "unrecognised");
        check(
            "postfwd",
            "[RULES] rule=1, id=R, client=c[192.0.2.7], sender=<>, recipient=<>, helo=<c>, action=DUNNO",
            "postfwd DUNNO detail=R client=192.0.2.7 from=",
        );
    }

    #[test]
    fn what_milter_greylist_did_not_judge_is_evidence_of_a_message_only() {
        for text in ["addr flurble", "DNSRBL x", "smfi_addheader() failed", "spf lookup failed: x", "skipping x"] {
            check("milter-greylist", &format!("3F2A41C0E7: {text}"), "3F2A41C0E7: note");
            check("milter-greylist", text, "ignored: the filter says this of itself");
        }
        check("milter-greylist", "3F2A41C0E7: flurble", "unrecognised");
        check(
            "milter-greylist",
            "skipping greylist for local",
            "milter-greylist pass detail=skipping greylist for local",
        );
        check(
            "milter-greylist",
            "3F2A41C0E7: addr m[192.0.2.7] from <\" to \"@example.org> to <\"b c\"@example.org> blacklisted",
            "3F2A41C0E7: milter-greylist blacklisted client=192.0.2.7 from=\" to \"@example.org to=\"b c\"@example.org",
        );
        check(
            "milter-greylist",
            "3F2A41C0E7: addr m[192.0.2.7] from <a@exa to <b@example.org delayed for 00:05:00",
            "3F2A41C0E7: milter-greylist delayed detail=for 00:05:00 client=192.0.2.7 from=<a@exa to=<b@example.org",
        );
    }
}
