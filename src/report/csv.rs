//! A report as CSV: one row per cell, the long form that spreadsheets can pivot.
//!
//! A field that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection), because
//! senders choose their addresses.

use super::{Cell, Report};

/// Table, row name, column name, and the number or text.
const HEADER: [&str; 4] = ["table", "name", "column", "value"];

/// Figures, volume and tables as CSV with a header (RFC 4180).
///
/// # Errors
/// Never in practice, since it writes to memory.
pub fn csv(report: &Report) -> Result<String, csv::Error> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(HEADER)?;
    for figure in &report.figures {
        if let Some(value) = &figure.value {
            out.write_record(["report", figure.name, "value", &plain(value)])?;
        }
    }
    for point in &report.volume.points {
        let start = point.start.to_string();
        let columns = [
            ("delivered", point.delivered),
            ("waiting", point.waiting),
            ("failed", point.failed),
            ("refused", point.refused),
            ("other", point.other),
        ];
        for (column, n) in columns {
            out.write_record(["volume", &start, column, &n.to_string()])?;
        }
    }
    for table in &report.tables {
        for row in &table.rows.0 {
            for (column, cell) in table.columns.iter().zip(&row.cells) {
                if let Some(cell) = cell {
                    out.write_record([table.name, &harmless(&row.name), column.name, &plain(cell)])?;
                }
            }
        }
    }
    let bytes = out.into_inner().map_err(|e| csv::Error::from(std::io::Error::other(e.to_string())))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Count(n) | Cell::Bytes(n) => n.to_string(),
        Cell::Seconds(x) => format!("{x:.3}"),
        Cell::Share(x) => format!("{x:.4}"),
        Cell::Text(text) => harmless(text),
    }
}

fn harmless(text: &str) -> String {
    let text = crate::escape::visible(text);
    // A formula may also follow blanks.
    match text.trim_start().starts_with(['=', '+', '-', '@', '|', '%']) {
        true => format!("'{text}"),
        false => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_a_text() {
        assert_eq!(harmless("=HYPERLINK(\"http://example.org\")"), "'=HYPERLINK(\"http://example.org\")");
        assert_eq!(harmless(" @SUM(1)"), "' @SUM(1)");
        assert_eq!(harmless("\t=1"), "\\t=1");
        assert_eq!(harmless("joe@example.org"), "joe@example.org");
    }
}
