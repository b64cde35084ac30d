//! opendkim and opendmarc: signatures and policies, as milters with the queue id in front.
//!
//! In: `QID: text`.  Out: verdicts `signed`, `pass`, `fail`, `none`, …; notes for the reasons why a message was not signed.
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
    match signature(rest) {
        Some((verdict, detail)) => judged(queue_id, Filter { detail, ..filter("opendkim", verdict) }),
        None if is_remark(rest) => Parsed::Event { queue_id, event: Event::Note },
        None => Parsed::Unrecognised,
    }
}

/// Whether a text is a remark without a verdict: why nothing was signed or verified, other things that opendkim did with the
/// message, and its own errors.
fn is_remark(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "not authenticated",
        "not POP authenticated",
        "no macros match",
        "no MTA name match",
        "no signing ",
        "no reputation data available for ",
        "reputation query for ",
        "allowed by reputation of ",
        "skipping signing of mail to ",
        "domain '",
        "can't ",
        "cannot find identity header",
        "RFC5322 header requirement error",
        "ignoring ",
        "key data is not secure",
        "message has signatures from ",
        "error handling VBR information",
        "error loading key ",
        "error reading signing table",
        "signing table references unknown key",
        "failed to ",
        "overflow parsing ",
        "BodyLengthDB matched ",
        "rate limit for ",
        "curl_easy_",
    ];
    // `s=S d=D SSL ` with nothing after it: the library had no error to report.
    let no_error = text == "SSL" || text.starts_with("s=") && text.ends_with(" SSL");
    let failed =
        [" header add failed", " header remove failed", "() failed", "(): "].iter().any(|part| text.contains(part));
    no_error || failed || text.ends_with(" not internal") || STARTS.iter().any(|start| text.starts_with(start))
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
    // `s=S d=D a=A SSL error:…`, `SSL error:…`: the library's error for a signature that could not be verified.
    if text.starts_with("SSL ") || text.starts_with("s=") && text.contains(" d=") && text.contains(" SSL ") {
        return Some(("fail", Some(text)));
    }
    const ERRORS: [(&str, &str); 7] = [
        ("key retrieval failed", "temperror"),
        ("resource unavailable", "temperror"),
        ("key revoked", "fail"),
        ("syntax error: ", "permerror"),
        ("signature processing failed: ", "permerror"),
        ("signature generation error: ", "error"),
        ("internal error from libopendkim: ", "error"),
    ];
    if let Some((_, verdict)) = ERRORS.iter().find(|(said, _)| text.starts_with(said)) {
        return Some((verdict, Some(text)));
    }
    text.contains("blocked by reputation of ").then_some(("blocked", Some(text)))
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
    if is_dmarc_remark(rest) {
        return Parsed::Event { queue_id, event: Event::Note };
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
        _ => return Parsed::Unrecognised,
    };
    if domain.is_some_and(|d| d.contains(' ')) || (domain.is_none() && !spf) {
        return Parsed::Unrecognised;
    }
    judged(queue_id, Filter { detail: domain, ..filter("opendmarc", verdict) })
}

/// Whether a text is a remark without a verdict: other things that opendmarc did, and its own errors.
fn is_dmarc_remark(text: &str) -> bool {
    const STARTS: [&str; 7] = [
        "RFC5322 requirement error",
        "multi-valued From field",
        "unable to ",
        "can't ",
        "ignoring ",
        "ARC pass, policy ",
        "DMARC context ",
    ];
    let failed = [" header add failed", "() failed", "(): ", "() returned status ", ") returned status "];
    STARTS.iter().any(|start| text.starts_with(start)) || failed.iter().any(|part| text.contains(part))
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

    /// `dkimf_log_ssl_errors()` writes its line after each verification for which the library has a text, even an empty one.
    #[test]
    fn an_empty_error_text_is_no_verdict() {
        check("opendkim", "95154657C1: s=dkimkey1 d=example.com a=rsa-sha256 SSL ", "95154657C1: note");
        check("opendkim", "95154657C1: s=dkimkey1 d=example.com SSL", "95154657C1: note");
        check("opendkim", "95154657C1: SSL ", "95154657C1: note");
    }

    #[test]
    fn what_opendkim_never_writes_is_unrecognised() {
        check("opendkim", "3F2A41C0E7: flurble xyz", "unrecognised");
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
        check("opendmarc", "3F2A41C0E7: RFC5322 requirement error: no From", "3F2A41C0E7: note");
        check("opendmarc", "3F2A41C0E7: the lookup of a record did fail", "unrecognised");
    }

    #[test]
    fn each_error_of_a_signature_has_its_verdict() {
        for (said, verdict) in [
            ("key retrieval failed (s=a, d=example.org)", "temperror"),
            ("resource unavailable: dns", "temperror"),
            ("key revoked", "fail"),
            ("syntax error: x", "permerror"),
            ("signature processing failed: x", "permerror"),
            ("signature generation error: x", "error"),
            ("internal error from libopendkim: x", "error"),
            ("SSL error:02000068", "fail"),
            ("mail blocked by reputation of example.org", "blocked"),
        ] {
            check("opendkim", &format!("3F2A41C0E7: {said}"), &format!("3F2A41C0E7: opendkim {verdict} detail={said}"));
        }
        for said in ["s=a SSL error:1", "a d=example.org SSL error:1", "s=a d=example.org", "a SSL", "SSLerror"] {
            check("opendkim", &format!("3F2A41C0E7: {said}"), "unrecognised");
        }
    }

    #[test]
    fn a_failure_of_the_filter_is_only_evidence() {
        for said in ["From: header add failed", "dkim_eom() failed", "smfi_getpriv(): x", "can't parse From: header"] {
            check("opendkim", &format!("3F2A41C0E7: {said}"), "3F2A41C0E7: note");
        }
        for said in [
            "dmarcf_eom() failed",
            "smfi_insheader(): x",
            "x header add failed",
            "opendmarc_policy_query_dmarc(a) returned status 5",
            "ARC pass, policy reject",
        ] {
            check("opendmarc", &format!("3F2A41C0E7: {said}"), "3F2A41C0E7: note");
        }
        let external = "external host c.example.org attempted to send as example.org";
        check(
            "opendkim",
            &format!("3F2A41C0E7: {external}"),
            &format!("3F2A41C0E7: Warning {{ text: \"{external}\" }}"),
        );
    }

    #[test]
    fn each_result_of_dmarc_and_spf_is_a_verdict() {
        for result in ["pass", "fail", "none"] {
            let found = format!("3F2A41C0E7: opendmarc {result} detail=example.org");
            check("opendmarc", &format!("3F2A41C0E7: example.org {result}"), &found);
        }
        for (result, verdict) in [
            ("pass", "pass"),
            ("fail", "fail"),
            ("softfail", "softfail"),
            ("neutral", "neutral"),
            ("none", "none"),
            ("tempfail", "temperror"),
            ("temperror", "temperror"),
            ("permfail", "permerror"),
            ("permerror", "permerror"),
        ] {
            let found = format!("3F2A41C0E7: opendmarc SPF {verdict} detail=example.org");
            check("opendmarc", &format!("3F2A41C0E7: SPF(mailfrom): example.org {result}"), &found);
        }
        for text in ["pass", "a b pass", "SPF(mailfrom): a b pass", "example.org softfail", "SPF(helo): flurble"] {
            check("opendmarc", &format!("3F2A41C0E7: {text}"), "unrecognised");
        }
        check("opendmarc", "OpenDMARC Filter starting", "ignored: opendmarc says this of itself");
    }
}
