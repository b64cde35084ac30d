//! Recipients that were tried hundreds of times: of the attempts in the middle only id, time, status and DSN are kept.
//!
//! In: a life.  Out: the lines of those attempts, shortened; nothing for nearly every life.
//!
//! Which ones they are is a function of the set of lines: all but the first and the last hundred of a recipient. More
//! lines only push more attempts into the middle, so what was shortened once never needs to be whole again. A shortened
//! line keeps its id and parses as the delivery record it was, so that a document remains a function of its own lines.

use super::super::life::Life;
use crate::model::{
    Event, Line,
    event::{Delivery, DeliveryStatus},
};
use std::collections::{HashMap, HashSet};

/// Attempts kept whole at either end of a recipient's history.
const WHOLE: usize = 100;

/// A recipient, and the one it stands for.
type Whose<'a> = (&'a str, Option<&'a str>);

/// The shortened lines, to be taken in place of those with their ids.
pub(super) fn thin(queue_id: &str, life: &Life<'_>) -> Vec<Line> {
    if life.told.len() <= 2 * WHOLE {
        return Vec::new();
    }
    let mut attempts: HashMap<Whose<'_>, Vec<(&Line, &Delivery<'_>)>> = HashMap::new();
    for told in &life.told {
        if let Event::Delivery(record) = &told.event {
            attempts.entry((record.to, record.orig_to)).or_default().push((told.line, record));
        }
    }
    let crowded = attempts.into_values().filter(|a| a.len() > 2 * WHOLE);
    crowded
        .flat_map(|a| {
            a[WHOLE..a.len() - WHOLE]
                .iter()
                .filter_map(|(line, record)| shorten(queue_id, line, record))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A delivery record without relay, times and reply. One whose status word nobody knows is left whole.
fn shorten(queue_id: &str, line: &Line, record: &Delivery<'_>) -> Option<Line> {
    let status = match record.status {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Deferred => "deferred",
        DeliveryStatus::Bounced => "bounced",
        DeliveryStatus::Deliverable => "deliverable",
        DeliveryStatus::Undeliverable => "undeliverable",
        DeliveryStatus::Unknown => return None,
    };
    let orig_to = record.orig_to.map(|o| format!(", orig_to=<{o}>")).unwrap_or_default();
    let dsn = record.dsn.map(|d| format!(", dsn={d}")).unwrap_or_default();
    let text = format!("{queue_id}: to=<{}>{orig_to}, relay=none{dsn}, status={status} ()", record.to);
    Some(Line { text: text.into(), ..line.clone() })
}

/// The lines of a life with some replaced by their shortened form.
pub(super) fn replaced<'a>(life: &Life<'a>, thinned: &'a [Line]) -> Vec<&'a Line> {
    let ids: HashSet<_> = thinned.iter().map(|l| l.id).collect();
    life.told.iter().map(|t| t.line).filter(|l| !ids.contains(&l.id)).chain(thinned).collect()
}
