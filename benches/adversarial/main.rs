//! The cost of logs made to be as expensive as possible: growth of processor time with twice the lines, and peak
//! memory.
//!
//! In: seconds, lines, and part of the names of the shapes to run, if not all (`cargo bench --bench adversarial --
//! 3600 1000000`). First every shape alone, with half of the lines and with all of them, into SQLite; then random
//! mixtures until the time is up. Out: a table. `benches/adversarial/run` puts it into docs/performance.md.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{
    adversarial::{self, Ask, Most, SHAPES, Shape},
    fiveday::Random,
};
use std::time::{Duration, Instant};

const MOST: Most = Most { memory: 3 << 30, time: Duration::from_secs(600) };

#[derive(Debug, Default, Clone, Copy)]
struct Worst {
    tried: u32,
    seconds: f64,
    times: f64,
    memory: u64,
    stopped: bool,
}

impl Worst {
    fn meet(&mut self, log: impl Fn(usize) -> String, lines: usize, ask: Ask) {
        self.tried += 1;
        let half = adversarial::run(&log(lines / 2), ask, false, MOST);
        self.memory = self.memory.max(half.memory);
        if half.stopped {
            self.stopped = true;
            return;
        }
        let whole = adversarial::run(&log(lines), ask, false, MOST);
        self.memory = self.memory.max(whole.memory);
        self.stopped |= whole.stopped;
        self.seconds = self.seconds.max(whole.time.as_secs_f64());
        self.times = self.times.max(whole.time.as_secs_f64() / half.time.as_secs_f64());
    }

    fn row(&self, name: &str) -> String {
        let Self { seconds, times, .. } = *self;
        let memory = self.memory >> 20;
        match self.stopped {
            true => format!("| {name} | stopped | | {memory} MiB |"),
            false => format!("| {name} | {seconds:.1} s | {times:.2} | {memory} MiB |"),
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |n: usize| arguments.get(n).and_then(|argument| argument.parse::<u64>().ok());
    let seconds = number(0).unwrap_or(600);
    let lines = number(1).unwrap_or(200_000) as usize;
    let named = arguments.get(2).map_or("", String::as_str);
    let shapes: Vec<Shape> = SHAPES.iter().filter(|shape| shape.name.contains(named)).copied().collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    println!("| {lines} lines | CPU time | times that of half the lines | most memory |\n|---|---|---|---|");
    for shape in &shapes {
        let mut worst = Worst::default();
        worst.meet(|lines| adversarial::log(shape, lines, 1), lines, shape.ask);
        println!("{}", worst.row(shape.name));
    }
    let mut random = Random::new(std::process::id().into());
    let (mut all, mut named) = (Worst::default(), String::new());
    while Instant::now() < end {
        let seed = u64::from(random.few(u32::MAX));
        let shapes = adversarial::some(&shapes, 2 + random.few(4) as usize, seed);
        let before = all.memory;
        all.meet(|lines| adversarial::mixture(&shapes, lines, seed), lines, Ask::Read);
        if all.memory > before {
            named = shapes.iter().map(|shape| shape.name).collect::<Vec<_>>().join("; ");
        }
    }
    println!("{}", all.row(&format!("{} mixtures (most memory: {named})", all.tried)));
}
