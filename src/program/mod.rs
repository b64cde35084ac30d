//! Finds the program that wrote a line, by its syslog name, or by its text if the name was lost.

mod listed;
mod looks;
mod neighbour;
pub mod postfix;

pub use listed::{Named, PROGRAMS, name};
pub use looks::{holds_a_line, looks_like_mail};
pub use neighbour::Neighbour;

/// The family of programs that a syslog name belongs to; it decides which parser reads the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family<'a> {
    /// A postfix daemon: `smtpd`, `qmgr`, …; `None` where the transport lost it (`postfix` alone).
    Postfix(Option<&'a str>),
    Sendmail,
    /// A filter, a policy server or a mail store beside the two servers.
    Neighbour(Neighbour),
    /// A syslog daemon itself.
    Transport,
    /// Not ours.
    Foreign,
}

/// The family of a syslog name. A postfix instance may have a name without `postfix` in it (`mta-out/smtpd`), so the daemon after
/// the last slash decides first.
pub fn family(program: &str) -> Family<'_> {
    if let Some((_, daemon)) = program.rsplit_once('/').filter(|(_, daemon)| postfix::is_daemon(daemon)) {
        return Family::Postfix(Some(daemon));
    }
    if let Some(family) = listed::named(program) {
        return family;
    }
    if let Some(neighbour) = Neighbour::of(program) {
        return Family::Neighbour(neighbour);
    }
    match () {
        () if program == "postfix" || program.starts_with("postfix/") || program.starts_with("postfix-") => {
            Family::Postfix(None)
        }
        () if is_sendmail(program) => Family::Sendmail,
        () if is_syslog_daemon(program) => Family::Transport,
        () => Family::Foreign,
    }
}

/// Whether a syslog name is sendmail's: its own, or a `-L` label that Debian, RHEL or the BSDs give it.
fn is_sendmail(name: &str) -> bool {
    matches!(
        name,
        "sendmail"
            | "sm-mta"
            | "sm-mta-queue"
            | "sm-msp"
            | "sm-msp-queue"
            | "sm-que"
            | "sm-queue"
            | "sm-client"
            | "sendmail-mta"
            | "sendmail-msp"
            | "sendmail-client"
    )
}

/// Whether a syslog name is a syslog daemon's. rsyslog adds a number to its name (`rsyslogd-2177`) for some messages.
fn is_syslog_daemon(name: &str) -> bool {
    let name = name.split_once('-').filter(|(head, _)| *head == "rsyslogd").map_or(name, |(head, _)| head);
    matches!(
        name,
        "rsyslogd"
            | "rsyslog"
            | "syslogd"
            | "syslog-ng"
            | "syslog"
            | "systemd-journald"
            | "systemd-journal"
            | "journal"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_after_the_last_slash_decides_whose_a_name_is() {
        for (program, expected) in [
            ("postfix/smtpd", Family::Postfix(Some("smtpd"))),
            ("postfix/submission/smtpd", Family::Postfix(Some("smtpd"))),
            ("mta-out/qmgr", Family::Postfix(Some("qmgr"))),
            ("postfix", Family::Postfix(None)),
            ("postfix/hello", Family::Postfix(None)),
            ("postfix-out", Family::Postfix(None)),
            ("policyd-spf", Family::Neighbour(Neighbour::PolicydSpf)),
            ("dovecot", Family::Neighbour(Neighbour::Dovecot)),
            ("sendmail", Family::Sendmail),
            ("sm-mta", Family::Sendmail),
            ("rsyslogd", Family::Transport),
            ("postfixadmin", Family::Foreign),
            ("qmgr", Family::Foreign),
            ("CRON", Family::Foreign),
            ("", Family::Foreign),
        ] {
            assert_eq!(family(program), expected, "{program}");
        }
    }

    #[test]
    fn numbered_names_are_syslog_daemons_too() {
        for name in ["rsyslogd", "rsyslogd-2177", "systemd-journald"] {
            assert_eq!(family(name), Family::Transport, "{name}");
        }
        for name in ["postfix", "sendmail-mta", "rsyslogx-2177"] {
            assert_ne!(family(name), Family::Transport, "{name}");
        }
    }
}
