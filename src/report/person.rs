//! Formats numbers for people.

/// `1,234,567`
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1.2 MB`: powers of 1,000, as in mail size limits.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter().peekable();
    let mut unit = "B";
    while let Some(next) = units.next() {
        unit = next;
        if value < 999.5 || units.peek().is_none() {
            break;
        }
        value /= 1000.0;
    }
    if unit == "B" || value >= 99.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// `0.12 s`, `3.4 s`, `45 s`, `12 min`, `3.4 h`, `5.1 d`: about two digits, as percentiles are exact to 1 %.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 0.005 => "0 s".to_owned(),
        s if s < 0.995 => format!("{s:.2} s"),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

/// `12.5 %`. Shares close to none or all are shown as `< 0.1 %` and `> 99.9 %`.
pub fn share(x: f64) -> String {
    let percent = 100.0 * x;
    match percent {
        p if p > 0.0 && p < 0.05 => "< 0.1 %".to_owned(),
        p if p < 100.0 && p > 99.95 => "> 99.9 %".to_owned(),
        p if p >= 100.0 || p == 0.0 => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        assert_eq!([0, 999, 1_000, 25_400_000, 999_700].map(bytes), ["0 B", "999 B", "1.0 kB", "25.4 MB", "1.0 MB"]);
        assert_eq!(bytes(u64::MAX), "18446744 TB");
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        assert_eq!(
            [0.0, 0.08, 1.01, 45.0, 990.0, 432_000.0].map(seconds),
            ["0 s", "0.08 s", "1.0 s", "45 s", "16 min", "5.0 d"]
        );
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!([0.0, 0.0001, 0.5, 0.9999, 1.0].map(share), ["0 %", "< 0.1 %", "50.0 %", "> 99.9 %", "100 %"]);
    }
}
