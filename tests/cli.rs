//! The program as a process: exit codes and messages that need no source or store.

use std::process::{Command, Output};

fn mailstitch(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailstitch"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent").output().unwrap()
}

#[track_caller]
fn check(arguments: &[&str], code: i32, on_stderr: &str) {
    let output = mailstitch(arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(on_stderr), "{told}");
}

#[test]
fn help_is_no_mistake() {
    check(&["--help"], 0, "");
    check(&["--version"], 0, "");
}

#[test]
fn a_mistake_on_the_command_line_is_64() {
    check(&["sing"], 64, "sing");
    check(&["backfill"], 64, "--since");
    check(&["trace"], 64, "QUERY");
    check(&["prune", "--older-than", "7"], 64, "not a duration");
}

#[test]
fn a_mistake_in_the_configuration_is_78() {
    check(&["run", "-c", "/nonexistent/config.toml"], 78, "error: cannot read configuration");
    check(
        &["run", "--config", "tests/config/unknown_key.bad.toml"],
        78,
        "error: unknown key `buckets` in `[window]` at line 3 of `tests/config/unknown_key.bad.toml`\n\
         hint: did you mean `bucket`?\n",
    );
}

#[test]
fn the_environment_names_the_configuration_too() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailstitch"));
    command.arg("run").env_clear().env("MAILSTITCH_CONFIG", "tests/config/not_toml.bad.toml");
    assert_eq!(command.output().unwrap().status.code(), Some(78));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    check(&["run", "-c", "/nonexistent/\x1b[2J"], 78, "`/nonexistent/\\x1b[2J`");
}
