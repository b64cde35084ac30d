//! Keys: which message a queue id stands for. The same id on another host, or in another postfix instance, is another message.

use super::Bounds;
use crate::program::Family;
use std::sync::Arc;

/// Host, instance and queue id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// As [`crate::model::Line::host`].
    pub host: Arc<str>,
    /// The first part of the syslog name if `instances` lists it, else empty: `postfix-out` of `postfix-out/smtpd`.
    pub instance: Arc<str>,
    /// As logged. sendmail's ids are case-sensitive.
    pub queue_id: Arc<str>,
}

/// The settings that decide how lines are stitched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// First parts of syslog names (up to the `/`) that are postfix instances of their own.
    pub instances: Vec<Arc<str>>,
    /// Silence longer than this ends the life of a short id. Milliseconds.
    pub horizon_ms: i64,
    /// How long before a line of a message a session line may be logged and still belong to it. Milliseconds.
    pub session_lead_ms: i64,
    /// How much of a message's evidence is kept whole.
    pub bounds: Bounds,
}

impl Default for Rules {
    /// The defaults of `[window]`.
    fn default() -> Self {
        Self { instances: Vec::new(), horizon_ms: 14 * 86_400_000, session_lead_ms: 600_000, bounds: Bounds::default() }
    }
}

impl Rules {
    /// The instance of a syslog name; empty for the default one.
    pub fn instance(&self, program: &str) -> Arc<str> {
        if self.instances.is_empty() {
            return Arc::default();
        }
        let first = service_name(program);
        self.instances.iter().find(|i| ***i == *first).map_or_else(Arc::default, Arc::clone)
    }

    /// Whether a syslog name belongs to this instance.
    pub fn is_instance(&self, program: &str, instance: &str) -> bool {
        if self.instances.is_empty() {
            return instance.is_empty();
        }
        *self.instance(program) == *instance
    }
}

/// The first part of a syslog name: `postfix-out` of `postfix-out/smtpd`, `sm-mta`.
pub fn service_name(program: &str) -> &str {
    program.split('/').next().unwrap_or(program)
}

/// `postfix` or `sendmail` for a program of one of the two servers.
pub fn service_type(family: Family<'_>) -> Option<&'static str> {
    match family {
        Family::Postfix(_) => Some("postfix"),
        Family::Sendmail => Some("sendmail"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_syslog_name_is_an_instance_of_its_own() {
        let rules = Rules { instances: vec!["postfix-in".into(), "postfix-out".into()], ..Rules::default() };
        for (program, instance) in [
            ("postfix-out/smtpd", "postfix-out"),
            ("postfix-in/submission/smtpd", "postfix-in"),
            ("postfix-out", "postfix-out"),
            ("postfix/smtpd", ""),
            ("postfix-outer/smtpd", ""),
            ("mx/postfix-out", ""),
        ] {
            assert_eq!(&*rules.instance(program), instance, "{program}");
            for asked in ["", "postfix-in", "postfix-out"] {
                assert_eq!(rules.is_instance(program, asked), asked == instance, "{program}, {asked}");
            }
        }
    }

    #[test]
    fn where_no_instance_is_listed_all_are_one() {
        let rules = Rules::default();
        assert_eq!(&*rules.instance("postfix-out/smtpd"), "");
        assert!(rules.is_instance("postfix-out/smtpd", ""));
        assert!(!rules.is_instance("postfix-out/smtpd", "postfix-out"));
    }

    #[test]
    fn a_service_is_named_by_its_first_part_and_is_of_one_of_two_servers() {
        for (program, name, kind) in [
            ("postfix-out/smtpd", "postfix-out", Some("postfix")),
            ("postfix/submission/smtpd", "postfix", Some("postfix")),
            ("sendmail", "sendmail", Some("sendmail")),
            ("sm-mta", "sm-mta", Some("sendmail")),
            ("postgrey", "postgrey", None),
            ("rsyslogd", "rsyslogd", None),
        ] {
            assert_eq!(service_name(program), name);
            assert_eq!(service_type(crate::program::family(program)), kind, "{program}");
        }
    }
}
