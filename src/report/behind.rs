//! The newest few transactions behind a figure, in short form.

use crate::model::{
    Text, Time, Transaction,
    transaction::{Kind, RecipientStatus, Status},
};
use serde::Serialize;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// Transactions kept per figure.
const KEPT: usize = 10;
/// Most characters kept of a text that a stranger wrote.
const LONGEST: usize = 300;

/// A transaction in a line.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Brief {
    /// Argument for `mailstitch trace`. Hexadecimal, so it is safe to paste into a shell.
    pub id: String,
    pub start: Time,
    pub host: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Text>,
    /// The recipient; of several, the first that was not reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Text>,
    /// Number of further recipients.
    pub more: u64,
    pub status: &'static str,
    /// The last server's reply, or the reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

impl Brief {
    /// A transaction in a line.
    pub fn new(t: &Transaction) -> Self {
        let (mail, email) = (&t.mail, &t.email);
        let shown = mail.recipients.iter().min_by_key(|r| r.status == RecipientStatus::Sent);
        let refused = mail.rejects.first();
        let remarked = || mail.rejects.iter().chain(&mail.warnings).find_map(|remark| remark.recipient.as_ref());
        let judged = || mail.filters.iter().find_map(|filter| filter.recipients.first());
        let to = shown.map(|r| &r.address).or(email.to.address.first()).or_else(remarked).or_else(judged);
        let all = mail.nrcpt.unwrap_or(0).max(email.to.address.len() as u64);
        let reason = refused.map(|r| &r.text).or(shown.and_then(|r| r.reply.as_ref()));
        Self {
            id: mail.id.clone(),
            start: t.event.start,
            host: cut(&t.host.name),
            queue_id: email.local_id.as_deref().map(cut),
            from: email.from.address.as_deref().map(cut),
            to: to.map(|a| cut(a)),
            more: all.saturating_sub(1),
            status: status(mail.kind, mail.status),
            reason: reason.filter(|r| !r.is_empty()).map(|r| cut(r)),
        }
    }
}

fn cut(text: &str) -> Text {
    text.chars().take(LONGEST).collect()
}

/// The outcome in a word.
pub fn status(kind: Kind, status: Status) -> &'static str {
    match (kind, status) {
        (Kind::Reject, _) => "refused",
        (Kind::Session, _) => "session",
        (Kind::Filter, _) => "verdict",
        (Kind::Message, Status::Queued) => "queued",
        (Kind::Message, Status::Deferred) => "deferred",
        (Kind::Message, Status::Held) => "held",
        (Kind::Message, Status::Delivered) => "delivered",
        (Kind::Message, Status::Partial) => "partial",
        (Kind::Message, Status::Bounced) => "bounced",
        (Kind::Message, Status::Expired) => "expired",
        (Kind::Message, Status::Rejected) => "rejected",
        (Kind::Message, Status::Discarded) => "discarded",
        (Kind::Message, Status::Quarantined) => "quarantined",
        (Kind::Message, Status::Requeued) => "requeued",
        (Kind::Message, Status::Deleted) => "deleted",
        (Kind::Message, Status::Unknown) => "unknown",
    }
}

/// The transactions added last to a figure.
#[derive(Debug, Default)]
pub struct Behind(VecDeque<Arc<Brief>>);

impl Behind {
    /// Adds a transaction, unless it is the one added last.
    pub fn add(&mut self, brief: &Arc<Brief>) {
        if self.0.back().is_some_and(|last| Arc::ptr_eq(last, brief)) {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Arc::clone(brief));
    }

    /// Adds all of these to another figure's.
    pub fn pour(self, into: &mut Self) {
        for brief in &self.0 {
            into.add(brief);
        }
    }
}

/// Assigns each transaction of a report an index.
#[derive(Debug, Default)]
pub struct Register {
    places: HashMap<String, usize>,
    all: Vec<Brief>,
}

impl Register {
    /// The indices of a figure's transactions, newest first.
    pub fn places(&mut self, behind: &Behind) -> Vec<usize> {
        let mut newest: Vec<&Arc<Brief>> = behind.0.iter().collect();
        newest.sort_by(|a, b| (b.start, &b.id).cmp(&(a.start, &a.id)));
        newest.into_iter().map(|brief| self.place(brief)).collect()
    }

    fn place(&mut self, brief: &Brief) -> usize {
        if let Some(place) = self.places.get(&brief.id) {
            return *place;
        }
        self.places.insert(brief.id.clone(), self.all.len());
        self.all.push(brief.clone());
        self.all.len() - 1
    }

    pub fn finish(self) -> Vec<Brief> {
        self.all
    }
}
