//! Rows of `mailstitch check`: what was asked of a source, a store or a server, and what it answered.

use crate::{error::Error, model::Time};
use std::result::Result;

/// One row of `check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The thing checked: "cluster reachable".
    pub what: String,
    /// The result; an error also says what to change.
    pub found: Result<String, String>,
    /// It works, but may not be what the user wants.
    pub doubtful: bool,
}

/// Largest difference between two clocks that passes, in milliseconds: the default of `settle`.
const CLOCK_MS: u64 = 60_000;

impl Check {
    pub fn new(what: impl Into<String>, found: Result<String, String>) -> Self {
        Self { what: what.into(), found, doubtful: false }
    }

    /// A row for something that works but may not be what the user wants.
    pub fn doubt(what: impl Into<String>, found: String) -> Self {
        Self { doubtful: true, ..Self::new(what, Ok(found)) }
    }

    /// A row for a result: what was found, or the error.
    pub fn of(what: &str, found: Result<String, impl std::borrow::Borrow<Error>>) -> Self {
        match found {
            Ok(found) => Self::new(what, Ok(found)),
            Err(error) => Self::failed(what, error.borrow()),
        }
    }

    /// A row for an error, with its hint.
    pub fn failed(what: &str, error: &Error) -> Self {
        let hint = error.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
        Self::new(what, Err(format!("{error}{hint}")))
    }

    /// A row that compares a server's clock with ours.
    pub fn clock(theirs: Time, now: Time) -> Self {
        let apart = theirs.0.abs_diff(now.0);
        let text = format!("{} s apart", apart / 1000);
        let found = if apart <= CLOCK_MS { Ok(text) } else { Err(format!("{text}: set one of the clocks right")) };
        Self::new("clock", found)
    }
}
