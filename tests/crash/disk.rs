//! Full disks, and directories that cannot be written.

use crate::log::{self, Growing, pieces};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
};

/// A run that may not make any file longer than this, which looks to it like a full disk.
fn run_within(growing: &Growing, kilobytes: u32) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_mailstitch");
    let script =
        format!("trap '' XFSZ; ulimit -f {kilobytes}; exec {program} -c mailstitch.toml --now {} run", log::NOW);
    let ran = Command::new("bash").args(["-c", &script]).current_dir(growing.workspace().path()).output();
    let ran = ran.expect("bash");
    (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn a_disk_that_is_full_loses_nothing_and_the_next_run_makes_it_good() {
    let expected = Growing::into_sqlite().undisturbed();
    let growing = Growing::into_sqlite();
    let mut full = 0;
    for (piece, kilobytes) in pieces().into_iter().zip([0, 1, 16, 128, 256, 512]) {
        growing.append(piece);
        let (code, told) = run_within(&growing, kilobytes);
        assert!(matches!(code, Some(0 | 75)), "{kilobytes} kB: {code:?} {told}");
        if code == Some(75) {
            full += 1;
            assert!(told.starts_with("error: cannot "), "{told}");
        }
        growing.lines_read();
    }
    assert!(full > 2, "{full} runs met the end of the disk");
    log::assert_same(&growing.export(), &expected, "a full disk");
}

#[test]
fn a_state_directory_that_cannot_be_made_or_written_stops_a_run_before_it_writes() {
    let growing = Growing::into_sqlite();
    growing.append(pieces()[0]);
    let path = growing.workspace().file("mailstitch.toml");
    let settings = fs::read_to_string(&path).expect("the configuration");
    // Not even root can create files there.
    for (dir, code) in [("/sys/mailstitch", 77), ("/proc/sys", 78)] {
        growing.workspace().write("mailstitch.toml", settings.replace("\"state\"", &format!("{dir:?}")));
        let ran = growing.workspace().run(["--config", "mailstitch.toml", "run"]);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("error: cannot create ") && ran.stderr.contains(dir), "{}", ran.stderr);
        assert!(!growing.workspace().file("mail.sqlite").exists());
    }
}

/// A run bound by file permissions: root's right to ignore them is dropped.
fn run_by_the_rights_of_files(growing: &Growing) -> (Option<i32>, String) {
    let mut run = growing.command(&["run"]);
    if fs::metadata(growing.workspace().path()).expect("the workspace").uid() == 0 {
        let mut without = Command::new("setpriv");
        without.args(["--bounding-set", "-dac_override,-dac_read_search"]).arg(run.get_program()).args(run.get_args());
        without.current_dir(growing.workspace().path());
        run = without;
    }
    let ran = run.output().expect("it starts");
    (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn a_state_directory_that_became_read_only_loses_nothing_and_is_told() {
    let expected = Growing::into_sqlite().undisturbed();
    let growing = Growing::into_sqlite();
    let state = growing.workspace().file("state");
    let may_write = |yes: bool| {
        let mode = fs::Permissions::from_mode(if yes { 0o700 } else { 0o500 });
        fs::set_permissions(&state, mode).expect("its owner");
    };
    for (n, piece) in pieces().into_iter().enumerate() {
        growing.append(piece);
        if n > 0 {
            may_write(false);
            let (code, told) = run_by_the_rights_of_files(&growing);
            assert_eq!(code, Some(77), "{told}");
            may_write(true);
        }
        assert_eq!(growing.lines_read(), piece.lines().count());
    }
    log::assert_same(&growing.export(), &expected, "a state directory that was read-only");
}
