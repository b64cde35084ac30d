//! Texts that are known by their beginning: warnings about a message, and texts that are not used.
//!
//! In: a text that no parser claimed.  Out: whether it warns, or the reason why it is not used.
//! The lists are from the sources of sendmail 8.15 to 8.18. Any other text is unrecognised on purpose, so that it is counted and
//! shown.

/// Beginnings of warnings that an administrator wants to see with the message.
const WARNINGS: &[&str] = &[
    "Authentication-Warning: ",
    "Bare linefeed (LF) not allowed",
    "Dropped invalid comments ",
    "ERROR: ",
    "ERROR=",
    "Fixed MIME ",
    "Losing ",
    "Message exceeds maximum ",
    "POSSIBLE ATTACK ",
    "SYSERR",
    "Saved message in ",
    "Too many ",
    "Truncated ",
    "WARNING: ",
    "Warning: ",
    "aliasing/forwarding loop broken",
    "bogus queue file, ",
    "dup_df: ",
    "header overflow from ",
    "low on space ",
    "possible spam from ",
    "returntosender: ",
    "rewrite: expansion too long",
    "setsender: ",
    "cannot prescan from ",
];

/// Parts of warnings that begin with a name: a host, a file, an address.
const WARNINGS_INSIDE: &[&str] =
    &[" protocol error: ", ": unsafe directory path, marked ", " has bad shell ", " file, marked unsafe"];

const UNUSED: &[(&str, &[&str])] = &[
    (
        "the life of the daemon",
        &[
            "CurChildren = ",
            "File descriptors missing ",
            "NextMacroId = ",
            "accepting connections again ",
            "accepting new messages ",
            "could not exec ",
            "could not drop privileges",
            "could not restart",
            "daemon ",
            "deferring connections on daemon ",
            "delaying connections on daemon ",
            "disconnect",
            "finis",
            "have been rejecting connections ",
            "in background, ",
            "interrupt",
            "proc_list_probe: ",
            "rejecting connections on daemon ",
            "rejecting new messages: ",
            "restarting ",
            "started as: ",
            "starting daemon (",
            "stopping daemon, ",
            "user ",
        ],
    ),
    (
        "a table, a map or the alias file",
        &[
            "SSL_CTX_dane_enable=",
            "alias ",
            "arith_map: ",
            "can't open ",
            "can't read ",
            "deferred: udbexpand: ",
            "dns ",
            "dynamic class: ",
            "expand ",
            "forward ",
            "hesiod ",
            "include ",
            "ldap=",
            "nisplus_getcanonname: ",
            "ph_map_",
            "socket_map_lookup(",
            "timeout connecting to ",
            "timeout during PH lookup ",
            "usershellok: ",
        ],
    ),
    (
        "the queue directory or its runner",
        &[
            "FAILED to grow WorkList ",
            "WorkList for ",
            "assigned id",
            "can't find queue group ",
            "can't initialize shared memory",
            "changed",
            "checkqueuerunner: ",
            "dangerous permissions=",
            "dferror: ",
            "dowork",
            "dropenvelope, ",
            "eom: ",
            "filesys_update failed",
            "func=",
            "gatherq: ",
            "grew WorkList ",
            "key=",
            "locked",
            "no fchown()",
            "ownership change on ",
            "persistent queue runner",
            "quarantine_queue_item: ",
            "queue control process",
            "queue directory ",
            "queue manager: ",
            "queueup",
            "restart queue runner",
            "runqueue: ",
            "sendenvelope, ",
            "shared memory does not ",
            "sm_shmstop failed",
            "sync_dir: ",
            "too young (",
            "unlink ",
            "unlock",
        ],
    ),
    (
        "a detail of TLS or of a login",
        &[
            "AUTH",
            "DANE_depth=",
            "STARTTLS",
            "TLSA=",
            "encode64 for AUTH failed",
            "engine=",
            "error: safesasl(",
            "fipsmode=",
            "rscheck(",
            "tls_",
        ],
    ),
    (
        "a detail of a session",
        &[
            "*** ",
            "MAIL too long: ",
            "RCPT too long: ",
            "SMTP ",
            "Sending \"",
            "Timeout.to_aconnect ",
            "clt_features=",
            "cln: cnt=",
            "conn_limits: ",
            "connection_rate_check ",
            "delaying=",
            "fcntl(",
            "global connection rate: ",
            "haproxy: ",
            "hostsignature for ",
            "invalid domain name (",
            "makeconnection",
            "proxy mode requested ",
            "rcpt=",
            "server=",
            "smtp: ",
            "smtpquit: ",
            "smtps: ",
            "srv: cnt=",
            "srvfeatures: ",
            "stat=occ_exceeded, ",
            "timeout waiting for input during ",
            "total: cnt=",
            "unauthorized PIPELINING, ",
            "x-connect: ",
        ],
    ),
    (
        "the system around sendmail",
        &[
            "Bad line on ",
            "Could not remove ",
            "MX records for ",
            "My unqualified host name ",
            "Unsupported address family ",
            "cannot get memory statistics",
            "getmodifiers too long",
            "gethostbyaddr(",
            "mci_purge_persistent: ",
            "poststats: ",
            "stab: ",
            "str_union: ",
            "unable to qualify ",
            "unable to read ",
            "unable to write ",
        ],
    ),
];

/// Parts of unused texts that begin with a name.
const UNUSED_INSIDE: &[(&str, &str)] = &[
    (" aliases, longest ", "a table, a map or the alias file"),
    (": lookup error, expected ", "a table, a map or the alias file"),
    (" too old (require version ", "a detail of TLS or of a login"),
    ("; e_timers=", "the queue directory or its runner"),
    (": unlink-fail ", "the queue directory or its runner"),
    (": changed fds:", "the queue directory or its runner"),
    (": Unknown host status line ", "the system around sendmail"),
    (": WARNING: dangerous write permissions", "the system around sendmail"),
];

/// Whether a text is a warning.
pub fn warns(text: &str) -> bool {
    WARNINGS.iter().any(|start| text.starts_with(start)) || WARNINGS_INSIDE.iter().any(|part| text.contains(part))
}

/// The reason why a known text is not used. With a queue id it is still evidence of its message.
pub fn unused(text: &str) -> Option<&'static str> {
    UNUSED
        .iter()
        .find(|(_, starts)| starts.iter().any(|start| text.starts_with(start)))
        .map(|(reason, _)| *reason)
        .or_else(|| UNUSED_INSIDE.iter().find(|(part, _)| text.contains(part)).map(|(_, reason)| *reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_told_by_its_beginning() {
        assert!(warns("Losing ./qf6010000f004711: savemail panic"));
        assert!(warns("mx.example.org.: SMTP MAIL protocol error: 250-hello"));
        assert!(!warns("alias <a@example.org> => b"));
    }

    #[test]
    fn an_unused_text_has_its_reason() {
        assert_eq!(unused("starting daemon (8.18.1): SMTP"), Some("the life of the daemon"));
        assert_eq!(
            unused("/etc/mail/aliases: 12 aliases, longest 20 bytes, 180 bytes total"),
            Some("a table, a map or the alias file")
        );
        assert_eq!(unused("the cat sat on the mat"), None);
    }

    #[test]
    fn a_text_that_begins_with_a_name_is_told_by_its_middle() {
        assert_eq!(unused("/etc/mail/x: WARNING: dangerous write permissions"), Some("the system around sendmail"));
        assert_eq!(unused("6010000f004711: unlink-fail 2"), Some("the queue directory or its runner"));
        assert!(warns("/home/a/.forward: unsafe directory path, marked unsafe") && !warns("marked by hand"));
    }
}
