//! The error type of all modules: what was being done, to what, the cause, and whether trying again helps.
//!
//! Messages are lower case without a full stop, with values in backticks. A hint is added only if the reader can act
//! on it. Secrets and mail addresses never enter a message.

use std::fmt;

/// The kind of a failure; decides the exit code (sysexits, see `docs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64: the command line makes no sense.
    Usage,
    /// 66: a named input does not exist or cannot be read.
    NoInput,
    /// 69: a host name that does not resolve, a certificate that is not trusted.
    Unavailable,
    /// 70: a bug in mailstitch.
    Software,
    /// 75, try again: refused connection, timeout, 429, 5xx, short answer, disk full, lock.
    Temporary,
    /// 75 as well: out of memory or threads; doing less at once may help.
    Memory,
    /// 77: 401, 403, a file without read permission.
    Permission,
    /// 78: wrong settings, unknown index or stream, checkpoint that is corrupt or of a newer version.
    Config,
}

/// A failure, in words for the user.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    doing: String,
    cause: Option<String>,
    hint: Option<String>,
}

/// The result type of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `doing`: "cannot read `/var/log/mail.log`".
    pub fn new(kind: Kind, doing: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), cause: None, hint: None }
    }

    /// Adds the cause, as it displays itself.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error of another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// An error of a file operation; its kind follows from that of `cause` (permission, not found, out of memory,
    /// else temporary).
    pub fn io(doing: impl Into<String>, cause: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match cause.kind() {
            Io::PermissionDenied => Kind::Permission,
            Io::NotFound | Io::IsADirectory | Io::NotADirectory => Kind::Config,
            Io::OutOfMemory => Kind::Memory,
            _ => Kind::Temporary,
        };
        Self::new(kind, doing).because(describe_io(cause))
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The cause alone; empty if there is none.
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or_default()
    }

    /// The hint on what the user can do, if any.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The operating system's message in lower case, without "(os error 13)".
fn describe_io(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
