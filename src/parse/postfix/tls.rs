//! Lines of the TLS library and its session caches in smtpd, smtp and tlsproxy.
//!
//! In: a whole text without queue id.  Out: `Tls`, once per session; `stitch` assigns it by process and peer.
//! Ignored on purpose: certificates, failed handshakes, verification, session caches and traces.

use crate::{model::Event, parse::fields};

/// `Anonymous|Untrusted|Trusted|Verified TLS connection established|reused from|to NAMADDR[ to SNI]: VERSION with cipher
/// CIPHER (…` (`tls/tls_misc.c tls_log_summary`).
pub fn session(text: &str) -> Option<Event<'_>> {
    // Old releases do not log the level of trust.
    const TRUST: [&str; 5] = ["Anonymous ", "Untrusted ", "Trusted ", "Verified ", ""];
    let rest = TRUST.iter().find_map(|trust| text.strip_prefix(trust)?.strip_prefix("TLS connection "))?;
    let rest = rest.strip_prefix("established ").or_else(|| rest.strip_prefix("reused "))?;
    let (inbound, rest) = match rest.strip_prefix("from ") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("to ")?),
    };
    let (peer, rest) = fields::peer(rest)?;
    let (_, rest) = fields::split(rest, ": ")?;
    let (version, cipher) = fields::until(rest, &[" with cipher "]);
    let cipher = cipher.strip_prefix(" with cipher ").map(|rest| fields::until(rest, &[" "]).0);
    Some(Event::Tls { inbound, peer, version, cipher })
}

/// Why a line about TLS is not used, if it is one.
pub fn unused(text: &str) -> Option<&'static str> {
    const FAILED: [&str; 4] =
        ["SSL_accept error ", "SSL_connect error ", "SSL_set_fd error ", "TLS handshake failed for "];
    const DETAIL: [&str; 22] = [
        "setting up TLS connection ",
        "Host offered STARTTLS: ",
        "TLSRPT: ",
        "TLS SNI ",
        "TLS support is not compiled in",
        "initializing the ",
        "looking for session ",
        "reloaded session ",
        "save session ",
        "remove session ",
        "subject=",
        "issuer=",
        "SSL3 alert ",
        "Read ",
        "Write ",
        "read from ",
        "write to ",
        "cannot read ",
        "cannot write to EGD ",
        "cannot load Certification Authority ",
        "cannot set default OpenSSL ",
        "EGD server ",
    ];
    if FAILED.iter().any(|start| text.starts_with(start)) {
        return Some("a TLS handshake that failed");
    }
    if text.contains("certificate verification failed for ") {
        return Some("TLS certificate verification");
    }
    let detail = DETAIL.iter().any(|start| text.starts_with(start))
        || cache(text)
        || fields::peer(text).is_some_and(|(_, rest)| peer_detail(rest))
        || trace(text);
    detail.then_some("TLS detail")
}

/// Session caches: `read|write|open|close X TLS cache …`, `lookup|put|delete X session id=…`.
fn cache(text: &str) -> bool {
    text.contains(" TLS cache ") || text.contains(" session id=")
}

/// `NAMADDR: …` at `smtpd_tls_loglevel` 2 and more.
fn peer_detail(rest: &str) -> bool {
    const DETAIL: [&str; 15] = [
        "TLS cipher list ",
        "subject_CN=",
        "raw public key fingerprint=",
        "Reusing old session",
        "Issuing session ticket",
        "Decrypting session ticket",
        "re-using session with ",
        "looking up session ",
        "reloaded session ",
        "remove session ",
        "save session ",
        "SNI hostname: ",
        "depth=",
        "verify=",
        "atched ",
    ];
    // `matched peername: …` but `Matched trust anchor …`.
    let Some(rest) = rest.strip_prefix(": ") else { return false };
    let rest = rest.strip_prefix(['m', 'M']).filter(|r| r.starts_with("atched ")).unwrap_or(rest);
    DETAIL.iter().any(|start| rest.starts_with(start))
}

/// State names of the library (`SSL_accept:before SSL initialization`), the hex dumps of loglevel 4 and TLSA records
/// (`NAME: TLSA: 3 1 1 ABCD...EF`).
fn trace(text: &str) -> bool {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let state = word.split_once(':').is_some_and(|(before, after)| {
        !after.is_empty() && !before.is_empty() && before.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    let dump = rest.starts_with("- ") && word.bytes().all(|b| b.is_ascii_hexdigit());
    let tlsa = rest.contains("...") && rest.split(' ').filter(|w| fields::number(w).is_some()).count() == 3;
    state || dump || (tlsa && word.ends_with(':'))
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn a_session_has_version_and_cipher() {
        check(
            "smtpd",
            "Anonymous TLS connection established from a[192.0.2.1]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519",
            "tls in a[192.0.2.1] TLSv1.3 TLS_AES_256_GCM_SHA384",
        );
        check(
            "smtp",
            "Untrusted TLS connection reused to mx[192.0.2.1]:25: TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)",
            "tls out mx[192.0.2.1]:25 TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384",
        );
    }

    #[test]
    fn old_releases_have_no_word_for_the_trust() {
        check(
            "smtpd",
            "TLS connection established from a[192.0.2.1]: TLSv1 with cipher AES128-SHA",
            "tls in a[192.0.2.1] TLSv1 AES128-SHA",
        );
    }

    #[test]
    fn the_name_that_the_client_asked_for_is_skipped() {
        let text = "Trusted TLS connection established from a[192.0.2.1] to mx.example.org: TLSv1.2 with cipher AES128-SHA (128/128 bits)";
        check("smtpd", text, "tls in a[192.0.2.1] TLSv1.2 AES128-SHA");
    }

    #[test]
    fn handshakes_certificates_and_caches_are_not_used() {
        for text in [
            "SSL_accept error from unknown[192.0.2.1]: lost connection",
            "certificate verification failed for mx[192.0.2.1]:25: self-signed certificate",
            "mx[192.0.2.1]:25: Matched trust anchor at depth 1",
            "mx[192.0.2.1]:25: matched peername: mx",
            "SSL_accept:before SSL initialization",
            "0000 - 16 03 01",
        ] {
            check("smtpd", text, "ignored");
        }
    }

    #[test]
    fn each_line_that_is_not_used_has_its_reason() {
        for (text, reason) in [
            ("TLS handshake failed for service=smtpd peer=[192.0.2.1]:25", Some("a TLS handshake that failed")),
            ("certificate verification failed for mx[192.0.2.1]:25: expired", Some("TLS certificate verification")),
            ("save session 01AB to smtpd cache", Some("TLS detail")),
            ("write smtpd TLS cache entry 01AB", Some("TLS detail")),
            ("put smtpd session id=01AB", Some("TLS detail")),
            ("a[192.0.2.1]: Issuing session ticket, key expiration: 1", Some("TLS detail")),
            ("a[192.0.2.1]: Matched subjectAltName: mx", Some("TLS detail")),
            ("a[192.0.2.1]: matters of taste", None),
            ("a[192.0.2.1] Issuing session ticket", None),
        ] {
            assert_eq!(super::unused(text), reason, "{text}");
        }
    }

    #[test]
    fn a_trace_is_a_state_a_dump_or_a_record() {
        for text in [
            "SSL_connect:SSLv3/TLS write client hello",
            "TLS_13:x y",
            "00a0 - 16 03 01",
            "_25._tcp.mx.example.org: TLSA: 3 1 1 ABCD...EF",
        ] {
            assert!(super::trace(text), "{text}");
        }
        for text in [
            "state: text",
            ":after text",
            "not.one:after text",
            "state",
            "zzzz - 16 03 01",
            "00a0 + 16 03 01",
            "mx.example.org: TLSA: 3 1 1 ABCDEF",
            "mx.example.org: TLSA: 3 1 ABCD...EF",
            "mx.example.org TLSA 3 1 1 ABCD...EF",
        ] {
            assert!(!super::trace(text), "{text}");
        }
    }

    #[test]
    fn a_session_goes_in_or_out() {
        check("smtpd", "Verified TLS connection flurbled from a[192.0.2.1]: TLSv1 with cipher X", "unrecognised");
        check("smtpd", "Verified TLS connection reused from a[192.0.2.1]: TLSv1", "tls in a[192.0.2.1] TLSv1 -");
    }
}
