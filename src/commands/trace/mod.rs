//! `trace`: what happened to a mail.
//!
//! In: addresses, ids, IPs or hosts.  Out: each journey with a match, as a tree, oldest first: every hop with its
//! delay, every recipient with its status and the reason, and the bounce notices sent about it.

mod named;
mod text;
mod tree;
mod wrap;

use super::{
    Context,
    open::{self, State},
    output,
};
use crate::{
    cli::Trace,
    error::Result,
    model::{Range, Text, Time, Transaction, transaction::Rel},
    outcome::Outcome,
    stitch::journey::{CLOCKS_MS, base_id},
    store::{Search, Store, Traces},
    when,
};
use std::collections::{BTreeMap, BTreeSet};

/// Most documents of one journey that are shown.
const LARGEST: usize = 1000;

/// Prints the journeys of the matching transactions, oldest first.
pub async fn trace(context: &Context, args: &Trace) -> Result<Outcome> {
    let within = when::range(args.within.since, args.within.until, context.now)?;
    let state = State::open(&context.settings)?;
    let store = open::store(&context.settings, state.access)?;
    let terms = terms(context, store.as_ref(), &args.query).await?;
    let found = store.search(&Search { terms: terms.clone(), within, limit: args.limit }).await?;
    if found.is_empty() {
        let advice = "addresses, ids, IPs and hosts are found whole, not by a part";
        let there_is = open::what_there_is(context, store.as_ref(), advice).await?;
        context.log_format.tell(&format!("nothing found: {there_is}"));
        return Ok(Outcome::NothingFound);
    }
    if found.len() == args.limit {
        let told = format!("only the newest {} matches are shown; `--limit` shows more", args.limit);
        context.log_format.tell(&told);
    }
    let width = wrap::width();
    let found = oldest_first(found);
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for transaction in &found {
        if shown.contains(base_id(transaction)) {
            continue;
        }
        let mut journey = whole_journey(store.as_ref(), transaction).await?;
        shown.extend(journey.iter().map(|t| base_id(t).to_owned()));
        named::narrow(&mut journey, &found, &terms);
        let is_read = match args.json {
            true => write_json(&journey)?,
            false => output::write(&wrap::rows(&text::tree(&tree::of(&journey), args.lines), width))?,
        };
        if !is_read {
            break;
        }
    }
    Ok(open::all_read(store.as_ref()))
}

/// The search terms as the store holds them. With `[privacy]` an address may be stored as a hash, but a Message-ID,
/// which looks like an address, is not; so the hash is used only if the store knows it.
async fn terms(context: &Context, store: &dyn Store, query: &[String]) -> Result<Vec<String>> {
    let Some(privacy) = &context.settings.privacy else { return Ok(query.to_vec()) };
    let mut terms = Vec::new();
    for term in query {
        let address = privacy.address(term);
        let is_one = &address != term
            && !store.search(&Search { terms: vec![address.clone()], within: None, limit: 1 }).await?.is_empty();
        terms.push(if is_one { address } else { term.clone() });
    }
    Ok(terms)
}

fn write_json(journey: &[Transaction]) -> Result<bool> {
    for transaction in journey {
        if !output::write_json(transaction, false)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn oldest_first(mut found: Vec<Transaction>) -> Vec<Transaction> {
    found.sort_by(|a, b| (a.timestamp, &a.mail.id).cmp(&(b.timestamp, &b.mail.id)));
    found
}

/// All documents of a transaction's journey, of the notices about it, and of the messages that these are notices
/// about.
async fn whole_journey(store: &dyn Store, transaction: &Transaction) -> Result<Vec<Transaction>> {
    let mut known: BTreeMap<String, Transaction> = BTreeMap::new();
    let mut journeys = vec![transaction.mail.journey.clone()];
    known.insert(base_id(transaction).to_owned(), transaction.clone());
    let mut asked: Vec<String> = Vec::new();
    while let Some(journey) = journeys.pop() {
        if journey.is_empty() || asked.contains(&journey) || known.len() > LARGEST {
            continue;
        }
        let members = store.search(&Search { terms: vec![journey.clone()], within: None, limit: LARGEST }).await?;
        asked.push(journey);
        known.extend(members.iter().map(|t| (base_id(t).to_owned(), t.clone())));
        journeys.extend(notices(store, &members).await?);
    }
    Ok(oldest_first(known.into_values().collect()))
}

/// The journeys of the notices about these documents, and of the messages that these documents are notices about.
async fn notices(store: &dyn Store, members: &[Transaction]) -> Result<Vec<String>> {
    let bounces = |t: &Transaction| {
        let links = t.mail.links.iter().filter(|l| l.rel == Rel::Bounce);
        links.filter_map(|l| Some((t.host.name.clone(), l.queue_id.clone()?))).collect::<Vec<_>>()
    };
    let own: Vec<Text> = members.iter().filter_map(|t| t.email.local_id.clone()).collect();
    let told: Vec<(Text, Text)> = members.iter().flat_map(bounces).collect();
    let ids: Vec<String> = own.iter().chain(told.iter().map(|(_, id)| id)).map(Text::to_string).collect();
    let times = || members.iter().flat_map(|t| [t.event.start, t.event.end]);
    let from = times().min().unwrap_or(Time(0)).plus(-CLOCKS_MS);
    let to = times().max().unwrap_or(Time(0)).plus(CLOCKS_MS);
    let within = Range { from, to };
    let traces = Traces { queue_ids: ids, message_ids: Vec::new(), within, known: BTreeSet::new(), most: LARGEST };
    let near: Vec<String> = store.neighbours(&traces).await?.into_iter().map(|near| near.id).collect();
    let near = store.get(&near).await?;
    let concerns = |t: &Transaction| {
        let is_notice = t.email.local_id.as_ref().is_some_and(|id| told.contains(&(t.host.name.clone(), id.clone())));
        let members = members.iter().filter_map(|m| Some((m.host.name.clone(), m.email.local_id.clone()?)));
        let about = bounces(t);
        is_notice || members.into_iter().any(|m| about.contains(&m))
    };
    Ok(near.into_iter().map(|s| s.transaction).filter(|t| concerns(t)).map(|t| t.mail.journey).collect())
}
