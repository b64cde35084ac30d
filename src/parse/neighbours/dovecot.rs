//! dovecot's delivery agents `lmtp` and `lda`: the mailbox into which a message was delivered.
//!
//! In: `lmtp(USER)<PID><SESSION>: [sieve: ]msgid=<M>: ACTION`.  Out: the action as a verdict.
//! Ignored on purpose: connections, logins, and every other service of dovecot.

use super::{filter, judged};
use crate::model::Parsed;
use crate::model::event::{Fate, Filter};
use crate::parse::sendmail::scan::bare;

/// Reads a text logged by dovecot.
pub fn parse(text: &str) -> Parsed<'_> {
    let agent = ["lmtp(", "lda(", "deliver("].iter().find_map(|agent| text.strip_prefix(agent));
    match agent.map(|rest| (rest, saved(rest))) {
        Some((_, Some(filter))) => judged(None, filter),
        Some((rest, None)) if rest.contains("msgid=") => Parsed::Unrecognised,
        Some(_) => Parsed::Ignored("a connection to dovecot"),
        None => Parsed::Ignored("another service of dovecot"),
    }
}

/// `USER)<PID><SESSION>: [sieve: ]msgid=M: ACTION`. A user may hold blanks, commas, `)` and `>`.
fn saved(text: &str) -> Option<Filter<'_>> {
    let (head, rest) = text.split_once(": msgid=").or_else(|| text.split_once(": sieve: msgid="))?;
    let head = head.strip_suffix(": sieve").unwrap_or(head);
    let user = head.rsplit_once(")<").map_or_else(|| head.strip_suffix(')').unwrap_or(head), |(user, _)| user);
    // Before 2.3 the process id came before the user: `lmtp(4711, bob): SESSION`.
    let user =
        user.split_once(", ").filter(|(pid, _)| pid.bytes().all(|b| b.is_ascii_digit())).map_or(user, |(_, user)| user);
    let user = user.split_once("): ").map_or(user, |(user, _)| user);
    let (id, action) = match rest.starts_with('<') {
        true => rest.split_once(">: ").or_else(|| rest.split_once(": "))?,
        false => rest.split_once(": ")?,
    };
    let (verdict, detail) = action_of(action);
    Some(Filter {
        fate: fate(verdict),
        takes: true,
        detail,
        message_id: Some(id.strip_prefix('<').unwrap_or(id)).filter(|id| !matches!(*id, "" | "unspecified")),
        to: Some(user),
        ..filter("dovecot", verdict)
    })
}

/// The fate by sieve's `discard` and `reject`, and by those of a delivery agent. Other things that sieve discards (a duplicate
/// forward, a vacation response) do not count.
fn fate(verdict: &str) -> Option<Fate> {
    let said = |start: &str| verdict.get(..start.len()).is_some_and(|word| word.eq_ignore_ascii_case(start));
    match () {
        () if verdict.eq_ignore_ascii_case("discarded") || verdict.eq_ignore_ascii_case("discard") => {
            Some(Fate::Discarded)
        }
        () if said("discarded message") || said("marked message to be discarded") => Some(Fate::Discarded),
        () if said("rejected message") || verdict.eq_ignore_ascii_case("rejected") => Some(Fate::Rejected),
        () => None,
    }
}

/// The action, and apart from it the detail that is too long or too varied for a verdict.
fn action_of(action: &str) -> (&str, Option<&str>) {
    if let Some(address) = ["forwarded to ", "redirected to "].iter().find_map(|words| action.strip_prefix(words)) {
        return ("forwarded", Some(bare(address)));
    }
    // `save failed to INBOX: Quota exceeded`, `rejected: text`.
    match action.split_once(": ") {
        Some((verdict, detail)) => (verdict, Some(detail)),
        None => (action, None),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Event, Parsed, event::Filter};
    use crate::parse::neighbours::check;

    #[test]
    fn a_message_is_saved_to_a_mailbox() {
        check(
            "dovecot",
            "lmtp(b@example.org)<4711><kLm1Abc>: msgid=<1@example.org>: saved mail to INBOX",
            "dovecot saved mail to INBOX mid=1@example.org to=b@example.org",
        );
        check(
            "dovecot",
            "lda(bob)<4711><kLm1Abc>: msgid=<1@example.org>: saved mail to INBOX",
            "dovecot saved mail to INBOX mid=1@example.org to=bob",
        );
        check("dovecot", "lda(bob): msgid=unspecified: saved mail to INBOX", "dovecot saved mail to INBOX to=bob");
        check(
            "dovecot",
            "lmtp(47, bob): s/S: msgid=<1@example.org>: saved mail to INBOX",
            "dovecot saved mail to INBOX mid=1@example.org to=bob",
        );
    }

    #[test]
    fn sieve_stores_and_forwards() {
        check(
            "dovecot",
            "lmtp(b@example.org)<4711><kLm1Abc>: sieve: msgid=<1@example.org>: stored mail into mailbox 'Junk'",
            "dovecot stored mail into mailbox 'Junk' mid=1@example.org to=b@example.org",
        );
        check(
            "dovecot",
            "lmtp(b@example.org)<4711><kLm1Abc>: sieve: msgid=<1@example.org>: forwarded to <c@example.org>",
            "dovecot forwarded detail=c@example.org mid=1@example.org to=b@example.org",
        );
    }

    #[test]
    fn sieve_discards_and_rejects() {
        for (action, fate) in [
            ("discarded message", " fate=Discarded"),
            ("discarded", " fate=Discarded"),
            ("marked message to be discarded if not explicitly delivered (discard action)", " fate=Discarded"),
            ("rejected message from <a@example.net> (no)", " fate=Rejected"),
            ("discarded duplicate forward to <c@example.net>", ""),
        ] {
            check(
                "dovecot",
                &format!("lmtp(b@example.org)<4711><k>: sieve: msgid=<1@example.org>: {action}"),
                &format!("dovecot {action} mid=1@example.org to=b@example.org{fate}"),
            );
        }
    }

    #[test]
    fn a_failure_keeps_its_reason() {
        check(
            "dovecot",
            "lmtp(b@example.org)<4711><k>: msgid=<1@example.org>: save failed to INBOX: Quota exceeded",
            "dovecot save failed to INBOX detail=Quota exceeded mid=1@example.org to=b@example.org",
        );
    }

    #[test]
    fn a_user_may_have_any_letters() {
        check(
            "dovecot",
            "lmtp(o'hara, x>y z@example.org)<4711><k>: msgid=<a: b@example.org>: saved mail to INBOX",
            "dovecot saved mail to INBOX mid=a: b@example.org to=o'hara, x>y z@example.org",
        );
    }

    #[test]
    fn a_connection_is_no_delivery() {
        check("dovecot", "lmtp(4711): Connect from local", "ignored: a connection to dovecot");
        check("dovecot", "imap-login: Login: user=<bob>", "ignored: another service of dovecot");
    }

    #[test]
    fn a_delivery_agent_takes_the_message() {
        let parsed = super::parse("lda(bob): msgid=<1@example.org>: saved mail to INBOX");
        assert!(matches!(parsed, Parsed::Event { event: Event::Filter(Filter { takes: true, .. }), .. }));
    }

    #[test]
    fn an_action_is_told_without_its_reason() {
        for (action, found, fate) in [
            ("Rejected: no such user", "Rejected detail=no such user", " fate=Rejected"),
            ("rejected: no", "rejected detail=no", " fate=Rejected"),
            ("discard", "discard", " fate=Discarded"),
            ("Discarded message", "Discarded message", " fate=Discarded"),
            ("redirected to c@example.net", "forwarded detail=c@example.net", ""),
            ("rejectedly saved", "rejectedly saved", ""),
            ("é", "é", ""),
        ] {
            let (verdict, detail) =
                found.split_once(" detail=").map_or((found, String::new()), |(v, d)| (v, format!(" detail={d}")));
            check(
                "dovecot",
                &format!("lda(bob): msgid=<1@example.org>: {action}"),
                &format!("dovecot {verdict}{detail} mid=1@example.org to=bob{fate}"),
            );
        }
    }

    #[test]
    fn an_id_or_none_stands_before_the_action() {
        check("dovecot", "lda(bob): msgid=: saved mail to INBOX", "dovecot saved mail to INBOX to=bob");
        check("dovecot", "deliver(bob): msgid=<cut: saved mail to INBOX", "dovecot saved mail to INBOX mid=cut to=bob");
        check("dovecot", "lda(bob, jr): msgid=<1@x>: discarded", "dovecot discarded mid=1@x to=bob, jr fate=Discarded");
        check("dovecot", "lda(bob): flurble msgid=<1@example.org>", "unrecognised");
        check("dovecot", "lda(bob): msgid=<1@example.org>", "unrecognised");
    }
}
