//! opendkim and opendmarc: signatures and policies, as milters with the queue id in front.
//!
//! In: `QID: text`.  Out: verdicts `signed`, `pass`, `fail`, `none`, …; notes for why a message was not signed.
//! Ignored on purpose: lines without a queue id.

use super::{filter, judged, leading_id};
use crate::model::event::Filter;
use crate::model::{Event, Parsed};

/// Reads a text logged by opendkim (`opendkim.c`).
pub fn opendkim(text: &str) -> Parsed<'_> {
    let (queue_id, rest) = leading_id(text);
    if queue_id.is_none() {
        return Parsed::Ignored("opendkim says this of itself");
    }
    if rest.starts_with("external host ") {
        return Parsed::Event { queue_id, event: Event::Warning { text: rest } };
    }
    let Some((verdict, detail)) = signature(rest) else {
        // `not internal`, `not authenticated`, `no signing … match`: why nothing was signed.
        return Parsed::Event { queue_id, event: Event::Note };
    };
    judged(queue_id, Filter { detail, ..filter("opendkim", verdict) })
}

fn signature(text: &str) -> Option<(&'static str, Option<&str>)> {
    if let Some(signer) = text.strip_prefix("DKIM-Signature field added (") {
        return Some(("signed", Some(signer.trim_end_matches(')'))));
    }
    match text {
        "no signature data" => return Some(("none", None)),
        "bad signature data" => return Some(("fail", None)),
        _ => {}
    }
    if text.starts_with("DKIM verification successful") {
        return Some(("pass", None));
    }
    // `s=S d=D a=A SSL error:…`, `s=S d=D SSL`: the library's word on a signature that did not verify.
    if text.starts_with("s=") && text.contains(" d=") && text.contains(" SSL") {
        return Some(("fail", Some(text)));
    }
    if text.starts_with("key retrieval failed") {
        return Some(("temperror", Some(text)));
    }
    None
}

/// Reads a text logged by opendmarc (`opendmarc.c`).
pub fn opendmarc(text: &str) -> Parsed<'_> {
    let (queue_id, rest) = leading_id(text);
    if queue_id.is_none() {
        return Parsed::Ignored("opendmarc says this of itself");
    }
    if let Some(domain) = rest.strip_prefix("ignoring mail from ") {
        return judged(queue_id, Filter { detail: Some(domain), ..filter("opendmarc", "ignored") });
    }
    let (domain, spf) = match rest.strip_prefix("SPF(").and_then(|spf| spf.split_once("): ")) {
        Some((_, result)) => (result, true),
        None => (rest, false),
    };
    // `SPF(helo): RESULT` comes without a domain.
    let (domain, word) = domain.rsplit_once(' ').map_or((None, domain), |(domain, word)| (Some(domain), word));
    let verdict = match (word, spf) {
        ("pass", false) => "pass",
        ("fail", false) => "fail",
        ("none", false) => "none",
        ("pass", true) => "SPF pass",
        ("fail", true) => "SPF fail",
        ("softfail", true) => "SPF softfail",
        ("neutral", true) => "SPF neutral",
        ("none", true) => "SPF none",
        ("tempfail" | "temperror", true) => "SPF temperror",
        ("permfail" | "permerror", true) => "SPF permerror",
        _ => return Parsed::Event { queue_id, event: Event::Note },
    };
    if domain.is_some_and(|d| d.contains(' ')) || (domain.is_none() && !spf) {
        return Parsed::Event { queue_id, event: Event::Note };
    }
    judged(queue_id, Filter { detail: domain, ..filter("opendmarc", verdict) })
}

#[cfg(test)]
mod tests {
    use crate::parse::neighbours::check;

    #[test]
    fn a_signature_is_added_or_verified() {
        check(
            "opendkim",
            "3F2A41C0E7: DKIM-Signature field added (s=s1, d=example.org)",
            "3F2A41C0E7: opendkim signed detail=s=s1, d=example.org",
        );
        check("opendkim", "3F2A41C0E7: DKIM verification successful", "3F2A41C0E7: opendkim pass");
        check("opendkim", "3F2A41C0E7: no signature data", "3F2A41C0E7: opendkim none");
        check("opendkim", "3F2A41C0E7: bad signature data", "3F2A41C0E7: opendkim fail");
        check(
            "opendkim",
            "3F2A41C0E7: s=s1 d=example.org a=rsa-sha256 SSL error:02000068:rsa routines::bad signature",
            "3F2A41C0E7: opendkim fail detail=s=s1 d=example.org a=rsa-sha256 SSL error:02000068:rsa routines::bad signature",
        );
    }

    #[test]
    fn why_nothing_was_signed_is_only_evidence() {
        check("opendkim", "6AMKJjq4009066: not authenticated", "6AMKJjq4009066: note");
        check("opendkim", "3F2A41C0E7: c.example.org [192.0.2.10] not internal", "3F2A41C0E7: note");
        check("opendkim", "3F2A41C0E7: no signing table match for 'a@example.org'", "3F2A41C0E7: note");
    }

    #[test]
    fn a_line_without_an_id_is_about_the_filter() {
        check(
            "opendkim",
            "OpenDKIM Filter v2.11.0 starting (args: -x /etc/opendkim.conf)",
            "ignored: opendkim says this of itself",
        );
    }

    #[test]
    fn dmarc_and_its_spf_are_told_apart() {
        check("opendmarc", "3F2A41C0E7: example.org fail", "3F2A41C0E7: opendmarc fail detail=example.org");
        check(
            "opendmarc",
            "3F2A41C0E7: SPF(mailfrom): example.org pass",
            "3F2A41C0E7: opendmarc SPF pass detail=example.org",
        );
        check("opendmarc", "3F2A41C0E7: SPF(helo): none", "3F2A41C0E7: opendmarc SPF none");
        check(
            "opendmarc",
            "3F2A41C0E7: ignoring mail from example.org",
            "3F2A41C0E7: opendmarc ignored detail=example.org",
        );
        check("opendmarc", "3F2A41C0E7: the lookup of a record did fail", "3F2A41C0E7: note");
    }
}
