//! Names the programs in a log that has no line of a mail program: `cron`, `sshd`, …
//!
//! In: lines as they are read. Out: a sentence that says what was found instead of mail. Left alone: other programs in
//! a log with mail; from the first mail line on nothing is counted.

use crate::{model::Line, stitch::Tally};
use std::{collections::HashMap, sync::Arc};

/// Most programs that are named in the sentence.
const NAMED: usize = 5;
/// Most names that are counted: strangers can make up names. Further ones count as others.
const KEPT: usize = 10_000;

#[derive(Debug, Clone, Default)]
pub struct Strangers {
    programs: HashMap<Arc<str>, u64>,
    /// Lines without a known header or program, and lines of programs beyond [`KEPT`].
    others: u64,
}

impl Strangers {
    /// Counts lines, as long as `tally` (which includes them) has no mail.
    pub fn saw(&mut self, lines: &[Line], noise: usize, tally: &Tally) {
        if !is_without_mail(tally) {
            self.programs = HashMap::new();
            return;
        }
        self.others += noise as u64;
        for line in lines {
            let full = self.programs.len() >= KEPT;
            match self.programs.get_mut(&line.program) {
                Some(count) => *count += 1,
                None if full || line.program.is_empty() => self.others += 1,
                None => drop(self.programs.insert(Arc::clone(&line.program), 1)),
            }
        }
    }

    /// `12000 lines, none of a mail program: cron 11900, sshd 100`; `None` if there was mail or nothing at all.
    pub fn told(&self, tally: &Tally) -> Option<String> {
        if !is_without_mail(tally) || tally.read() == 0 {
            return None;
        }
        let mut programs: Vec<(u64, &str)> = self.programs.iter().map(|(name, count)| (*count, &**name)).collect();
        programs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let rest: u64 = programs.iter().skip(NAMED).map(|(count, _)| count).sum();
        let mut parts: Vec<String> =
            programs.iter().take(NAMED).map(|(count, name)| format!("{name} {count}")).collect();
        let others = rest + self.others;
        if others > 0 {
            parts.push(format!("others {others}"));
        }
        Some(format!("{} lines, none of a mail program: {}", tally.read(), parts.join(", ")))
    }
}

/// Lines of filters that were used count as mail.
fn is_without_mail(tally: &Tally) -> bool {
    tally.mail == 0 && tally.used == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Intake, Time};

    fn lines(program: &str, count: usize) -> Vec<Line> {
        let mut intake = Intake::default();
        (0..count).flat_map(|n| intake.line(Time(0), "mx1", program, None, &n.to_string())).collect()
    }

    #[test]
    fn a_log_without_mail_says_whose_it_is() {
        let mut strangers = Strangers::default();
        let tally = Tally { unused: 119, unrecognised: 3, ..Tally::default() };
        strangers.saw(&lines("sshd", 10), 1, &tally);
        strangers.saw(&lines("cron", 109), 0, &tally);
        strangers.saw(&lines("", 2), 0, &tally);
        let told = strangers.told(&tally);
        assert_eq!(told.as_deref(), Some("122 lines, none of a mail program: cron 109, sshd 10, others 3"));
    }

    #[test]
    fn one_line_of_mail_is_mail() {
        let tally = Tally { used: 1, mail: 1, unused: 5, ..Tally::default() };
        let mut strangers = Strangers::default();
        strangers.saw(&lines("cron", 5), 0, &tally);
        assert_eq!(strangers.told(&tally), None);
        assert_eq!(strangers.told(&Tally::default()), None, "nothing was read");
    }
}
