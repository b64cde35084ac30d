//! How a command ended, and its number for the caller (sysexits; listed in `docs/exit-codes.md`).

use crate::error::Kind;

/// How a command ended that was not stopped by an error of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is done.
    Done,
    /// `trace` found nothing.
    NothingFound,
    /// All is done but for documents that the store refused; they wait in the dead-letter file.
    DeadLetters,
    /// All is done but for what could not be read, or not to its end.
    NotWhole,
    /// A signal ended it; the next one goes on from there.
    Stopped,
    /// All is done but for documents of the store that could not be read; each was named.
    Unreadable,
    /// A failure that was told before: the number stays, standard error is left alone.
    FailedAsBefore(Kind),
}

impl Outcome {
    /// The exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NothingFound => 1,
            Self::NotWhole => 66,
            Self::Stopped => exit_code(Kind::Temporary),
            Self::DeadLetters | Self::Unreadable => 65,
            Self::FailedAsBefore(kind) => exit_code(kind),
        }
    }
}

/// The exit code of a failure, named as in sysexits(3).
pub const fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Usage => 64,
        Kind::NoInput => 66,
        Kind::Unavailable => 69,
        Kind::Software => 70,
        Kind::Temporary | Kind::Memory => 75,
        Kind::Permission => 77,
        Kind::Config => 78,
    }
}
