//! Connections that break or are slow.

use crate::{
    installation::{Installation, check_survived},
    servers::{Deed, Engine},
};
use std::time::Duration;

/// Breaks the connection of every third request: in turn before the server gets it, after the server has carried it
/// out, and in the middle of the answer.
fn check_cut(engine: &Engine) {
    let installation = Installation::on(engine);
    let mut requests = 0;
    installation.proxy.rule(move |_| {
        requests += 1;
        match requests % 9 {
            3 => Deed::Cut,
            6 => Deed::CutAfter,
            0 => Deed::Half,
            _ => Deed::Pass,
        }
    });
    check_survived(engine, &installation, "connections that are cut");
}

#[test]
fn connections_cut_before_after_and_within_an_answer_lose_nothing_and_write_nothing_twice() {
    check_cut(Engine::opensearch());
}

#[test]
fn connections_to_an_elasticsearch_that_are_cut_lose_nothing_and_write_nothing_twice() {
    check_cut(Engine::elasticsearch());
}

#[test]
fn a_write_whose_answer_never_comes_is_written_once() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    let mut bulks = 0;
    installation.proxy.rule(move |asked| {
        bulks += usize::from(asked.is_bulk());
        if asked.is_bulk() && bulks % 2 == 1 { Deed::CutAfter } else { Deed::Pass }
    });
    check_survived(engine, &installation, "answers that were lost");
}

#[test]
fn an_answer_that_takes_too_long_is_asked_for_again() {
    let engine = Engine::opensearch();
    let installation = Installation::with(engine, "4s", 20_000);
    let mut met = [false; 2];
    installation.proxy.rule(move |asked| {
        let slow = match (asked.is_search(), asked.is_bulk()) {
            (true, _) => !std::mem::replace(&mut met[0], true),
            (_, true) => !std::mem::replace(&mut met[1], true),
            _ => false,
        };
        if slow { Deed::Slow(Duration::from_secs(5)) } else { Deed::Pass }
    });
    check_survived(engine, &installation, "slow answers");
}
