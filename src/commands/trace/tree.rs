//! The tree of a journey: which transaction follows from which.

use crate::{
    model::{Transaction, transaction::Rel},
    stitch::journey::{Node, parents},
};
use std::collections::HashMap;

/// A transaction and those that follow from it, oldest first.
pub struct Branch<'a> {
    pub transaction: &'a Transaction,
    /// It is a bounce notice about its parent.
    pub is_notice: bool,
    pub children: Vec<Branch<'a>>,
}

/// The trees of a journey's documents, which come oldest first.
pub fn of(transactions: &[Transaction]) -> Vec<Branch<'_>> {
    let nodes: Vec<Node> = transactions.iter().map(Node::new).collect();
    let mut parent = parents(&nodes.iter().collect::<Vec<_>>());
    let mut is_notice = vec![false; transactions.len()];
    for (n, t) in transactions.iter().enumerate() {
        if parent[n].is_none() {
            parent[n] = about(transactions, t);
            is_notice[n] = parent[n].is_some();
        }
    }
    cut_cycles(&mut parent);
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (n, p) in parent.iter().enumerate() {
        children.entry(*p).or_default().push(n);
    }
    branches(None, transactions, &children, &is_notice)
}

/// The message that a notice is about: a transaction on the same host whose bounce link names the notice's queue id.
fn about(transactions: &[Transaction], notice: &Transaction) -> Option<usize> {
    let id = notice.email.local_id.as_ref()?;
    let says = |t: &Transaction| t.mail.links.iter().any(|l| l.rel == Rel::Bounce && l.queue_id.as_ref() == Some(id));
    transactions.iter().position(|t| t.host.name == notice.host.name && t.mail.id != notice.mail.id && says(t))
}

/// Breaks cycles of contradictory links, so that nothing is hidden: the first document of a cycle becomes a root.
fn cut_cycles(parent: &mut [Option<usize>]) {
    for n in 0..parent.len() {
        let mut at = n;
        for _ in 0..parent.len() {
            match parent[at] {
                Some(p) if p == n => {
                    parent[n] = None;
                    break;
                }
                Some(p) => at = p,
                None => break,
            }
        }
    }
}

fn branches<'a>(
    under: Option<usize>,
    transactions: &'a [Transaction],
    children: &HashMap<Option<usize>, Vec<usize>>,
    is_notice: &[bool],
) -> Vec<Branch<'a>> {
    let here = children.get(&under).map(Vec::as_slice).unwrap_or_default();
    let branch = |n: &usize| Branch {
        transaction: &transactions[*n],
        is_notice: is_notice[*n],
        children: branches(Some(*n), transactions, children, is_notice),
    };
    here.iter().map(branch).collect()
}
