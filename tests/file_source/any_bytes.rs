//! Every line of any file is read or counted, once.

use super::{Logs, gzip, lines};
use proptest::prelude::*;
use std::{
    fs::{self, OpenOptions},
    io::Write,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_mail_line_is_read_whatever_was_begun_before_it(
        parts in prop::collection::vec(
            prop::sample::select(&[
                "{", "\t\"a\" : 1,", "}", "", "x", "    _PID=1", "            more",
                "__CURSOR=s=1;i=2", "__REALTIME_TIMESTAMP=1795378811599454", "MESSAGE=x", "MESSAGE", "\u{13}\0\0\0\0\0\0\0x",
                "Sun 2026-11-22 20:20:11.599454 UTC [s=1;i=2;b=3;m=4;t=660e3344d7a5e;x=5]",
                "2026-11-22T08:00:00Z stdout P 2026-11-22T08:00:00Z mx1 postfix/qmgr[1]: ",
                "2026-11-22T08:00:00Z stderr F x",
                "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2026-11-22T08:00:00Z\"}",
                "{\"__REALTIME_TIMESTAMP\":\"1795378811599454\",\"SYSLOG_IDENTIFIER\":\"a\",\"MESSAGE\":\"x\"}",
            ][..]),
            0..12,
        ),
        marks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut parts: Vec<String> = parts.iter().map(|part| format!("{part}\n")).collect();
        for (n, at) in marks.iter().enumerate() {
            let n = u32::try_from(n).unwrap();
            parts.insert(at.index(parts.len() + 1), lines(n..n + 1));
        }
        let mut logs = Logs::new();
        logs.append("mail.log", &parts.concat());
        let found = logs.run();
        for n in 0..marks.len() {
            let text = format!("line {n}");
            prop_assert_eq!(found.iter().filter(|found| **found == text).count(), 1, "{:?} of {:?}", found, parts);
        }
    }

    #[test]
    fn every_line_of_any_bytes_is_counted_once(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                Just(b"\n".to_vec()),
                Just(b"Nov 22 20:19:26 mx1 postfix/qmgr[1]: x".to_vec()),
                Just(b"2026-11-22T08:00:00Z ".to_vec()),
                Just(b"<22>1 2026-11-22T08:00:00Z a b 1 - [".to_vec()),
                Just(b"{\"MESSAGE\":\"".to_vec()),
            ],
            0..20,
        ),
        cut in any::<prop::sample::Index>(),
        packed in any::<bool>(),
    ) {
        // Begins with a letter, so that it never looks like a compressed file.
        let mut text = b"x\n".to_vec();
        text.extend(parts.concat());
        text.push(b'\n');
        let expected = text.split(|b| *b == b'\n').filter(|line| line.iter().any(|b| *b > b' ')).count();
        let mut logs = Logs::new();
        let found = if packed {
            fs::write(logs.path("mail.log"), gzip(&text)).unwrap();
            logs.run().len()
        } else {
            // Two runs, the file cut anywhere between them.
            let (first, second) = text.split_at(cut.index(text.len()));
            fs::write(logs.path("mail.log"), first).unwrap();
            let found = logs.run().len();
            OpenOptions::new().append(true).open(logs.path("mail.log")).unwrap().write_all(second).unwrap();
            found + logs.run().len()
        };
        prop_assert_eq!(found, expected);
    }
}
