//! Golden stories: `tests/golden/STORY/lines.log` must give `transactions.txt`, in whatever order its lines come.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` rewrites the expected files; reviewers read the diff.

use mailstitch::{
    config::FileSource as Settings,
    model::{Intake, Line, Time, Transaction, transaction::Recipient},
    source::{PositionedSource, file::FileSource},
    stitch::{self, Rules},
    store::memory::MemoryStore,
    write::{journeys, merge::merge},
};
use std::{
    collections::BTreeSet,
    fmt::{Display, Write},
    fs,
    path::{Path, PathBuf},
};

const YEAR: i32 = 2026;

/// Rules with `instances = ["postfix-out"]`; the intake has the alias of the host that changed its name.
fn rules() -> Rules {
    Rules { instances: vec!["postfix-out".into()], ..Rules::default() }
}

fn intake() -> Intake {
    Intake::new([("mail-old".to_owned(), "mail-new".to_owned())])
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut stories: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    stories.sort();
    assert!(stories.len() >= 50, "the golden folder lost its stories");
    for story in &stories {
        let files: BTreeSet<String> =
            fs::read_dir(story).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        let known = ["lines.log", "transactions.txt"];
        assert!(files.contains("lines.log"), "{} has no lines.log", story.display());
        assert!(files.iter().all(|f| known.contains(&f.as_str())), "{} holds a stray file: {files:?}", story.display());
    }
    stories
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// The lines of a story, as the file source reads them.
fn lines(story: &Path) -> Vec<Line> {
    let path = story.join("lines.log").to_str().unwrap().to_owned();
    let settings = Settings { paths: vec![path], timezone: chrono_tz::UTC, year: Some(YEAR) };
    let mut source = FileSource::new(&settings, intake(), Time(1_800_000_000_000), None).unwrap();
    let mut lines = Vec::new();
    runtime().block_on(async {
        while let Some(batch) = source.next(1000).await.unwrap() {
            assert!(batch.noise.is_empty(), "{} holds noise: {:?}", story.display(), batch.noise);
            lines.extend(batch.lines);
        }
    });
    stitch::unite(&mut lines);
    lines
}

/// The content of a store after these stretches of lines.
fn indexed(stretches: &[Vec<Line>]) -> Vec<Transaction> {
    let store = MemoryStore::default();
    let rules = rules();
    runtime().block_on(async {
        for stretch in stretches {
            let mut stretch = stretch.clone();
            stitch::unite(&mut stretch);
            let gathered = stitch::gather(&stretch, |_| false, &rules);
            let merged = merge(&store, gathered, &rules).await.unwrap();
            journeys::settle(&store, merged.changed).await.unwrap();
        }
    });
    store.export()
}

#[test]
fn every_story_gives_its_transactions() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for story in stories() {
        let found = told(&indexed(&[lines(&story)]));
        let path = story.join("transactions.txt");
        if update {
            fs::write(&path, &found).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != found {
            wrong.push(format!("{}\n{found}", story.display()));
        }
    }
    assert!(wrong.is_empty(), "stories that end otherwise:\n{}", wrong.join("\n"));
}

/// Lines with a queue id are stitched with the documents in the store. Session lines are read again with their
/// bucket, so here they stay with the first line.
#[test]
fn late_lines_change_nothing() {
    for story in stories() {
        let all = lines(&story);
        let expected = indexed(std::slice::from_ref(&all));
        let (own, session): (Vec<Line>, Vec<Line>) = all.into_iter().partition(has_queue_id);
        if !session.is_empty() {
            continue;
        }
        for order in orders(own.len()) {
            let stretches: Vec<Vec<Line>> = order.iter().map(|n| vec![own[*n].clone()]).collect();
            let found = indexed(&stretches);
            assert_eq!(told(&found), told(&expected), "{} in the order {order:?}", story.display());
            assert_eq!(found, expected, "{} in the order {order:?}", story.display());
        }
    }
}

fn has_queue_id(line: &Line) -> bool {
    matches!(mailstitch::parse::parse(line), mailstitch::model::Parsed::Event { queue_id: Some(_), .. })
}

/// All permutations of up to six lines. For more lines: each line last, for not too many also each pair, and some
/// others.
fn orders(n: usize) -> Vec<Vec<usize>> {
    let natural: Vec<usize> = (0..n).collect();
    if n <= 6 {
        return permutations(&natural);
    }
    let mut orders = vec![natural.iter().rev().copied().collect()];
    for a in 0..n {
        let last = if n > 10 { a + 1 } else { n };
        for b in a..last {
            let mut order: Vec<usize> = natural.iter().copied().filter(|i| *i != a && *i != b).collect();
            order.push(b);
            order.extend((a != b).then_some(a));
            orders.push(order);
        }
    }
    let mut seed = 20_261_122_u64;
    for _ in 0..60 {
        let mut order = natural.clone();
        for i in (1..n).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(i, (seed >> 33) as usize % (i + 1));
        }
        orders.push(order);
    }
    orders
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let insert = |order: Vec<usize>| {
        (0..=order.len()).map(move |at| {
            let mut order = order.clone();
            order.insert(at, *first);
            order
        })
    };
    permutations(rest).into_iter().flat_map(insert).collect()
}

/// A value as the document spells it.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap_or_default().to_owned()
}

/// ` name=value` if there is a value.
fn field(name: &str, value: Option<impl Display>) -> String {
    value.map(|v| format!(" {name}={v}")).unwrap_or_default()
}

/// All transactions of a story; journeys are numbered in order of first appearance.
fn told(transactions: &[Transaction]) -> String {
    let mut journeys: Vec<&str> = Vec::new();
    for t in transactions {
        if !journeys.contains(&t.mail.journey.as_str()) {
            journeys.push(&t.mail.journey);
        }
    }
    let number = |t: &Transaction| journeys.iter().position(|j| *j == t.mail.journey).map_or(0, |n| n + 1);
    transactions.iter().map(|t| compact(t, number(t))).collect::<Vec<_>>().join("\n")
}

/// A transaction in a few lines.
fn compact(t: &Transaction, journey: usize) -> String {
    let mut out = String::new();
    let m = &t.mail;
    let id = t.email.local_id.as_deref().unwrap_or("-");
    let complete = if m.complete { "complete" } else { "incomplete" };
    let gap = if m.gap { " gap" } else { "" };
    let head = format!("{} {id}@{} {} {complete}{gap} {}", word(m.kind), t.host.name, word(m.status), t.service.name);
    writeln!(out, "{head}, journey {journey}").unwrap();
    writeln!(out, "  {} .. {} id={}", t.event.start, t.event.end, m.id).unwrap();
    let client = [t.source.domain.as_ref().map(ToString::to_string), t.source.ip.as_ref().map(|ip| format!("[{ip}]"))];
    let client: String = client.into_iter().flatten().collect();
    let facts = [
        field("from", t.email.from.address.as_ref()),
        field("message-id", t.email.message_id.as_ref()),
        field("origin", Some(word(m.origin))),
        field("client", Some(client).filter(|c| !c.is_empty())),
        field("user", t.user.name.as_ref()),
        field("tls", t.tls.version.as_ref()),
        field("helo", m.helo.as_ref()),
        field("size", m.size),
        field("nrcpt", m.nrcpt),
        field("attempts", Some(m.attempts).filter(|n| m.recipients.iter().all(|r| r.attempts == 0) && *n > 1)),
        field("arrival", m.arrival),
    ];
    writeln!(out, " {}", facts.concat()).unwrap();
    for r in &m.recipients {
        writeln!(out, "  to {}", recipient(r)).unwrap();
    }
    for link in &m.links {
        let host = field("host", link.host.as_ref());
        writeln!(out, "  {} {}{host}", word(link.rel), link.queue_id.as_deref().unwrap_or("-")).unwrap();
    }
    for (name, remarks) in [("reject", &m.rejects), ("warning", &m.warnings)] {
        for r in remarks {
            let about = [
                field("stage", r.stage.as_ref()),
                field("code", r.code),
                field("dsn", r.dsn.as_ref()),
                field("to", r.recipient.as_ref()),
            ];
            writeln!(out, "  {name}{}: {}", about.concat(), r.text).unwrap();
        }
    }
    for f in &m.filters {
        let others = f.recipients.iter().filter(|address| !t.email.to.address.contains(address));
        let others: Vec<String> = others.map(|address| format!(" to={address}")).collect();
        writeln!(out, "  filter {} {}{}{}", f.name, f.verdict, field("score", f.score), others.concat()).unwrap();
    }
    writeln!(out, "  {} lines", m.lines.len()).unwrap();
    out
}

fn recipient(r: &Recipient) -> String {
    let is_final = if r.is_final { " final" } else { "" };
    let facts = [
        field("orig_to", r.orig_to.as_ref()),
        field("relay", r.relay.name.as_ref()),
        field("transport", r.transport.as_ref()),
        field("dsn", r.dsn.as_ref()),
        field("delay", r.delay_s),
        field("attempts", Some(r.attempts)),
        field("tls", r.tls.version.as_ref()),
        field("queued_as", r.queued_as.as_ref()),
    ];
    let reply = r.reply.as_deref().unwrap_or_default();
    format!("{} {}{is_final}{} ({reply})", r.address, word(r.status), facts.concat())
}
