//! Processes: which host, program and pid a line comes from, worked out once for all their lines.

use super::{key::Rules, lone};
use crate::{
    model::{Line, Time},
    parse::{self, Family},
};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::{hash::BuildHasher, sync::Arc};

/// What all lines of a process have in common.
#[derive(Debug)]
pub struct Process<'a> {
    line: &'a Line,
    pub family: Family<'a>,
    /// The postfix instance; see [`Rules::instance`].
    pub instance: Arc<str>,
    /// See [`lone::has_sessions`].
    pub has_sessions: bool,
    /// The time of its newest line.
    newest: Time,
}

/// Numbers processes in the order in which they are met.
pub struct Processes<'a, 'r> {
    rules: &'r Rules,
    processes: Vec<Process<'a>>,
    numbers: HashTable<u32>,
    /// By where the names lie in memory: an intake shares them between lines.
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
            family: parse::family(&line.program),
            instance: self.rules.instance(&line.program),
            has_sessions: lone::has_sessions(&line.program),
            newest: line.time,
        });
        n
    }

    pub fn get(&self, number: u32) -> &Process<'a> {
        &self.processes[number as usize]
    }

    /// For each process the time of the newest line of its host, whose clock is the one that counts.
    pub fn newest_of_host(&self) -> Vec<Time> {
        let mut by_host: HashMap<&str, Time> = HashMap::new();
        for Process { line, newest, .. } in &self.processes {
            let known = by_host.entry(&*line.host).or_insert(*newest);
            *known = (*newest).max(*known);
        }
        self.processes.iter().map(|p| by_host.get(&*p.line.host).map_or(p.newest, |newest| *newest)).collect()
    }
}
