//! Breaks long rows at the width of the terminal, without breaking the lines of the tree. In a pipe rows stay whole,
//! for `grep`.

/// Rows are not broken on terminals narrower than this.
const NARROWEST: usize = 40;

/// The width to break rows at; `None` if standard output is no terminal, or too narrow a one.
pub fn width() -> Option<usize> {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map(|(width, _)| usize::from(width.0)).filter(|w| *w >= NARROWEST)
}

/// A text with its rows broken at `width`.
pub fn rows(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for row in text.lines() {
        wrap(row, width, &mut out);
    }
    out
}

/// Breaks one row, at a blank in its second half if there is one. Continued rows repeat the lines of the tree and are
/// indented two columns further.
fn wrap(row: &str, width: usize, out: &mut String) {
    let stem = |c: &char| matches!(c, ' ' | '│' | '├' | '└' | '─' | '|');
    // At most half the width, so that a deep tree leaves room for text.
    let depth = row.chars().take_while(stem).count().min(width / 2);
    let follow: String = row.chars().take(depth).map(carry).chain("  ".chars()).collect();
    let mut rest: Vec<char> = row.chars().collect();
    let mut first = true;
    loop {
        let room = if first { width } else { width - follow.chars().count() };
        if !first {
            out.push_str(&follow);
        }
        if rest.len() <= room {
            out.extend(rest);
            out.push('\n');
            return;
        }
        let least = if first { depth.max(width / 2) } else { room / 2 };
        let blank = (least..=room).rev().find(|n| rest[*n] == ' ');
        let end = blank.unwrap_or(room);
        out.extend(rest.drain(..end));
        out.push('\n');
        rest.drain(..blank.map_or(0, |_| 1));
        first = false;
    }
}

/// The character to draw below a character of the tree.
fn carry(c: char) -> char {
    match c {
        '│' | '├' => '│',
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, width: usize, expected: &str) {
        assert_eq!(rows(text, Some(width)), expected);
    }

    #[test]
    fn a_short_row_stays() {
        check("└─ +0.060 s  relay1\n", 40, "└─ +0.060 s  relay1\n");
    }

    #[test]
    fn what_follows_hangs_on_the_tree() {
        check(
            "   │   client mail.example.org[192.0.2.1], TLSv1.3\n   ├─ +0.009 s  relay1 4jXgRH2tDvzq76M  postfix-out: delivered\n",
            44,
            "   │   client mail.example.org[192.0.2.1],\n   │     TLSv1.3\n   ├─ +0.009 s  relay1 4jXgRH2tDvzq76M \n   │    postfix-out: delivered\n",
        );
    }

    #[test]
    fn a_word_longer_than_the_row_is_cut() {
        check(
            &format!("│  {}\n", "x".repeat(90)),
            40,
            &format!("│  {}\n│    {}\n│    {}\n", "x".repeat(37), "x".repeat(35), "x".repeat(18)),
        );
    }

    #[test]
    fn no_row_is_wider_than_the_terminal_whatever_is_in_it() {
        let deep = "│  ".repeat(60) + "to someone: sent";
        for text in ["", " ", "│", &deep, &"word ".repeat(50), &"│".repeat(200)] {
            assert!(rows(text, Some(80)).lines().all(|row| row.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn in_a_pipe_rows_stay_whole() {
        let text = "word ".repeat(50) + "\n";
        assert_eq!(rows(&text, None), text);
    }
}
