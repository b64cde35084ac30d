//! A run over an index that is killed, even the very first one, with an empty store and no ledger yet.

use crate::{common::fiveday::Random, installation::Installation, servers::Engine};
use std::time::{Duration, Instant};

#[test]
fn a_first_run_killed_at_any_place_leaves_no_gap() {
    let engine = Engine::opensearch();
    for place in ["after-read", "before-write", "before-journeys", "before-rename", "before-mark", "after-mark:2"] {
        let installation = Installation::on(engine);
        let killed = installation.start_run(&[("MAILSTITCH_FAULT", place)]).wait_with_output().expect("its end");
        assert_eq!(killed.status.code(), None, "nothing was killed at {place}");
        installation.run(0);
        installation.check_documents(engine, place);
    }
}

#[test]
fn killed_at_random_moments_between_two_engines_the_last_run_heals_it() {
    let engine = Engine::opensearch();
    let since = Instant::now();
    Installation::on(engine).run(0);
    let whole = since.elapsed().as_millis() as i64;
    let mut installation = Installation::on(engine);
    let (mut random, mut killed) = (Random::new(std::process::id().into()), 0);
    while killed < 6 {
        let mut run = installation.start_run(&[]);
        let after = random.below(whole);
        std::thread::sleep(Duration::from_millis(after.unsigned_abs()));
        run.kill().expect("SIGKILL");
        match run.wait().expect("its end").code() {
            None => killed += 1,
            // It finished before the kill and left nothing to do, so start afresh.
            Some(_) => installation = Installation::on(engine),
        }
    }
    installation.run(0);
    installation.check_documents(engine, "random kills");
}
