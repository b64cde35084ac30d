//! The SQLite store as a file, which others may use or damage.

use crate::fixture::{at, create, get, message, message_with, new, range};
use mailstitch::{
    access::Access,
    error::{Error, Kind},
    model::transaction::Remark,
    store::{Put, Report, Search, Store, Traces, sqlite::SqliteStore},
};
use rusqlite::Connection;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/transactions.sqlite");
    (dir, path)
}

fn store(path: &Path) -> SqliteStore {
    SqliteStore::new(path, Access::default())
}

async fn prepared(path: &Path) -> SqliteStore {
    let store = store(path);
    store.prepare().await.unwrap();
    store
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[track_caller]
fn check(error: &Error, path: &Path, expected: &str, hint: &str) {
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(error.to_string().replace(&*path.to_string_lossy(), "FILE"), expected);
    assert_eq!(error.hint_text(), Some(hint));
}

/// Checks that `prepare` and reads refuse this file and leave it unchanged.
async fn check_left_alone(path: &Path, expected: &str, hint: &str) {
    let before = fs::read(path).unwrap();
    check(&store(path).prepare().await.unwrap_err(), path, expected, hint);
    check(&store(path).summary().await.unwrap_err(), path, expected, hint);
    assert_eq!(fs::read(path).unwrap(), before);
    let rows = store(path).check(at(0)).await;
    assert!(rows.iter().any(|row| row.found.is_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_for_its_owner_alone() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    create(&store, &[message("4F1", 0)]).await;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    assert_eq!(mode(&beside(&path, "-wal")), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_may_read_all_files_at_any_time() {
    let (dir, path) = place();
    let gid = fs::metadata(dir.path()).unwrap().gid().to_string();
    let store = SqliteStore::new(&path, Access::new(Some(&gid)).unwrap());
    store.prepare().await.unwrap();
    create(&store, &[message("4F1", 0)]).await;
    store.commit().await.unwrap();
    drop(store);
    assert_eq!(mode(path.parent().unwrap()), 0o2750);
    // SQLite needs these files to read, and the group may not create them.
    for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
        assert_eq!(mode(&file), 0o640, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_is_not_made_by_looking() {
    let (_dir, path) = place();
    let error = store(&path).summary().await.unwrap_err();
    check(
        &error,
        &path,
        "cannot open database `FILE`: no such file or directory",
        "`mailstitch run` or `backfill` makes it",
    );
    let rows = store(&path).check(at(0)).await;
    assert!(rows.iter().all(|row| row.found.is_ok()), "the first run will make it");
    assert!(!path.parent().unwrap().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_left_alone() {
    let (_dir, path) = place();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "Nov 22 20:20:11 mx1 postfix/qmgr[1]: 4F1: removed\n".repeat(100)).unwrap();
    let hint = "restore the file from a backup, or move it away and rebuild it with `mailstitch backfill`";
    check_left_alone(&path, "cannot open database `FILE`: file is not a database", hint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_program_is_left_alone() {
    let (_dir, path) = place();
    fs::create_dir(path.parent().unwrap()).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url)").unwrap();
    let hint = "name a file of its own in `[store.sqlite] path`";
    check_left_alone(&path, "cannot open database `FILE`: it belongs to another program", hint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_left_alone() {
    let (_dir, path) = place();
    prepared(&path).await.commit().await.unwrap();
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let expected = "cannot open database `FILE`: it has version 99, this mailstitch knows up to 1";
    check_left_alone(&path, expected, "use the newer mailstitch that wrote the file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_document_is_left_out_counted_once_and_in_nobodys_way() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    create(&store, &[message("4F1", 0)]).await;
    Connection::open(&path).unwrap().execute_batch("UPDATE transactions SET blob = x'28b52ffd00'").unwrap();
    for _ in 0..2 {
        assert!(store.page(None, None).await.unwrap().transactions.is_empty());
    }
    assert_eq!(store.unreadable(), 1);
    create(&store, &[message("4F1", 0)]).await;
    assert_eq!(store.page(None, None).await.unwrap().transactions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_file() {
    let (_dir, path) = place();
    let (one, two) = (prepared(&path).await, prepared(&path).await);
    let t = message("4F1", 0);
    create(&one, std::slice::from_ref(&t)).await;
    let seen = get(&two, &t.mail.id).await.version;
    let update = || [Put { transaction: t.clone(), expected: Some(seen) }].into();
    assert_eq!(two.put(update()).await.unwrap(), Report::default());
    assert_eq!(one.put(update()).await.unwrap().conflicts, std::slice::from_ref(&t.mail.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_lose_nothing() {
    let (_dir, path) = place();
    prepared(&path).await;
    let writers = (0..4).map(|writer| {
        let store = store(&path);
        tokio::spawn(async move {
            for n in 0..20 {
                let report = store.put(new(&[message(&format!("{writer}-{n}"), n)])).await.unwrap();
                assert_eq!(report, Report::default());
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(store(&path).summary().await.unwrap().documents, 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_commit_all_is_in_the_database_itself() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    create(&store, &[message("4F1", 0)]).await;
    assert_ne!(fs::metadata(beside(&path, "-wal")).unwrap().len(), 0);
    store.commit().await.unwrap();
    assert_eq!(fs::metadata(beside(&path, "-wal")).unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pruned_is_not_in_the_file_any_more() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    let t = message_with("4F1", 0, |t| t.email.from.address = Some("forget.me@example.org".into()));
    create(&store, &[t, message("4F2", 10)]).await;
    store.commit().await.unwrap();
    let is_there = || fs::read(&path).unwrap().windows(9).any(|bytes| bytes == b"forget.me");
    assert!(is_there());
    assert_eq!(store.prune(at(5), false).await.unwrap(), 1);
    store.commit().await.unwrap();
    assert!(!is_there());
}

/// The terms of 16,384 rows are kept together.
#[tokio::test(flavor = "multi_thread")]
async fn documents_many_rows_apart_are_found_together_and_pruned_without_a_trace() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    let messages = [message("4F1", 0), message("4F2", 10), message("4F3", 60)];
    let rows = Connection::open(&path).unwrap();
    for (n, t) in (1..).zip(&messages) {
        create(&store, std::slice::from_ref(t)).await;
        // A dummy row moves the next document 40,000 rows further.
        rows.execute(
            "INSERT INTO transactions (doc, id, version, host, part, start_ms, end_ms, kind, status, blob)
             VALUES (?1, '~' || ?1, 0, '', 0, 0, 0, '', '', x'')",
            [n * 40_000],
        )
        .unwrap();
    }
    rows.execute("DELETE FROM transactions WHERE id LIKE '~%'", []).unwrap();
    let count = |table| {
        rows.query_row(&format!("SELECT count(DISTINCT block) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((count("blocks"), count("terms")), (3, 3));

    let found = async |within| {
        let search = Search { terms: vec!["sender@example.org".to_owned()], within, limit: 10 };
        let found = store.search(&search).await.unwrap();
        found.into_iter().map(|t| t.email.local_id.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found(None).await, ["4F3", "4F2", "4F1"]);
    assert_eq!(found(Some(range(5, 20))).await, ["4F2"]);
    let queue_ids = ["4F1", "4F2", "4F3"].map(str::to_owned).to_vec();
    let traces = Traces {
        queue_ids,
        message_ids: Vec::new(),
        within: range(5, 70),
        known: Default::default(),
        most: usize::MAX,
    };
    assert_eq!(store.neighbours(&traces).await.unwrap().len(), 2);

    assert_eq!(store.prune(at(20), false).await.unwrap(), 2);
    assert_eq!((count("blocks"), count("terms")), (1, 1));
    assert_eq!(found(None).await, ["4F3"]);
}

/// An unreadable row can still be pruned, with its terms.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_document_is_pruned_with_its_terms() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    create(&store, &[message("4F1", 0)]).await;
    let rows = Connection::open(&path).unwrap();
    rows.execute("UPDATE transactions SET blob = x'00'", []).unwrap();
    assert_eq!(store.prune(at(20), false).await.unwrap(), 1);
    assert_eq!(rows.query_row("SELECT count(*) FROM terms", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_to_change() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    create(&store, &[message("4F1", 0), message("4F2", 600)]).await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let wrong: Vec<String> = store.check(at(10)).await.into_iter().filter_map(|row| row.found.err()).collect();
    let expected = [
        format!("everyone may use it; run `chmod o= {}`", path.display()),
        "2026-11-23T06:01:00.000Z is in the future: a clock or the time zone of a source is wrong".to_owned(),
    ];
    assert_eq!(wrong, expected);
}

/// A row written by a version whose searches looked in fewer places.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_version_that_looked_in_fewer_places_is_found_there_once_it_is_written_again() {
    let (_dir, path) = place();
    let store = prepared(&path).await;
    let t = message_with("4F1", 0, |t| {
        t.mail.schema = 1;
        t.mail.warnings = vec![Remark {
            stage: None,
            code: None,
            dsn: None,
            text: "held".into(),
            recipient: Some("held@example.org".into()),
        }];
    });
    create(&store, std::slice::from_ref(&t)).await;
    let held = Search { terms: vec!["held@example.org".into()], within: None, limit: 10 };
    let all = |db: &Connection| db.query_row("SELECT count(*) FROM terms", [], |row| row.get::<_, i64>(0)).unwrap();
    let db = Connection::open(&path).unwrap();
    let now = all(&db);
    // The hash of that address, which is part of the file format.
    assert_eq!(db.execute("DELETE FROM terms WHERE term = ?1", [-5_381_787_988_859_554_784_i64]).unwrap(), 1);
    assert_eq!(store.search(&held).await.unwrap(), []);
    let mut again = get(&store, &t.mail.id).await;
    again.transaction.mail.schema = 2;
    store.put([Put { transaction: again.transaction, expected: Some(again.version) }].into()).await.unwrap();
    assert_eq!(store.search(&held).await.unwrap().len(), 1);
    assert_eq!(all(&db), now);
    let again = get(&store, &t.mail.id).await;
    store.delete(&[(t.mail.id.clone(), again.version)]).await.unwrap();
    assert_eq!(all(&db), 0);
}
