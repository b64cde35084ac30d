//! A report as one self-contained page of HTML: nothing from the network, no fonts, no pictures but SVG.
//!
//! Log text is hostile. It enters the page in two ways only: as markup through `escaped`, and as JSON in a data
//! block, which the script inserts as text. The content security policy in the head allows only the page's own
//! script, by its hash, and forbids loading anything.

mod chart;

use super::{Cell, Figure, Report, Row, Table};
use crate::escape::{in_json, visible};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Tables shown side by side if there is room.
const PAIRS: [[&str; 2]; 1] = [["tls", "sizes"]];
/// A table with at least this many rows gets a filter.
const MANY: usize = 6;
/// A text longer than this gets a wider column, or a very wide one.
const WORDS: usize = 12;
const LONG: usize = 40;

/// The report as a page of HTML.
///
/// # Errors
/// If the transactions cannot be written as JSON, which would be a bug.
pub fn html(report: &Report) -> Result<String, serde_json::Error> {
    let mut out = String::with_capacity(1 << 18);
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    let (from, to) = (day(report.range.from), day(report.range.to));
    _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Mail from {from} to {to}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the report</a>\n\
         <header class=\"top\"><div><h1>Mail report</h1><p class=\"soft\">{from} to {to}, times in UTC</p></div>\n\
         <div class=\"tools\"><input type=\"search\" id=\"everywhere\" placeholder=\"Filter all tables\" \
         aria-label=\"Filter all tables\"><button type=\"button\" class=\"plain\" id=\"theme\">Colours: auto</button>\
         </div></header>\n",
    );
    navigation(report, &mut out);
    out.push_str("<main id=\"main\">\n");
    if report.is_empty() {
        out.push_str("<section><p>The store has no transaction that began in this time.</p></section>\n");
    } else {
        out.push_str("<ul class=\"figures\">\n");
        for f in &report.figures {
            figure(f, &mut out);
        }
        out.push_str("</ul>\n");
        chart::volume(&report.volume, &mut out);
    }
    for t in report.tables.iter().filter(|t| has_rows(t)) {
        let pair = PAIRS.iter().find(|pair| pair.contains(&t.name));
        let both =
            pair.filter(|pair| pair.iter().all(|name| report.tables.iter().any(|t| t.name == *name && has_rows(t))));
        match both {
            Some([first, _]) if *first == t.name => out.push_str("<div class=\"pair\">\n"),
            _ => {}
        }
        table(t, &mut out);
        match both {
            Some([_, second]) if *second == t.name => out.push_str("</div>\n"),
            _ => {}
        }
    }
    _ = write!(
        out,
        "</main>\n<footer><p>Made by mailstitch {} at {} from {} transactions. A row leads to the newest transactions behind \
         it; <code>mailstitch trace</code> shows the whole path of each.</p></footer>\n\
         <dialog aria-labelledby=\"behind\"><div class=\"bar\"><div><h2 id=\"behind\"></h2><p class=\"soft\"></p></div>\
         <button type=\"button\" class=\"plain\" id=\"close\">Close</button></div><ul></ul></dialog>\n\
         <script type=\"application/json\" id=\"transactions\">{}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        day(report.made),
        Cell::Count(report.documents).shown(),
        data(&serde_json::to_string(&report.transactions)?),
    );
    Ok(out)
}

fn has_rows(t: &Table) -> bool {
    !t.rows.0.is_empty()
}

fn day(time: crate::model::Time) -> String {
    time.utc().format("%Y-%m-%d %H:%M").to_string()
}

/// Escapes text for an element or a double-quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// JSON that is safe inside a script element: `</script>` and `<!--` cannot occur.
fn data(json: &str) -> String {
    in_json(json.to_owned()).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Attributes that make an element open the list of its transactions.
fn behind(title: &str, places: &[usize]) -> String {
    let places: Vec<String> = places.iter().map(usize::to_string).collect();
    format!("data-b=\"{}\" data-title=\"{}\"", places.join(" "), escaped(title))
}

fn navigation(report: &Report, out: &mut String) {
    out.push_str("<nav aria-label=\"Tables\"><ul>\n");
    for t in report.tables.iter().filter(|t| has_rows(t)) {
        _ = writeln!(out, "<li><a href=\"#{}\">{}</a></li>", t.name, t.title);
    }
    out.push_str("</ul></nav>\n");
}

fn figure(f: &Figure, out: &mut String) {
    let value = f.value.as_ref().map_or_else(|| "–".to_owned(), Cell::shown);
    let is_bad = f.name == "failed" && f.value.as_ref().and_then(Cell::number).is_some_and(|n| n > 0.0);
    let class = if is_bad { "figure bad" } else { "figure" };
    let inner = format!(
        "<span class=\"name\">{}</span><span class=\"value\">{}</span><span class=\"note\">{}</span>",
        f.title,
        escaped(&value),
        escaped(&f.note)
    );
    _ = match f.transactions.as_slice() {
        [] => writeln!(out, "<li><div class=\"{class}\">{inner}</div></li>"),
        places => writeln!(
            out,
            "<li><button type=\"button\" class=\"{class}\" aria-haspopup=\"dialog\" {}>{inner}</button></li>",
            behind(f.title, places)
        ),
    };
}

fn table(t: &Table, out: &mut String) {
    let (name, title) = (t.name, t.title);
    let rows = &t.rows.0;
    _ = writeln!(
        out,
        "<section id=\"{name}\" data-table aria-labelledby=\"{name}-title\">\n<div class=\"head\"><div>\
         <h2 id=\"{name}-title\">{title}</h2><p class=\"about\">{}</p></div>",
        t.about
    );
    if rows.len() >= MANY {
        _ = writeln!(out, "<input type=\"search\" placeholder=\"Filter\" aria-label=\"Filter {title}\">");
    }
    _ = writeln!(
        out,
        "</div>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-labelledby=\"{name}-title\"><table>\
         <caption class=\"unseen\">{title}. {}</caption>\n<thead><tr><th scope=\"col\"><button type=\"button\">{}</button></th>",
        t.about,
        capital(t.of)
    );
    let is_text: Vec<bool> = (0..t.columns.len()).map(|n| t.is_text(n)).collect();
    let lead = is_text.iter().position(|is_text| !is_text);
    for (n, column) in t.columns.iter().enumerate() {
        let class = if is_text[n] { "" } else { " class=\"n\"" };
        // The rows arrive sorted by this column.
        let sort = if Some(n) == lead { " aria-sort=\"descending\"" } else { "" };
        _ = write!(out, "<th scope=\"col\"{class}{sort}><button type=\"button\">{}</button></th>", column.title);
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let numbers = rows.iter().filter_map(|row| row.cells[lead?].as_ref()?.number());
    let most = numbers.fold(0.0, f64::max);
    for row in rows {
        self::row(t, row, lead, most, out);
    }
    out.push_str(
        "</tbody></table></div>\n<div class=\"below\"><button type=\"button\" class=\"more\" hidden></button>",
    );
    out.push_str("<span class=\"found\" role=\"status\"></span>");
    if t.left_out > 0 {
        _ = write!(out, "<span>{} more are not shown.</span>", Cell::Count(t.left_out).shown());
    }
    if t.error > 0 {
        _ = write!(out, "<span>More names than can be remembered: a number may be up to {} too small.</span>", t.error);
    }
    out.push_str("</div>\n</section>\n");
}

fn row(t: &Table, row: &Row, lead: Option<usize>, most: f64, out: &mut String) {
    let name = escaped(&row.name);
    _ = match row.transactions.as_slice() {
        [] => write!(out, "<tr><th scope=\"row\">{name}</th>"),
        places => write!(
            out,
            "<tr><th scope=\"row\"><button type=\"button\" aria-haspopup=\"dialog\" {}>{name}</button></th>",
            behind(&format!("{}: {}", t.title, row.name), places)
        ),
    };
    for (n, cell) in row.cells.iter().enumerate() {
        let number = cell.as_ref().and_then(Cell::number);
        let shown = cell.as_ref().map_or_else(|| "–".to_owned(), |cell| escaped(&cell.shown()));
        _ = match (cell, number) {
            (Some(Cell::Text(text)), _) => {
                let room = match text.chars().count() {
                    n if n > LONG => " long",
                    n if n > WORDS => " words",
                    _ => "",
                };
                write!(out, "<td class=\"t{room}\">{shown}</td>")
            }
            (_, None) if t.is_text(n) => write!(out, "<td class=\"t\"></td>"),
            (_, None) => write!(out, "<td class=\"n zero\">{shown}</td>"),
            // Only counts get a bar: durations are not parts of a sum.
            (Some(Cell::Count(_)), Some(x)) if Some(n) == lead && most > 0.0 => {
                let width = 100.0 * x / most;
                write!(out, "<td class=\"n lead\" data-v=\"{x}\" style=\"--w:{width:.1}%\">{shown}</td>")
            }
            (_, Some(x)) => {
                let zero = if x > 0.0 { "" } else { " zero" };
                write!(out, "<td class=\"n{zero}\" data-v=\"{x}\">{shown}</td>")
            }
        };
    }
    out.push_str("</tr>\n");
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(escaped("<img src=x onerror='a()'>&\""), "&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;");
    }

    #[test]
    fn data_holds_no_markup_and_means_the_same() {
        let value = serde_json::json!(["</script><!--", "\u{2028}&amp;\u{202e}"]);
        let text = data(&value.to_string());
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{202e}']), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
