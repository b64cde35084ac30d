use crate::stitch::Rules;
use crate::stitch::testing::{documents, documents_by};

/// Checks the lives that lines of the id 4F1A2B3C4D make; expected are the seconds of the lines of each life.
#[track_caller]
fn check(lines: &[(&str, &str)], expected: &[&[&str]]) {
    let log: String = lines.iter().map(|(at, text)| format!("{at} mx1 postfix/x[1]: {text}\n")).collect();
    let seconds =
        |time: crate::model::Time| ((time.0 - crate::stitch::testing::BEGINNING.0) as f64 / 1000.0).to_string();
    let found: Vec<Vec<String>> =
        documents(&log).iter().map(|t| t.mail.lines.iter().map(|line| seconds(line.time)).collect()).collect();
    assert_eq!(found, expected);
}

const CLIENT: &str = "4F1A2B3C4D: client=c.example.org[192.0.2.7]";
const MESSAGE_ID: &str = "4F1A2B3C4D: message-id=<1@example.org>";
const QUEUED: &str = "4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=1 (queue active)";
const REMOVED: &str = "4F1A2B3C4D: removed";
const PICKUP: &str = "4F1A2B3C4D: uid=0 from=<root>";
const EXPIRED: &str = "4F1A2B3C4D: from=<a@example.org>, status=expired, returned to sender";
const CANCELED: &str = "4F1A2B3C4D: removed (canceled)";
const NOTIFIED: &str = "4F1A2B3C4D: sender non-delivery notification: 5F1A2B3C4D";

fn sent(delay: &str) -> String {
    format!("4F1A2B3C4D: to=<b@example.net>, relay=x[192.0.2.2]:25, delay={delay}, dsn=2.0.0, status=sent (ok)")
}

#[test]
fn a_second_arrival_begins_a_life_and_a_removal_ends_one() {
    let sent = sent("1");
    check(&[("1", CLIENT), ("2", &sent), ("3", REMOVED)], &[&["1", "2", "3"]]);
    check(&[("1", CLIENT), ("2", QUEUED), ("3", CLIENT), ("4", QUEUED)], &[&["1", "2"], &["3", "4"]]);
    check(&[("1", QUEUED), ("2", REMOVED), ("9", QUEUED)], &[&["1", "2"], &["9"]]);
    // A line of the same second as the removal belongs to the removed message.
    check(&[("1", QUEUED), ("2", REMOVED), ("2.5", &sent)], &[&["1", "2", "2.5"]]);
    check(&[("1", QUEUED), ("2", REMOVED), ("3.5", &sent)], &[&["1", "2"], &["3.5"]]);
}

#[test]
fn a_message_id_in_a_later_second_than_the_queue_begins_a_life() {
    check(&[("1", QUEUED), ("1.5", MESSAGE_ID)], &[&["1", "1.5"]]);
    check(&[("1", QUEUED), ("2", MESSAGE_ID)], &[&["1"], &["2"]]);
    // The queue manager logs `queue active` again at every attempt.
    check(&[("1", CLIENT), ("2", QUEUED), ("900", QUEUED)], &[&["1", "2", "900"]]);
}

#[test]
fn silence_of_more_than_the_horizon_ends_a_life() {
    let log = format!("1 mx1 postfix/qmgr[1]: {QUEUED}\n61 mx1 postfix/qmgr[1]: {QUEUED}\n");
    let lives = |horizon_ms| documents_by(&log, &Rules { horizon_ms, ..Rules::default() }).len();
    assert_eq!((lives(60_000), lives(59_999)), (1, 2));
}

/// An id that holds its time never comes back.
#[test]
fn a_long_id_has_one_life() {
    let lines = [("1", "client=c.example.org[192.0.2.7]"), ("2", "removed"), ("3", "client=c.example.org[192.0.2.7]")];
    let log: String =
        lines.iter().map(|(at, text)| format!("{at} mx1 postfix/x[1]: 4dhRlh0sf8z9rvS: {text}\n")).collect();
    assert_eq!(documents(&log).len(), 1);
}

/// With stamps of whole seconds, the next message of the id may seem to begin before the end of the one before.
#[test]
fn delay_chooses_between_lives_of_one_second() {
    let (old, new) = (sent("9"), sent("0.1"));
    check(&[("1", CLIENT), ("2", QUEUED), ("10", CLIENT), ("10", &old)], &[&["1", "2", "10"], &["10"]]);
    check(&[("1", CLIENT), ("2", QUEUED), ("10", CLIENT), ("10", &new)], &[&["1", "2"], &["10", "10"]]);
    // With finer stamps the order of the lines is known, and decides.
    check(&[("1", CLIENT), ("2", QUEUED), ("10.1", CLIENT), ("10.2", &old)], &[&["1", "2"], &["10.1", "10.2"]]);
}

/// A `message-id=` in a later second than a line of the queue manager belongs to another message.
#[test]
fn whatever_the_queue_manager_did_was_done_to_the_message_before() {
    for done in [&sent("0.2"), QUEUED, EXPIRED, CANCELED, REMOVED] {
        check(&[("1", done), ("2", MESSAGE_ID)], &[&["1"], &["2"]]);
        check(&[("1", done), ("1.9", MESSAGE_ID)], &[&["1", "1.9"]]);
    }
    check(&[("1", CLIENT), ("2", MESSAGE_ID)], &[&["1", "2"]]);
}

#[test]
fn nothing_is_done_to_a_message_seconds_after_it_was_removed() {
    for removed in [REMOVED, CANCELED] {
        for later in [&sent("0.2"), QUEUED, EXPIRED, REMOVED, CANCELED] {
            check(&[("1", CLIENT), ("2", removed), ("3", later)], &[&["1", "2"], &["3"]]);
        }
        // Bounces and warnings may be logged late.
        check(&[("1", CLIENT), ("2", removed), ("3", NOTIFIED)], &[&["1", "2", "3"]]);
    }
}

/// An id comes back a whole second later at the earliest.
#[test]
fn two_arrivals_of_one_moment_are_one_message() {
    check(&[("1", CLIENT), ("1", PICKUP), ("2", QUEUED)], &[&["1", "1", "2"]]);
    check(&[("1", CLIENT), ("2", PICKUP), ("3", QUEUED)], &[&["1"], &["2", "3"]]);
}

/// The time in ids of sendmail before 8.12 is not read, so they count as ids that may come back.
#[test]
fn an_old_sendmail_id_comes_back_with_another_sender() {
    let lives = |lines: &[(&str, &str)]| -> Vec<usize> {
        let log: String = lines.iter().map(|(at, text)| format!("{at} mx1 sendmail[1]: JAB14995: {text}\n")).collect();
        documents(&log).iter().map(|t| t.mail.lines.len()).collect()
    };
    let from = "from=<a@example.org>, size=900, class=0, nrcpts=1, proto=ESMTP, relay=c.example.org [192.0.2.7]";
    let sent = "to=<b@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, relay=x.example.net. [192.0.2.2], dsn=2.0.0, stat=Sent (ok)";
    let refused = "<x@example.net>... User unknown";
    assert_eq!(lives(&[("1", from), ("2", sent), ("3", from), ("4", sent)]), [2, 2]);
    assert_eq!(lives(&[("1", from), ("2.1", sent), ("2.9", from)]), [3]);
    // sendmail logs a refused recipient before `from=`.
    assert_eq!(lives(&[("1", refused), ("3", from), ("4", sent)]), [3]);
}

/// The next message may arrive in the second in which the one before ends.
#[test]
fn of_one_second_what_the_message_before_still_lacks_is_its_own() {
    let queued_twice = "4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=2 (queue active)";
    check(&[("1", CLIENT), ("2", QUEUED), ("10", CLIENT), ("10", REMOVED)], &[&["1", "2", "10"], &["10"]]);
    check(&[("1", CLIENT), ("10", CLIENT), ("10", QUEUED)], &[&["1", "10"], &["10"]]);
    check(&[("1", CLIENT), ("2", QUEUED), ("10", CLIENT), ("10", queued_twice)], &[&["1", "2"], &["10", "10"]]);
    // Only a message that was in the queue can be removed from it.
    check(&[("1", CLIENT), ("10", CLIENT), ("10", REMOVED)], &[&["1"], &["10", "10"]]);
    // A message that was removed before that second gets no more lines, whatever `delay=` says.
    let late = sent("9");
    check(
        &[("1", CLIENT), ("2", QUEUED), ("9", REMOVED), ("10", CLIENT), ("10", &late)],
        &[&["1", "2", "9"], &["10", "10"]],
    );
    // If the stamp of the arrival is earlier than that of the line, the line belongs to that arrival.
    check(&[("1", CLIENT), ("2", QUEUED), ("9.5", CLIENT), ("10", &late)], &[&["1", "2"], &["9.5", "10"]]);
}

/// Stamps and `delay=` must agree within 2 seconds, or 2 % of the delay if that is more.
#[test]
fn a_delay_need_not_be_exact() {
    let to_the_one_before = |at: &str, delay: &str| {
        check(&[("1", CLIENT), ("2", QUEUED), (at, CLIENT), (at, &sent(delay))], &[&["1", "2", at], &[at]]);
    };
    let to_the_latest = |at: &str, delay: &str| {
        check(&[("1", CLIENT), ("2", QUEUED), (at, CLIENT), (at, &sent(delay))], &[&["1", "2"], &[at, at]]);
    };
    to_the_one_before("12", "9");
    to_the_latest("13", "9");
    to_the_one_before("1021", "1000");
    to_the_latest("1022", "1000");
    to_the_one_before("981", "1000");
    to_the_latest("980", "1000");
}

/// A delay below one second does not tell which of the two messages a record belongs to.
#[test]
fn a_short_delay_is_of_the_message_that_waits_for_it() {
    let (first, second) = (sent("0.2"), sent("0.5"));
    let second_recipient = second.replace("b@", "c@");
    let for_two = "4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=2 (queue active)";
    let nearer = sent("0.4");
    check(&[("9", CLIENT), ("9", QUEUED), ("10", CLIENT), ("10", &nearer)], &[&["9", "9", "10"], &["10"]]);
    check(&[("9", CLIENT), ("9", QUEUED), ("10", CLIENT), ("10", &second)], &[&["9", "9", "10"], &["10"]]);
    // The only recipient of the first message has its record already.
    check(
        &[("9", CLIENT), ("9", QUEUED), ("9", &first), ("10", CLIENT), ("10", &second)],
        &[&["9", "9", "9"], &["10", "10"]],
    );
    check(
        &[("9", CLIENT), ("9", for_two), ("9", &first), ("10", CLIENT), ("10", &second_recipient)],
        &[&["9", "9", "9", "10"], &["10"]],
    );
    // The second message waits for records too, and its start is nearer.
    check(
        &[("9", CLIENT), ("9", QUEUED), ("10", CLIENT), ("10", for_two), ("10", &nearer)],
        &[&["9", "9"], &["10", "10", "10"]],
    );
    // A longer delay tells them apart.
    let longer = sent("1.4");
    check(&[("7", CLIENT), ("7", QUEUED), ("10", CLIENT), ("10", &longer)], &[&["7", "7"], &["10", "10"]]);
}

/// The `hold` belongs to 4F1A2B3C4D; 5F1A2B3C4D has two lines of context that show it.
#[test]
fn a_notice_of_lost_lines_leaves_the_context_as_it_is() {
    let context = |notice: &str| -> Vec<(bool, usize)> {
        let all = documents(&format!(
            "1 mx1 postfix/smtpd[11]: NOQUEUE: hold: RCPT from c.example.org[192.0.2.7]: beware; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
             2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[11]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]
             {notice}"
        ));
        all.iter().map(|t| (t.mail.gap, t.mail.lines.iter().filter(|line| line.context).count())).collect()
    };
    assert_eq!(context(""), [(false, 0), (false, 2)]);
    assert_eq!(
        context("4 mx1 rsyslogd: imuxsock lost 57 messages from pid 11 due to rate-limiting"),
        [(true, 0), (true, 2)]
    );
}

#[test]
fn a_filters_answer_gives_a_message_what_was_said_before_it() {
    let all = documents(
        "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
         2 mx1 postfix/smtpd[11]: NOQUEUE: client=c.example.org[192.0.2.7]
         3 mx1 postfix/smtpd[11]: NOQUEUE: hold: RCPT from c.example.org[192.0.2.7]: beware; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
         4 mx1 postfix/smtpd[11]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 4F1A2B3C4D; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>",
    );
    let lines: Vec<usize> = all.iter().map(|t| t.mail.lines.len()).collect();
    assert_eq!(lines, [4]);
}
