//! Cuts the searchable values of a document to the length at which every store still finds them; the evidence keeps the
//! whole texts.

use crate::model::{
    Text, Transaction,
    searchable::searchable,
    transaction::{Recipient, Remark, Tls},
};

/// Host and queue id stay whole: a document is looked up and rebuilt by them.
pub(super) fn bound(t: &mut Transaction) {
    let (email, mail) = (&mut t.email, &mut t.mail);
    let one = [&mut email.message_id, &mut email.from.address, &mut t.source.domain, &mut t.user.name];
    one.into_iter().for_each(cut);
    tls(&mut t.tls);
    for list in [&mut email.to.address, &mut t.related.hosts, &mut t.related.user] {
        list.iter_mut().for_each(shorten);
        list.dedup();
    }
    [&mut mail.helo, &mut mail.protocol, &mut mail.auth.method].into_iter().for_each(cut);
    for Recipient { address, orig_to, dsn, relay, transport, queued_as, tls: of_hop, .. } in &mut mail.recipients {
        shorten(address);
        [orig_to, dsn, &mut relay.domain, &mut relay.name, transport, queued_as].into_iter().for_each(cut);
        tls(of_hop);
    }
    for link in &mut mail.links {
        [&mut link.queue_id, &mut link.host, &mut link.message_id].into_iter().for_each(cut);
    }
    for Remark { stage, dsn, recipient, .. } in mail.rejects.iter_mut().chain(&mut mail.warnings) {
        [stage, dsn, recipient].into_iter().for_each(cut);
    }
    for filter in &mut mail.filters {
        shorten(&mut filter.name);
        shorten(&mut filter.verdict);
    }
}

fn tls(tls: &mut Tls) {
    [&mut tls.version, &mut tls.version_protocol, &mut tls.cipher].into_iter().for_each(cut);
}

fn cut(text: &mut Option<Text>) {
    if let Some(text) = text {
        shorten(text);
    }
}

fn shorten(text: &mut Text) {
    let kept = searchable(text);
    if kept.len() < text.len() {
        *text = kept.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            searchable::LONGEST,
            transaction::{Link, Rel, Verdict},
        },
        stitch::testing::document,
    };

    fn of_length(n: usize) -> Text {
        "x".repeat(n).into()
    }

    /// A document in which every searchable value has `n` letters.
    fn with_values(n: usize) -> Transaction {
        let mut t = document(
            "1 mx1 postfix/smtp[1]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, dsn=2.0.0, status=sent (ok)",
        );
        let text = || of_length(n);
        let tls = || Tls { version: Some(text()), version_protocol: Some(text()), cipher: Some(text()) };
        t.email.message_id = Some(text());
        t.email.from.address = Some(text());
        t.email.to.address = vec![text()];
        t.source.domain = Some(text());
        t.user.name = Some(text());
        t.tls = tls();
        t.related.hosts = vec![text()];
        t.related.user = vec![text()];
        t.mail.helo = Some(text());
        t.mail.protocol = Some(text());
        t.mail.auth.method = Some(text());
        let b = &mut t.mail.recipients[0];
        b.address = text();
        b.relay.domain = Some(text());
        b.relay.name = Some(text());
        for value in [&mut b.orig_to, &mut b.dsn, &mut b.transport, &mut b.queued_as] {
            *value = Some(text());
        }
        b.tls = tls();
        t.mail.links =
            vec![Link { rel: Rel::Next, queue_id: Some(text()), host: Some(text()), message_id: Some(text()) }];
        let remark = Remark {
            stage: Some(text()),
            code: Some(550),
            dsn: Some(text()),
            text: "no".into(),
            recipient: Some(text()),
        };
        t.mail.rejects = vec![remark.clone()];
        t.mail.warnings = vec![remark];
        t.mail.filters = vec![Verdict { name: text(), verdict: text(), score: None, detail: None, recipients: vec![] }];
        t
    }

    #[test]
    fn searchable_values_are_cut_to_the_length_that_every_store_finds() {
        for (n, expected) in
            [(1, 1), (LONGEST - 1, LONGEST - 1), (LONGEST, LONGEST), (LONGEST + 1, LONGEST), (5000, LONGEST)]
        {
            let mut t = with_values(n);
            bound(&mut t);
            assert!(t == with_values(expected), "{n}");
        }
    }

    #[test]
    fn replies_and_the_names_of_host_and_queue_file_stay_whole() {
        let long = of_length(5000);
        let mut t = with_values(1);
        t.email.local_id = Some(long.clone());
        t.host.name = long.clone();
        t.mail.recipients[0].reply = Some(long.clone());
        t.mail.rejects[0].text = long;
        let whole = t.clone();
        bound(&mut t);
        assert!(t == whole);
    }

    /// Lists hold each value only once.
    #[test]
    fn values_alike_after_the_cut_are_one() {
        let mut t = with_values(1);
        t.email.to.address = vec![of_length(LONGEST), of_length(LONGEST + 1), "y".into()];
        bound(&mut t);
        assert_eq!(t.email.to.address, [of_length(LONGEST), "y".into()]);
    }
}
