//! Lines late by up to hours, with runs in between.

use crate::{
    common::how_many,
    installation::{Installation, Store},
};

#[test]
fn lines_that_reach_an_engine_hours_late_change_nothing() {
    for seed in 0..how_many("LOGS", 3) {
        let store = if seed % 2 == 0 { Store::Engine } else { Store::Sqlite };
        let mut installation = Installation::new(seed, store);
        while installation.wait() {
            installation.run();
        }
        installation.check(&format!("log {seed} into {store:?}"));
    }
}
