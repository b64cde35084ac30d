//! The syslog names that a source is asked for when the settings name none, and the names that the settings add.
//!
//! Every name that a parser reads must be covered by the list; `tests/programs.rs` checks that.

use super::Family;
use std::sync::OnceLock;

/// Syslog names that the settings assign to the two servers (`[programs]`): `sendmail -L relay`, and `mailout` where a relay cut
/// `mailout/smtpd` short. Each matches itself and every name that continues it with a slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub postfix: Vec<String>,
    pub sendmail: Vec<String>,
}

impl Named {
    /// The family of a listed name; `None` for any other.
    pub fn family(&self, program: &str) -> Option<Family<'static>> {
        let holds = |names: &[String]| {
            names
                .iter()
                .any(|name| program.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        match () {
            () if holds(&self.postfix) => Some(Family::Postfix(None)),
            () if holds(&self.sendmail) => Some(Family::Sendmail),
            () => None,
        }
    }

    /// All listed names.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.postfix.iter().chain(&self.sendmail)
    }
}

static NAMED: OnceLock<Named> = OnceLock::new();

/// Sets the configured names, once and before the first line is read: the meaning of a line must not change while lines are read.
pub fn name(named: Named) {
    // A second call would be a mistake of the caller; the first one stays.
    _ = NAMED.set(named);
}

/// The family that the settings give a name.
pub(super) fn named(program: &str) -> Option<Family<'static>> {
    NAMED.get()?.family(program)
}

/// Names, each standing for all that begin with it (`postfix` for `postfix/smtpd` and `postfix-out/qmgr`). One that begins with a
/// slash stands for all that end with it, because a postfix instance may have any name (`mta-out/smtpd`). In a field that is
/// indexed as words, a name matches only itself, which is why `amavisd` is listed beside `amavis`.
pub const PROGRAMS: &[&str] = &[
    "postfix",
    "/anvil",
    "/bounce",
    "/cleanup",
    "/discard",
    "/dnsblog",
    "/error",
    "/flush",
    "/lmtp",
    "/local",
    "/master",
    "/oqmgr",
    "/nqmgr",
    "/pickup",
    "/pipe",
    "/postdrop",
    "/postfix-script",
    "/postlogd",
    "/postqueue",
    "/postscreen",
    "/postsuper",
    "/proxymap",
    "/qmgr",
    "/qmqpd",
    "/scache",
    "/sendmail",
    "/showq",
    "/smtp",
    "/smtpd",
    "/spawn",
    "/tlsmgr",
    "/tlsproxy",
    "/trivial-rewrite",
    "/verify",
    "/virtual",
    "sendmail",
    "sm-mta",
    "sm-mta-queue",
    "sm-msp",
    "sm-msp-queue",
    "sm-que",
    "sm-queue",
    "sm-client",
    "MailScanner",
    "amavis",
    "amavisd",
    "clamav-milter",
    "dovecot",
    "milter-greylist",
    "mimedefang",
    "opendkim",
    "opendmarc",
    "pmg-smtp-filter",
    "policyd-spf",
    "postfwd",
    "postgrey",
    "rspamd",
    "spamd",
    // Not mail programs, but they report lost lines.
    "rsyslog",
    "rsyslogd",
    "syslog",
    "syslogd",
    "systemd-journal",
    "systemd-journald",
    "journal",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_say_whose_a_name_is() {
        let named = Named { postfix: vec!["mailout".into()], sendmail: vec!["relay".into()] };
        for (program, family) in [
            ("mailout", Some(Family::Postfix(None))),
            ("mailout/submission", Some(Family::Postfix(None))),
            ("relay", Some(Family::Sendmail)),
            ("relay2", None),
            ("mailoutx/smtpd", None),
            ("cron", None),
        ] {
            assert_eq!(named.family(program), family, "{program}");
        }
    }

    #[test]
    fn what_the_settings_name_is_asked_of_a_source() {
        let named = Named { postfix: vec!["mailout".into()], sendmail: vec!["relay".into(), "relay2".into()] };
        assert_eq!(named.all().collect::<Vec<_>>(), ["mailout", "relay", "relay2"]);
        assert_eq!(Named::default().all().count(), 0);
    }

    #[test]
    fn names_are_given_once() {
        assert_eq!(named("mailout-of-a-test/smtpx"), None);
        name(Named { postfix: vec!["mailout-of-a-test".into()], sendmail: vec![] });
        name(Named { postfix: vec![], sendmail: vec!["relay-of-a-test".into()] });
        assert_eq!(named("mailout-of-a-test/smtpx"), Some(Family::Postfix(None)));
        assert_eq!(super::super::family("mailout-of-a-test"), Family::Postfix(None));
        assert_eq!(named("relay-of-a-test"), None);
        assert_eq!(named("cron"), None);
    }
}
