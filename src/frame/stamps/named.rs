//! Dates with the name of a month, in English or as other locales abbreviate it, perhaps after a weekday: `Sun Nov 22 20:19:26`
//! (ctime, OpenWrt), `2013 Jun 10 06:27:30.123` (syslog-ng's full dates), `22-Nov-2026 20:19:26`, `nov. 22 20:19:26` (journalctl in
//! France), `Sun 2026-11-22 20:19:26` (journalctl -o short-full).

use super::super::stamp::{Stamp, clock, date, days_in, digit, four, two};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub fn read(b: &[u8]) -> Option<(Stamp, usize)> {
    let start = weekday(b);
    if start > 0
        && let Some((Stamp::NoZone { day, ms }, end)) = super::numeric::read(&b[start..])
    {
        return Some((Stamp::NoZone { day, ms }, start + end));
    }
    month_first(b, start).or_else(|| year_first(b, start)).or_else(|| day_first(b, start))
}

/// The length of `Sun ` or `Sun, `.
fn weekday(b: &[u8]) -> usize {
    let named = b.get(..3).is_some_and(|word| WEEKDAYS.iter().any(|day| day.as_bytes() == word));
    match (named, b.get(3), b.get(4)) {
        (true, Some(b' '), _) => 4,
        (true, Some(b','), Some(b' ')) => 5,
        _ => 0,
    }
}

/// `nov. 22 20:19:26`.
fn month_first(b: &[u8], at: usize) -> Option<(Stamp, usize)> {
    let (month, at) = month(b, at)?;
    let (day, at) = day(b, at)?;
    let (ms, end) = clock(b, (b.get(at) == Some(&b' ')).then_some(at + 1)?)?;
    (1..=days_in(2000, month)).contains(&day).then_some((Stamp::NoYear { month, day, ms }, end))
}

/// `2013 Jun 10 06:27:30.123`.
fn year_first(b: &[u8], at: usize) -> Option<(Stamp, usize)> {
    let year = four(b, at)?;
    let (month, at) = month(b, (b.get(at + 4) == Some(&b' ')).then_some(at + 5)?)?;
    let (day, at) = day(b, at)?;
    let (ms, end) = clock(b, (b.get(at) == Some(&b' ')).then_some(at + 1)?)?;
    Some((Stamp::NoZone { day: date(year, month, day)?, ms }, end))
}

/// `22 Nov 2026 20:19:26`, `22-Nov-2026 20:19:26`, `22/Nov/2026:20:19:26`.
fn day_first(b: &[u8], at: usize) -> Option<(Stamp, usize)> {
    let (day, at) = day(b, at)?;
    let between = b.get(at).filter(|byte| matches!(byte, b' ' | b'-' | b'/'))?;
    let (month, at) = month(b, at + 1)?;
    // `month` has already consumed the blank.
    let at = if *between == b' ' { at } else { (b.get(at) == Some(between)).then_some(at + 1)? };
    let year = four(b, at)?;
    matches!(b.get(at + 4), Some(b' ' | b':')).then_some(())?;
    let (ms, end) = clock(b, at + 5)?;
    Some((Stamp::NoZone { day: date(year, month, day)?, ms }, end))
}

/// `22`, ` 2`, `02` or `2`.
fn day(b: &[u8], at: usize) -> Option<(u8, usize)> {
    let at = at + usize::from(b.get(at) == Some(&b' '));
    two(b, at).map(|day| (day, at + 2)).or_else(|| Some((digit(b, at)?, at + 1)))
}

/// The month named at `at`, and the place after it, its full stop and one blank.
fn month(b: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = b.get(at..)?;
    if let Some((month, len)) = numbered(rest) {
        return Some((month, at + len));
    }
    // Names have at most twelve bytes.
    let len = rest.iter().take(13).take_while(|b| b.is_ascii_alphabetic() || !b.is_ascii()).count();
    // Most words are not in the table, which is long: check first that a separator and a digit follow.
    let after = &rest[len..];
    let after = after.strip_prefix(b".").unwrap_or(after);
    matches!(after, [b' ' | b'-' | b'/', b'0'..=b'9', ..] | [b' ', b' ', b'0'..=b'9', ..]).then_some(())?;
    let word = std::str::from_utf8(&rest[..len]).ok().filter(|word| word.len() >= 3)?.to_lowercase();
    let month = MONTHS.iter().position(|names| names.split(' ').any(|name| name == word))?;
    let stop = usize::from(rest.get(len) == Some(&b'.'));
    let blank = usize::from(rest.get(len + stop) == Some(&b' '));
    Some((u8::try_from(month + 1).ok()?, at + len + stop + blank))
}

/// `11月 ` (Chinese, Japanese) or `11월 ` (Korean), and its length.
fn numbered(b: &[u8]) -> Option<(u8, usize)> {
    let (month, digits) = two(b, 0).map(|month| (month, 2)).or_else(|| Some((digit(b, 0)?, 1)))?;
    let sign = ["月 ", "월 "].into_iter().find(|sign| b[digits..].starts_with(sign.as_bytes()))?;
    (1..=12).contains(&month).then_some((month, digits + sign.len()))
}

/// Abbreviations (`%b`) of European locales. Left out are locales that would give one word to two months: `lis` is November in
/// Polish, and October in Croatian.
const MONTHS: [&str; 12] = [
    "jan jän ene gen janv sty led янв tammi ian ιαν oca",
    "feb fév févr fev fevr febr lut úno фев helmi φεβ şub",
    "mar mär märz mars mrt marts bře мар maalis márc μαρ marc",
    "apr abr avr avril kwi dub апр huhti ápr απρ nis",
    "may mai maj mei mag maj kvě май мая touko máj μαι mayo maio maí",
    "jun juni juin giu cze čen čvn июн kesä jún ιουν haz",
    "jul juli juil lug lip čec čvc июл heinä júl ιουλ tem",
    "aug ago août aoû sie srp авг elo αυγ ağu",
    "sep sept set wrz zář сен сент syys szept σεπ eyl",
    "oct okt ott out paź říj окт loka οκτ eki",
    "nov lis ноя нояб marras νοε kas",
    "dec dez dic dés déc des gru pro дек joulu δεκ ara",
];
