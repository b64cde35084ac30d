//! Which lines are shortened or dropped, and how much is left of each.

mod left;

use super::{super::Read, *};
use crate::stitch::{
    Rules,
    testing::{BEGINNING, lines},
};

const POSTFIX: &str = "4F1A2B3C4D";
const SENDMAIL: &str = "6AMK00Zx042166";

/// Reads a log as lines of one message and of its sessions.
#[track_caller]
fn read<R>(log: &str, bounds: &Bounds, f: impl FnOnce(&Key, &[Told<'_>]) -> R) -> R {
    let queue_id = if log.contains(SENDMAIL) { SENDMAIL } else { POSTFIX };
    let key = Key { host: "mx1".into(), instance: "".into(), queue_id: queue_id.into() };
    let rules = Rules { bounds: *bounds, ..Rules::default() };
    let lines = lines(log);
    let read = Read::new(&key, lines.iter());
    let told: Vec<Told<'_>> = read.told(&key, &rules).collect();
    assert_eq!(told.len(), lines.len(), "every line tells something");
    f(&key, &told)
}

fn second(line: &Line) -> i64 {
    line.time.second() - BEGINNING.second()
}

/// The second of a line and its text, without the queue id.
fn shown(line: &Line) -> String {
    let text = line.text.strip_prefix(POSTFIX).or_else(|| line.text.strip_prefix(SENDMAIL));
    format!("{}{}", second(line), text.map_or_else(|| format!(" {}", line.text), str::to_owned))
}

/// The shortened lines of a log in order of time, and the seconds of the dropped lines.
#[track_caller]
fn thinned(log: &str, bounds: &Bounds) -> (Vec<String>, Vec<i64>) {
    read(log, bounds, |key, told| {
        let Thinned { mut shortened, surplus } = shorten(key, told, bounds);
        shortened.sort_by_key(|line| (line.time, line.id));
        for line in shortened.iter().filter(|line| line.text.starts_with(&*key.queue_id)) {
            assert_eq!(line.pid, None, "{line:?}");
        }
        let left_out = told.iter().filter(|t| surplus.contains(&t.line.id)).map(|t| second(t.line)).collect();
        (shortened.iter().map(shown).collect(), left_out)
    })
}

/// The seconds of the shortened lines. No line may be dropped.
#[track_caller]
fn shortened_at(log: &str, bounds: &Bounds) -> Vec<i64> {
    let (shortened, left_out) = thinned(log, bounds);
    assert!(left_out.is_empty(), "{left_out:?}");
    let second = |text: &String| text.split([':', ' ']).next().and_then(|second| second.parse().ok());
    shortened.iter().filter_map(second).collect()
}

/// Keeps `most` lines of usual length at either end, however many courses there are.
fn ends(most: usize) -> Ends {
    Ends { most, least: most, in_all: most, bytes: 1000 }
}

fn bounds(attempts: Ends, others: Ends) -> Bounds {
    Bounds { attempts, others, ..Bounds::default() }
}

/// Attempts to reach a recipient, one in each of these seconds. Their texts have 130 bytes.
fn attempts(to: &str, seconds: impl IntoIterator<Item = u32>) -> String {
    let line = |second: u32| {
        let record =
            format!("{POSTFIX}: to=<{to}>, relay=mx.example.net[192.0.2.25]:25, delay=1, dsn=4.2.0, status=deferred");
        format!("{second} mx1 postfix/smtp[7]: {record} ({:.<1$})\n", "busy", 127 - record.len())
    };
    seconds.into_iter().map(line).collect()
}

fn warnings(seconds: impl IntoIterator<Item = u32>) -> String {
    let line =
        |second| format!("{second} mx1 postfix/smtp[7]: {POSTFIX}: host mx.example.net[192.0.2.25] said: 450 busy\n");
    seconds.into_iter().map(line).collect()
}

#[test]
fn of_many_attempts_the_first_and_the_last_are_whole() {
    let check = |most, seconds: std::ops::RangeInclusive<u32>, expected: &[i64]| {
        let found = shortened_at(&attempts("b@example.net", seconds), &bounds(ends(most), ends(most)));
        assert_eq!(found, expected, "{most}");
    };
    check(1, 1..=2, &[]);
    check(1, 1..=3, &[2]);
    check(1, 1..=5, &[2, 3, 4]);
    check(2, 1..=4, &[]);
    check(2, 1..=5, &[3]);
    check(3, 1..=2, &[]);
}

#[test]
fn long_texts_use_up_the_bounds_of_bytes() {
    // Five texts of 130 bytes each, where ten lines may be kept.
    let check = |bytes, expected: &[i64]| {
        let ends = Ends { most: 10, least: 10, in_all: 10, bytes };
        let found = shortened_at(&attempts("b@example.net", 1..=5), &bounds(ends, ends));
        assert_eq!(found, expected, "{bytes}");
    };
    check(65, &[]);
    check(39, &[]);
    check(26, &[3]);
    check(25, &[2, 3, 4]);
    // The first and the last are whole however long they are.
    check(1, &[2, 3, 4]);
}

#[test]
fn lines_of_each_kind_have_their_own_bounds() {
    let log = attempts("b@example.net", 1..=3) + &warnings(4..=6);
    let check = |attempts, others, expected: &[i64]| {
        assert_eq!(shortened_at(&log, &bounds(ends(attempts), ends(others))), expected, "{attempts} {others}");
    };
    check(9, 9, &[]);
    check(1, 9, &[2]);
    check(9, 1, &[5]);
    check(1, 1, &[2, 5]);
}

#[test]
fn the_more_recipients_the_fewer_attempts_of_each_are_whole() {
    let six = Ends { most: 3, least: 1, in_all: 6, bytes: 1000 };
    let of = |names: &[&str]| -> usize {
        let log: String = (0..).zip(names).map(|(n, to)| attempts(to, (0..7).map(|at| 10 * at + n))).collect();
        shortened_at(&log, &bounds(six, ends(99))).len()
    };
    let names = ["b@example.net", "c@example.net", "d@example.net", "e@example.net", "f@example.net", "g@example.net"];
    assert_eq!(of(&names[..1]), 1);
    assert_eq!(of(&names[..2]), 2);
    assert_eq!(of(&names[..3]), 3 * 3);
    assert_eq!(of(&names), 6 * 5);
}

/// A recipient that an alias was expanded to counts as another recipient.
#[test]
fn attempts_for_an_alias_are_a_course_of_their_own() {
    let to = |second: u32, orig_to: &str| {
        format!(
            "{second} mx1 postfix/smtp[7]: {POSTFIX}: to=<b@example.net>, {orig_to}relay=none, delay=1, dsn=4.4.1, status=deferred (x)\n"
        )
    };
    let log = to(1, "") + &to(2, "orig_to=<t@example.net>, ") + &to(3, "orig_to=<t@example.net>, ") + &to(4, "");
    assert!(shortened_at(&log, &bounds(ends(1), ends(1))).is_empty());
}

#[test]
fn the_order_of_lines_does_not_say_which_are_shortened() {
    let bounds = bounds(ends(1), ends(1));
    let log = |stamps: [&str; 4]| -> String {
        let line = |(stamp, detail): (&str, &str)| {
            format!(
                "{stamp} mx1 postfix/smtp[7]: {POSTFIX}: to=<b@example.net>, relay=none, delay=1, dsn=4.4.{detail}, status=deferred (x)\n"
            )
        };
        stamps.into_iter().zip(["1", "2", "3", "4"]).map(line).collect()
    };
    let rotated = |log: &str| -> String {
        let (first, rest) = log.split_once('\n').unwrap_or_default();
        format!("{rest}{first}\n")
    };
    let backwards = log(["4", "3", "2", "1"]);
    let (shortened, _) = thinned(&backwards, &bounds);
    let texts = [
        "2: to=<b@example.net>, relay=none, dsn=4.4.3, status=deferred (…)",
        "3: to=<b@example.net>, relay=none, dsn=4.4.2, status=deferred (…)",
    ];
    assert_eq!(shortened, texts);
    assert_eq!(thinned(&rotated(&backwards), &bounds).0, texts);
    // Finer stamps change nothing either: a copy of the line may have one.
    let texts = |log: &str| -> Vec<String> {
        let mut texts = thinned(log, &bounds).0;
        texts.sort();
        texts
    };
    let coarse = texts(&log(["5", "5", "5", "5"]));
    assert_eq!(coarse.len(), 2);
    assert_eq!(texts(&log(["5.1", "5.2", "5.3", "5.4"])), coarse);
    assert_eq!(texts(&rotated(&log(["5.4", "5.3", "5.2", "5.1"]))), coarse);
}

/// Law L2: shortened lines together with new ones give the same result as all original lines at once.
#[test]
fn a_line_between_shortened_ones_is_shortened() {
    let brief = |second: u32| {
        format!("{second} mx1 postfix/smtp: {POSTFIX}: to=<b@example.net>, relay=…, dsn=4.2.0, status=deferred (…)\n")
    };
    let whole = |second: u32| attempts("b@example.net", [second]);
    let ample = bounds(ends(99), ends(99));
    let shortened = |log: String| thinned(&log, &ample).0;
    assert!(shortened(whole(1) + &brief(2) + &whole(3)).is_empty());
    let text = "3: to=<b@example.net>, relay=…, dsn=4.2.0, status=deferred (…)";
    assert_eq!(shortened(whole(1) + &brief(2) + &whole(3) + &brief(4) + &whole(5)), [text]);
    let brief = |second: u32| format!("{second} mx1 postfix/smtp: {POSTFIX}: … warning\n");
    assert!(shortened(warnings([1]) + &brief(2) + &warnings([3])).is_empty());
    assert_eq!(shortened(warnings([1]) + &brief(2) + &warnings([3]) + &brief(4) + &warnings([5])), ["3: … warning"]);
    // A line of another kind is not between them.
    assert!(shortened(brief(2) + &whole(3) + &brief(4)).is_empty());
}

#[test]
fn of_recipients_beyond_the_bounds_the_outcome_is_left() {
    let six = Ends { most: 3, least: 1, in_all: 6, bytes: 1000 };
    let bounds = Bounds { recipients: 2, ..bounds(six, ends(99)) };
    let names = ["b@example.net", "c@example.net", "d@example.net"];
    let log: String = (0..).zip(names).map(|(n, to)| attempts(to, (0..7).map(|at| 10 * at + n))).collect();
    let (shortened, left_out) = thinned(&log, &bounds);
    let (nameless, named): (Vec<&String>, Vec<&String>) =
        shortened.iter().partition(|text| text.ends_with(": … deferred"));
    // Only the two recipients that keep their names share the bounds.
    assert_eq!((nameless.len(), named.len(), left_out.len()), (7, 2, 0), "{shortened:?}");
    assert!(named.iter().all(|text| text.contains(": to=<")), "{named:?}");
    let sent = |second: u32, to: &str| {
        let rest = "delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (ok)";
        format!("{second} mx1 sendmail[7]: {SENDMAIL}: to=<{to}>, {rest}\n")
    };
    let one = Bounds { recipients: 1, attempts: ends(1), ..bounds };
    let (shortened, _) = thinned(&(sent(1, "b@example.net") + &sent(2, "c@example.net")), &one);
    assert!(shortened.len() == 1 && shortened[0].ends_with(": … sent"), "{shortened:?}");
}

/// Nothing was tried, so such records say the same of every recipient.
#[test]
fn records_without_an_attempt_are_of_one_kind() {
    let record = |second: u32, to: &str, stat: &str| {
        format!("{second} mx1 sendmail[7]: {SENDMAIL}: to=<{to}>, delay=00:00:01, mailer=esmtp, stat={stat}\n")
    };
    for stat in ["quarantined", ""] {
        let log =
            record(1, "b@example.net", stat) + &record(2, "c@example.net", stat) + &record(3, "d@example.net", stat);
        assert_eq!(shortened_at(&log, &bounds(ends(99), ends(1))), [2], "{stat}");
    }
    let log =
        record(1, "b@example.net", "Sent") + &record(2, "c@example.net", "Sent") + &record(3, "d@example.net", "Sent");
    assert!(shortened_at(&log, &bounds(ends(1), ends(1))).is_empty());
}

#[test]
fn of_too_many_shortened_lines_the_middle_is_left_out() {
    let bounds = Bounds { shortened: 2, ..bounds(ends(1), ends(1)) };
    let (shortened, left_out) = thinned(&attempts("b@example.net", 1..=8), &bounds);
    let text = |second| format!("{second}: to=<b@example.net>, relay=…, dsn=4.2.0, status=deferred (…)");
    assert_eq!((shortened, left_out), (vec![text(2), text(7)], vec![3, 4, 5, 6]));
}

#[test]
fn a_long_line_of_a_session_is_cut_and_tells_the_same() {
    #[track_caller]
    fn check(line: &str, session_text: usize, expected: &[&str]) {
        let bounds = Bounds { session_text, ..Bounds::default() };
        assert_eq!(thinned(&format!("1 mx1 postfix/smtpd[7]: {line}"), &bounds).0, expected, "{session_text}");
    }
    let login = "warning: c.example.org[192.0.2.7]: SASL LOGIN authentication failed: Müller";
    assert_eq!(login.len(), 76);
    check(login, 77, &[]);
    check(login, 76, &[]);
    check(login, 75, &["1 warning: c.example.org[192.0.2.7]: SASL LOGIN authentication failed: Mü…"]);
    // No character is cut in two.
    check(login, 74, &["1 warning: c.example.org[192.0.2.7]: SASL LOGIN authentication failed: M…"]);
    // Cut here, it would be read as another warning.
    check(login, 50, &[]);
    check(login, 2, &[]);
    check(&format!("{POSTFIX}: client=c.example.org[192.0.2.7]"), 20, &[]);
}

/// The seconds of the lines that stay in a life.
#[track_caller]
fn stays(log: &str, tried: Ends, session: Ends) -> Vec<i64> {
    let bounds = Bounds { tried, session, ..Bounds::default() };
    read(log, &bounds, |_, told| {
        let mut life = Life::of(told.iter().collect());
        leave_out(&mut life, &bounds);
        life.told.iter().map(|t| second(t.line)).collect()
    })
}

fn log(seconds: impl IntoIterator<Item = u32>, line: &str) -> String {
    seconds.into_iter().map(|second| format!("{second} mx1 {line}\n")).collect()
}

#[test]
fn of_the_hosts_that_were_tried_the_first_and_the_last_time_stay() {
    let failed = "postfix/smtp[7]: connect to mx1.example.net[192.0.2.25]:25: Connection refused";
    let other = "postfix/smtp[7]: connect to mx2.example.net[192.0.2.26]:25: Connection timed out";
    let reached = "postfix/smtp[7]: Trusted TLS connection established to mx1.example.net[192.0.2.25]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";
    assert_eq!(stays(&log(1..=2, failed), ends(1), ends(99)), [1, 2]);
    assert_eq!(stays(&log(1..=3, failed), ends(1), ends(99)), [1, 3]);
    assert_eq!(stays(&log(1..=6, failed), ends(2), ends(1)), [1, 2, 5, 6]);
    assert_eq!(stays(&log(1..=3, reached), ends(1), ends(99)), [1, 3]);
    // Connections that succeed and connections that fail are separate courses.
    assert_eq!(stays(&(log(1..=2, failed) + &log(3..=4, reached)), ends(1), ends(1)), [1, 2, 3, 4]);
    // The more hosts were tried, the less is kept of each.
    let three = Ends { most: 2, least: 1, in_all: 3, bytes: usize::MAX };
    assert_eq!(stays(&log(1..=5, failed), three, ends(1)), [1, 2, 4, 5]);
    assert_eq!(stays(&(log(1..=5, failed) + &log(6..=10, other)), three, ends(1)), [1, 5, 6, 10]);
}

#[test]
fn of_the_lines_of_a_session_the_first_and_the_last_of_a_kind_stay() {
    let connect = "postfix/smtpd[7]: connect from c.example.org[192.0.2.7]";
    let login = "postfix/smtpd[7]: warning: c.example.org[192.0.2.7]: SASL LOGIN authentication failed: no";
    let check = |most, seconds, expected: &[i64]| {
        assert_eq!(stays(&log(seconds, connect), ends(99), ends(most)), expected, "{most}");
        // Too many lines of another kind change nothing here.
        let more = log(20..=40, login);
        let found = stays(&(log([1, 2], connect) + &more), ends(1), ends(most));
        assert_eq!(found[..2], [1, 2], "{most}");
    };
    check(1, 1..=2, &[1, 2]);
    check(1, 1..=3, &[1, 3]);
    check(2, 1..=4, &[1, 2, 3, 4]);
    check(2, 1..=7, &[1, 2, 6, 7]);
    check(3, 1..=7, &[1, 2, 3, 5, 6, 7]);
}

#[test]
fn lines_of_the_message_and_notices_of_lost_ones_are_no_session() {
    let notice = "rsyslogd: imuxsock[pid 7]: begin to drop messages due to rate-limiting";
    assert_eq!(stays(&log(1..=5, notice), ends(1), ends(1)), [1, 2, 3, 4, 5]);
    let own = format!(
        "postfix/cleanup[7]: {POSTFIX}: reject: header Subject: x from c.example.org[192.0.2.7]; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c.example.org>: 5.7.1 no"
    );
    assert_eq!(stays(&log(1..=5, &own), ends(1), ends(1)), [1, 2, 3, 4, 5]);
    let refused = "postfix/smtpd[7]: NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 550 5.1.1 <x@example.net>: unknown; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<c.example.org>";
    let mixed = |seconds| log([1, 9], &own) + &log(seconds, refused);
    assert_eq!(stays(&mixed(2..=3), ends(1), ends(1)), [1, 2, 3, 9]);
    assert_eq!(stays(&mixed(2..=4), ends(1), ends(1)), [1, 2, 4, 9]);
}
