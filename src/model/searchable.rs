//! The length limit of searchable values. Engines do not index longer keywords (`ignore_above` of the template), and all stores
//! must find the same.
//!
//! In: text of any length.  Out: the part of it that documents hold and searches ask for.

/// In UTF-16 units, as engines count. Nothing in mail is as long: an address may have 254 characters, a line 998.
pub const LONGEST: usize = 1024;

/// The beginning of a text, up to the searchable length.
pub fn searchable(text: &str) -> &str {
    // No character has more UTF-16 units than bytes.
    if text.len() <= LONGEST {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > LONGEST
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_an_engine_would_pass_it_over() {
        assert_eq!(searchable("a@example.org"), "a@example.org");
        assert_eq!(searchable(&"x".repeat(1024)).len(), 1024);
        assert_eq!(searchable(&"x".repeat(1025)).len(), 1024);
        assert_eq!(searchable(&"ü".repeat(1500)).chars().count(), 1024);
        // Each has two units.
        assert_eq!(searchable(&"😀".repeat(600)).chars().count(), 512);
        assert_eq!(searchable(&format!("x{}", "😀".repeat(600))).chars().count(), 512);
    }
}
