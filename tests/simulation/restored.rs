//! A store that goes back in time while the ledger does not.

use crate::{
    common::how_many,
    installation::{Installation, Store},
};
use std::fs;

/// The store, including what is not in its main file yet.
const FILES: [&str; 3] = ["mail.sqlite", "mail.sqlite-wal", "mail.sqlite-shm"];

fn copy(installation: &Installation, from: &str, to: &str) {
    for name in FILES {
        let file = |folder| installation.workspace.file(&format!("{folder}{name}"));
        // A file that did not exist when the copy was made must not exist after the restore.
        let _ = fs::remove_file(file(to));
        if file(from).exists() {
            fs::copy(file(from), file(to)).expect("a copy");
        }
    }
}

#[test]
fn a_store_restored_from_an_older_copy_is_filled_again() {
    let (mut seed, mut restored) = (2_000, 0);
    while restored < how_many("COPIES", 3) {
        let mut installation = Installation::new(seed, Store::Sqlite);
        installation.workspace.write("copy/none", "");
        let mut is_kept = false;
        while installation.wait() {
            if is_kept && installation.random.chance(30) {
                copy(&installation, "copy/", "");
                is_kept = false;
                restored += 1;
            }
            installation.run();
            if !is_kept && installation.random.chance(50) {
                copy(&installation, "", "copy/");
                is_kept = true;
            }
        }
        installation.check(&format!("copies of the store over log {seed}"));
        seed += 1;
    }
}
