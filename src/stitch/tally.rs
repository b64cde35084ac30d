//! Counts of what became of the lines read (law L4).

use crate::{
    model::{Line, Parsed},
    program,
    program::Family,
};
use serde::{Deserialize, Serialize};

/// Lines read, counted by what became of them. The first four counts add up to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Held by a document, or by a session that may give them to one.
    pub used: u64,
    /// Known, and deliberately unused.
    pub unused: u64,
    /// Not recognised by any parser.
    pub unrecognised: u64,
    /// Copies of a line of the same stretch.
    pub duplicate: u64,
    /// Lines that look like a mail server's; copies do not count.
    #[serde(default)]
    pub mail: u64,
    /// Those of `mail` that were not recognised.
    #[serde(default)]
    pub missed: u64,
    /// Those of `unrecognised` that no line could be made of.
    #[serde(default)]
    pub noise: u64,
}

impl Tally {
    /// All lines read.
    pub fn read(&self) -> u64 {
        self.used + self.unused + self.unrecognised + self.duplicate
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.used += other.used;
        self.unused += other.unused;
        self.unrecognised += other.unrecognised;
        self.duplicate += other.duplicate;
        self.mail += other.mail;
        self.missed += other.missed;
        self.noise += other.noise;
    }

    /// Counts a line by what it was parsed as.
    pub(super) fn line(&mut self, family: Family<'_>, line: &Line, parsed: &Parsed<'_>, is_held: bool) {
        // Under a foreign name only a text that must be sendmail's is parsed as an event.
        let is_servers = match family {
            Family::Postfix(_) | Family::Sendmail => true,
            Family::Foreign => matches!(parsed, Parsed::Event { .. }),
            Family::Neighbour(_) | Family::Transport => false,
        };
        self.mail += u64::from(is_servers);
        match parsed {
            Parsed::Event { .. } if is_held => self.used += 1,
            // Events that no document holds, such as `disconnect from`.
            Parsed::Event { .. } => self.unused += 1,
            Parsed::Ignored(_) => self.unused += 1,
            Parsed::Unrecognised if is_servers => {
                self.unrecognised += 1;
                self.missed += 1;
            }
            Parsed::Unrecognised => self.unknown(&line.program, &line.text),
        }
    }

    /// Counts an entry that no line could be made of.
    pub fn noise(&mut self, text: &str) {
        self.noise += 1;
        self.unknown("", text);
    }

    /// Counts an unrecognised line whose program is not known to be postfix's or sendmail's.
    fn unknown(&mut self, program: &str, text: &str) {
        let is_mail = u64::from(program::looks_like_mail(program, text));
        self.unrecognised += 1;
        self.mail += is_mail;
        self.missed += is_mail;
    }

    /// The share of lines that were understood; copies do not count. `None` if there were no lines.
    pub fn understood(&self) -> Option<f64> {
        let read = self.read() - self.duplicate;
        (read > 0).then(|| (self.used + self.unused) as f64 / read as f64)
    }

    /// A complaint where no entry could be read as a line, or where less than half of the lines that look like a mail server's
    /// were understood: then the source, or the way it is read, is wrong.
    pub fn complaint(&self) -> Option<String> {
        let Self { mail, missed, noise, .. } = *self;
        if noise > 0 && noise == self.read() - self.duplicate {
            return Some(format!("none of {noise} entries could be read as a line"));
        }
        let understood = mail - missed.min(mail);
        (missed > understood)
            .then(|| format!("only {understood} of {mail} lines that look like a mail server's were understood"))
    }
}

/// A share in per cent with two digits: cut, not rounded, so that only the whole shows as 100.
pub fn percent(share: f64) -> String {
    format!("{:.2}", (share * 10_000.0).floor() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Time, line::Intake},
        parse::parse_text,
    };

    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: Option<&str>) {
        let mut tally = Tally::default();
        for (program, text) in lines {
            let line = Intake::default().line(Time(0), "mx1", program, Some(1), text);
            tally.line(program::family(program), &line.unwrap(), &parse_text(program, text), true);
        }
        assert_eq!(tally.complaint().as_deref(), expected);
    }

    const FINE: (&str, &str) = ("postfix/qmgr", "3F2A41C0E7: removed");
    const ODD: (&str, &str) = ("docker", "postfix/qmgr[7]: 3F2A41C0E7: removed");

    #[test]
    fn less_than_half_understood_is_told() {
        check(&[FINE, ODD], None);
        check(&[FINE, ODD, ODD], Some("only 1 of 3 lines that look like a mail server's were understood"));
        check(&[ODD], Some("only 0 of 1 lines that look like a mail server's were understood"));
    }

    #[test]
    fn other_programs_neither_help_nor_harm() {
        check(&[("cron", "x"), ("", "hello"), ("dovecot", "imap-login: Login: user=<bob>"), FINE], None);
        check(
            &[("cron", "x"), ("dovecot", "imap-login: Login: user=<bob>"), ODD],
            Some("only 0 of 1 lines that look like a mail server's were understood"),
        );
        check(&[], None);
    }

    #[test]
    fn what_is_not_whole_is_not_called_so() {
        for (share, said) in
            [(1.0, "100.00"), (0.99996, "99.99"), (0.999_999_9, "99.99"), (0.5, "50.00"), (0.0, "0.00")]
        {
            assert_eq!(percent(share), said);
        }
    }

    #[test]
    fn tallies_add_up_count_by_count() {
        let mut sum = Tally { used: 3, unused: 5, unrecognised: 7, duplicate: 11, mail: 13, missed: 17, noise: 19 };
        assert_eq!(sum.read(), 26, "how many are a mail server's is no count of its own");
        sum.add(Tally { used: 10, unused: 20, unrecognised: 30, duplicate: 40, mail: 50, missed: 60, noise: 70 });
        assert_eq!(
            sum,
            Tally { used: 13, unused: 25, unrecognised: 37, duplicate: 51, mail: 63, missed: 77, noise: 89 }
        );
    }

    #[test]
    fn what_is_no_line_is_noise_and_may_still_be_of_a_mail_server() {
        let mut tally = Tally::default();
        tally.noise("gibberish");
        assert_eq!(tally, Tally { unrecognised: 1, noise: 1, ..Tally::default() });
        tally.noise("?? postfix/qmgr[7]: 3F2A41C0E7: removed");
        assert_eq!(tally, Tally { unrecognised: 2, noise: 2, mail: 1, missed: 1, ..Tally::default() });
        tally.noise("postfix/qmgr[7]: 4F2A41C0E7: removed");
        assert_eq!(tally, Tally { unrecognised: 3, noise: 3, mail: 2, missed: 2, ..Tally::default() });
    }

    #[test]
    fn each_line_has_its_place_in_the_account() {
        let (used, unused) = (Tally { used: 1, ..Tally::default() }, Tally { unused: 1, ..Tally::default() });
        let missed = Tally { unrecognised: 1, mail: 1, missed: 1, ..Tally::default() };
        let unknown = Tally { unrecognised: 1, ..Tally::default() };
        let mail = |tally: Tally| Tally { mail: 1, ..tally };
        let verdict = "action=pass, reason=client whitelist, client_name=c, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net";
        for (program, text, is_held, expected) in [
            ("postfix/qmgr", "3F2A41C0E7: removed", true, mail(used)),
            ("postfix/smtpd", "disconnect from c.example.org[192.0.2.7]", false, mail(unused)),
            ("postfix/master", "daemon started -- version 3.9.1, configuration /etc/postfix", false, mail(unused)),
            ("sendmail", "6010000f004711: done; delay=00:00:03, ntries=1", true, mail(used)),
            ("postfix/smtp", "flurble", false, missed),
            // `sendmail -L NAME` logs under any name.
            ("news", "6010000f004711: done; delay=00:00:03, ntries=1", true, mail(used)),
            ("docker", "postfix/qmgr[7]: 3F2A41C0E7: removed", false, missed),
            ("postgrey", verdict, true, used),
            ("rsyslogd", "start", false, unused),
            ("cron", "x", false, unused),
            ("", "x", false, unknown),
        ] {
            let line = Intake::default().line(Time(0), "mx1", program, Some(1), text).unwrap();
            let mut tally = Tally::default();
            tally.line(program::family(program), &line, &parse_text(program, text), is_held);
            assert_eq!(tally, expected, "{program}: {text}");
        }
    }

    #[test]
    fn understood_is_what_was_used_or_left_out_on_purpose() {
        let share = |used, unused, unrecognised, duplicate| {
            Tally { used, unused, unrecognised, duplicate, ..Tally::default() }.understood()
        };
        assert_eq!(share(1, 2, 1, 4), Some(0.75));
        assert_eq!(share(0, 0, 3, 0), Some(0.0));
        assert_eq!(share(2, 3, 0, 1), Some(1.0));
        assert_eq!(share(0, 0, 0, 0), None);
        assert_eq!(share(0, 0, 0, 7), None, "copies alone say nothing");
    }

    #[test]
    fn a_source_of_nothing_but_noise_is_told() {
        let complaint = |unused, duplicate, noise| {
            Tally { unused, unrecognised: noise, duplicate, noise, ..Tally::default() }.complaint()
        };
        assert_eq!(complaint(0, 0, 4).as_deref(), Some("none of 4 entries could be read as a line"));
        assert_eq!(complaint(0, 2, 4).as_deref(), Some("none of 4 entries could be read as a line"));
        assert_eq!(complaint(1, 0, 4), None);
        assert_eq!(complaint(0, 2, 0), None);
    }
}
