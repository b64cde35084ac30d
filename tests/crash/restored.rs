//! Stores and ledgers that went back in time independently (law L8): restored from a copy, emptied, removed,
//! replaced. Whatever the source still has is read again, with a warning; there is no warning if nothing is missing.

use crate::{
    common::fiveday::Random,
    log::{self, Growing, pieces},
};
use std::fs;

const LEDGER: &str = "state/checkpoint.json";
const STORE: &str = "mail.sqlite";

/// Runs the program, which must succeed; returns its standard error.
#[track_caller]
fn run(growing: &Growing) -> String {
    let ran = growing.command(&["run"]).output().expect("it starts");
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{told}");
    told
}

fn copy(growing: &Growing, name: &str) -> Vec<u8> {
    fs::read(growing.workspace().file(name)).expect("a file")
}

/// Restores a copy of the database, without the write-ahead log that was beside it.
fn restore(growing: &Growing, database: &[u8]) {
    growing.workspace().write(STORE, database);
    for beside in ["mail.sqlite-wal", "mail.sqlite-shm"] {
        _ = fs::remove_file(growing.workspace().file(beside));
    }
}

/// Reads the log in two halves; `after` gets a copy of the store from between. The next run must warn with `expected`
/// and repair everything.
#[track_caller]
fn check(after: impl FnOnce(&Growing, Vec<u8>), expected: &str) {
    let growing = Growing::into_sqlite();
    let pieces = pieces();
    let (first, second) = pieces.split_at(3);
    growing.append(&first.concat());
    assert_eq!(run(&growing), "");
    let old = copy(&growing, STORE);
    growing.append(&second.concat());
    assert_eq!(run(&growing), "");
    let whole = growing.export();
    after(&growing, old);
    let told = run(&growing);
    assert!(told.contains(expected) && told.contains("is read again"), "{told}");
    log::assert_same(&growing.export(), &whole, expected);
    assert_eq!(run(&growing), "", "it is told once");
}

#[test]
fn a_database_restored_from_an_older_copy_is_brought_up_to_date() {
    check(|growing, old| restore(growing, &old), "the store went back in time: what was written to it last is missing");
}

const NOTHING: &str = "the store has nothing of what was written to it: it was removed, emptied, or is another one";

#[test]
fn a_database_that_was_removed_is_filled_again() {
    check(|growing, _| fs::remove_file(growing.workspace().file(STORE)).expect("the database"), NOTHING);
}

#[test]
fn a_database_that_was_emptied_is_filled_again() {
    check(|growing, _| restore(growing, b""), NOTHING);
    let delete = |growing: &Growing, _| {
        let database = rusqlite::Connection::open(growing.workspace().file(STORE)).expect("a database");
        database
            .execute_batch("DELETE FROM transactions; DELETE FROM terms; DELETE FROM blocks")
            .expect("it is emptied");
    };
    check(delete, NOTHING);
}

#[test]
fn another_database_in_its_place_is_filled() {
    let other = Growing::into_sqlite();
    other.append(pieces()[0]);
    run(&other);
    check(|growing, _| restore(growing, &copy(&other, STORE)), NOTHING);
}

#[test]
fn what_a_journey_through_time_does_not_lose_is_not_told() {
    let growing = Growing::into_sqlite();
    growing.append(&pieces()[..3].concat());
    run(&growing);
    let old = copy(&growing, LEDGER);
    growing.append(&pieces()[3..].concat());
    run(&growing);
    let (new, whole) = (copy(&growing, LEDGER), growing.export());
    // A restored ledger is behind its store.
    growing.workspace().write(LEDGER, &old);
    assert_eq!(run(&growing), "");
    log::assert_same(&growing.export(), &whole, "an older ledger");
    // A ledger of an older version has no marks.
    let mut without: serde_json::Value = serde_json::from_slice(&new).expect("JSON");
    without.as_object_mut().expect("an object").remove("marks");
    growing.workspace().write(LEDGER, without.to_string());
    assert_eq!(run(&growing), "");
    // Pruning also deletes the document that the mark names.
    growing.workspace().write(LEDGER, &new);
    let pruned = growing.command(&["prune", "--older-than", "1s"]).output().expect("it starts");
    assert_eq!(pruned.status.code(), Some(0));
    assert_eq!(growing.export(), "");
    assert_eq!(run(&growing), "");
    assert_eq!(growing.export(), "", "what was pruned stays away");
}

#[test]
fn random_copies_of_ledger_and_store_put_back_end_with_all_documents() {
    let expected = Growing::into_sqlite().undisturbed();
    let mut random = Random::new(17);
    for _ in 0..8 {
        let growing = Growing::into_sqlite();
        let (mut ledgers, mut stores) = (Vec::new(), Vec::new());
        for piece in pieces() {
            growing.append(piece);
            run(&growing);
            ledgers.push(copy(&growing, LEDGER));
            stores.push(copy(&growing, STORE));
            match random.below(4) {
                0 => restore(&growing, &stores[usize::try_from(random.below(stores.len() as i64)).expect("a place")]),
                1 => {
                    let at = usize::try_from(random.below(ledgers.len() as i64)).expect("a place");
                    growing.workspace().write(LEDGER, &ledgers[at]);
                }
                2 => {
                    let at = usize::try_from(random.below(stores.len() as i64)).expect("a place");
                    restore(&growing, &stores[at]);
                    growing.workspace().write(LEDGER, &ledgers[ledgers.len() - 1]);
                }
                _ => {}
            }
        }
        run(&growing);
        log::assert_same(&growing.export(), &expected, "copies put back");
    }
}
