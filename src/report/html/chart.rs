//! Volume over time as SVG, and as a table for users of screen readers and keyboards.
//!
//! The picture is stretched to the available width; its labels stand outside, so that they are not.

use super::{
    super::{Cell, Point, Volume},
    behind,
};
use crate::model::Time;
use std::fmt::Write;

/// Height of the picture and width of a bar, in units of the SVG.
const HEIGHT: f64 = 100.0;
const WIDTH: usize = 10;

const KINDS: [(&str, &str); 5] = [
    ("delivered", "Delivered"),
    ("waiting", "Waiting"),
    ("failed", "Failed"),
    ("refused", "Refused"),
    ("other", "Other"),
];

fn parts(p: &Point) -> [u64; 5] {
    [p.delivered, p.waiting, p.failed, p.refused, p.other]
}

fn all(p: &Point) -> u64 {
    parts(p).iter().sum()
}

/// Writes the section on the volume; nothing if there are no points.
pub fn volume(volume: &Volume, out: &mut String) {
    let (Some(first), Some(last)) = (volume.points.first(), volume.points.last()) else { return };
    let most = round_up(volume.points.iter().map(all).max().unwrap_or(0).max(1));
    let words = words(volume.step_s);
    _ = writeln!(
        out,
        "<section id=\"volume\" aria-labelledby=\"volume-title\"><h2 id=\"volume-title\">Volume</h2>\
         <p>Messages and refused attempts {words}, by what became of them.</p>\n<div class=\"chart\">\
         <div class=\"y\" aria-hidden=\"true\"><span>{}</span><span>{}</span><span>0</span></div>",
        Cell::Count(most).shown(),
        // Label the middle only if half is a whole number.
        if most.is_multiple_of(2) { Cell::Count(most / 2).shown() } else { String::new() },
    );
    let width = volume.points.len() * WIDTH;
    _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Bars of messages {words}, at most {}; the same as a table below\">",
        volume.points.iter().map(all).max().unwrap_or(0)
    );
    for y in [0.0, HEIGHT / 2.0, HEIGHT] {
        _ = writeln!(out, "<line x1=\"0\" x2=\"{width}\" y1=\"{y}\" y2=\"{y}\"/>");
    }
    for (n, point) in volume.points.iter().enumerate() {
        bar(n * WIDTH, point, most, volume.step_s, out);
    }
    let middle = &volume.points[volume.points.len() / 2];
    let labels: Vec<&Point> =
        if volume.points.len() > 2 { vec![first, middle, last] } else { volume.points.iter().collect() };
    out.push_str("</svg>\n<div class=\"x\" aria-hidden=\"true\">");
    for point in labels {
        _ = write!(out, "<span>{}</span>", label(point.start, volume.step_s));
    }
    out.push_str("</div></div>\n<ul class=\"legend\">");
    for (n, (class, title)) in KINDS.iter().enumerate() {
        let sum: u64 = volume.points.iter().map(|p| parts(p)[n]).sum();
        if sum > 0 {
            _ = write!(
                out,
                "<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"1\" height=\"1\"/></svg>{title} {}</li>",
                Cell::Count(sum).shown()
            );
        }
    }
    out.push_str("</ul>\n");
    as_table(volume, out);
    out.push_str("</section>\n");
}

fn bar(x: usize, point: &Point, most: u64, step_s: i64, out: &mut String) {
    if all(point) == 0 {
        return;
    }
    let title = label(point.start, step_s);
    let told: Vec<String> =
        KINDS.iter().zip(parts(point)).filter(|(_, n)| *n > 0).map(|((_, title), n)| format!("{title} {n}")).collect();
    _ = write!(
        out,
        "<g {}><title>{title}: {}</title><rect class=\"hit\" x=\"{x}\" y=\"0\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>",
        behind(&format!("Volume: {title}"), &point.transactions),
        told.join(", ")
    );
    let mut top = HEIGHT;
    for ((class, _), n) in KINDS.iter().zip(parts(point)).filter(|(_, n)| *n > 0) {
        let height = HEIGHT * n as f64 / most as f64;
        top -= height;
        _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{top:.3}\" width=\"{}\" height=\"{height:.3}\"/>",
            x + 1,
            WIDTH - 2
        );
    }
    out.push_str("</g>\n");
}

fn as_table(volume: &Volume, out: &mut String) {
    out.push_str(
        "<details><summary>Volume as a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Volume as a table\">\
         <table><caption class=\"unseen\">Volume over time</caption><thead><tr><th scope=\"col\">From</th>",
    );
    for (_, title) in KINDS {
        _ = write!(out, "<th scope=\"col\" class=\"n\">{title}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for point in &volume.points {
        let start = label(point.start, volume.step_s);
        _ = match point.transactions.as_slice() {
            [] => write!(out, "<tr><th scope=\"row\">{start}</th>"),
            places => write!(
                out,
                "<tr><th scope=\"row\"><button type=\"button\" aria-haspopup=\"dialog\" {}>{start}</button></th>",
                behind(&format!("Volume: {start}"), places)
            ),
        };
        for n in parts(point) {
            let zero = if n > 0 { "" } else { " zero" };
            _ = write!(out, "<td class=\"n{zero}\">{}</td>", Cell::Count(n).shown());
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div></details>\n");
}

fn label(start: Time, step_s: i64) -> String {
    let form = if step_s < 60 {
        "%H:%M:%S"
    } else if step_s < 86_400 {
        "%d %b %H:%M"
    } else {
        "%Y-%m-%d"
    };
    start.utc().format(form).to_string()
}

fn words(step_s: i64) -> String {
    let (n, unit) = match step_s {
        s if s < 60 => (s, "second"),
        s if s < 3600 => (s / 60, "minute"),
        s if s < 86_400 => (s / 3600, "hour"),
        s => (s / 86_400, "day"),
    };
    if n == 1 { format!("by the {unit}") } else { format!("in steps of {n} {unit}s") }
}

/// The next number that is easy to read on a scale.
fn round_up(n: u64) -> u64 {
    let mut power = 1_u64;
    while power.saturating_mul(100) < n {
        power = power.saturating_mul(10);
    }
    [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100]
        .iter()
        .map(|k| power.saturating_mul(*k))
        .find(|m| *m >= n)
        .unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        assert_eq!([1, 3, 7, 10, 11, 99, 1234].map(round_up), [1, 4, 8, 10, 12, 100, 1600]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_volume_of_nothing_is_no_section() {
        let mut out = String::new();
        volume(&Volume { step_s: 0, points: Vec::new() }, &mut out);
        assert_eq!(out, "");
    }
}
