//! The one error type: what we were doing, to what, the cause; and whether trying again helps.
//!
//! Messages are lower case without a final stop, with values in backticks. A hint is added only when
//! the reader can act on it. Secrets and mail addresses never enter a message.

use std::fmt;

/// What sort of failure this is; decides the exit code (sysexits, see `docs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64: the command line makes no sense.
    Usage,
    /// 66: an input that was named is not there, or is nothing that can be read.
    NoInput,
    /// 69: a name was not found, a certificate is not trusted.
    Unavailable,
    /// 70: a bug in mailstitch.
    Software,
    /// 75: refused connection, timeout, 429, 5xx, short answer, disk full, lock: try again.
    Temporary,
    /// 75 too: there was too little memory, which less to do at once may help against.
    Memory,
    /// 77: 401, 403, a file that may not be read.
    Permission,
    /// 78: settings, unknown index or stream, corrupt or newer checkpoint.
    Config,
}

/// A failure as the user reads it.
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

    /// Adds the cause, with all that lies behind it, but nothing said twice.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Adds what the reader can do about it.
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

    /// The error of a file operation: permission, disk full and the rest told apart.
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

    /// The sort of failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The cause alone; empty where none is known.
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or_default()
    }

    /// What the reader can do, if anything.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The operating system's words without the "(os error 13)" that helps nobody.
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
