//! Cuts the values of a document that are searched for to the length that every store finds; the evidence keeps the whole.

use crate::model::{
    Text, Transaction,
    searchable::searchable,
    transaction::{Recipient, Remark, Tls},
};

/// Host and queue id stay whole: they are what a document is found and made anew by.
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
