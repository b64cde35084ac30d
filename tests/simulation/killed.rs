//! Runs killed at random moments.

use crate::{
    common::fiveday::Random,
    common::how_many,
    installation::{Installation, Store},
};
use std::time::{Duration, Instant};

#[test]
fn killed_at_any_moment_a_later_run_heals_it() {
    let (mut seed, mut killed) = (1_000, 0);
    let mut moments = Random::new(std::process::id().into());
    while killed < how_many("KILLS", 3) {
        let store = if seed % 2 == 0 { Store::Engine } else { Store::Sqlite };
        let mut installation = Installation::new(seed, store);
        // Duration of a run on this machine, in microseconds.
        let mut whole = 1;
        while installation.wait() {
            if moments.chance(50) {
                let since = Instant::now();
                installation.run();
                whole = since.elapsed().as_micros() as i64;
                continue;
            }
            let mut run = installation.start_run();
            std::thread::sleep(Duration::from_micros(moments.below(whole).unsigned_abs()));
            run.kill().expect("SIGKILL");
            killed += u64::from(run.wait().expect("its end").code().is_none());
        }
        installation.check(&format!("kills over log {seed} into {store:?}"));
        seed += 1;
    }
}
