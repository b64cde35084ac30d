//! `postfix/pickup`: takes in what the sendmail command and `postsuper -r` leave in the maildrop.
//!
//! In: the text after a queue id.  Out: `Pickup`.

use crate::{model::Event, parse::fields};

/// `uid=%d from=<%s>[ orig_id=%s]`, separated by blanks (`pickup/pickup.c`). `from` is often a bare login name.
pub fn message(text: &str) -> Option<Event<'_>> {
    let (uid, rest) = text.strip_prefix("uid=")?.split_once(" from=<")?;
    let (from, rest) = fields::angle(rest, &[" orig_id="]);
    let orig_id = rest.strip_prefix(" orig_id=").and_then(|id| id.split(' ').next()).filter(|id| !id.is_empty());
    Some(Event::Pickup { uid, from, orig_id })
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn a_local_message_names_its_user() {
        check("pickup", "3F2A41C0E7: uid=33 from=<www-data>", "3F2A41C0E7 pickup uid=33 from=www-data");
        check("pickup", "3F2A41C0E7: uid=0 from=<>", "3F2A41C0E7 pickup uid=0 from=");
    }

    #[test]
    fn a_requeued_message_names_its_old_id() {
        let text = "7C1D2E3F40: uid=105 from=<alice@example.org> orig_id=3F2A41C0E7";
        check("", text, "7C1D2E3F40 pickup uid=105 from=alice@example.org orig_id=3F2A41C0E7");
    }

    #[test]
    fn an_old_id_that_is_empty_is_none() {
        check("pickup", "7C1D2E3F40: uid=105 from=<alice> orig_id=", "7C1D2E3F40 pickup uid=105 from=alice");
    }
}
