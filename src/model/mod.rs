//! The types that pass between the rooms: a [`Line`] from a source, an [`Event`] that a line tells, a [`Transaction`] for the
//! store.

pub mod event;
pub mod line;
pub mod logged;
pub mod privacy;
pub mod searchable;
pub mod time;
pub mod transaction;

pub use event::{Event, Parsed};
pub use line::{Intake, Line, LineId};
pub use privacy::Privacy;
pub use time::{Range, Time};
pub use transaction::Transaction;

/// A text of a document. Most are short (queue ids, addresses, codes, names): up to 24 bytes are held in place.
pub type Text = compact_str::CompactString;
