//! Large messages: of thousands of recipients only those asked for are shown.
//!
//! In: a journey as it would be shown whole, and what was found.  Out: the journey with documents of large messages
//! narrowed to the recipients that the question names, whichever part they are in. A question that names none, by a queue
//! id say, leaves all as it is.

use crate::{
    model::{
        Transaction,
        transaction::{Evidence, Recipient},
    },
    stitch::journey::base_id,
    store::matching::bare,
};

/// Narrows the large messages of a journey.
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
