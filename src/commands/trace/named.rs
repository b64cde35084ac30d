//! Large messages: shows only the recipients asked for, out of thousands.
//!
//! In: a whole journey, and the documents found.  Out: the journey with its large messages narrowed to the recipients
//! that the search terms name, in whichever part they are. Terms that name no recipient, such as a queue id, leave it
//! as it is.

use crate::{
    model::{
        Transaction,
        transaction::{Evidence, Recipient},
    },
    stitch::journey::base_id,
    store::matching::bare,
};

/// Narrows the large messages of a journey to the recipients that `terms` name.
pub fn narrow(journey: &mut [Transaction], found: &[Transaction], terms: &[String]) {
    for t in journey.iter_mut().filter(|t| t.mail.parts > 1) {
        let part = found.iter().find(|f| base_id(f) == base_id(t)).unwrap_or(t);
        let recipients: Vec<Recipient> =
            part.mail.recipients.iter().filter(|r| terms.iter().any(|term| names(term, r))).cloned().collect();
        if recipients.is_empty() {
            continue;
        }
        let of_them = |line: &&Evidence| recipients.iter().any(|r| line.text.contains(r.address.as_str()));
        let mut lines: Vec<Evidence> = part.mail.lines.iter().filter(of_them).cloned().collect();
        lines.extend(t.mail.lines.drain(..).filter(|line| !line.text.contains("to=<")));
        lines.sort_by_key(|line| (line.time, line.id));
        lines.dedup_by_key(|line| line.id);
        t.email.to.address = recipients.iter().map(|r| r.address.clone()).collect();
        t.mail.recipients = recipients;
        t.mail.lines = lines;
    }
}

fn names(term: &str, recipient: &Recipient) -> bool {
    let term = bare(term).to_lowercase();
    let addresses = [Some(&recipient.address), recipient.orig_to.as_ref()];
    addresses.into_iter().flatten().any(|address| address.to_lowercase() == term)
}
