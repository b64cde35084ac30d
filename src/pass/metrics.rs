//! Metrics of `run` in the text format of Prometheus, for node_exporter's textfile collector.
//!
//! In: the history, the ledger's watermark, dead letters. Out: the text of a file. Left alone: everything that would
//! need another search or names a person. Sums are counters, which survive a lost scrape; if the state directory is
//! lost they start at 0 again, which Prometheus takes for a restart.

use super::history::History;
use crate::model::Time;
use std::fmt::{Display, Write};

/// The figures that are not in the history.
#[derive(Debug)]
pub struct Now<'a> {
    pub at: Time,
    /// Label that tells several configurations on one machine apart.
    pub state_dir: &'a str,
    pub watermark: Option<Time>,
    pub dead_letters: u64,
    pub set_aside: u64,
    /// Exit code of the run that just ended.
    pub exit_code: u8,
    /// The time since which another run has held the lock.
    pub kept_out: Option<Time>,
}

/// The content of the file.
pub fn text(history: &History, now: &Now<'_>) -> String {
    let mut out = Text { out: String::new(), common: format!("state_dir=\"{}\"", escaped(now.state_dir)) };
    let seconds = |t: Time| t.0 as f64 / 1000.0;
    let totals = &history.totals;
    out.family("build_info", "gauge", "The version that wrote this file.");
    out.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    out.family("last_run_timestamp_seconds", "gauge", "When the last run began.");
    out.sample("last_run_timestamp_seconds", &[], seconds(now.at));
    out.family("last_run_exit_code", "gauge", "Exit code of the last run (sysexits); 65 is dead letters.");
    out.sample("last_run_exit_code", &[], now.exit_code);
    if let Some(run) = history.runs.last() {
        out.family("last_run_duration_seconds", "gauge", "How long the last run took.");
        out.sample("last_run_duration_seconds", &[], run.took_ms as f64 / 1000.0);
    }
    if let Some(at) = totals.last_success {
        out.family("last_success_timestamp_seconds", "gauge", "When the last run began that read all there was.");
        out.sample("last_success_timestamp_seconds", &[], seconds(at));
    }
    if let Some(watermark) = now.watermark {
        out.family("watermark_timestamp_seconds", "gauge", "All that was logged before this moment was looked at.");
        out.sample("watermark_timestamp_seconds", &[], seconds(watermark));
        out.family("lag_seconds", "gauge", "How far the watermark was behind the last run.");
        out.sample("lag_seconds", &[], seconds(Time(now.at.0 - watermark.0)));
    }
    let kept_out = now.kept_out.map_or(0.0, |since| seconds(Time(now.at.0.saturating_sub(since.0))));
    out.family("kept_out_seconds", "gauge", "For how long runs have met a lock that was held for over an hour.");
    out.sample("kept_out_seconds", &[], kept_out);
    out.family("dead_letters", "gauge", "Documents that the store refused for good.");
    out.sample("dead_letters", &[], now.dead_letters);
    out.family("lines_set_aside", "gauge", "Lines that runs died of.");
    out.sample("lines_set_aside", &[], now.set_aside);
    out.family("runs_total", "counter", "Runs that ended well.");
    out.sample("runs_total", &[], totals.succeeded);
    out.family("errors_total", "counter", "Runs that failed, by exit code (sysexits).");
    for (code, runs) in &totals.failed {
        out.sample("errors_total", &[("exit_code", &code.to_string())], runs);
    }
    out.family("retries_total", "counter", "Requests, and documents of bulk requests, that were sent again.");
    out.sample("retries_total", &[], totals.retries);
    out.family("lines_total", "counter", "Lines read, by what became of them.");
    let tally = totals.tally;
    for (fate, lines) in [
        ("used", tally.used),
        ("unused", tally.unused),
        ("unrecognised", tally.unrecognised),
        ("duplicate", tally.duplicate),
    ] {
        out.sample("lines_total", &[("fate", fate)], lines);
    }
    out.family("mail_lines_total", "counter", "Lines that look like a mail server's, by whether they were understood.");
    let understood = tally.mail.saturating_sub(tally.missed);
    for (fate, lines) in [("understood", understood), ("missed", tally.missed)] {
        out.sample("mail_lines_total", &[("fate", fate)], lines);
    }
    out.family("no_lines_total", "counter", "Documents and texts that no line could be made of.");
    out.sample("no_lines_total", &[], tally.noise);
    let complains = history.runs.last().is_some_and(|run| run.summary.tally.complaint().is_some());
    out.family(
        "last_run_not_understood",
        "gauge",
        "1 where the last run could not read what it found, or most of its mail.",
    );
    out.sample("last_run_not_understood", &[], u8::from(complains));
    out.family("transactions_total", "counter", "Documents changed in the store.");
    for (change, documents) in [("created", totals.created), ("updated", totals.updated), ("deleted", totals.deleted)] {
        out.sample("transactions_total", &[("change", change)], documents);
    }
    out.out
}

struct Text {
    out: String,
    common: String,
}

// Writing to a String cannot fail.
impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        _ = writeln!(self.out, "# HELP mailstitch_{name} {help}\n# TYPE mailstitch_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        _ = write!(self.out, "mailstitch_{name}{{{}", self.common);
        for (label, text) in labels {
            _ = write!(self.out, ",{label}=\"{}\"", escaped(text));
        }
        _ = writeln!(self.out, "}} {value}");
    }
}

/// A label value, escaped as the format requires: a path may hold any character.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pass::{Summary, history::RunRecord},
        stitch::Tally,
    };

    fn now(state_dir: &str) -> Now<'_> {
        Now {
            at: Time(60_500),
            state_dir,
            watermark: Some(Time(500)),
            dead_letters: 2,
            set_aside: 1,
            exit_code: 65,
            kept_out: Some(Time(500)),
        }
    }

    #[track_caller]
    fn check_has(text: &str, sample: &str) {
        assert!(text.lines().any(|line| line == sample), "{sample} is not in\n{text}");
    }

    #[test]
    fn a_run_is_told() {
        let mut history = History::default();
        history.totals.tally = Tally { used: 5, unused: 1, unrecognised: 2, duplicate: 3, ..Tally::default() };
        history.totals.failed.insert(75, 4);
        let (at, summary) = (Time(60_500), Summary::default());
        history.runs.push(RunRecord {
            at,
            uptime: None,
            took_ms: 1_250,
            retries: 0,
            complained: false,
            failed: None,
            summary,
        });
        let text = text(&history, &now("state"));
        for sample in [
            "mailstitch_lag_seconds{state_dir=\"state\"} 60",
            "mailstitch_last_run_timestamp_seconds{state_dir=\"state\"} 60.5",
            "mailstitch_last_run_duration_seconds{state_dir=\"state\"} 1.25",
            "mailstitch_last_run_exit_code{state_dir=\"state\"} 65",
            "mailstitch_dead_letters{state_dir=\"state\"} 2",
            "mailstitch_kept_out_seconds{state_dir=\"state\"} 60",
            "mailstitch_lines_set_aside{state_dir=\"state\"} 1",
            "mailstitch_errors_total{state_dir=\"state\",exit_code=\"75\"} 4",
            "mailstitch_lines_total{state_dir=\"state\",fate=\"unrecognised\"} 2",
            "mailstitch_mail_lines_total{state_dir=\"state\",fate=\"missed\"} 0",
            "mailstitch_no_lines_total{state_dir=\"state\"} 0",
            "mailstitch_last_run_not_understood{state_dir=\"state\"} 0",
            "mailstitch_transactions_total{state_dir=\"state\",change=\"created\"} 0",
        ] {
            check_has(&text, sample);
        }
        assert!(!text.contains("last_success"), "there was none");
    }

    #[test]
    fn every_line_is_one_sample_or_one_comment_whatever_the_path() {
        let text = text(&History::default(), &now("a\"b\\c\n# d} 1"));
        check_has(&text, "mailstitch_dead_letters{state_dir=\"a\\\"b\\\\c\\n# d} 1\"} 2");
        assert!(text.ends_with('\n') && text.lines().all(|l| l.starts_with("# ") || l.starts_with("mailstitch_")));
    }

    #[test]
    fn each_family_is_described_once_and_before_its_samples() {
        let text = text(&History::default(), &now("state"));
        let mut described = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("# TYPE ") {
                let name = name.split(' ').next().unwrap();
                assert!(!described.contains(&name), "{name}");
                described.push(name);
            } else if !line.starts_with('#') {
                assert_eq!(line.split('{').next(), described.last().copied());
            }
        }
        assert!(described.len() > 8);
    }
}
