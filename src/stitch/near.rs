//! Verdicts of policy servers: which refusal or arrival of the same client, logged just after a verdict, it is about.
//!
//! In: verdicts, arrivals and refusals of a stretch, or of the set of one verdict.  Out: which of them a verdict needs.
//!
//! A policy server is asked at `RCPT`, before there is a queue id, and another process logs its answer. A refusal names client,
//! sender and recipient, so the right one is found here. An arrival names its client only, so the next few are kept; sender
//! and recipient of their messages decide between them later (`journey::verdicts`).
//!
//! ```text
//! 20:00:01 postgrey[5]: action=pass, …, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net
//! 20:00:01 smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
//! ```

use crate::model::{
    Event, Line, LineId, Time,
    event::{Action, Filter, Policy},
};
use hashbrown::HashMap;

/// The refusal or arrival is logged at most this many seconds after the verdict.
const AHEAD_S: i64 = 10;
/// How long a verdict waits for it, in milliseconds: one second more, since whole seconds are compared.
pub const AHEAD_MS: i64 = (AHEAD_S + 1) * 1000;
/// Arrivals kept for a verdict: a client may have several connections.
const ARRIVALS: usize = 4;

/// A verdict, an arrival or a refusal.
#[derive(Debug, Clone, Copy)]
pub struct NearLine<'a> {
    pub place: u32,
    host: &'a str,
    second: i64,
    id: LineId,
    client: &'a str,
    act: Act<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Act<'a> {
    /// Sender and recipient, as far as the line names them.
    Verdict(Option<&'a str>, Option<&'a str>),
    Arrival,
    /// Sender and recipient, as far as the line names them.
    Refusal(Option<&'a str>, Option<&'a str>),
}

impl<'a> NearLine<'a> {
    /// `None` for an event that is neither a verdict, an arrival nor a refusal. `lone`: the document of the line needs
    /// other lines; see [`super::lone`].
    pub fn new(place: u32, line: &'a Line, has_id: bool, lone: bool, event: &Event<'a>) -> Option<Self> {
        let (client, act) = match event {
            Event::Filter(Filter { client: Some(client), from, to, .. }) if lone => (*client, Act::Verdict(*from, *to)),
            Event::Client { peer, .. } if has_id => (peer.addr?, Act::Arrival),
            Event::Policy(Policy { action: Action::Reject, peer, from, to, .. }) if !lone => {
                (peer.addr?, Act::Refusal(*from, *to))
            }
            _ => return None,
        };
        Some(Self { place, host: &line.host, second: line.time.second(), id: line.id, client, act })
    }

    pub fn is_verdict(&self) -> bool {
        matches!(self.act, Act::Verdict(..))
    }

    fn order(&self) -> (i64, LineId) {
        (self.second, self.id)
    }
}

/// The key by which refusals and arrivals are looked up: host, client and, for a refusal, sender and recipient as far as known.
type Common<'a> = (&'a str, &'a str, Option<(Option<String>, Option<String>)>);

fn envelope(from: Option<&str>, to: Option<&str>) -> Option<(Option<String>, Option<String>)> {
    Some((from.map(str::to_lowercase), to.map(str::to_lowercase)))
}

/// Pairs of places: each verdict with the next refusal of its client, sender and recipient or, where there is none in time,
/// with the next arrivals of its client.
pub fn pairs(lines: &[NearLine<'_>]) -> Vec<(u32, u32)> {
    if !lines.iter().any(NearLine::is_verdict) {
        return Vec::new();
    }
    let mut lists: HashMap<Common<'_>, Vec<&NearLine<'_>>> = HashMap::new();
    for line in lines {
        let keys = match line.act {
            Act::Verdict(..) => continue,
            Act::Arrival => [Some(None), None, None],
            // A verdict may name only the sender, or only the recipient.
            Act::Refusal(from, to) => {
                [Some(envelope(from, to)), to.map(|_| envelope(from, None)), from.map(|_| envelope(None, to))]
            }
        };
        for key in keys.into_iter().flatten() {
            lists.entry((line.host, line.client, key)).or_default().push(line);
        }
    }
    lists.values_mut().for_each(|list| list.sort_unstable_by_key(|line| line.order()));
    let mut out = Vec::new();
    for verdict in lines {
        let Act::Verdict(from, to) = verdict.act else { continue };
        let next = |key| {
            let list = lists.get(&(verdict.host, verdict.client, key)).map(Vec::as_slice).unwrap_or_default();
            let after = list.partition_point(|line| line.second < verdict.second);
            list[after..].iter().take_while(|line| line.second <= verdict.second + AHEAD_S)
        };
        match next(envelope(from, to)).next() {
            Some(refusal) => out.push((verdict.place, refusal.place)),
            None => out.extend(next(None).take(ARRIVALS).map(|line| (verdict.place, line.place))),
        }
    }
    out
}

/// Whether a line is a verdict whose refusal or arrival may still come.
pub fn is_open(line: &NearLine<'_>, time: Time, unsettled: Time) -> bool {
    line.is_verdict() && time >= unsettled.plus(-AHEAD_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Intake, stitch::Reading};

    /// Lines as second, program and text; expected are pairs of a verdict and a line that it needs.
    #[track_caller]
    fn check(lines: &[(i64, &str, &str)], expected: &[(u32, u32)]) {
        let mut intake = Intake::default();
        let line = |(at, program, text): &(i64, &str, &str)| {
            intake.line(Time::from_seconds(*at), "mx1", program, Some(1), text).unwrap()
        };
        let lines: Vec<Line> = lines.iter().map(line).collect();
        let readings: Vec<Reading<'_>> = lines.iter().map(Reading::new).collect();
        let near = readings.iter().enumerate().filter_map(|(n, reading)| {
            let crate::model::Parsed::Event { queue_id, event } = &reading.parsed else { return None };
            let lone = queue_id.is_none() && crate::stitch::lone::needs_others(event, true);
            NearLine::new(n as u32, reading.line, queue_id.is_some(), lone, event)
        });
        assert_eq!(pairs(&near.collect::<Vec<_>>()), expected);
    }

    const PASS: &str = "action=pass, reason=client whitelist, client_name=c, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net";
    const GREY: &str = "action=greylist, reason=new, client_name=c, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net";
    const CLIENT: &str = "3F2A41C0E7: client=c.example.org[192.0.2.7]";
    const OTHER: &str = "4F2A41C0E7: client=d.example.org[192.0.2.8]";
    const REFUSED: &str = "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 450 4.2.0 <b@example.net>: Greylisted; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
    const ANOTHER: &str = "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 450 4.2.0 <x@example.net>: Greylisted; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<c>";

    #[test]
    fn a_verdict_is_of_the_next_message_of_its_client() {
        check(&[(1, "postgrey", PASS), (1, "postfix/smtpd", OTHER), (2, "postfix/smtpd", CLIENT)], &[(0, 2)]);
        check(&[(1, "postfix/smtpd", CLIENT), (2, "postgrey", PASS)], &[]);
        check(&[(1, "postgrey", PASS), (12, "postfix/smtpd", CLIENT)], &[]);
    }

    #[test]
    fn a_refusal_of_that_recipient_is_surely_what_it_was_about() {
        check(
            &[
                (1, "postgrey", GREY),
                (1, "postfix/smtpd", CLIENT),
                (1, "postfix/smtpd", ANOTHER),
                (2, "postfix/smtpd", REFUSED),
            ],
            &[(0, 3)],
        );
        check(&[(1, "postgrey", GREY), (1, "postfix/smtpd", ANOTHER)], &[]);
    }

    #[test]
    fn a_verdict_waits_ten_seconds() {
        check(&[(1, "postgrey", PASS), (11, "postfix/smtpd", CLIENT)], &[(0, 1)]);
        check(&[(1, "postgrey", PASS), (12, "postfix/smtpd", CLIENT)], &[]);
        check(&[(1, "postgrey", GREY), (11, "postfix/smtpd", REFUSED)], &[(0, 1)]);
        check(&[(1, "postgrey", GREY), (12, "postfix/smtpd", REFUSED)], &[]);
        let line = |program, text| Intake::default().line(Time(20_000), "mx1", program, Some(1), text).unwrap();
        let is_open = |line: &Line, unsettled: i64| {
            let reading = Reading::new(line);
            let crate::model::Parsed::Event { queue_id, event } = &reading.parsed else { panic!("{line:?}") };
            let near = NearLine::new(0, line, queue_id.is_some(), queue_id.is_none(), event);
            near.is_some_and(|near| super::is_open(&near, line.time, Time(unsettled)))
        };
        let (verdict, arrival) = (line("postgrey", PASS), line("postfix/smtpd", CLIENT));
        for (unsettled, expected) in [(20_000, true), (31_000, true), (31_001, false), (9_000, true)] {
            assert_eq!(is_open(&verdict, unsettled), expected, "{unsettled}");
            assert!(!is_open(&arrival, unsettled), "an arrival waits for nothing");
        }
    }

    #[test]
    fn the_nearest_are_those_that_come_first_in_whatever_order_they_are_read() {
        let smtpd = "postfix/smtpd";
        check(&[(5, smtpd, REFUSED), (3, smtpd, REFUSED), (9, smtpd, REFUSED), (2, "postgrey", GREY)], &[(3, 1)]);
        check(
            &[
                (6, smtpd, CLIENT),
                (3, smtpd, CLIENT),
                (2, "postgrey", PASS),
                (4, smtpd, CLIENT),
                (7, smtpd, CLIENT),
                (1, smtpd, CLIENT),
                (5, smtpd, CLIENT),
            ],
            &[(2, 1), (2, 3), (2, 6), (2, 0)],
        );
    }

    /// A mail server logs an address as the client gave it; a policy server may not.
    #[test]
    fn a_verdict_and_a_refusal_share_what_both_of_them_name() {
        const SPF: &str = ": prepend Received-SPF: Fail (mailfrom) identity=mailfrom; client-ip=192.0.2.7; helo=m; envelope-from=a@example.org; receiver=b@example.net ";
        let refused = |from: &str, to: &str| {
            format!(
                "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 450 4.2.0 x; from=<{from}> to=<{to}> proto=ESMTP helo=<c>"
            )
        };
        let no_sender = PASS.replace(", sender=a@example.org", "");
        let no_recipient = SPF.replace("b@example.net", "example.net");
        for (program, verdict, from, to, expected) in [
            ("postgrey", GREY, "A@Example.org", "B@EXAMPLE.net", true),
            ("policyd-spf", SPF, "a@example.org", "b@example.net", true),
            ("policyd-spf", SPF, "a@example.org", "x@example.net", false),
            ("policyd-spf", SPF, "x@example.org", "b@example.net", false),
            ("policyd-spf", &no_recipient, "a@example.org", "b@example.net", true),
            ("policyd-spf", &no_recipient, "x@example.org", "b@example.net", false),
            ("postgrey", &no_sender, "a@example.org", "b@example.net", true),
            ("postgrey", &no_sender, "a@example.org", "x@example.net", false),
        ] {
            let pairs: &[(u32, u32)] = if expected { &[(0, 1)] } else { &[] };
            check(&[(1, program, verdict), (2, "postfix/smtpd", &refused(from, to))], pairs);
        }
    }
}
