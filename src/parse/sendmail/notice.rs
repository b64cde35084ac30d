//! Children: notifications, clones and splits, which have queue ids of their own (`savemail.c`, `deliver.c`, `queue.c`).
//!
//! In: `CHILD: DSN: text`, `CHILD: clone: owner=…`, `split: …, id[s]=a, b`.  Out: `Dsn`, `Clone`.

use crate::model::Event;
use crate::queue_id::sendmail::is_id;

/// A text that begins with a child's queue id, or with `split: `; `None` for any other.
pub fn parse(text: &str) -> Option<Event<'_>> {
    if let Some(rest) = text.strip_prefix("split: ") {
        let (_, children) = rest.split_once("ids=").or_else(|| rest.split_once("id="))?;
        return Some(Event::Clone { children });
    }
    let (child, rest) = text.split_once(": ")?;
    if !is_id(child) {
        return None;
    }
    let (how, text) = rest.split_once(": ").unwrap_or((rest.trim_end_matches(':'), ""));
    match how {
        "clone" => Some(Event::Clone { children: child }),
        "DSN" | "return to sender" | "sender notify" | "postmaster notify" => Some(Event::Dsn { child, how, text }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Some(Event::Clone { children }) => format!("clone {children}"),
            Some(Event::Dsn { child, how, text }) => format!("{child} {how}: {text}"),
            other => format!("{other:?}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_notification_names_its_own_id() {
        check("6010001g004711: DSN: User unknown", "6010001g004711 DSN: User unknown");
        check("6010001g004711: sender notify: Warning: late", "6010001g004711 sender notify: Warning: late");
        check("6010001g004711: something else", "None");
    }

    #[test]
    fn an_envelope_has_clones() {
        check("6010001g004711: clone: owner=owner-list", "clone 6010001g004711");
        check(
            "split: maxrcpts=1, rcpts=2, count=2, ids=6010001g004711, 6010002h004711",
            "clone 6010001g004711, 6010002h004711",
        );
        check("split: count=1, id=6010001g004711", "clone 6010001g004711");
    }

    #[test]
    fn each_notice_has_its_words() {
        for how in ["DSN", "return to sender", "sender notify", "postmaster notify"] {
            check(&format!("6010001g004711: {how}: x: y"), &format!("6010001g004711 {how}: x: y"));
        }
        check("6010001g004711: DSN:", "6010001g004711 DSN: ");
        check("flurble: DSN: x", "None");
        check("split: count=1", "None");
    }
}
