//! Tests the generated log of `tests/common/fiveday`: it is what it claims to be. Nothing of mailstitch is tested
//! here.

mod common;

use common::fiveday::{END, Fate, FiveDays, START, Truth, five_days, long_id, sendmail_id, short_id};
use mailstitch::model::Time;
use std::collections::{BTreeMap, BTreeSet};

fn log() -> FiveDays {
    five_days(5_000, 1)
}

/// Messages by host and id, in time order.
fn lives(log: &FiveDays) -> BTreeMap<(&str, &str), Vec<&Truth>> {
    let mut lives: BTreeMap<_, Vec<&Truth>> = BTreeMap::new();
    for message in &log.messages {
        lives.entry((message.host.as_str(), message.queue_id.as_str())).or_default().push(message);
    }
    lives
}

#[test]
fn the_same_seed_gives_the_same_log_and_another_seed_another() {
    assert_eq!(log(), log());
    assert_ne!(log(), five_days(5_000, 2));
}

#[test]
fn lines_lie_in_time_order_within_five_days_across_the_months_end() {
    let log = log();
    assert!((5_000..6_000).contains(&log.lines.len()), "{}", log.lines.len());
    assert!(log.lines.is_sorted_by_key(|line| line.time));
    assert!(log.lines.iter().all(|line| START <= line.time && line.time < END));
    let days: BTreeSet<String> = log.lines.iter().map(|line| line.time.utc().format("%m-%d").to_string()).collect();
    assert_eq!(days, ["10-29", "10-30", "10-31", "11-01", "11-02"].map(String::from).into());
}

#[test]
fn every_line_with_an_id_belongs_to_one_message() {
    let log = log();
    let lives = lives(&log);
    let mut said: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in &log.lines {
        let host = line.host.split('.').next().expect("a label");
        if let Some((id, _)) = line.text.split_once(": ")
            && lives.contains_key(&(host, id))
        {
            *said.entry((host, id)).or_default() += 1;
        }
    }
    let told = lives.iter().map(|(key, messages)| (*key, messages.iter().map(|m| m.lines).sum())).collect();
    assert_eq!(said, told);
}

#[test]
fn short_ids_come_back_a_whole_number_of_seconds_later_and_never_too_early() {
    let log = log();
    let mut gaps = Vec::new();
    for ((host, id), messages) in lives(&log) {
        for pair in messages.windows(2) {
            let apart = pair[1].created.0 - pair[0].created.0;
            assert_eq!((host, apart % 1_000), ("mx1", 0), "{id}");
            assert!(pair[0].complete && pair[0].last < pair[1].created, "{id}");
            gaps.push(pair[1].created.0 - pair[0].last.0);
        }
    }
    let between = |from: i64, to: i64| gaps.iter().filter(|gap| (from..to).contains(gap)).count();
    // Seconds, minutes, hours.
    assert!(between(0, 60_000) > 3 && between(60_000, 3_600_000) > 3 && between(3_600_000, i64::MAX) > 3, "{gaps:?}");
}

#[test]
fn every_story_is_in_it() {
    let log = log();
    let count = |what: &dyn Fn(&Truth) -> bool| log.messages.iter().filter(|m| what(m)).count();
    for status in ["delivered", "partial", "bounced", "expired", "deferred"] {
        assert!(count(&|m| m.status() == status) > 3, "{status}");
    }
    assert_eq!(count(&|m| m.status() == "unknown"), 0);
    assert!(count(&|m| m.attempts > 8 && m.recipients.values().all(|f| *f == Fate::Sent)) > 3, "days of retries");
    assert!(count(&|m| m.sender.is_empty()) > 10, "notices");
    for host in ["mx1", "relay1", "sm1"] {
        assert!(count(&|m| m.host == host) > 100, "{host}");
    }
    assert!(log.refusals.len() > 20);
    let text = |part: &str| log.lines.iter().filter(|line| line.text.contains(part)).count();
    for part in [
        "NOQUEUE: reject:",
        "status=expired",
        "non-delivery notification",
        "connect to ",
        "sasl_username=",
        "mail=3",
        "sender notify",
    ] {
        assert!(text(part) > 0, "{part}");
    }
}

#[test]
fn every_child_is_a_message_of_the_log() {
    let log = log();
    let ids: BTreeSet<&str> = log.messages.iter().map(|m| m.queue_id.as_str()).collect();
    for message in &log.messages {
        assert!(message.children.iter().all(|id| ids.contains(id.as_str())), "{message:?}");
        assert_eq!(message.complete, message.recipients.values().all(|f| *f != Fate::Deferred), "{message:?}");
    }
}

#[test]
fn ids_hold_the_time_of_their_message() {
    let new_year = Time(1_767_225_600_123);
    assert_eq!(short_id(new_year, 456, 0x57_C001), "1E24057C001");
    assert_eq!(long_id(new_year, 456, 1_310_724), "4dhRlh0sf8z9rvS");
    assert_eq!(sendmail_id(new_year, 41, 4_711), "6010000f004711");
}

#[test]
fn ids_have_the_form_of_their_server() {
    let log = log();
    for message in &log.messages {
        let id = &message.queue_id;
        let fits = match message.host.as_str() {
            "mx1" => id.len() == 11 && id.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c)),
            "relay1" => id.len() >= 14 && id.as_bytes()[10] == b'z',
            _ => id.len() == 14 && id.starts_with("69") | id.starts_with("6A"),
        };
        assert!(fits, "{message:?}");
    }
}
