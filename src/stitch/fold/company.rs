//! Folds a line that is a document of its own, together with the lines that complete it; see [`crate::stitch::lone`].

use super::{
    bound,
    document::{evidence, related, source},
    single,
};
use crate::{
    model::{
        Event, LineId, Parsed, Text, Transaction,
        transaction::{Evidence, Link, Rel},
    },
    parse,
    stitch::{
        journey,
        life::{self, Life, Told},
        near::{self, NearLine},
    },
};

/// The document of the line `own`, with what the other lines add to it.
pub(super) fn document(own: LineId, told: &[Told<'_>], lead_ms: i64) -> Option<Transaction> {
    let at = told.iter().position(|t| t.line.id == own)?;
    let line = &told[at];
    let mut doc = single::of(line.line, line.family, line.event)?;
    let lines: Vec<Evidence> = match line.event {
        Event::Filter(_) => about(&mut doc, told, at),
        _ => of_session(&mut doc, told, own, lead_ms),
    };
    doc.mail.lines.extend(lines);
    doc.mail.lines.sort_by_key(|line| (line.time, line.id));
    doc.mail.lines.dedup_by_key(|line| line.id);
    doc.related = related(&doc);
    bound::bound(&mut doc);
    doc.mail.journey = journey::own(&doc);
    Some(doc)
}

/// Adds client, TLS and login of the line's session; returns the session's lines as evidence.
fn of_session(doc: &mut Transaction, told: &[Told<'_>], own: LineId, lead_ms: i64) -> Vec<Evidence> {
    let (own, shared): (Vec<&Told<'_>>, Vec<&Told<'_>>) = told.iter().partition(|t| t.line.id == own);
    let mut lives = [Life::of(own)];
    life::give_session(&mut lives, &shared, lead_ms);
    let [Life { told, context }] = lives;
    let taken: Vec<&Told<'_>> = told.into_iter().filter(|t| !t.own).collect();
    for t in &taken {
        match t.event {
            Event::Connect { peer } => doc.source = source(Some(*peer)),
            Event::Tls { inbound: true, version, cipher, .. } => doc.tls = super::document::tls(version, *cipher),
            Event::SaslLogin { user, method, .. } | Event::Client { sasl_username: user, sasl_method: method, .. } => {
                doc.user.name = doc.user.name.take().or(user.map(Text::from));
                doc.mail.auth.method = doc.mail.auth.method.take().or(method.map(Text::from));
            }
            _ => {}
        }
    }
    // `NOQUEUE: client=` names the client too, if the `connect` line is too old or lost.
    for t in &taken {
        if let (Event::Client { peer, .. }, None) = (t.event, &doc.source.ip) {
            doc.source = source(Some(*peer));
        }
    }
    let context = context.into_iter().map(|t| Evidence { context: true, ..evidence(t.line) });
    taken.into_iter().map(|t| evidence(t.line)).chain(context).collect()
}

/// Links a verdict to the messages that it may be about; returns their arrival lines, or the refusal, as context.
fn about(doc: &mut Transaction, told: &[Told<'_>], at: usize) -> Vec<Evidence> {
    let near: Vec<NearLine<'_>> = told
        .iter()
        .enumerate()
        .filter_map(|(n, t)| NearLine::new(n as u32, t.line, t.of_another, n == at, t.event))
        .collect();
    let others: Vec<&Told<'_>> = near::pairs(&near).into_iter().map(|(_, other)| &told[other as usize]).collect();
    for other in &others {
        if let Parsed::Event { queue_id: Some(id), .. } = parse::parse(other.line) {
            doc.mail.links.push(Link {
                rel: Rel::Parent,
                queue_id: Some(id.into()),
                host: Some(doc.host.name.clone()),
                message_id: None,
            });
        }
    }
    doc.mail.links.sort();
    doc.mail.links.dedup();
    others.into_iter().map(|t| Evidence { context: true, ..evidence(t.line) }).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{Transaction, transaction::Rel},
        stitch::testing::documents,
    };

    const SPAM: &str =
        "proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";

    /// The document of a filter's `proxy-reject` in an smtpd session with these lines.
    #[track_caller]
    fn refused(session: &[&str]) -> Transaction {
        let mut log: String =
            session.iter().map(|line| line.replacen(' ', " mx1 postfix/smtpd[11]: ", 1) + "\n").collect();
        log += &format!("9.5 mx1 postfix/smtpd[11]: {SPAM}");
        let all = documents(&log);
        let [doc] = &all[..] else { panic!("{all:?}") };
        doc.clone()
    }

    /// The first word of each line; context lines in brackets.
    fn texts(doc: &Transaction) -> Vec<String> {
        let text = |text: &str| text.split([' ', ':', '=']).next().unwrap_or_default().to_owned();
        let lines = doc.mail.lines.iter();
        lines.map(|l| if l.context { format!("[{}]", text(&l.text)) } else { text(&l.text) }).collect()
    }

    #[test]
    fn a_filters_refusal_names_the_client_of_its_session() {
        let doc = refused(&["8 connect from c.example.org[192.0.2.7]"]);
        assert_eq!(
            (doc.source.ip.as_deref(), doc.source.domain.as_deref()),
            (Some("192.0.2.7"), Some("c.example.org"))
        );
        assert_eq!(
            (&doc.related.ip[..], texts(&doc)),
            (&["192.0.2.7".into()][..], vec!["connect".into(), "proxy-reject".into()])
        );
        assert_eq!((doc.user.name, doc.tls.version), (None, None));
    }

    #[test]
    fn a_filters_refusal_has_tls_and_login_of_its_session() {
        let doc = refused(&[
            "8 connect from c.example.org[192.0.2.7]",
            "8.5 Anonymous TLS connection established from c.example.org[192.0.2.7]: TLSv1.3 with cipher X (256/256 bits)",
            "9 NOQUEUE: client=c.example.org[192.0.2.7], sasl_method=PLAIN, sasl_username=alice",
        ]);
        assert_eq!((doc.tls.version.as_deref(), doc.tls.cipher.as_deref()), (Some("TLSv1.3"), Some("X")));
        assert_eq!((doc.user.name.as_deref(), doc.mail.auth.method.as_deref()), (Some("alice"), Some("PLAIN")));
        assert_eq!(doc.related.user, ["alice"]);
        assert_eq!(texts(&doc), ["connect", "Anonymous", "NOQUEUE", "proxy-reject"]);
    }

    /// The connection began more than ten minutes ago, or its `connect` line was lost.
    #[test]
    fn a_client_is_known_by_what_was_handed_to_the_filter() {
        let doc = refused(&["9 NOQUEUE: client=c.example.org[192.0.2.7]"]);
        assert_eq!(doc.source.ip.as_deref(), Some("192.0.2.7"));
        let doc = refused(&[]);
        assert_eq!((doc.source.ip, doc.source.domain, doc.mail.lines.len()), (None, None, 1));
    }

    /// If a session begins and ends within one second, a copy of its `connect` line may belong to the next session.
    #[test]
    fn lines_of_the_session_before_are_kept_and_tell_nothing() {
        let doc = refused(&[
            "8.1 connect from c.example.org[192.0.2.7]",
            "8.2 disconnect from c.example.org[192.0.2.7]",
            "9.2 Anonymous TLS connection established from c.example.org[192.0.2.7]: TLSv1.3 with cipher X (256/256 bits)",
        ]);
        assert_eq!((doc.source.ip.as_deref(), doc.tls.version.as_deref()), (None, Some("TLSv1.3")));
        assert_eq!(texts(&doc), ["[connect]", "[disconnect]", "Anonymous", "proxy-reject"]);
    }

    #[test]
    fn a_verdict_of_a_policy_server_links_to_the_message_it_may_be_about() {
        let pass = "action=pass, reason=client whitelist, client_name=c, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net";
        let all = documents(&format!(
            "1 mx1 postgrey[5]: {pass}
             1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
             2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[12]: 5F1A2B3C4D: client=d.example.org[192.0.2.8]"
        ));
        let doc = all.iter().find(|doc| !doc.mail.filters.is_empty()).expect("the verdict");
        let links: Vec<_> = doc.mail.links.iter().map(|l| (l.rel, l.queue_id.as_deref(), l.host.as_deref())).collect();
        assert_eq!(links, [(Rel::Parent, Some("4F1A2B3C4D"), Some("mx1"))]);
        assert_eq!(texts(doc), ["action", "[4F1A2B3C4D]"]);
    }
}
