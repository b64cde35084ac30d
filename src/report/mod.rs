//! What a time range looks like in numbers, for people: `mailstitch report`.
//!
//! In: documents, one at a time and in any order, into a [`Collector`].  Out: a [`Report`], and from it text, JSON, CSV or
//! one page of HTML.  Pure: no clock, no network, no files.  Memory follows the tables, not the documents: what a table
//! cannot hold any more it forgets, rarest first, and says how much it may be short ([`Table::error`]).
//!
//! A message that passes three queues has three documents. What concerns it as a whole (senders, clients, size, volume)
//! is counted where its journey began, what concerns a hand-over (relays, delays) in each queue, and failures wherever
//! they happened.

mod behind;
mod collect;
pub mod csv;
mod entry;
pub mod html;
mod meaning;
mod person;
mod tables;
pub mod text;
mod top;
mod volume;

pub use behind::Brief;
pub use collect::Collector;
pub use volume::{Point, Volume};

use crate::model::{Range, Time};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// The numbers of a time range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When it was made.
    pub made: Time,
    /// What began in this time is counted.
    pub range: Range,
    /// Documents looked at.
    pub documents: u64,
    /// The numbers to begin with.
    pub figures: Vec<Figure>,
    pub volume: Volume,
    pub tables: Vec<Table>,
    /// The transactions that figures and rows refer to by their place in this list.
    pub transactions: Vec<Brief>,
}

/// One number, and some of the transactions that it counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub name: &'static str,
    #[serde(skip)]
    pub title: &'static str,
    /// `None` where nothing was measured.
    pub value: Option<Cell>,
    /// A word on it, for people.
    #[serde(skip)]
    pub note: String,
    /// Places in [`Report::transactions`], newest first.
    pub transactions: Vec<usize>,
}

/// A table of things of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    pub name: &'static str,
    #[serde(skip)]
    pub title: &'static str,
    /// What is counted, in a sentence.
    #[serde(skip)]
    pub about: &'static str,
    /// What the names of the rows are.
    #[serde(skip)]
    pub of: &'static str,
    #[serde(skip)]
    pub columns: Vec<Column>,
    #[serde(serialize_with = "rows_with_names")]
    pub rows: Rows,
    /// Rows that there were besides those shown.
    pub left_out: u64,
    /// How much a number may be too small, because there were more names than could be remembered; 0 is exact.
    pub error: u64,
}

/// The rows of a table with the names of its columns, which their JSON needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows(pub Vec<Row>, Vec<&'static str>);

impl Rows {
    /// Rows with a cell for each column.
    pub fn new(rows: Vec<Row>, columns: &[Column]) -> Self {
        Self(rows, columns.iter().map(|column| column.name).collect())
    }
}

/// A column besides the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub title: &'static str,
    /// What is left out where there is little room.
    pub minor: bool,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    /// One for each column.
    pub cells: Vec<Option<Cell>>,
    /// Places in [`Report::transactions`], newest first.
    pub transactions: Vec<usize>,
}

/// A value with its unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Count(u64),
    Bytes(u64),
    Seconds(f64),
    /// 1 is all.
    Share(f64),
    Text(String),
}

fn rows_with_names<S: Serializer>(rows: &Rows, s: S) -> Result<S::Ok, S::Error> {
    struct Named<'a>(&'a Row, &'a [&'static str]);
    impl Serialize for Named<'_> {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let Self(row, columns) = self;
            let mut map = s.serialize_map(None)?;
            map.serialize_entry("name", &row.name)?;
            for (column, cell) in columns.iter().zip(&row.cells) {
                map.serialize_entry(column, cell)?;
            }
            map.serialize_entry("transactions", &row.transactions)?;
            map.end()
        }
    }
    s.collect_seq(rows.0.iter().map(|row| Named(row, &rows.1)))
}

impl Report {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }
}

impl Table {
    /// Whether a column holds texts.
    fn is_text(&self, column: usize) -> bool {
        self.rows.0.iter().any(|row| matches!(row.cells.get(column), Some(Some(Cell::Text(_)))))
    }
}

impl Cell {
    /// For people: `1,234`, `1.2 MB`, `3.4 s`, `12.5 %`.
    pub fn shown(&self) -> String {
        match self {
            Self::Count(n) => person::count(*n),
            Self::Bytes(n) => person::bytes(*n),
            Self::Seconds(s) => person::seconds(*s),
            Self::Share(x) => person::share(*x),
            Self::Text(text) => text.clone(),
        }
    }

    /// What rows are sorted by; `None` for texts.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Count(n) | Self::Bytes(n) => Some(*n as f64),
            Self::Seconds(x) | Self::Share(x) => Some(*x),
            Self::Text(_) => None,
        }
    }
}
