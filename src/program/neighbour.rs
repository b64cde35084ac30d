//! Filters, policy servers and mail stores beside the two servers.

/// A program whose lines add to what is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    Amavis,
    ClamavMilter,
    Dovecot,
    MailScanner,
    MilterGreylist,
    MimeDefang,
    OpenDkim,
    OpenDmarc,
    PmgSmtpFilter,
    PolicydSpf,
    Postfwd,
    Postgrey,
    Rspamd,
    Spamd,
}

impl Neighbour {
    /// The neighbour that logs under a syslog name.
    pub fn of(program: &str) -> Option<Self> {
        Some(match program {
            "amavis" | "amavisd" | "amavisd-new" => Self::Amavis,
            "clamav-milter" => Self::ClamavMilter,
            "dovecot" | "dovecot-lda" => Self::Dovecot,
            "MailScanner" => Self::MailScanner,
            "milter-greylist" => Self::MilterGreylist,
            "mimedefang" | "mimedefang.pl" => Self::MimeDefang,
            "opendkim" => Self::OpenDkim,
            "opendmarc" => Self::OpenDmarc,
            "pmg-smtp-filter" => Self::PmgSmtpFilter,
            "policyd-spf" => Self::PolicydSpf,
            "postfwd" | "postfwd2" | "postfwd3" | "postfwd2/policy" | "postfwd3/policy" => Self::Postfwd,
            "postgrey" => Self::Postgrey,
            "rspamd" => Self::Rspamd,
            "spamd" => Self::Spamd,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_under_each_of_its_names() {
        let names = "amavis amavisd amavisd-new opendkim opendmarc dovecot dovecot-lda MailScanner mimedefang \
                     mimedefang.pl pmg-smtp-filter policyd-spf postfwd postfwd2 postfwd3 postfwd2/policy postfwd3/policy \
                     postgrey milter-greylist clamav-milter spamd rspamd";
        for name in names.split(' ') {
            assert!(Neighbour::of(name).is_some(), "{name}");
        }
        assert_eq!(Neighbour::of("cron"), None);
    }
}
