//! A time range in numbers, for people: `mailstitch report`.
//!
//! In: documents, one at a time and in any order, into a [`Collector`].  Out: a [`Report`], and from it text, JSON,
//! CSV or a page of HTML.  Pure: no clock, no network, no files.  Memory grows with the tables, not with the
//! documents: a table that is full drops its smallest rows, and says by how much its numbers may be too small
//! ([`Table::error`]).
//!
//! A message that passes three queues has three documents. What concerns the message as a whole (senders, clients,
//! size, volume) is counted where its journey began; what concerns one hand-over (relays, delays) is counted in each
//! queue, and failures wherever they happen.

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
pub use tables::make;
pub use volume::{Point, Volume};

use crate::model::{Range, Time};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// The numbers of a time range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When the report was made.
    pub made: Time,
    /// Transactions that began in this range are counted.
    pub range: Range,
    /// Documents counted.
    pub documents: u64,
    /// The main numbers, shown first.
    pub figures: Vec<Figure>,
    pub volume: Volume,
    pub tables: Vec<Table>,
    /// The transactions behind figures and rows, which refer to them by index.
    pub transactions: Vec<Brief>,
}

/// One number, with some of the transactions that it counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub name: &'static str,
    #[serde(skip)]
    pub title: &'static str,
    /// `None` if nothing was measured.
    pub value: Option<Cell>,
    /// Explanation for people.
    #[serde(skip)]
    pub note: String,
    /// Indices into [`Report::transactions`], newest first.
    pub transactions: Vec<usize>,
}

/// A table: one row per name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    pub name: &'static str,
    #[serde(skip)]
    pub title: &'static str,
    /// One sentence on what the table counts.
    #[serde(skip)]
    pub about: &'static str,
    /// The kind of the row names: `sender`, `relay`.
    #[serde(skip)]
    pub of: &'static str,
    #[serde(skip)]
    pub columns: Vec<Column>,
    #[serde(serialize_with = "rows_with_names")]
    pub rows: Rows,
    /// Number of rows not shown.
    pub left_out: u64,
    /// By how much a number may be too small, because there were more names than could be kept; 0 means exact.
    pub error: u64,
}

/// The rows of a table, with the column names that their JSON needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows(pub Vec<Row>, Vec<&'static str>);

impl Rows {
    /// Rows, each with one cell per column.
    pub fn new(rows: Vec<Row>, columns: &[Column]) -> Self {
        Self(rows, columns.iter().map(|column| column.name).collect())
    }
}

/// A column after the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub title: &'static str,
    /// Left out where there is little room.
    pub minor: bool,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    /// One per column.
    pub cells: Vec<Option<Cell>>,
    /// Indices into [`Report::transactions`], newest first.
    pub transactions: Vec<usize>,
}

/// A value and its unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Count(u64),
    Bytes(u64),
    Seconds(f64),
    /// From 0 to 1.
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
    /// Whether no document was counted.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }
}

impl Table {
    /// Whether a column holds text.
    fn is_text(&self, column: usize) -> bool {
        self.rows.0.iter().any(|row| matches!(row.cells.get(column), Some(Some(Cell::Text(_)))))
    }
}

impl Cell {
    /// In the form for people: `1,234`, `1.2 MB`, `3.4 s`, `12.5 %`.
    pub fn shown(&self) -> String {
        match self {
            Self::Count(n) => person::count(*n),
            Self::Bytes(n) => person::bytes(*n),
            Self::Seconds(s) => person::seconds(*s),
            Self::Share(x) => person::share(*x),
            Self::Text(text) => text.clone(),
        }
    }

    /// The number to sort rows by; `None` for text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Count(n) | Self::Bytes(n) => Some(*n as f64),
            Self::Seconds(x) | Self::Share(x) => Some(*x),
            Self::Text(_) => None,
        }
    }
}
