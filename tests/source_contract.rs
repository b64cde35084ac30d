//! The promises of a counting source, kept by every one: what it counts is what it reads, each line of a range once,
//! and the lines are the same whichever source has them.

mod common;
mod servers;

use common::{RawLine, fiveday};
use mailstitch::{
    config::{Auth, Connection, ElasticsearchSource, preset::Preset},
    model::{Intake, Line, Range, Time},
    source::{CountingSource, elasticsearch::Elasticsearch, memory::MemorySource},
};
use servers::{Engine, Shape, unique_name};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1440 * MINUTE;

fn raw() -> Vec<RawLine> {
    fiveday::five_days(3000, 7).lines
}

fn lines() -> Vec<Line> {
    let mut intake = Intake::default();
    raw().iter().map(|line| line.line(&mut intake)).collect()
}

fn whole() -> Range {
    Range { from: Time(fiveday::START.0 - DAY), to: Time(fiveday::END.0 + DAY) }
}

fn by_bucket(lines: &[Line], bucket_ms: i64) -> BTreeMap<Time, u64> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(Time(line.time.0.div_euclid(bucket_ms) * bucket_ms)).or_default() += 1;
    }
    counts
}

async fn read(source: &dyn CountingSource, within: Range) -> Vec<Line> {
    let batch = source.read(within).await.unwrap();
    assert_eq!(batch.noise, Vec::<String>::new());
    batch.lines
}

async fn it_counts_what_it_reads(source: &dyn CountingSource) {
    let read = read(source, whole()).await;
    assert_eq!(read.len(), raw().len());
    for bucket_ms in [MINUTE, 60 * MINUTE] {
        assert_eq!(
            source.counts(whole(), bucket_ms).await.unwrap(),
            by_bucket(&read, bucket_ms),
            "buckets of {bucket_ms} ms"
        );
    }
}

async fn ranges_are_half_open(source: &dyn CountingSource) {
    let all = lines();
    // At the very millisecond of a line: it belongs to the later range.
    for at in [all[100].time, all[1500].time, Time(fiveday::START.0 + DAY)] {
        let before = read(source, Range { to: at, ..whole() }).await;
        let after = read(source, Range { from: at, ..whole() }).await;
        assert!(before.iter().all(|l| l.time < at) && after.iter().all(|l| l.time >= at));
        assert_eq!(before.len() + after.len(), all.len(), "cut at {at}");
    }
}

async fn a_range_without_lines_is_empty(source: &dyn CountingSource) {
    let before = Range { from: whole().from, to: Time(fiveday::START.0 - MINUTE) };
    assert!(read(source, before).await.is_empty());
    assert!(source.counts(before, MINUTE).await.unwrap().is_empty());
}

async fn its_lines_are_those_that_were_logged(source: &dyn CountingSource) {
    let sort = |lines: Vec<Line>| {
        let mut lines: Vec<_> = lines.into_iter().map(|l| (l.time, l.id, l.host, l.program, l.pid, l.text)).collect();
        lines.sort();
        lines
    };
    assert_eq!(sort(read(source, whole()).await), sort(lines()));
}

async fn its_fingerprint_stays(source: &dyn CountingSource) {
    let once: BTreeSet<String> = [source.fingerprint(), source.fingerprint()].into();
    assert_eq!(once.len(), 1);
}

async fn keeps_all_promises(source: &dyn CountingSource) {
    it_counts_what_it_reads(source).await;
    ranges_are_half_open(source).await;
    a_range_without_lines_is_empty(source).await;
    its_lines_are_those_that_were_logged(source).await;
    its_fingerprint_stays(source).await;
}

fn in_engine(engine: &Engine, shape: Shape, preset: Preset, shards: u32) -> Elasticsearch {
    let index = unique_name("lines");
    engine.create_index(&index, shape, shards);
    engine.load(&index, &raw(), shape);
    let connection = Connection {
        urls: vec![engine.url().to_owned()],
        auth: Auth::None,
        ca_file: None,
        client_cert_file: None,
        client_key_file: None,
        tls_verify: true,
        timeout: Duration::from_secs(60),
    };
    let settings = ElasticsearchSource {
        connection,
        index,
        fields: preset.fields(),
        programs: Vec::new(),
        query: None,
        // Small, so that pages are turned in the middle of a second.
        page_size: 331,
        slices: None,
        timezone: chrono_tz::UTC,
    };
    Elasticsearch::new(settings, HashMap::new()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    keeps_all_promises(&MemorySource::new(lines())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_with_four_shards_keeps_the_contract() {
    keeps_all_promises(&in_engine(Engine::opensearch(), Shape::GraylogRfc3164, Preset::Graylog, 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_with_filebeats_documents_keeps_the_contract() {
    keeps_all_promises(&in_engine(Engine::opensearch(), Shape::Filebeat, Preset::Ecs, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elasticsearch_keeps_the_contract() {
    keeps_all_promises(&in_engine(Engine::elasticsearch(), Shape::GraylogRfc5424, Preset::Graylog, 2)).await;
}
