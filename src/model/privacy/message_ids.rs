//! Message-IDs in a text: they hold an `@` and are no addresses of people.

/// Markers that precede a Message-ID, in lower case.
const MESSAGE_IDS: &[&str] = &["message-id=", "message-id:", "message-id '", "msgid=", "mid=", "log: id: <"];

/// Message-IDs that have begun and not ended, for places that only go forward: the text is read once, however many `@` it has.
pub struct MessageIds<'t> {
    /// In lower case.
    text: &'t str,
    /// Read up to here.
    seen: usize,
    begun: Vec<Option<Begun>>,
}

/// The Message-ID after the last occurrence of a marker.
#[derive(Clone, Copy)]
struct Begun {
    /// Read up to here.
    seen: usize,
    /// In brackets or bare; `None` before its first character.
    in_brackets: Option<bool>,
    has_ended: bool,
}

impl<'t> MessageIds<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, seen: 0, begun: vec![None; MESSAGE_IDS.len()] }
    }

    /// Whether a Message-ID has begun before a place and has not ended.
    pub fn is_inside(&mut self, at: usize) -> bool {
        let bytes = self.text.as_bytes();
        for (marker, begun) in MESSAGE_IDS.iter().zip(&mut self.begun) {
            // The marker may have begun in the part already read.
            let from = self.seen.saturating_sub(marker.len() - 1);
            if let Some(found) = memchr::memmem::rfind(&bytes[from..at], marker.as_bytes()) {
                *begun = Some(Begun { seen: from + found + marker.len(), in_brackets: None, has_ended: false });
            }
            if let Some(begun) = begun {
                begun.go_on(self.text, at, *marker == "message-id=");
            }
        }
        self.seen = at;
        self.begun.iter().flatten().any(|begun| !begun.has_ended)
    }
}

impl Begun {
    /// `may_hold_lists`: whether `, ` may be part of a Message-ID in brackets. It may in postfix's `message-id=`, where nothing
    /// follows the id. sendmail's may have been cut before its `>`, and then further fields follow.
    fn go_on(&mut self, text: &str, at: usize, may_hold_lists: bool) {
        if self.has_ended {
            return;
        }
        let mut new = &text[self.seen..at];
        let in_brackets = match self.in_brackets {
            Some(known) => known,
            None => {
                new = new.trim_start();
                self.seen = at - new.len();
                let Some(first) = new.chars().next() else { return };
                self.in_brackets = Some(first == '<');
                first == '<'
            }
        };
        self.has_ended = match in_brackets {
            true => new.contains('>') || (!may_hold_lists && new.contains(", ")),
            false => new.contains([' ', ',', '>', '\'']),
        };
        // A comma at the end may be the first half of a `, ` that ends it.
        self.seen = if new.ends_with(',') { at - 1 } else { at };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, read from the beginning of the text at every `@`, which takes quadratic time.
    fn is_inside_a_message_id(before: &str) -> bool {
        MESSAGE_IDS.iter().any(|marker| {
            let Some((_, rest)) = before.rsplit_once(marker) else { return false };
            let rest = rest.trim_start();
            match rest.strip_prefix('<') {
                Some(inside) => !inside.contains('>') && (*marker == "message-id=" || !inside.contains(", ")),
                None => !rest.contains([' ', ',', '>', '\'']),
            }
        })
    }

    proptest::proptest! {
        #[test]
        fn a_message_id_is_told_as_from_the_beginning(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec!["message-id=", "message-id:", "mid=", "msgid=", "log: id: <", "<", ">", ", ", ",", " ", "a", "@", "ü", "'"]),
                0..30,
            ),
        ) {
            let text: String = pieces.concat();
            let mut ids = MessageIds::new(&text);
            for (at, _) in text.match_indices('@') {
                proptest::prop_assert_eq!(ids.is_inside(at), is_inside_a_message_id(&text[..at]), "{:?} at {}", text, at);
            }
        }
    }
}
