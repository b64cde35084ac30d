//! Tells which mail log this host has: a file that rsyslog writes, or only the systemd journal (as on Debian 12).

use super::{blocking, journal};
use crate::check::Check;
use crate::config::JournalSource;
use std::path::Path;

/// The mail log of Debian and of Red Hat.
const FILES: [&str; 2] = ["/var/log/mail.log", "/var/log/maillog"];

/// A row for `check`. It never reports an error.
pub fn mail_log(journal: &JournalSource) -> Check {
    let file = FILES.into_iter().find(|file| Path::new(file).exists());
    // An unreadable journal counts as none. If it is the configured source, the row of that source reports the error.
    let journal = matches!(blocking(|| journal::last(journal)), Ok(Some(_)));
    let found = match (file, journal) {
        (Some(file), true) => format!("`{file}` and the systemd journal: either will do"),
        (Some(file), false) => format!("`{file}`, which `[source.file]` reads"),
        (None, true) => "the systemd journal, which `[source.journal]` reads".to_owned(),
        (None, false) => "neither a file nor the systemd journal holds mail, as far as this user may read".to_owned(),
    };
    Check::new("mail log of this host", Ok(found))
}
