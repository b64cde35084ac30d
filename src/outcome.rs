//! How a command ended, and its exit code (sysexits; listed in `docs/exit-codes.md`).

use crate::error::Kind;

/// How a command ended, if not with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// `trace` found nothing.
    NothingFound,
    /// Done, except for documents that the store refused, which are dead letters now, or lines that were set aside.
    DeadLetters,
    /// Done, except for input that could not be read, or not to its end.
    NotWhole,
    /// Stopped by a signal; the next run goes on from there.
    Stopped,
    /// Done, except for documents of the store that could not be read; a warning names each.
    Unreadable,
    /// A failure that was reported before: same exit code, nothing on standard error.
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
