//! Logs that were rewritten, copied or compressed, and begin like those before them: they are told apart by the bytes
//! before the place where reading stopped.

use crate::{Logs, gzip, lines, texts};
use std::fs::{self, File};

/// A log of 40 lines, read; the first twenty make up its first kilobyte.
fn read_beyond_its_first_kilobyte() -> Logs {
    let mut logs = Logs::new();
    logs.append("mail.log", &lines(0..40));
    assert_eq!(logs.run(), texts(0..40));
    logs
}

#[test]
fn a_log_written_anew_with_the_same_beginning_is_read_from_its_start() {
    let anew = lines(0..25) + &lines(41..58);
    let expected = [texts(0..25), texts(41..58)].concat();
    // Rewritten in place, replaced by another file, and written in steps after truncation.
    let in_place = |logs: &mut Logs| fs::write(logs.path("mail.log"), &anew).unwrap();
    let renamed = |logs: &mut Logs| {
        fs::write(logs.path("new"), &anew).unwrap();
        logs.rename("new", "mail.log");
    };
    let cut = |logs: &mut Logs| {
        let kept = lines(0..25).len() as u64;
        File::options().write(true).open(logs.path("mail.log")).unwrap().set_len(kept).unwrap();
        logs.append("mail.log", &lines(41..58));
    };
    for write in [&in_place as &dyn Fn(&mut Logs), &renamed, &cut] {
        let mut logs = read_beyond_its_first_kilobyte();
        write(&mut logs);
        assert_eq!(logs.run(), expected);
        logs.append("mail.log", &lines(58..59));
        assert_eq!(logs.run(), texts(58..59));
    }
}

#[test]
fn a_log_copied_and_written_anew_with_the_same_beginning_goes_on_in_the_copy() {
    let mut logs = read_beyond_its_first_kilobyte();
    logs.append("mail.log", &lines(40..42));
    fs::copy(logs.path("mail.log"), logs.path("mail.log.1")).unwrap();
    fs::write(logs.path("mail.log"), lines(0..25) + &lines(42..59)).unwrap();
    assert_eq!(logs.run(), [texts(40..42), texts(0..25), texts(42..59)].concat());
    logs.pack("mail.log.1");
    assert_eq!(logs.run(), texts(0..0));
}

#[test]
fn a_packed_log_with_the_same_beginning_as_another_is_read() {
    // The compressed file is not the one that was read.
    let mut logs = read_beyond_its_first_kilobyte();
    let other = lines(0..25) + &lines(41..58);
    fs::write(logs.path("mail.log.1.gz"), gzip(other.as_bytes())).unwrap();
    fs::write(logs.path("mail.log"), lines(58..59)).unwrap();
    let expected = [texts(0..25), texts(41..58)].concat();
    assert_eq!(logs.run(), [expected, texts(58..59)].concat());
    // A third file replaces it.
    fs::write(logs.path("mail.log.1.gz"), gzip((lines(0..25) + &lines(30..59)).as_bytes())).unwrap();
    assert_eq!(logs.run(), [texts(0..25), texts(30..59)].concat());
    // More lines are added to it.
    fs::write(logs.path("mail.log.1.gz"), gzip((lines(0..25) + &lines(30..60)).as_bytes())).unwrap();
    assert_eq!(logs.run(), texts(59..60));
}

#[test]
fn a_position_of_before_goes_on_and_knows_the_end_from_then_on() {
    let mut logs = read_beyond_its_first_kilobyte();
    let mark = &mut logs.position.as_mut().unwrap()["files"][0];
    assert!(mark.as_object_mut().unwrap().remove("tail").is_some());
    assert_eq!(logs.run(), texts(0..0));
    fs::write(logs.path("mail.log"), lines(0..25) + &lines(41..58)).unwrap();
    assert_eq!(logs.run().len(), 42);
}
