//! Processes: what follows from host, program and pid of a line, worked out once for all lines of a process.

use super::{key::Rules, lone};
use crate::{
    model::{Line, Time},
    program,
    program::Family,
};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::{hash::BuildHasher, sync::Arc};

/// A process, and what all its lines have in common.
#[derive(Debug)]
pub struct Process<'a> {
    /// Its first line.
    line: &'a Line,
    pub family: Family<'a>,
    /// The postfix instance; see [`Rules::instance`].
    pub instance: Arc<str>,
    /// See [`lone::has_sessions`].
    pub has_sessions: bool,
    /// Time of its newest line.
    newest: Time,
}

/// Numbers processes in the order of their first lines.
pub struct Processes<'a, 'r> {
    rules: &'r Rules,
    processes: Vec<Process<'a>>,
    numbers: HashTable<u32>,
    /// Numbers by pid and by the addresses in memory of the two names, which an intake shares between its lines: faster than
    /// comparing the names.
    shared: HashMap<(usize, usize, Option<u32>), u32>,
    hasher: DefaultHashBuilder,
}

impl<'a, 'r> Processes<'a, 'r> {
    pub fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            processes: Vec::new(),
            numbers: HashTable::new(),
            shared: HashMap::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The number of the process that a line comes from.
    pub fn number(&mut self, line: &'a Line) -> u32 {
        let names = (line.host.as_ptr().addr(), line.program.as_ptr().addr(), line.pid);
        let n = match self.shared.get(&names) {
            Some(n) => *n,
            None => {
                let n = self.by_names(line);
                self.shared.insert(names, n);
                n
            }
        };
        let newest = &mut self.processes[n as usize].newest;
        *newest = line.time.max(*newest);
        n
    }

    fn by_names(&mut self, line: &'a Line) -> u32 {
        let hash = |line: &Line| self.hasher.hash_one((line.pid, &*line.program, &*line.host));
        let same = |n: &u32| {
            let known = self.processes[*n as usize].line;
            known.pid == line.pid && known.program == line.program && known.host == line.host
        };
        let wanted = hash(line);
        if let Some(n) = self.numbers.find(wanted, same) {
            return *n;
        }
        let n = self.processes.len() as u32;
        self.numbers.insert_unique(wanted, n, |n| hash(self.processes[*n as usize].line));
        self.processes.push(Process {
            line,
            family: program::family(&line.program),
            instance: self.rules.instance(&line.program),
            has_sessions: lone::has_sessions(&line.program),
            newest: line.time,
        });
        n
    }

    pub fn get(&self, number: u32) -> &Process<'a> {
        &self.processes[number as usize]
    }

    /// For each process, the time of the newest line of its host: the clocks of hosts may differ.
    pub fn newest_of_host(&self) -> Vec<Time> {
        let mut by_host: HashMap<&str, Time> = HashMap::new();
        for Process { line, newest, .. } in &self.processes {
            let known = by_host.entry(&*line.host).or_insert(*newest);
            *known = (*newest).max(*known);
        }
        self.processes.iter().map(|p| by_host.get(&*p.line.host).map_or(p.newest, |newest| *newest)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::testing::{at, lines};

    /// Two sources do not share names in memory, so the names of one process have two addresses when its log is read twice.
    #[test]
    fn a_process_is_its_host_its_program_and_its_pid() {
        let mut log = String::new();
        for host in 0..3 {
            for program in ["postfix/smtpd", "postfix/qmgr", "sendmail"] {
                for pid in 1..200 {
                    log += &format!("1 mx{host} {program}[{pid}]: x\n");
                }
                log += &format!("1 mx{host} {program}: x\n");
            }
        }
        let rules = Rules::default();
        let (first, second) = (lines(&log), lines(&log));
        let mut processes = Processes::new(&rules);
        let expected: Vec<u32> = (0..3 * 3 * 200).collect();
        for source in [&first, &second] {
            let numbers: Vec<u32> = source.iter().map(|line| processes.number(line)).collect();
            assert_eq!(numbers, expected);
        }
        assert_eq!(processes.processes.len(), expected.len());
    }

    #[test]
    fn what_the_lines_of_a_process_share_is_of_its_name() {
        let rules = Rules { instances: vec!["postfix-out".into()], ..Rules::default() };
        let lines = lines("1 mx1 postfix-out/smtpd[1]: x\n1 mx1 postfix/postscreen[1]: x\n1 mx1 sendmail[1]: x");
        let mut processes = Processes::new(&rules);
        let numbers: Vec<u32> = lines.iter().map(|line| processes.number(line)).collect();
        let shared = |n: usize| {
            let Process { family, instance, has_sessions, .. } = processes.get(numbers[n]);
            (*family, &**instance, *has_sessions)
        };
        assert_eq!(shared(0), (Family::Postfix(Some("smtpd")), "postfix-out", true));
        assert_eq!(shared(1), (Family::Postfix(Some("postscreen")), "", false));
        assert_eq!(shared(2), (Family::Sendmail, "", true));
    }

    #[test]
    fn the_newest_line_of_a_host_is_that_of_any_of_its_processes() {
        let rules = Rules::default();
        let lines = lines("1 mx1 a[1]: x\n5 mx1 b[2]: x\n3 mx2 a[1]: x\n4 mx1 b[2]: y\n2 mx2 a[2]: x\n2 mx1 a[1]: y");
        let mut processes = Processes::new(&rules);
        let numbers: Vec<u32> = lines.iter().map(|line| processes.number(line)).collect();
        assert_eq!(numbers, [0, 1, 2, 1, 3, 0]);
        assert_eq!(processes.newest_of_host(), [at(5000), at(5000), at(3000), at(3000)]);
    }
}
