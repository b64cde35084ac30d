//! Splits the stream of an export into rows, with one row in memory.
//!
//! In: pieces of CSV as they come.  Out: rows, each with as many columns as were asked for.
//! If Graylog or its engine fails during the export, the text of an exception comes as a row. So the first row must
//! have the names of the columns, and every row the right number of columns. A body that ends inside a row was cut.

use csv_core::{ReadRecordResult, Reader};

/// Longest row that is accepted, bytes; all inputs limit messages to far less.
const LONGEST: usize = 4 << 20;

/// Characters of a wrong row that its error quotes.
const TOLD: usize = 300;

/// The rows of one answer.
pub struct Rows {
    reader: Reader,
    names: Vec<String>,
    named: bool,
    text: Vec<u8>,
    /// How many bytes of `text`, and how many of `ends`, the current row has used.
    used: (usize, usize),
    ends: Vec<usize>,
    count: u64,
}

impl Rows {
    /// `names`: the columns asked for, in order.
    pub fn new(names: Vec<String>) -> Self {
        let ends = vec![0; names.len() + 1];
        Self { reader: Reader::new(), names, named: false, text: vec![0; 64 << 10], used: (0, 0), ends, count: 0 }
    }

    /// The number of rows so far, without the row of names.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Passes the rows that end in this piece to `visit`.
    ///
    /// # Errors
    /// What is wrong with a row, or the error of `visit`.
    pub fn push(
        &mut self,
        mut piece: &[u8],
        mut visit: impl FnMut(&[&[u8]]) -> Result<(), String>,
    ) -> Result<(), String> {
        // To the reader an empty piece means the end.
        while !piece.is_empty() {
            let (text, ends) = (&mut self.text[self.used.0..], &mut self.ends[self.used.1..]);
            let (result, read, written, ended) = self.reader.read_record(piece, text, ends);
            piece = &piece[read..];
            self.used = (self.used.0 + written, self.used.1 + ended);
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::OutputFull if self.text.len() >= LONGEST => {
                    return Err(format!("a row is longer than {} MiB", LONGEST >> 20));
                }
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => return Err(self.wrong("more")),
                ReadRecordResult::Record => self.row(&mut visit)?,
            }
        }
        Ok(())
    }

    /// The number of rows, without the row of names.
    ///
    /// # Errors
    /// When the body ended inside a row.
    pub fn finish(mut self) -> Result<u64, String> {
        let (result, ..) = self.reader.read_record(&[], &mut self.text[self.used.0..], &mut self.ends[self.used.1..]);
        match (result, self.used) {
            (ReadRecordResult::End, (0, 0)) => Ok(self.count),
            _ => Err("the answer ends in the middle of a row".to_owned()),
        }
    }

    fn row(&mut self, visit: &mut impl FnMut(&[&[u8]]) -> Result<(), String>) -> Result<(), String> {
        if self.used.1 != self.names.len() {
            return Err(self.wrong(&self.used.1.to_string()));
        }
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let columns: Vec<&[u8]> =
            starts.zip(&self.ends[..self.used.1]).map(|(from, &to)| &self.text[from..to]).collect();
        if self.named {
            self.count += 1;
            visit(&columns)?;
        } else if columns.iter().zip(&self.names).all(|(column, name)| *column == name.as_bytes()) {
            self.named = true;
        } else {
            return Err(self.wrong("other"));
        }
        self.used = (0, 0);
        Ok(())
    }

    fn wrong(&self, columns: &str) -> String {
        let text = String::from_utf8_lossy(&self.text[..self.used.0]);
        let text: String = text.chars().take(TOLD).collect();
        format!("a row of {columns} columns came where {} were asked for: `{text}`", self.names.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &[u8], step: usize) -> Result<Vec<Vec<String>>, String> {
        let mut rows = Rows::new(vec!["timestamp".into(), "message".into()]);
        let mut found = Vec::new();
        for piece in body.chunks(step) {
            rows.push(piece, |row| {
                found.push(row.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect());
                Ok(())
            })?;
        }
        let count = rows.finish()?;
        assert_eq!(count, found.len() as u64);
        Ok(found)
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let whole = read(body.as_bytes(), body.len().max(1));
        assert_eq!(read(body.as_bytes(), 1), whole, "byte by byte");
        let told = whole.map_or_else(|e| e, |rows| rows.iter().map(|r| r.join("|")).collect::<Vec<_>>().join("\n"));
        assert_eq!(told, expected);
    }

    #[test]
    fn quotes_are_doubled_and_backslashes_mean_nothing() {
        check("\"timestamp\",\"message\"\n\"t\",\"a \"\"b, c\"\" \\d\"\n,\n", "t|a \"b, c\" \\d\n|");
    }

    #[test]
    fn a_message_may_hold_newlines() {
        check("\"timestamp\",\"message\"\n\"t\",\"a\nb\"\n", "t|a\nb");
    }

    #[test]
    fn no_body_is_no_row() {
        check("", "");
    }

    #[test]
    fn a_row_of_an_exception_is_no_row() {
        check(
            "\"java.net.ConnectException: Connection refused\"\n",
            "a row of 1 columns came where 2 were asked for: `java.net.ConnectException: Connection refused`",
        );
        check(
            "\"timestamp\",\"message\"\n\"t\",\"a\"\n\"ConnectionClosedException: Connection is closed\"\n",
            "a row of 1 columns came where 2 were asked for: `ConnectionClosedException: Connection is closed`",
        );
    }

    #[test]
    fn other_columns_are_refused() {
        check("\"timestamp\",\"source\"\n", "a row of other columns came where 2 were asked for: `timestampsource`");
        check("\"a\",\"b\",\"c\"\n", "a row of 3 columns came where 2 were asked for: `abc`");
        check("\"a\",\"b\",\"c\",\"d\"\n", "a row of more columns came where 2 were asked for: `abc`");
    }

    #[test]
    fn a_body_that_ends_inside_a_row_was_cut() {
        for body in ["\"timestamp\",\"message\"\n\"t\",\"a\"", "\"timestamp\",\"message\"\n\"t\",\"a\n", "\"time"] {
            check(body, "the answer ends in the middle of a row");
        }
    }

    proptest! {
        #[test]
        fn rows_do_not_depend_on_how_they_come(texts in prop::collection::vec("[a\"\n,é]{0,6}", 0..6), step in 1usize..9) {
            let mut body = "\"timestamp\",\"message\"\n".to_owned();
            for text in &texts {
                body += &format!("\"t\",\"{}\"\n", text.replace('"', "\"\""));
            }
            let found = read(body.as_bytes(), step).unwrap();
            prop_assert_eq!(found.into_iter().map(|mut row| row.remove(1)).collect::<Vec<_>>(), texts);
        }
    }
}
