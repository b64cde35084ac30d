//! Log files that grow, are rotated, compressed and truncated between runs: every line is read exactly once.

use chrono_tz::Tz;
use flate2::{Compression, write::GzEncoder};
use mailstitch::{
    config,
    error::{Error, Kind},
    model::{Intake, Time},
    source::{PositionedSource, file::FileSource},
};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::PathBuf,
    process::Command,
    sync::mpsc::channel,
    thread,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

#[path = "file_source/any_bytes.rs"]
mod any_bytes;
#[path = "file_source/rewritten.rs"]
mod rewritten;

/// A directory of logs, and the position after the last run.
struct Logs {
    dir: TempDir,
    patterns: Vec<&'static str>,
    position: Option<serde_json::Value>,
    limit: usize,
    zone: Tz,
}

impl Logs {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, patterns: vec!["mail.log*"], position: None, limit: 2, zone: Tz::UTC }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn pack(&self, name: &str) {
        let text = fs::read(self.path(name)).unwrap();
        fs::write(self.path(&format!("{name}.gz")), gzip(&text)).unwrap();
        fs::remove_file(self.path(name)).unwrap();
    }

    fn modified(&self, name: &str, time: &str) {
        let ms = u64::try_from(Time::parse_rfc3339(time).unwrap().0).unwrap();
        let file = File::options().append(true).open(self.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
    }

    fn source(&self) -> Result<FileSource, Error> {
        let paths = self.patterns.iter().map(|p| self.path(p).to_str().unwrap().to_owned()).collect();
        let settings = config::FileSource { paths, timezone: self.zone, year: None };
        FileSource::new(&settings, Intake::default(), Time(0), self.position.clone())
    }

    /// One run: the texts read, "text" or "noise: text", in file order.
    fn run(&mut self) -> Vec<String> {
        self.read(|line| line.text.to_string())
    }

    /// One run: the times of the lines.
    fn times(&mut self) -> Vec<String> {
        self.read(|line| line.time.to_string())
    }

    fn read(&mut self, show: impl Fn(&mailstitch::model::Line) -> String) -> Vec<String> {
        let mut source = self.source().unwrap();
        let mut found = Vec::new();
        while let Some(batch) = futures::executor::block_on(source.next(self.limit)).unwrap() {
            found.extend(batch.lines.iter().map(&show));
            found.extend(batch.noise.iter().map(|n| format!("noise: {n}")));
            // The position goes through a checkpoint and must be good after every batch.
            self.position = Some(serde_json::from_str(&source.position().to_string()).unwrap());
        }
        self.position = Some(source.position());
        found
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Lines at these minutes after eight.
fn lines(minutes: std::ops::Range<u32>) -> String {
    minutes.map(|m| format!("2026-11-22T08:{m:02}:00Z mx1 postfix/qmgr[1]: line {m}\n")).collect()
}

/// The texts of these lines.
fn texts(minutes: std::ops::Range<u32>) -> Vec<String> {
    minutes.map(|m| format!("line {m}")).collect()
}

#[test]
fn appended_lines_come_once_and_a_line_without_newline_waits() {
    let mut logs = Logs::new();
    logs.append("mail.log", &lines(0..3));
    logs.append("mail.log", "2026-11-22T08:03:00Z mx1 postfix/qmgr[1]: li");
    assert_eq!(logs.run(), texts(0..3));
    assert_eq!(logs.run(), texts(0..0));
    logs.append("mail.log", "ne 3\n");
    assert_eq!(logs.run(), texts(3..4));
}

#[test]
fn a_run_waits_for_a_pipe_no_longer_than_it_may() {
    let mut logs = Logs::new();
    logs.patterns = vec!["mail.log", "pipe", "silent"];
    for name in ["pipe", "silent"] {
        assert!(Command::new("mkfifo").arg(logs.path(name)).status().unwrap().success());
    }
    logs.append("mail.log", &lines(0..2));
    let pipe = logs.path("pipe");
    let (closing, closed) = channel::<()>();
    let writing = thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(pipe).unwrap();
        write!(pipe, "{}2026-11-22T08:04:00Z mx1 postf", lines(2..4)).unwrap();
        // Keeps the pipe open.
        closed.recv().unwrap_err();
    });
    let mut source = logs.source().unwrap().waiting(Duration::from_millis(300));
    let batch = futures::executor::block_on(source.next(100)).unwrap().unwrap();
    assert_eq!((batch.lines.len(), batch.noise.as_slice()), (4, &["2026-11-22T08:04:00Z mx1 postf".to_owned()][..]));
    assert!(futures::executor::block_on(source.next(100)).unwrap().is_none());
    assert!(source.is_whole(), "all that was there");
    drop(closing);
    writing.join().unwrap();
}

#[test]
fn a_rotated_set_is_read_from_the_oldest() {
    let mut logs = Logs::new();
    logs.append("mail.log.10", &lines(0..2));
    logs.pack("mail.log.10");
    logs.append("mail.log.2", &lines(2..4));
    logs.pack("mail.log.2");
    logs.append("mail.log.1", &lines(4..6));
    logs.append("mail.log", &lines(6..8));
    assert_eq!(logs.run(), texts(0..8));
}

#[test]
fn a_log_rotated_and_packed_between_runs_goes_on_where_it_was() {
    let mut logs = Logs::new();
    // Files of less and of more than a kilobyte: the head by which a file is recognised grows with it.
    for first in [3, 40] {
        logs.append("mail.log", &lines(0..first));
        assert_eq!(logs.run(), texts(0..first));
        logs.append("mail.log", &lines(first..first + 2));
        logs.rename("mail.log", "mail.log.1");
        logs.append("mail.log", &lines(50..52));
        assert_eq!(logs.run(), [texts(first..first + 2), texts(50..52)].concat());
        logs.append("mail.log", &lines(52..54));
        logs.rename("mail.log.1", "mail.log.2");
        logs.rename("mail.log", "mail.log.1");
        logs.pack("mail.log.2");
        logs.pack("mail.log.1");
        logs.append("mail.log", &lines(54..55));
        assert_eq!(logs.run(), texts(52..55));
        assert_eq!(logs.run(), texts(0..0));
        logs = Logs::new();
    }
}

#[test]
fn a_log_packed_by_any_packer_between_runs_goes_on_where_it_was() {
    for (packer, end) in [("gzip", "gz"), ("zstd", "zst"), ("bzip2", "bz2"), ("xz", "xz")] {
        let mut logs = Logs::new();
        logs.append("mail.log", &lines(0..40));
        assert_eq!(logs.run(), texts(0..40));
        logs.append("mail.log", &lines(40..42));
        let pack = |text: &str| match packer {
            "gzip" => gzip(text.as_bytes()),
            "zstd" => zstd::encode_all(text.as_bytes(), 1).unwrap(),
            "bzip2" => {
                let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                bzip2.write_all(text.as_bytes()).unwrap();
                bzip2.finish().unwrap()
            }
            _ => {
                let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
                xz.write_all(text.as_bytes()).unwrap();
                xz.finish().unwrap()
            }
        };
        // As logrotate does: renamed, compressed under the new name, removed.
        fs::write(logs.path(&format!("mail.log.1.{end}")), pack(&lines(0..42))).unwrap();
        fs::write(logs.path("mail.log"), lines(42..44)).unwrap();
        assert_eq!(logs.run(), texts(40..44), "{packer}");
        logs.rename(&format!("mail.log.1.{end}"), &format!("mail.log.2.{end}"));
        assert_eq!(logs.run(), texts(0..0), "{packer}");
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_is_known_again() {
    let mut logs = Logs::new();
    logs.append("mail.log", &lines(0..1));
    let mut source = logs.source().unwrap();
    logs.append("mail.log", &lines(1..30));
    let batch = futures::executor::block_on(source.next(100)).unwrap().unwrap();
    assert_eq!(batch.lines.len(), 30);
    logs.position = Some(source.position());
    logs.rename("mail.log", "mail.log.1");
    logs.pack("mail.log.1");
    assert_eq!(logs.run(), texts(0..0));
}

#[test]
fn a_log_that_goes_away_before_its_turn_was_not_read_whole() {
    let mut logs = Logs::new();
    logs.append("mail.log", &lines(0..2));
    let mut source = logs.source().unwrap();
    logs.rename("mail.log", "mail.log.1");
    logs.append("mail.log", &lines(2..3));
    assert!(futures::executor::block_on(source.next(100)).unwrap().is_none());
    assert!(!source.is_whole());
    assert_eq!(logs.run(), texts(0..3), "the next run finds it");
}

#[test]
fn a_log_that_is_copied_and_truncated_goes_on_in_the_copy() {
    let mut logs = Logs::new();
    logs.append("mail.log", &lines(0..3));
    assert_eq!(logs.run(), texts(0..3));
    logs.append("mail.log", &lines(3..5));
    fs::copy(logs.path("mail.log"), logs.path("mail.log.1")).unwrap();
    File::create(logs.path("mail.log")).unwrap();
    assert_eq!(logs.run(), texts(3..5));
    logs.append("mail.log", &lines(5..30));
    assert_eq!(logs.run(), texts(5..30));
}

#[test]
fn a_truncated_log_that_outgrew_its_offset_starts_again() {
    let mut logs = Logs::new();
    logs.append("mail.log", &lines(0..2));
    assert_eq!(logs.run(), texts(0..2));
    fs::write(logs.path("mail.log"), lines(2..30)).unwrap();
    assert_eq!(logs.run(), texts(2..30));
}

#[test]
fn a_log_that_is_being_packed_is_not_read_twice() {
    let mut logs = Logs::new();
    logs.append("mail.log.1", &lines(0..40));
    logs.append("mail.log", &lines(40..42));
    assert_eq!(logs.run(), texts(0..42));
    let packed = gzip(lines(0..40).as_bytes());
    fs::write(logs.path("mail.log.1.gz"), &packed[..packed.len() / 2]).unwrap();
    assert_eq!(logs.run(), texts(0..0));
    fs::write(logs.path("mail.log.1.gz"), &packed).unwrap();
    fs::remove_file(logs.path("mail.log.1")).unwrap();
    assert_eq!(logs.run(), texts(0..0));
}

#[test]
fn of_half_a_packed_file_everything_readable_is_kept_and_the_rest_follows() {
    let mut logs = Logs::new();
    // Two gzip members, the second cut off.
    let (first, second) = (gzip(lines(0..3).as_bytes()), gzip(lines(3..6).as_bytes()));
    let half = [&first[..], &second[..second.len() / 2]].concat();
    fs::write(logs.path("mail.log"), half).unwrap();
    let found = logs.run();
    assert_eq!(found[..3], texts(0..3));
    assert_eq!(logs.run(), texts(0..0));
    fs::write(logs.path("mail.log"), [first, second].concat()).unwrap();
    assert_eq!([found, logs.run()].concat(), texts(0..6));
    assert_eq!(logs.run(), texts(0..0));
}

#[test]
fn the_last_line_of_a_packed_file_needs_no_newline() {
    let mut logs = Logs::new();
    fs::write(logs.path("mail.log"), gzip(lines(0..2).trim_end().as_bytes())).unwrap();
    assert_eq!(logs.run(), texts(0..2));
    assert_eq!(logs.run(), texts(0..0));
}

#[test]
fn two_logs_with_the_same_beginning_are_both_read() {
    let mut logs = Logs::new();
    logs.append("mail.log.a", &lines(0..30));
    logs.append("mail.log.b", &lines(0..30));
    assert_eq!(logs.run().len(), 60);
    logs.append("mail.log.a", &lines(30..31));
    logs.append("mail.log.b", &lines(31..32));
    assert_eq!(logs.run(), texts(30..32));
}

#[test]
fn a_year_without_stamp_comes_from_the_modification_time_and_rolls_over() {
    let mut logs = Logs::new();
    let line = |stamp: &str| format!("{stamp} mx1 postfix/qmgr[1]: x\n");
    logs.append("mail.log.1", &(line("Dec 30 08:00:00") + &line("Dec 31 23:59:59") + &line("Jan  1 00:00:00")));
    logs.modified("mail.log.1", "2025-01-01T00:00:00Z");
    logs.append("mail.log", &line("Dec 31 08:00:00"));
    logs.modified("mail.log", "2025-12-31T08:00:00Z");
    let expected = [
        "2024-12-30T08:00:00.000Z",
        "2024-12-31T23:59:59.000Z",
        "2025-01-01T00:00:00.000Z",
        "2025-12-31T08:00:00.000Z",
    ];
    assert_eq!(logs.times(), expected);
    logs.append("mail.log", &line("Jan 01 00:00:01"));
    logs.modified("mail.log", "2026-01-01T00:01:00Z");
    assert_eq!(logs.times(), ["2026-01-01T00:00:01.000Z"]);
}

#[test]
fn the_repeated_hour_is_told_apart_across_runs() {
    let mut logs = Logs::new();
    logs.zone = Tz::Europe__Berlin;
    let line = |clock: &str| format!("Oct 25 {clock} mx1 postfix/qmgr[1]: x\n");
    logs.append("mail.log", &(line("02:10:00") + &line("02:59:00") + &line("02:01:00")));
    logs.modified("mail.log", "2026-10-25T01:01:00Z");
    assert_eq!(logs.times(), ["2026-10-25T00:10:00.000Z", "2026-10-25T00:59:00.000Z", "2026-10-25T01:01:00.000Z"]);
    logs.append("mail.log", &line("02:40:00"));
    logs.modified("mail.log", "2026-10-25T01:40:00Z");
    assert_eq!(logs.times(), ["2026-10-25T01:40:00.000Z"]);
}

#[test]
fn what_is_no_line_is_noise_and_blank_lines_are_nothing() {
    let mut logs = Logs::new();
    logs.append("mail.log", "\n\r\n \n\0\0");
    logs.append("mail.log", &lines(0..1));
    let mut file = OpenOptions::new().append(true).open(logs.path("mail.log")).unwrap();
    file.write_all(b"\xff\xfe\x01\n").unwrap();
    file.write_all(&vec![b'x'; 10 << 20]).unwrap();
    file.write_all(b"\n2026-11-22T08:00:00Z mx1 a[1]: ").unwrap();
    file.write_all(&vec![b'y'; 10 << 20]).unwrap();
    file.write_all(b"\n").unwrap();
    let found = logs.run();
    assert_eq!(found[0], "line 0");
    assert_eq!(found[1], "noise: \u{fffd}\u{fffd}\u{1}");
    let mut lengths: Vec<usize> = found[2..].iter().map(String::len).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [16 << 10, "noise: ".len() + (64 << 10)]);
}

#[test]
fn a_path_that_matches_nothing_is_a_mistake_in_the_configuration() {
    let mut logs = Logs::new();
    let error = logs.source().err().unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().starts_with("no log file matches `"), "{error}");
    logs.patterns = vec!["mail.log*", "nowhere"];
    logs.append("mail.log", &lines(0..1));
    let error = logs.source().err().unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().ends_with("nowhere`: no such file or directory"), "{error}");
}

#[test]
fn a_packer_that_is_not_known_is_skipped() {
    let mut logs = Logs::new();
    fs::write(logs.path("mail.log.1.xz"), b"\xfd7zXZ\0\n\n").unwrap();
    logs.append("mail.log", &lines(0..1));
    assert_eq!(logs.run(), texts(0..1));
}

#[test]
fn a_journal_in_json_is_read_like_any_log() {
    let mut logs = Logs::new();
    logs.append("mail.log", "{\"__REALTIME_TIMESTAMP\":\"1795378811599454\",\"_HOSTNAME\":\"mx1\",\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":\"x\"}\n");
    assert_eq!(logs.times(), ["2026-11-22T20:20:11.599Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_ends_at_the_size_of_what_was_read() {
    let logs = Logs::new();
    logs.append("mail.log", &lines(0..2));
    let mut source = logs.source().unwrap();
    let total = lines(0..2).len() as u64;
    assert_eq!(source.progress(), Some((0, total)));
    assert_eq!(source.next(10).await.unwrap().unwrap().lines.len(), 2);
    assert_eq!(source.progress(), Some((total, total)));
    assert!(source.next(10).await.unwrap().is_none());
}
