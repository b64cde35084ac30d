//! The programs of postfix.

use memchr::memchr;

/// Whether the part after the last slash of a syslog name is a postfix program. RFC 3164 tags are cut at 32 characters, so a name
/// may have the rest of a process id: `postfix-script[21863`.
pub fn is_daemon(name: &str) -> bool {
    matches!(
        bare(name),
        "anvil"
            | "bounce"
            | "cleanup"
            | "discard"
            | "dnsblog"
            | "error"
            | "flush"
            | "lmtp"
            | "local"
            | "master"
            | "mailq"
            | "newaliases"
            | "nqmgr"
            | "oqmgr"
            | "pickup"
            | "pipe"
            | "post-install"
            | "postalias"
            | "postcat"
            | "postconf"
            | "postdrop"
            | "postfix"
            | "postfix-script"
            | "postfix-tls-script"
            | "postfix-wrapper"
            | "postkick"
            | "postlock"
            | "postlog"
            | "postlogd"
            | "postmap"
            | "postmulti"
            | "postmulti-script"
            | "postqueue"
            | "postscreen"
            | "postsuper"
            | "posttls-finger"
            | "proxymap"
            | "qmgr"
            | "qmqpd"
            | "scache"
            | "sendmail"
            | "showq"
            | "smtp"
            | "smtpd"
            | "spawn"
            | "tlsmgr"
            | "tlsproxy"
            | "trivial-rewrite"
            | "verify"
            | "virtual"
    )
}

/// The daemon's name without the process id of a cut tag.
pub fn bare(name: &str) -> &str {
    memchr(b'[', name.as_bytes()).map_or(name, |at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::is_daemon;

    #[test]
    fn the_process_id_of_a_cut_tag_is_not_part_of_the_name() {
        assert!(is_daemon("postfix-script[21863") && is_daemon("smtpd") && !is_daemon("httpd"));
    }
}
