//! A report as text for a terminal or a mail from cron: at most 80 columns, whatever strangers wrote.

use super::{Cell, Figure, Report, Table, Volume};
use crate::{escape::visible, model::Time};
use std::fmt::Write;

const WIDTH: usize = 80;
/// Least width of the name column.
const NAME: usize = 24;
/// Width of the longest bar of the volume.
const BAR: u64 = 40;

/// The report as text; says so if there is nothing to report.
pub fn text(report: &Report) -> String {
    let (from, to) = (moment(report.range.from), moment(report.range.to));
    let mut out = format!("Mail from {from} to {to}, times in UTC\n");
    if report.is_empty() {
        _ = writeln!(out, "\nNothing: the store has no transaction that began in this time.");
    } else {
        out.push('\n');
        for figure in &report.figures {
            row_of_figure(figure, &mut out);
        }
        volume(&report.volume, &mut out);
    }
    for t in report.tables.iter().filter(|t| !t.rows.0.is_empty()) {
        table(t, &mut out);
    }
    out
}

fn moment(time: Time) -> String {
    time.utc().format("%Y-%m-%d %H:%M").to_string()
}

fn row_of_figure(figure: &Figure, out: &mut String) {
    let value = figure.value.as_ref().map_or_else(|| "-".to_owned(), Cell::shown);
    _ = writeln!(out, "{:<14}{value:>10}  {}", figure.title, figure.note);
}

/// One bar per step.
fn volume(volume: &Volume, out: &mut String) {
    let sum = |p: &super::Point| p.delivered + p.waiting + p.failed + p.refused + p.other;
    let most = volume.points.iter().map(sum).max().unwrap_or(0);
    if volume.points.len() < 2 || most == 0 {
        return;
    }
    let form = if volume.step_s < 60 {
        "%H:%M:%S"
    } else if volume.step_s < 86_400 {
        "%m-%d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    _ = writeln!(out, "\nVolume (# went well, ! waits, failed or was refused)");
    for point in &volume.points {
        let all = sum(point);
        let well = point.delivered + point.other;
        // At least one mark for anything above zero.
        let part = |n: u64| if n == 0 { 0 } else { (n * BAR / most).max(1) };
        let marks = |c: char, n: u64| std::iter::repeat_n(c, usize::try_from(n).unwrap_or(0)).collect::<String>();
        let bar = marks('#', part(well)) + &marks('!', part(all - well));
        let row = format!("{:<12}{:>9}  {bar}", point.start.utc().format(form), Cell::Count(all).shown());
        _ = writeln!(out, "{}", row.trim_end());
    }
}

fn table(t: &Table, out: &mut String) {
    // Leave out minor columns, except a number right after the first column (the share of a status).
    let columns: Vec<usize> =
        (0..t.columns.len()).filter(|n| !t.columns[*n].minor || (*n == 1 && !t.is_text(*n))).collect();
    let shown = |row: &super::Row, n: usize| {
        row.cells[n].as_ref().map_or_else(|| "-".to_owned(), |c| visible(&c.shown()).into_owned())
    };
    let mut widths: Vec<usize> = columns
        .iter()
        .map(|n| t.rows.0.iter().map(|row| shown(row, *n).chars().count()).max().unwrap_or(0))
        .zip(columns.iter().map(|n| t.columns[*n].title.chars().count()))
        .map(|(cells, title)| cells.max(title))
        .collect();
    let mut columns = columns;
    while widths.iter().map(|w| w + 2).sum::<usize>() + NAME > WIDTH && columns.len() > 1 {
        columns.pop();
        widths.pop();
    }
    let room = WIDTH.saturating_sub(widths.iter().map(|w| w + 2).sum::<usize>());
    _ = write!(out, "\n{}", fitted(t.title, room));
    for (n, width) in columns.iter().zip(&widths) {
        _ = write!(out, "  {:>width$}", t.columns[*n].title);
    }
    out.push('\n');
    for row in &t.rows.0 {
        out.push_str(&fitted(&visible(&row.name), room));
        for (n, width) in columns.iter().zip(&widths) {
            _ = write!(out, "  {:>width$}", shown(row, *n));
        }
        out.push('\n');
    }
    if t.left_out > 0 {
        _ = writeln!(out, "… and {} more", Cell::Count(t.left_out).shown());
    }
    if t.error > 0 {
        _ = writeln!(out, "more names than can be remembered: a number may be up to {} too small", t.error);
    }
}

/// Pads or cuts a text to exactly `room` columns. It is cut in the middle, because names differ at both ends.
fn fitted(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return format!("{text:<room$}");
    }
    let tail = room.saturating_sub(1) / 2;
    let head: String = text.chars().take(room.saturating_sub(1 + tail)).collect();
    let rest: String = text.chars().skip(length - tail).collect();
    format!("{head}…{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_too_long_is_cut_in_the_middle() {
        assert_eq!(fitted("client-192-0-2-1.example.org", 13), "client….e.org".replace(".e.org", "le.org"));
        assert_eq!(fitted("short", 7), "short  ");
    }
}
