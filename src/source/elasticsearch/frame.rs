//! The header that still stands in a message, taken off.
//!
//! In: the message of a document, and what its fields say of host, program and pid.  Out: the parts of a line.
//! Shapes: `<22>Nov 22 20:20:11 host tag[pid]: text` (raw input), `host tag[pid]: text` (Graylog's syslog input),
//! `tag[pid]: text`, and the bare text of a program that a field names.
//! Ignored on purpose: the stamp. The document has a time field, and its index finds it by that.

/// The parts of a line as a document has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    pub host: &'a str,
    pub program: &'a str,
    pub pid: Option<u32>,
    pub text: &'a str,
}

/// Longest syslog name. RFC 3164 has 32 in mind; names of postfix instances are longer.
const LONGEST_TAG: usize = 255;

/// `None` when no host or no program is found. A host in the message is what the machine calls itself and wins over the
/// field, which may name the last sender of the line.
pub fn line_parts<'a>(
    message: &'a str,
    host: Option<&'a str>,
    program: Option<&'a str>,
    pid: Option<u32>,
) -> Option<Parts<'a>> {
    let rest = after_stamp(message.trim_start());
    let whole = tag(rest).map(|tag| (None, tag)).or_else(|| {
        let (first, after) = rest.split_once(' ')?;
        Some((Some(first), tag(after)?))
    });
    // With a program of its own a message has a header only if that names the same program: `warning: …` is text.
    match whole.filter(|(_, tag)| program.is_none_or(|known| known == tag.program)) {
        Some((own_host, tag)) => {
            let host = own_host.or(host)?;
            Some(Parts { host, program: tag.program, pid: tag.pid.or(pid), text: tag.text })
        }
        None => Some(Parts { host: host?, program: program?, pid, text: message }),
    }
}

struct Tag<'a> {
    program: &'a str,
    pid: Option<u32>,
    text: &'a str,
}

/// `tag[pid]: text` or `tag: text`; a colon stands at the end of the first word.
fn tag(line: &str) -> Option<Tag<'_>> {
    let (word, text) = line.split_once(' ').unwrap_or((line, ""));
    let word = word.strip_suffix(':')?;
    let (program, pid) = match word.strip_suffix(']') {
        Some(inner) => {
            let (program, pid) = inner.rsplit_once('[')?;
            (program, Some(pid.parse().ok()?))
        }
        None => (word, None),
    };
    let sound =
        !program.is_empty() && program.len() <= LONGEST_TAG && !program.contains(['[', ']', ':', '<', '=', '"']);
    sound.then_some(Tag { program, pid, text })
}

/// What follows `<22>` and a stamp, `Nov 22 20:20:11 ` or ISO 8601; the whole text when there is no stamp.
fn after_stamp(message: &str) -> &str {
    let body = match message.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((digits, body)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => body,
        _ => message,
    };
    let bytes = body.as_bytes();
    let shape = |pattern: &[u8]| {
        bytes.len() > pattern.len()
            && pattern.iter().zip(bytes).all(|(want, have)| match want {
                b'A' => have.is_ascii_alphabetic(),
                b'0' => have.is_ascii_digit(),
                b'9' => have.is_ascii_digit() || *have == b' ',
                other => other == have,
            })
    };
    if shape(b"AAA 90 00:00:00 ") {
        return &body[16..];
    }
    if shape(b"0000-00-00T00:00:00") {
        return body.split_once(' ').map_or(body, |(_, rest)| rest);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, host: Option<&str>, program: Option<&str>, expected: &str) {
        let compact = line_parts(message, host, program, None).map_or_else(
            || "noise".to_owned(),
            |p| format!("{} {}[{}] {}", p.host, p.program, p.pid.map_or("-".into(), |pid| pid.to_string()), p.text),
        );
        assert_eq!(compact, expected);
    }

    #[test]
    fn a_syslog_header_is_taken_off() {
        let expected = "mx1 postfix/smtpd[2134] connect from a.example.org[192.0.2.1]";
        let text = "postfix/smtpd[2134]: connect from a.example.org[192.0.2.1]";
        for stamp in ["<22>Nov 22 20:20:11 mx1 ", "Nov  2 20:20:11 mx1 ", "2026-11-22T20:20:11.599+01:00 mx1 ", "mx1 "]
        {
            check(&format!("{stamp}{text}"), Some("192.0.2.9"), None, expected);
        }
        check(text, Some("mx1"), None, expected);
        check(&format!("mx1 {text}"), Some("mx1"), Some("postfix/smtpd"), expected);
    }

    #[test]
    fn a_bare_text_belongs_to_the_program_that_a_field_names() {
        check(
            "warning: TLS library problem",
            Some("mx1"),
            Some("postfix/smtpd"),
            "mx1 postfix/smtpd[-] warning: TLS library problem",
        );
        check(
            "4F1: to=<a@example.org>",
            Some("mx1"),
            Some("postfix/smtp"),
            "mx1 postfix/smtp[-] 4F1: to=<a@example.org>",
        );
    }

    #[test]
    fn an_ipv6_host_is_no_tag() {
        check("2001:db8::1 sendmail[7]: x", None, None, "2001:db8::1 sendmail[7] x");
    }

    #[test]
    fn a_text_of_nobody_is_noise() {
        check("no header at all", Some("mx1"), None, "noise");
        check("postfix/qmgr[1]: 4F1: removed", None, None, "noise");
        check("", Some("mx1"), None, "noise");
    }
}
