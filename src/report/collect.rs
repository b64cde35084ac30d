//! Counts documents one by one.

use super::{
    behind::{Behind, Brief, status},
    entry::{Party, Passage, Reason, Spread, Times},
    meaning::meaning,
    top::Top,
    volume::{Fate, Over},
};
use crate::{
    model::{
        Range, Time, Transaction,
        transaction::{Kind, Origin, Recipient, RecipientStatus, Status},
    },
    stitch::journey::is_root,
};
use std::{collections::BTreeMap, sync::Arc};

/// Most open messages listed, oldest first.
const OPEN_LISTED: usize = 100;

/// Size classes, in bytes.
const SIZES: [(u64, &str); 5] = [
    (10_000, "up to 10 kB"),
    (100_000, "10 to 100 kB"),
    (1_000_000, "100 kB to 1 MB"),
    (10_000_000, "1 to 10 MB"),
    (u64::MAX, "over 10 MB"),
];

/// The counts so far.
pub struct Collector {
    pub(super) range: Range,
    pub(super) documents: u64,
    pub(super) messages: u64,
    pub(super) recipients: u64,
    pub(super) bytes: u64,
    pub(super) fates: BTreeMap<&'static str, (u64, Behind)>,
    pub(super) by_fate: [(u64, Behind); 5],
    /// Messages not delivered at some hop; attempts excluded.
    pub(super) undone: u64,
    pub(super) all: Behind,
    pub(super) over: Over,
    pub(super) senders: Top<Party>,
    pub(super) sender_domains: Top<Party>,
    pub(super) recipient_names: Top<Party>,
    pub(super) recipient_domains: Top<Party>,
    pub(super) clients: Top<Party>,
    pub(super) refused_clients: Top<Times>,
    pub(super) logins: Top<Party>,
    pub(super) relays: Top<Passage>,
    pub(super) hops: Top<Passage>,
    /// By fate and meaning: `failed: mailbox full`.
    pub(super) reasons: Top<Reason>,
    pub(super) tls: Top<Times>,
    pub(super) tls_in: (u64, u64),
    pub(super) sizes: Top<Times>,
    pub(super) size: Spread,
    pub(super) delay: Spread,
    /// The oldest open messages, by arrival and id.
    pub(super) open: BTreeMap<(Time, String), Arc<Brief>>,
    pub(super) open_count: u64,
    /// Open messages on hold, which wait for the administrator.
    pub(super) held_count: u64,
    pub(super) open_behind: Behind,
}

impl Collector {
    /// Counts transactions that begin in `range`.
    pub fn new(range: Range) -> Self {
        Self {
            range,
            documents: 0,
            messages: 0,
            recipients: 0,
            bytes: 0,
            fates: BTreeMap::new(),
            by_fate: Default::default(),
            undone: 0,
            all: Behind::default(),
            over: Over::default(),
            senders: Top::default(),
            sender_domains: Top::default(),
            recipient_names: Top::default(),
            recipient_domains: Top::default(),
            clients: Top::default(),
            refused_clients: Top::default(),
            logins: Top::default(),
            relays: Top::default(),
            hops: Top::default(),
            reasons: Top::default(),
            tls: Top::default(),
            tls_in: (0, 0),
            sizes: Top::default(),
            size: Spread::default(),
            delay: Spread::default(),
            open: BTreeMap::new(),
            open_count: 0,
            held_count: 0,
            open_behind: Behind::default(),
        }
    }

    /// Counts a document. One that began before the range counts only as open, if it is still in the queue.
    pub fn add(&mut self, t: &Transaction) {
        let brief = Arc::new(Brief::new(t));
        let first_part = t.mail.part == 0;
        if first_part && t.event.start < self.range.to && is_open(t) {
            self.count_open(t, &brief);
        }
        if !self.range.contains(t.event.start) {
            return;
        }
        self.documents += 1;
        if matches!(t.mail.kind, Kind::Message | Kind::Reject) {
            if first_part {
                self.whole(t, &brief);
            }
            self.each_recipient(t, &brief);
        }
        for reject in &t.mail.rejects {
            self.reason("refused", reject.code, reject.dsn.as_deref(), &reject.text, &brief);
        }
    }

    fn count_open(&mut self, t: &Transaction, brief: &Arc<Brief>) {
        self.open_count += 1;
        self.held_count += u64::from(t.mail.status == Status::Held);
        self.open_behind.add(brief);
        self.open.insert((t.mail.arrival.unwrap_or(t.event.start), t.mail.id.clone()), Arc::clone(brief));
        if self.open.len() > OPEN_LISTED {
            self.open.pop_last();
        }
    }

    /// Counts a document as a whole, however many recipients it has.
    fn whole(&mut self, t: &Transaction, brief: &Arc<Brief>) {
        let fate = fate(t);
        let is_attempt = t.mail.kind == Kind::Reject;
        let begins = !is_attempt && is_root(t);
        let (times, behind) = self.fates.entry(status(t.mail.kind, t.mail.status)).or_default();
        *times += 1;
        behind.add(brief);
        // A message that is only passed on counts where it began; a failure counts where it happens.
        if begins || fate != Fate::Delivered {
            let (times, behind) = &mut self.by_fate[fate as usize];
            *times += 1;
            behind.add(brief);
        }
        self.undone += u64::from(fate != Fate::Delivered && !is_attempt);
        if begins || is_attempt || fate != Fate::Delivered {
            self.over.count(t.event.start, fate, begins, is_attempt, brief);
        }
        if begins {
            self.begins(t, brief);
        }
        let size = t.mail.size.filter(|_| begins).unwrap_or(0);
        let party = |top: &mut Top<Party>, name: &str| {
            // A message that is only passed on adds nothing, and must not add a name.
            if begins || fate != Fate::Delivered {
                top.count(name, brief, |p| {
                    p.add(fate, begins, is_attempt);
                    p.bytes = p.bytes.saturating_add(size);
                });
            }
        };
        if let Some(from) = t.email.from.address.as_deref() {
            party(&mut self.senders, &named(from));
            party(&mut self.sender_domains, &domain(from));
        }
        if let Some(user) = t.user.name.as_deref() {
            party(&mut self.logins, user);
        }
        // The clients of further hops are our own servers and say nothing about where mail comes from.
        if (begins || is_attempt)
            && let Some(client) = client(t)
        {
            party(&mut self.clients, &client);
        }
        if fate == Fate::Refused
            && let Some(client) = client(t)
        {
            self.refused_clients.count(&client, brief, |n| n.0 += 1);
        }
    }

    /// Counts a message at the hop where its journey begins.
    fn begins(&mut self, t: &Transaction, brief: &Arc<Brief>) {
        self.messages += 1;
        self.all.add(brief);
        if let Some(size) = t.mail.size {
            self.bytes = self.bytes.saturating_add(size);
            self.size.add(size as f64);
            if let Some((_, name)) = SIZES.iter().find(|(end, _)| size <= *end) {
                self.sizes.count(name, brief, |n| n.0 += 1);
            }
        }
        let is_from_outside = t.source.ip.as_deref().is_some_and(|ip| !is_loopback(ip));
        if t.mail.origin == Origin::Smtp && is_from_outside {
            self.tls_in.0 += u64::from(t.tls.version.is_some());
            self.tls_in.1 += 1;
            let version = t.tls.version.as_deref().unwrap_or("none");
            self.tls.count(&format!("in, {version}"), brief, |n| n.0 += 1);
        }
    }

    fn each_recipient(&mut self, t: &Transaction, brief: &Arc<Brief>) {
        let is_attempt = t.mail.kind == Kind::Reject;
        let begins = !is_attempt && is_root(t);
        for r in &t.mail.recipients {
            let fate = recipient_fate(t, r);
            // Refused recipients are not counted among the recipients of the message.
            if begins && r.status != RecipientStatus::Rejected {
                self.recipients += 1;
            }
            if begins || fate != Fate::Delivered {
                let add = |p: &mut Party| p.add(fate, begins, is_attempt);
                self.recipient_names.count(&named(&r.address), brief, add);
                let add = |p: &mut Party| p.add(fate, begins, is_attempt);
                self.recipient_domains.count(&domain(&r.address), brief, add);
            }
            if !is_attempt && r.attempts > 0 {
                self.passage(t, r, fate, brief);
            }
            let word = match fate {
                Fate::Waiting => "waiting",
                Fate::Failed => "failed",
                Fate::Refused if t.mail.rejects.is_empty() => "refused",
                _ => continue,
            };
            // A recipient that is only queued has no reply yet.
            let text = r.reply.as_deref().unwrap_or_default();
            if !text.is_empty() || r.dsn.is_some() {
                self.reason(word, None, r.dsn.as_deref(), text, brief);
            }
        }
        if is_attempt && t.mail.recipients.is_empty() {
            for to in t.mail.rejects.iter().filter_map(|reject| reject.recipient.as_deref()) {
                self.recipient_names.count(&named(to), brief, |p| p.add(Fate::Refused, false, true));
                self.recipient_domains.count(&domain(to), brief, |p| p.add(Fate::Refused, false, true));
            }
        }
    }

    /// Counts a hand-over to a relay, or the attempt.
    fn passage(&mut self, t: &Transaction, r: &Recipient, fate: Fate, brief: &Arc<Brief>) {
        let count = |p: &mut Passage| {
            p.all += 1;
            match fate {
                Fate::Delivered => p.delivered += 1,
                Fate::Waiting => p.waiting += 1,
                Fate::Failed => p.failed += 1,
                Fate::Refused | Fate::Other => {}
            }
            if let Some(delay) = r.delay_s.filter(|_| fate == Fate::Delivered) {
                p.delay.add(delay);
            }
            if let Some(d) = r.delays_s.as_ref().filter(|_| fate == Fate::Delivered) {
                p.staged += 1;
                for (sum, x) in p.stages.iter_mut().zip([d.before_qmgr, d.in_qmgr, d.conn_setup, d.transmission]) {
                    *sum += x;
                }
            }
        };
        self.hops.count(&format!("{} {}", t.host.name, t.service.name), brief, count);
        if let Some(relay) = relay(r) {
            self.relays.count(&relay, brief, count);
        }
        if let Some(delay) = r.delay_s.filter(|_| fate == Fate::Delivered) {
            self.delay.add(delay);
        }
        let is_from_outside = r.relay.ip.as_deref().is_some_and(|ip| !is_loopback(ip));
        if is_from_outside && fate == Fate::Delivered {
            let version = r.tls.version.as_deref().unwrap_or("none");
            self.tls.count(&format!("out, {version}"), brief, |n| n.0 += 1);
        }
    }

    fn reason(&mut self, word: &str, code: Option<u16>, dsn: Option<&str>, text: &str, brief: &Arc<Brief>) {
        let name = format!("{word}: {}", meaning(code, dsn, text));
        self.reasons.count(&name, brief, |reason| {
            reason.times += 1;
            if reason.example.is_empty() {
                reason.example = text.chars().take(300).collect();
            }
        });
    }
}

fn is_open(t: &Transaction) -> bool {
    t.mail.kind == Kind::Message && matches!(t.mail.status, Status::Queued | Status::Deferred | Status::Held)
}

fn fate(t: &Transaction) -> Fate {
    match (t.mail.kind, t.mail.status) {
        (Kind::Reject, _) | (_, Status::Rejected) => Fate::Refused,
        // A requeued message only passed through here: it went on under a new queue id.
        (_, Status::Delivered | Status::Requeued) => Fate::Delivered,
        (_, Status::Queued | Status::Deferred) => Fate::Waiting,
        (_, Status::Partial | Status::Bounced | Status::Expired) => Fate::Failed,
        (_, Status::Held | Status::Discarded | Status::Quarantined | Status::Deleted | Status::Unknown) => Fate::Other,
    }
}

fn recipient_fate(t: &Transaction, r: &Recipient) -> Fate {
    use RecipientStatus as S;
    match r.status {
        S::Deferred | S::Held | S::Unknown if t.mail.status == Status::Requeued => Fate::Delivered,
        S::Sent | S::Expanded | S::Deliverable => Fate::Delivered,
        // A deferred recipient waits only while its message is queued; a message on hold or deleted is not tried
        // again.
        S::Deferred if matches!(t.mail.status, Status::Queued | Status::Deferred) => Fate::Waiting,
        S::Bounced | S::Expired | S::Undeliverable => Fate::Failed,
        S::Rejected => Fate::Refused,
        S::Deferred | S::Held | S::Discarded | S::Quarantined | S::Filtered | S::Unknown => Fate::Other,
    }
}

/// Addresses that differ only in case count as one.
fn named(address: &str) -> String {
    address.to_lowercase()
}

/// The part after the last `@`; an address without one is local to the server.
fn domain(address: &str) -> String {
    match address.rsplit_once('@') {
        _ if address == "<>" => "<>".to_owned(),
        Some((_, domain)) => domain.to_lowercase(),
        None => "(local)".to_owned(),
    }
}

/// The client as `name[ip]`, the form of mail logs.
fn client(t: &Transaction) -> Option<String> {
    match (t.source.domain.as_deref(), t.source.ip.as_deref()) {
        (Some(name), Some(ip)) => Some(format!("{name}[{ip}]")),
        (Some(name), None) => Some(name.to_owned()),
        (None, Some(ip)) => Some(format!("[{ip}]")),
        (None, None) => None,
    }
}

fn relay(r: &Recipient) -> Option<String> {
    let name = r.relay.domain.as_deref().or(r.relay.ip.as_deref()).or(r.relay.name.as_deref());
    name.filter(|name| *name != "none").map(str::to_lowercase)
}

fn is_loopback(ip: &str) -> bool {
    ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
