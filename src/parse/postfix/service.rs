//! Lines that any daemon may write about itself: statistics, starts and stops, tables, settings, and verbose logging.
//!
//! In: a whole text without queue id and severity word that no other parser took.  Out: the reason why it is not used, or `None`;
//! then the line is unrecognised. The lists are short on purpose: a line that is new in a release should show up in `coverage`.

/// Why a line is not used, if it is a known one.
pub fn unused(daemon: Option<&str>, text: &str) -> Option<&'static str> {
    // The scripts only report, and pass on the output of `postfix check` and the shell.
    if matches!(daemon, Some("postfix-script" | "postfix-tls-script" | "postmulti-script" | "post-install")) {
        return Some("lifecycle");
    }
    for (reason, starts) in STARTS {
        if starts.iter().any(|start| text.starts_with(start)) {
            return Some(reason);
        }
    }
    for (reason, inside) in INSIDE {
        if inside.iter().any(|part| text.contains(part)) {
            return Some(reason);
        }
    }
    verbose(text).then_some("verbose logging")
}

/// Reasons by the first words of a text.
const STARTS: &[(&str, &[&str])] = &[
    ("statistics", &["statistics: "]),
    (
        "lifecycle",
        &[
            "daemon started",
            "reload -- version ",
            "terminating on signal ",
            "master exit time has arrived",
            "starting the Postfix mail system",
            "stopping the Postfix mail system",
            "refreshing the Postfix mail system",
            "aborting the Postfix mail system",
            "waiting for the Postfix mail system ",
            "the Postfix mail system is ",
            "entering STRESS mode ",
            "leaving STRESS mode ",
            "exiting to reopen ",
            "lost connection to EGD server ",
            "ignoring status update from child ",
        ],
    ),
    (
        "a summary of postsuper",
        &[
            "Requeued: ",
            "Deleted: ",
            "Force-expired: ",
            "Expired: ",
            "Placed on hold: ",
            "Released from hold: ",
            "Renamed to match inode number: ",
        ],
    ),
    ("a protocol violation", &["improper command pipelining after ", "discarding EHLO keywords: "]),
    ("name service", &["ignoring DNS RR: ", "skipping address family ", "skipping SRV lookup "]),
    ("configuration", &["SMTPS wrappermode ", "unknown_address_tempfail_action = ", "mapping DSN status "]),
    ("verbose logging", &["> ", "< ", "event: ", "running: ", "private/"]),
];

/// Reasons by words inside a text, where a name comes first.
const INSIDE: &[(&str, &[&str])] = &[
    ("configuration", &["using backwards-compatible default setting "]),
    ("lifecycle", &[" cleanup: retained="]),
    ("a table that changed", &[" has changed -- restarting", " has changed - finishing in the background"]),
    ("a protocol violation", &[": discarding EHLO keywords: "]),
    ("a command or reply that was replaced", &[": replacing command ", ": replacing server reply "]),
    ("a server's extensions", &[" offers SMTPUTF8 support, but not 8BITMIME"]),
    ("verbose logging", &[": feedback ", " feedback type ", ": limit "]),
];

/// `function_name: …`, the form of most lines that are logged because of `-v` and `debug_peer_list`.
fn verbose(text: &str) -> bool {
    text.split_once(": ").is_some_and(|(name, _)| {
        name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn statistics_is_not_a_queue_id() {
        check("anvil", "statistics: max connection rate 5/60s for (smtp:192.0.2.66) at Jan  1 00:00:10", "ignored");
        check("", "statistics: address lookup hits=0 miss=31 success=0%", "ignored");
    }

    #[test]
    fn a_summary_is_no_operation() {
        check("postsuper", "Deleted: 1 message", "ignored");
        check("", "Requeued: 2 messages", "ignored");
    }

    #[test]
    fn starts_and_stops_are_known() {
        check("master", "daemon started -- version 3.10.2, configuration /etc/postfix", "ignored");
        check("postfix-script", "whatever the shell says", "ignored");
        check("smtpd", "whatever the shell says", "unrecognised");
    }

    #[test]
    fn verbose_lines_begin_with_a_function() {
        check("smtpd", "match_string: mynetworks: 192.0.2.10 ~? 192.0.2.0/24", "ignored");
        check("smtpd", "> a[192.0.2.10]: 250 2.1.0 Ok", "ignored");
        check("smtpd", "Something_else: new", "unrecognised");
    }

    #[test]
    fn each_line_that_is_not_used_has_its_reason() {
        for (text, reason) in [
            ("statistics: max cache size 2 at Jan  1 00:00:10", Some("statistics")),
            ("terminating on signal 15", Some("lifecycle")),
            ("cache /var/lib/postfix/x.db full cleanup: retained=0 dropped=0 entries", Some("lifecycle")),
            ("table hash:/etc/aliases(0,lock) has changed -- restarting", Some("a table that changed")),
            ("mx.example.org[192.0.2.1]:25: discarding EHLO keywords: CHUNKING", Some("a protocol violation")),
            ("smtp_stream_setup2: maxtime=300", Some("verbose logging")),
            ("lower: x", None),
            ("lower_case x", None),
            ("two_words here: x", None),
        ] {
            assert_eq!(super::unused(Some("smtpd"), text), reason, "{text}");
        }
        assert_eq!(super::unused(None, "whatever the shell says"), None);
    }
}
