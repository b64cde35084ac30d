//! Rules of the house that the compiler cannot see.
//!
//! Comments are left out of it. What a test needs is its own affair: from `#[cfg(test)]` on a file is not looked at.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longer files hold a second thing.
const LONGEST: usize = 500;

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found: Vec<PathBuf> =
        fs::read_dir(path).unwrap().flat_map(|entry| rust_files(&entry.unwrap().path())).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    found.sort();
    found
}

/// Code lines before the tests, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim_start()));
    lines.take_while(|(_, line)| !line.starts_with("#[cfg(test)]")).filter(|(_, line)| !line.starts_with("//"))
}

/// Where one of the words stands in the code under these paths.
fn places(paths: &[&str], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in paths.iter().flat_map(|path| rust_files(Path::new(path))) {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in code(&text) {
            found.extend(
                words
                    .iter()
                    .filter(|&&word| line.contains(word))
                    .map(|word| format!("{}:{number}: {word}", file.display())),
            );
        }
    }
    found
}

#[test]
fn the_middle_is_pure() {
    let rooms = ["src/model", "src/parse", "src/stitch", "src/report", "src/window.rs"];
    let outside = [
        "tokio",
        "reqwest",
        "rusqlite",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "println!",
        "print!(",
        "dbg!",
        "tracing::",
        "Utc::now",
        "Local::now",
        "SystemTime",
        "Instant",
        "async ",
    ];
    assert_eq!(places(&rooms, &outside), Vec::<String>::new());
}

#[test]
fn only_main_reads_the_clock() {
    let clocks = places(&["src"], &["Utc::now", "Local::now", "SystemTime::now"]);
    let others: Vec<&String> = clocks.iter().filter(|place| !place.starts_with("src/main.rs:")).collect();
    assert_eq!(others, Vec::<&String>::new());
}

#[test]
fn nothing_is_left_to_be_done_later() {
    assert_eq!(places(&["src"], &["todo!", "unimplemented!", "dbg!"]), Vec::<String>::new());
    let ignored = rust_files(Path::new("src")).into_iter().chain(rust_files(Path::new("tests")));
    let ignored =
        ignored.filter(|file| fs::read_to_string(file).unwrap().lines().any(|l| l.trim().starts_with("#[ignore")));
    assert_eq!(ignored.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn no_file_is_too_long() {
    for file in rust_files(Path::new("src")).into_iter().chain(rust_files(Path::new("tests"))) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", file.display());
    }
}

#[test]
fn every_fault_on_the_page_has_the_test_that_it_names() {
    let page = fs::read_to_string("docs/faults.md").unwrap();
    let tests: String = rust_files(Path::new("src"))
        .into_iter()
        .chain(rust_files(Path::new("tests")))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let rows = page.lines().filter(|line| line.starts_with('|')).take_while(|line| !line.starts_with("| tests |"));
    let names: Vec<&str> = rows.flat_map(|row| row.split('`')).filter(|part| part.matches('_').count() > 2).collect();
    let missing: Vec<&&str> = names.iter().filter(|name| !tests.contains(&format!("fn {name}()"))).collect();
    assert!(names.len() > 30 && missing.is_empty(), "{missing:?}");
}

#[test]
fn main_is_short() {
    assert!(fs::read_to_string("src/main.rs").unwrap().lines().count() < 60);
}

#[test]
fn every_exit_code_is_documented() {
    use mailstitch::{
        error::Kind,
        outcome::{Outcome, exit_code},
    };
    let kinds = [Kind::Usage, Kind::Unavailable, Kind::Software, Kind::Temporary, Kind::Permission, Kind::Config];
    let outcomes = [Outcome::Done, Outcome::NothingFound, Outcome::DeadLetters];
    let table = fs::read_to_string("docs/exit-codes.md").unwrap();
    for code in kinds.into_iter().map(exit_code).chain(outcomes.into_iter().map(Outcome::exit_code)) {
        assert!(table.contains(&format!("\n| {code} |")), "docs/exit-codes.md lacks {code}");
    }
}
