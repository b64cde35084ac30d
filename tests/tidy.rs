//! Rules of the house that the compiler cannot see.

#[path = "tidy/code.rs"]
mod code;

use code::{Code, rust_files};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longer files hold a second thing.
const LONGEST: usize = 450;

/// Names in the code that a rule forbids, with their places.
fn places(code: &[Code], is_forbidden: impl Fn(&[&str], bool) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for code in code {
        for name in code.names() {
            let segments: Vec<&str> = name.segments.iter().map(String::as_str).collect();
            if is_forbidden(&segments, name.is_macro) {
                found.push(format!("{}:{}: {}", code.file.display(), name.line, segments.join("::")));
            }
        }
    }
    found
}

/// Whether a path is, or ends with, or lies within one of these: `fs` finds `std::fs::read` and `fs::read`.
fn is_within(segments: &[&str], forbidden: &[&str]) -> bool {
    forbidden.iter().any(|path| {
        let path: Vec<&str> = path.split("::").collect();
        segments.windows(path.len()).any(|part| part == path)
    })
}

#[test]
fn the_middle_is_pure() {
    let rooms = ["model", "queue_id", "program", "frame", "parse", "stitch", "report", "window.rs", "escape.rs"];
    let rooms: Vec<String> = rooms.iter().map(|room| format!("src/{room}")).collect();
    let rooms: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let outside = [
        "tokio",
        "reqwest",
        "rusqlite",
        "tracing",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "File",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "stdin",
        "stdout",
        "stderr",
        "Utc::now",
        "Local::now",
        "SystemTime",
        "Instant",
        "async",
    ];
    let printing = ["print", "println", "eprint", "eprintln", "dbg"];
    let found = places(&code::read(&rooms), |name, is_macro| {
        is_within(name, &outside) || is_macro && name.last().is_some_and(|last| printing.contains(last))
    });
    assert_eq!(found, Vec::<String>::new());
}

/// A rule that sees nothing would always hold.
#[test]
fn names_are_seen_in_trees_of_use_and_after_tests() {
    let file = std::env::temp_dir().join(format!("mailstitch-tidy-{}.rs", std::process::id()));
    let text = "use std::{collections::BTreeMap, env};\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n\
                // std::thread\nfn f() { println!(\"tokio\"); super::super::commands::run() }\n";
    fs::write(&file, text).unwrap();
    let code = code::read(&[file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    let names: Vec<String> = code[0].names().iter().map(|name| name.segments.join("::")).collect();
    let expected =
        ["use", "std::collections::BTreeMap", "std::env", "fn", "f", "println", "super::super::commands::run"];
    assert_eq!(names, expected);
}

/// Modules of `lib.rs` stand in the order in which each may ask those before it: no arrow runs against the flow, and so there
/// is no circle between rooms.
#[test]
fn no_room_asks_a_later_one() {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let rooms: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let rank = |room: &str| rooms.iter().position(|known| *known == room);
    let mut found = Vec::new();
    for code in code::read(&["src"]) {
        let module = code.module();
        let Some(own) = module.first().and_then(|room| rank(room)) else { continue };
        for name in code.names() {
            let ups = name.segments.iter().take_while(|segment| *segment == "super").count();
            let target = match &*name.segments[0] {
                "crate" => name.segments.get(1),
                // Up to the root of the crate, and down again.
                "super" if ups == module.len() => name.segments.get(ups),
                _ => None,
            };
            if target.and_then(|room| rank(room)).is_some_and(|asked| asked > own) {
                found.push(format!("{}:{}: {}", code.file.display(), name.line, name.segments.join("::")));
            }
        }
    }
    assert!(rooms.len() > 20, "{rooms:?}");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_main_reads_the_clock() {
    let clocks = ["Utc::now", "Local::now", "SystemTime::now"];
    let found = places(&code::read(&["src"]), |name, _| is_within(name, &clocks));
    assert!(matches!(&*found, [one] if one.starts_with("src/main.rs:")), "{found:?}");
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let later = ["todo", "unimplemented", "dbg"];
    let found = places(&code::read(&["src"]), |name, is_macro| is_macro && is_within(name, &later));
    assert_eq!(found, Vec::<String>::new());
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
