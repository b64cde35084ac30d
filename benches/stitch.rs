//! Lines per second parsed and stitched on one core.
//!
//! In: the log of the demo, real lines of five servers; shapes of journeys. Out: criterion's figures, with lines as
//! elements. Stores and sources are left out: their time is mostly waiting.

#[path = "../tests/squares/shapes.rs"]
mod shapes;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mailstitch::{
    frame,
    model::{Intake, Line, Time},
    parse,
    stitch::{
        self, Rules,
        journey::{self, Node},
    },
};
use std::hint::black_box;

const LOG: &str = include_str!("../examples/demo/mail.log");

/// The lines as a source gives them.
fn framed() -> Vec<Line> {
    let mut dater = frame::Dater::new(chrono_tz::UTC, None, Time(1_800_000_000_000), None);
    let mut intake = Intake::default();
    let frames = LOG.lines().filter_map(frame::frame);
    frames
        .flat_map(|f| intake.line(dater.date(f.stamp), f.host.unwrap_or("localhost"), f.program, f.pid, f.text))
        .collect()
}

/// All transactions of the lines.
fn documents(mut lines: Vec<Line>, rules: &Rules) -> usize {
    stitch::unite(&mut lines);
    stitch::gather(&lines, |_| false, rules).documents(rules).count()
}

fn stitching(criterion: &mut Criterion) {
    let rules = Rules { instances: vec!["postfix-out".into()], ..Rules::default() };
    let lines = framed();
    assert!(documents(framed(), &rules) > 400, "the log of the demo lost its mail");
    let mut group = criterion.benchmark_group("stitch");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("parse", |b| {
        b.iter(|| {
            for line in &lines {
                black_box(parse::parse(black_box(line)));
            }
        });
    });
    group.bench_function("frame, parse, gather and fold", |b| b.iter(|| documents(black_box(framed()), &rules)));
    group.finish();
}

/// Connected mail that tempts code into comparing all pairs; `tests/squares.rs` limits the growth.
fn journeys(criterion: &mut Criterion) {
    let rules = Rules::default();
    let mut group = criterion.benchmark_group("journeys");
    group.sample_size(10);
    for (name, lines) in shapes::SHAPES {
        for messages in [10_000, 20_000] {
            let mut lines = lines(messages);
            stitch::unite(&mut lines);
            let gathered = stitch::gather(&lines, |_| false, &rules);
            let nodes: Vec<Node> = gathered.documents(&rules).map(|t| Node::new(&t)).collect();
            group.throughput(Throughput::Elements(nodes.len() as u64));
            group.bench_function(BenchmarkId::new(*name, messages), |b| {
                b.iter(|| journey::of(black_box(nodes.iter())).len());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, stitching, journeys);
criterion_main!(benches);
