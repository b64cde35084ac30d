//! Turns the counts into figures and tables.

use super::{
    Cell, Column, Figure, Report, Row, Rows, Table,
    behind::{Behind, Brief, Register},
    collect::Collector,
    entry::{Party, Passage, Reason, Times},
    top::{Counts, Entry, Finished, Top},
    volume::Fate,
};
use crate::model::{Text, Time};
use std::{collections::BTreeMap, sync::Arc};

/// A table without its rows.
struct Head {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    of: &'static str,
    columns: Vec<Column>,
}

const fn column(name: &'static str, title: &'static str) -> Column {
    Column { name, title, minor: false }
}

const fn minor(name: &'static str, title: &'static str) -> Column {
    Column { name, title, minor: true }
}

/// Makes the report of what was collected, with at most `limit` rows per table.
pub fn make(c: Collector, made: Time, limit: usize) -> Report {
    let mut make = Make { register: Register::default(), limit };
    let figures = figures(&c, made, &mut make.register);
    let volume = c.over.finish(&mut make.register);
    let messages = || vec![column("messages", "Messages")];
    let recipients = || vec![column("recipients", "Recipients")];
    let head = |name, title, about, of, columns| Head { name, title, about, of, columns };
    let by_sender = "Messages where their journey began, by envelope sender.";
    let by_domain = "Messages where their journey began, by the sender's domain.";
    let to = "Recipients of messages where their journey began.";
    let to_domain = "Recipients of messages where their journey began, by domain.";
    let by_client = "Messages by the machine that handed them in first.";
    let by_login = "Messages by SASL login.";
    let turned_away = "Refused attempts and messages by the machine that made them.";
    let tls = "Messages that came from other machines, and recipients handed to others, by TLS version.";
    let tables = vec![
        make.statuses(c.fates),
        make.open(&c.open, c.open_count, made),
        make.reasons(c.reasons),
        make.parties(head("senders", "Senders", by_sender, "sender", messages()), c.senders),
        make.parties(head("sender_domains", "Sender domains", by_domain, "domain", messages()), c.sender_domains),
        make.parties(head("recipients", "Recipients", to, "recipient", recipients()), c.recipient_names),
        make.parties(
            head("recipient_domains", "Recipient domains", to_domain, "domain", recipients()),
            c.recipient_domains,
        ),
        make.parties(head("clients", "Clients", by_client, "client", messages()), c.clients),
        make.times(head("refused_clients", "Refused clients", turned_away, "client", times()), c.refused_clients),
        make.parties(head("logins", "Logins", by_login, "login", messages()), c.logins),
        make.relays(c.relays),
        make.hops(c.hops),
        make.times(head("tls", "TLS", tls, "direction and version", times()), c.tls),
        make.times(head("sizes", "Sizes", "Messages by size.", "size", times()), c.sizes),
    ];
    Report {
        made,
        range: c.range,
        documents: c.documents,
        figures,
        volume,
        tables,
        transactions: make.register.finish(),
    }
}

fn times() -> Vec<Column> {
    vec![column("times", "Times")]
}

fn figures(c: &Collector, made: Time, register: &mut Register) -> Vec<Figure> {
    let mut figure =
        |name, title, value, note, behind| Figure { name, title, value, note, transactions: register.places(behind) };
    let fate = |fate: Fate| &c.by_fate[fate as usize];
    let delivered = c.messages.saturating_sub(c.undone);
    let share = |part: u64, of: u64| (of > 0).then(|| Cell::Share(part as f64 / of as f64));
    let shown = |cell: &Option<Cell>| cell.as_ref().map_or_else(|| "-".to_owned(), Cell::shown);
    let oldest = c.open.keys().next().map(|(since, _)| Cell::Seconds(age(*since, made)));
    let held =
        if c.held_count > 0 { format!(", {} on hold", Cell::Count(c.held_count).shown()) } else { String::new() };
    let waiting =
        oldest.as_ref().map_or_else(|| "nothing waits".to_owned(), |age| format!("oldest for {}{held}", age.shown()));
    let quantile = |x: f64| c.delay.quantile(x).map(Cell::Seconds);
    let size = c.size.quantile(0.5).map(bytes);
    vec![
        figure(
            "messages",
            "Messages",
            Some(Cell::Count(c.messages)),
            format!("{} recipients", Cell::Count(c.recipients).shown()),
            &c.all,
        ),
        figure(
            "delivered",
            "Delivered",
            share(delivered, c.messages),
            format!("{} messages", Cell::Count(delivered).shown()),
            &fate(Fate::Delivered).1,
        ),
        figure("waiting", "In the queue", Some(Cell::Count(c.open_count)), waiting, &c.open_behind),
        figure(
            "failed",
            "Failed",
            Some(Cell::Count(fate(Fate::Failed).0)),
            "bounced, expired, or for some recipients".to_owned(),
            &fate(Fate::Failed).1,
        ),
        figure(
            "refused",
            "Refused",
            Some(Cell::Count(fate(Fate::Refused).0)),
            "attempts and messages".to_owned(),
            &fate(Fate::Refused).1,
        ),
        figure(
            "delay_p90_s",
            "Delay",
            quantile(0.9),
            format!("9 of 10 in less; half in {}, 99 of 100 in {}", shown(&quantile(0.5)), shown(&quantile(0.99))),
            &fate(Fate::Delivered).1,
        ),
        figure(
            "bytes",
            "Size",
            Some(Cell::Bytes(c.bytes)),
            format!("half of the messages below {}", shown(&size)),
            &c.all,
        ),
        figure(
            "tls_in",
            "With TLS",
            share(c.tls_in.0, c.tls_in.1),
            format!("of {} messages from other machines", Cell::Count(c.tls_in.1).shown()),
            &c.all,
        ),
    ]
}

/// Seconds from one moment to a later one; 0 if it is earlier.
fn age(since: Time, now: Time) -> f64 {
    (now.0 - since.0).max(0) as f64 / 1000.0
}

/// Sizes are whole numbers far below 2^53.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quantile of sizes is one")]
fn bytes(x: f64) -> Cell {
    Cell::Bytes(x.max(0.0) as u64)
}

struct Make {
    register: Register,
    limit: usize,
}

impl Head {
    fn with(self, rows: Vec<Row>, left_out: u64, error: u64) -> Table {
        let Self { name, title, about, of, columns } = self;
        let rows = Rows::new(rows, &columns);
        Table { name, title, about, of, columns, rows, left_out, error }
    }
}

impl Make {
    /// A table of the first rows counted by name.
    fn table<C: Counts>(&mut self, head: Head, top: Top<C>, cells: impl Fn(C) -> Vec<Option<Cell>>) -> Table {
        let Finished { rows: entries, left_out, error } = top.finish(self.limit);
        let mut rows = Vec::new();
        for (name, Entry { counts, behind }) in entries {
            rows.push(Row { name: name.into(), cells: cells(counts), transactions: self.register.places(&behind) });
        }
        head.with(rows, left_out, error)
    }

    fn statuses(&mut self, statuses: BTreeMap<&'static str, (u64, Behind)>) -> Table {
        let columns = vec![column("times", "Documents"), minor("share", "Share")];
        let about = "Documents: a message that passes three queues is counted in each.";
        let head = Head { name: "statuses", title: "Status", about, of: "status", columns };
        let all: u64 = statuses.values().map(|(n, _)| n).sum();
        let mut statuses: Vec<_> = statuses.into_iter().collect();
        statuses.sort_by_key(|(_, (n, _))| std::cmp::Reverse(*n));
        let mut rows = Vec::new();
        for (name, (n, behind)) in statuses {
            let cells = vec![Some(Cell::Count(n)), Some(Cell::Share(n as f64 / all as f64))];
            rows.push(Row { name: name.to_owned(), cells, transactions: self.register.places(&behind) });
        }
        head.with(rows, 0, 0)
    }

    /// The table of the oldest messages in the queue.
    fn open(&mut self, open: &BTreeMap<(Time, String), Arc<Brief>>, count: u64, now: Time) -> Table {
        let columns = vec![
            column("age_s", "Waits for"),
            column("status", "Status"),
            minor("from", "From"),
            minor("to", "To"),
            minor("reason", "What the last server said"),
        ];
        let about = "Messages still on their way as far as the log goes, oldest first, also those that began earlier.";
        let head = Head { name: "queue", title: "In the queue", about, of: "message", columns };
        let text = |text: &Option<Text>| text.as_ref().map(|t| Cell::Text(t.to_string()));
        let mut rows = Vec::new();
        for ((since, _), brief) in open.iter().take(self.limit) {
            let cells = vec![
                Some(Cell::Seconds(age(*since, now))),
                Some(Cell::Text(brief.status.to_owned())),
                text(&brief.from),
                text(&brief.to),
                text(&brief.reason),
            ];
            let name = format!("{} {}", brief.host, brief.queue_id.as_deref().unwrap_or(&brief.id));
            let mut behind = Behind::default();
            behind.add(brief);
            rows.push(Row { name, cells, transactions: self.register.places(&behind) });
        }
        let left_out = count.saturating_sub(rows.len() as u64);
        head.with(rows, left_out, 0)
    }

    fn reasons(&mut self, top: Top<Reason>) -> Table {
        let columns = vec![column("times", "Times"), minor("example", "In the words of one")];
        let about = "Why recipients wait or failed and attempts were refused, grouped by what it means.";
        let head = Head { name: "reasons", title: "Reasons", about, of: "reason", columns };
        self.table(head, top, |r| vec![Some(Cell::Count(r.times)), Some(Cell::Text(r.example))])
    }

    fn parties(&mut self, mut head: Head, top: Top<Party>) -> Table {
        head.columns.extend([
            column("delivered", "Delivered"),
            column("waiting", "Waiting"),
            column("failed", "Failed"),
            column("refused", "Refused"),
        ]);
        self.table(head, top, |p| {
            [p.all, p.delivered(), p.waiting, p.failed, p.refused].map(Cell::Count).map(Some).into()
        })
    }

    fn times(&mut self, head: Head, top: Top<Times>) -> Table {
        self.table(head, top, |n| vec![Some(Cell::Count(n.0))])
    }

    fn relays(&mut self, top: Top<Passage>) -> Table {
        let mut columns = vec![
            column("recipients", "Recipients"),
            column("delivered", "Delivered"),
            column("waiting", "Waiting"),
            column("failed", "Failed"),
        ];
        columns.extend(QUANTILES);
        let about =
            "Recipients by the server they were handed to, and how long that took from their arrival in the queue.";
        let head = Head { name: "relays", title: "Relays", about, of: "relay", columns };
        self.table(head, top, |p| {
            let counts = [p.all, p.delivered, p.waiting, p.failed].map(Cell::Count).map(Some);
            counts.into_iter().chain(quantiles(&p)).collect()
        })
    }

    fn hops(&mut self, top: Top<Passage>) -> Table {
        let mut columns = vec![column("recipients", "Recipients")];
        columns.extend(QUANTILES);
        columns.extend([
            minor("before_qmgr_s", "Before the queue"),
            minor("in_qmgr_s", "In the queue"),
            minor("conn_setup_s", "Connecting"),
            minor("transmission_s", "Sending"),
        ]);
        let about = "How long recipients took through each queue, and on average what of it (postfix only).";
        let head = Head { name: "hops", title: "Hops", about, of: "host and queue", columns };
        self.table(head, top, |p| {
            let stages = p.stages.map(|sum| (p.staged > 0).then(|| Cell::Seconds(sum / p.staged as f64)));
            [Some(Cell::Count(p.all))].into_iter().chain(quantiles(&p)).chain(stages).collect()
        })
    }
}

const QUANTILES: [Column; 3] = [column("p50_s", "Half in"), column("p90_s", "90 % in"), column("p99_s", "99 % in")];

fn quantiles(p: &Passage) -> [Option<Cell>; 3] {
    [0.5, 0.9, 0.99].map(|x| p.delay.quantile(x).map(Cell::Seconds))
}
