//! Whole logs, from bytes to documents. Timestamps without a year are in 2026.
#![no_main]

use mailstitch::{
    frame::{self, Stamp},
    laws,
    model::{Intake, Time},
    stitch::Rules,
};

const DAY_MS: i64 = 86_400_000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut intake = Intake::default();
    let mut lines = Vec::new();
    for frame in text.lines().filter_map(frame::frame) {
        let time = match frame.stamp {
            Stamp::Exact(time) => time,
            Stamp::NoYear { month, day, ms } => Time(frame::day_number(2026, month, day) * DAY_MS + i64::from(ms)),
            Stamp::NoZone { day, ms } => Time(day * DAY_MS + i64::from(ms)),
        };
        lines.extend(intake.line(time, frame.host.unwrap_or("mx1"), frame.program, frame.pid, frame.text));
    }
    laws::lines(&lines, &Rules::default());
});
