//! Logs that are missing, unreadable, torn, or full of text that is not a log.

use super::{LINE, NOW, REJECT, check, check_read, documents, run, workspace};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

#[test]
fn a_missing_log_is_named() {
    let told = "error: cannot read `mail.log`: no such file or directory\n";
    check(&workspace(""), &["run"], 78, told);
    check(&workspace(""), &["backfill", "mail.log"], 66, told);
    let told = "error: no log file matches `old/*.log`\n\
                hint: `mailstitch backfill FILE` reads any log; for `run` a configuration says where the mail log is: \
                `paths` in `[source.file]`, or `[source.journal]`, `[source.graylog]` or `[source.elasticsearch]`\n";
    check(&workspace("[source.file]\npaths = [\"old/*.log\"]\n"), &["run"], 78, told);
    check(&workspace(""), &["backfill", "old/*.log"], 66, told);
}

#[test]
fn a_log_without_mail_says_whose_lines_it_holds() {
    let workspace = workspace("");
    let lines = "Nov 22 20:19:26 mx1 CRON[7]: x\nNov 22 20:19:27 mx1 sshd[8]: y\nNov 22 20:19:28 mx1 CRON[9]: z\n";
    workspace.write("mail.log", lines);
    let ran = run(&workspace, &["backfill", "--dry-run", "mail.log"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("3 lines, none of a mail program: CRON 2, sshd 1\n"), "{}", ran.stderr);
}

/// Needs a user without rights: root cannot be refused, so it runs the program as nobody.
#[test]
fn a_log_that_may_not_be_read_is_77() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = workspace("");
    let log = workspace.write("mail.log", LINE);
    let rights = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("its owner");
    };
    rights(&log, 0);
    let is_refused = std::fs::read(&log).is_err();
    let arguments = ["--config", "mailstitch.toml", "--now", NOW, "coverage", "mail.log"];
    let ran = if is_refused {
        workspace.command(arguments).output()
    } else {
        rights(workspace.path(), 0o755);
        // A copy of the program, because others may not be allowed into its directory.
        let program = workspace.file("program");
        std::fs::copy(env!("CARGO_BIN_EXE_mailstitch"), &program).expect("a copy");
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program).args(arguments);
        command.current_dir(workspace.path()).env_remove("MAILSTITCH_CONFIG").output()
    };
    let ran: super::Ran = ran.expect("it starts").into();
    let told = "error: cannot read `mail.log`: permission denied\nhint: on Debian and Ubuntu the group `adm` may read the mail log\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (77, told));
}

#[test]
fn noise_is_counted_and_nothing_around_it_is_lost() {
    let workspace = workspace("");
    let mut log = LINE.as_bytes().to_vec();
    log.extend((0..=255_u8).filter(|b| *b != b'\n'));
    log.push(b'\n');
    log.extend(b"\0\0\0\0");
    log.extend(REJECT.as_bytes());
    log.extend([0xff; 100]);
    log.push(b'\n');
    workspace.write("mail.log", log);
    check_read(&workspace, [2, 0, 2, 0]);
    assert_eq!(documents(&workspace), 2);
}

#[test]
fn a_line_of_ten_megabytes_is_one_line() {
    let workspace = workspace("");
    workspace.write("mail.log", format!("{LINE}{}\n{REJECT}", "x".repeat(10 << 20)));
    check_read(&workspace, [2, 0, 1, 0]);
    assert_eq!(documents(&workspace), 2);
}

#[test]
fn a_mail_line_of_ten_megabytes_costs_its_tail_and_nothing_else() {
    let workspace = workspace("");
    let start = "2026-11-03T00:00:00.000+00:00 mx1 postfix/cleanup[2640]: 3A9C96093D: message-id=<";
    workspace.write("mail.log", format!("{start}{}>\n{LINE}{REJECT}", "x".repeat(10 << 20)));
    check_read(&workspace, [3, 0, 0, 0]);
    assert_eq!(documents(&workspace), 2);
}

#[test]
fn nul_bytes_anywhere_are_a_part_of_their_line() {
    let workspace = workspace("");
    let spoilt = LINE.replace("removed", "rem\0oved");
    workspace.write("mail.log", format!("{spoilt}\0\0{LINE}\0\n{REJECT}"));
    check_read(&workspace, [2, 0, 1, 0]);
    assert_eq!(documents(&workspace), 2);
}

#[test]
fn empty_logs_and_logs_of_newlines_are_no_mistake() {
    for text in ["", "\n\n\n\r\n  \n"] {
        let workspace = workspace("");
        workspace.write("mail.log", text);
        check(&workspace, &["run"], 0, "");
        check_read(&workspace, [0, 0, 0, 0]);
        assert_eq!(documents(&workspace), 0);
    }
}

#[test]
fn half_a_gzip_file_gives_its_half_and_says_so_once() {
    let workspace = workspace("");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(format!("{LINE}{REJECT}").repeat(2_000).as_bytes()).expect("memory");
    let packed = gzip.finish().expect("memory");
    workspace.write("mail.log", &packed[..packed.len() / 2]);
    let ran = run(&workspace, &["run"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("`mail.log` cannot be unpacked to its end: "), "{}", ran.stderr);
    assert_eq!(documents(&workspace), 2);
    check(&workspace, &["run"], 0, "");
}

#[test]
fn a_packed_file_without_a_whole_line_is_told_once() {
    let workspace = workspace("");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(LINE.as_bytes()).expect("memory");
    workspace.write("mail.log", &gzip.finish().expect("memory")[..12]);
    assert!(run(&workspace, &["run"]).stderr.contains("cannot be unpacked to its end"));
    check(&workspace, &["run"], 0, "");
}

#[test]
fn standard_input_is_read_to_its_end() {
    let workspace = workspace("");
    let mut backfill = workspace.command(["--config", "mailstitch.toml", "--now", NOW, "backfill", "-"]);
    let mut backfill = backfill.stdin(std::process::Stdio::piped()).spawn().expect("it starts");
    let text = format!("{LINE}{}", REJECT.trim_end());
    backfill.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    assert_eq!(backfill.wait().expect("its end").code(), Some(0));
    assert_eq!(documents(&workspace), 2);
}

#[test]
fn the_last_line_of_a_named_file_needs_no_newline_and_that_of_a_followed_one_does() {
    let workspace = workspace("");
    workspace.write("mail.log", format!("{LINE}{}", REJECT.trim_end()));
    check_read(&workspace, [1, 0, 0, 0]);
    assert_eq!(documents(&workspace), 1);
    let ran = run(&workspace, &["backfill", "mail.log"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(documents(&workspace), 2);
    workspace.write("mail.log", format!("{LINE}{REJECT}"));
    check_read(&workspace, [1, 0, 0, 0]);
    assert_eq!(documents(&workspace), 2, "one line, one id, whatever its end was");
}

#[test]
fn since_after_until_is_64() {
    let told = "error: cannot backfill an empty range: `--since` (2026-11-03T00:00:00.000Z) must be before `--until` \
                (2026-11-02T00:00:00.000Z)\n";
    check(
        &workspace(""),
        &["backfill", "--since", "2026-11-03T00:00:00Z", "--until", "2026-11-02T00:00:00Z"],
        64,
        told,
    );
    let ran = run(&workspace(""), &["export", "--since", "2026-11-03T00:00:00Z", "--until", "2026-11-02T00:00:00Z"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
}

#[test]
fn the_ledger_does_not_grow_with_hosts_that_are_gone() {
    let workspace = workspace("");
    let day = |day: u32| {
        let line = |n: u32| {
            let (minute, second) = (n / 60 % 60, n % 60);
            let text = "postfix/smtpd[1]: connect from client.example.org[192.0.2.1]";
            format!("2026-11-{day:02}T01:{minute:02}:{second:02}.000+00:00 h{day}x{n} {text}\n")
        };
        (0..30_000).map(line).collect::<String>()
    };
    let ledger = || std::fs::metadata(workspace.file("state/checkpoint.json")).expect("a ledger").len();
    let mut log = day(1);
    workspace.write("mail.log", &log);
    assert_eq!(run(&workspace, &["run"]).code, 0);
    assert!(ledger() > 1_000_000, "all of them may go on");
    log += LINE;
    workspace.write("mail.log", &log);
    assert_eq!(run(&workspace, &["run"]).code, 0);
    assert!(ledger() < 10_000, "{}", ledger());
}
