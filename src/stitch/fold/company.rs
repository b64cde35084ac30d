//! Lines that are documents of their own, with the lines that say more of them; see [`crate::stitch::lone`].

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

/// The document of the line `own` among these.
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

/// The client, TLS and login of the session that the line was said in.
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
    // `NOQUEUE: client=` says it where the connection began too long ago.
    for t in &taken {
        if let (Event::Client { peer, .. }, None) = (t.event, &doc.source.ip) {
            doc.source = source(Some(*peer));
        }
    }
    let context = context.into_iter().map(|t| Evidence { context: true, ..evidence(t.line) });
    taken.into_iter().map(|t| evidence(t.line)).chain(context).collect()
}

/// The refusal or the messages that a verdict may be about.
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
