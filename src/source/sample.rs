//! Sums up a sample of a source's newest lines, for `check`.
//!
//! In: lines, and texts that no line could be made of.  Out: how many are a mail server's and understood, and rows for
//! lines that are readable but look wrong.

use super::Noise;
use crate::{
    check::Check,
    model::{Line, Parsed},
    parse, program,
    program::Family,
};
use std::collections::BTreeMap;

/// The counts of a sample.
#[derive(Debug, Default)]
pub struct Account {
    pub lines: usize,
    /// Lines that look like a mail server's.
    pub mail: usize,
    understood: usize,
    /// Entries that look like a mail server's, but that no line could be made of.
    pub lost: usize,
    /// Lines whose syslog name is `postfix` alone, cut before the daemon.
    pub cut: usize,
    /// Lines that are named after a postfix daemon alone (`qmgr`), counted by that name.
    bare: BTreeMap<String, usize>,
}

impl Account {
    /// Counts one entry. Returns whether it looks like a mail server's and has a name that sources search for: a
    /// daemon's name alone is none.
    pub fn saw(&mut self, found: &Result<Line, Noise>) -> bool {
        let line = match found {
            Ok(line) => line,
            Err(noise) => {
                let is_mail = program::looks_like_mail("", &noise.text);
                self.lost += usize::from(is_mail);
                return is_mail;
            }
        };
        self.lines += 1;
        if parse::is_bare_daemon(&line.program, &line.text) {
            *self.bare.entry(line.program.to_string()).or_default() += 1;
            self.mail += 1;
            return false;
        }
        let family = program::family(&line.program);
        let is_mail = matches!(family, Family::Postfix(_) | Family::Sendmail)
            || program::looks_like_mail(&line.program, &line.text);
        if is_mail {
            self.mail += 1;
            self.understood += usize::from(!matches!(parse::parse(line), Parsed::Unrecognised));
            self.cut += usize::from(&*line.program == "postfix");
        }
        is_mail
    }

    /// The counts in words, for `of` entries called `what`; an error if there is no line, or less than half of the mail
    /// is understood.
    pub fn told(&self, of: usize, what: &str) -> Result<String, String> {
        let Self { lines, mail, understood, lost, .. } = *self;
        let mut text =
            format!("{lines} of {of} {what} are lines, {mail} of a mail server, {understood} of these understood");
        if lost > 0 {
            text.push_str(&format!("; {lost} more look like a mail server's"));
        }
        let is_wrong = lines == 0 || understood * 2 < mail + lost;
        if is_wrong { Err(text) } else { Ok(text) }
    }

    /// A row if lines are named `qmgr` instead of `postfix/qmgr`.
    pub fn bare_row(&self) -> Option<Check> {
        let lines: usize = self.bare.values().sum();
        let names: Vec<String> = self.bare.keys().map(|name| format!("`{name}`")).collect();
        (lines > 0).then(|| {
            let names = names.join(", ");
            let told = format!(
                "{lines} are postfix's by their text and have the name of its daemon alone, {names}, as the journal's `_COMM` \
                 has it: set `bare_daemons = true` under `[programs]`"
            );
            Check::new("names of the daemons", Err(told))
        })
    }

    /// A row if syslog names are cut at the slash. `instead`: a field that has the whole name.
    pub fn cut_row(&self, instead: Option<&str>, table: &str) -> Option<Check> {
        let advice = match instead {
            Some(name) => format!("set `program = \"{name}\"` under `[{table}.fields]`"),
            None => "have the shipper send the whole tag (rsyslog: `syslogtag`, not `programname`)".to_owned(),
        };
        (self.cut > 0).then(|| {
            let told = format!("{} are of `postfix` without its daemon, cut at the slash: {advice}", self.cut);
            Check::doubt("names of the programs", told)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Intake, Time};

    fn account(lines: &[(&str, &str)], noise: &[&str]) -> Account {
        let mut account = Account::default();
        for (program, text) in lines {
            account.saw(&Ok(Intake::default().line(Time(0), "mx1", program, None, text).unwrap()));
        }
        for text in noise {
            account.saw(&Err(Noise { text: (*text).to_owned(), misdated: false }));
        }
        account
    }

    #[test]
    fn mail_that_is_no_line_is_wrong_however_many_other_lines_there_are() {
        let cron = [("cron", "x"); 90];
        assert!(account(&cron, &[]).told(90, "messages").is_ok());
        let told = account(&cron, &["got 3F2A41C0E7: removed"]).told(91, "messages");
        let expected =
            "90 of 91 messages are lines, 0 of a mail server, 0 of these understood; 1 more look like a mail server's";
        assert_eq!(told, Err(expected.to_owned()));
    }

    #[test]
    fn daemons_without_postfix_are_named_with_the_setting() {
        let account = account(&[("qmgr", "3F2A41C0E7: removed"), ("smtpd", "connect from a[192.0.2.7]")], &[]);
        assert!(account.told(2, "messages").is_err());
        let told = account.bare_row().unwrap().found.unwrap_err();
        assert!(
            told.contains("alone, `qmgr`, `smtpd`,") && told.ends_with("set `bare_daemons = true` under `[programs]`")
        );
    }

    #[test]
    fn a_name_that_is_cut_at_the_slash_is_told() {
        let account = account(&[("postfix", "3F2A41C0E7: removed"), ("postfix/qmgr", "3F2A41C0E7: removed")], &[]);
        let row = account.cut_row(Some("syslogtag"), "source.elasticsearch").unwrap();
        let told = "1 are of `postfix` without its daemon, cut at the slash: set `program = \"syslogtag\"` under \
                    `[source.elasticsearch.fields]`";
        assert_eq!((row.found, row.doubtful), (Ok(told.to_owned()), true));
    }
}
