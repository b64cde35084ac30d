//! `group`: administrators other than the service's user may read, and nobody else may.

use crate::{NOW, Ran, run_at, workspace};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
};

/// A group number that no account of the machine has.
const GROUP: u32 = 54_321;

/// The program run as another user (65534, `nobody`) with these groups.
fn as_nobody(workspace: &crate::common::Workspace, groups: &str, arguments: &[&str]) -> Ran {
    // A copy of the program, because others may not be allowed into its directory.
    let program = workspace.file("program");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_mailstitch"), &program).expect("a copy");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", groups]).arg(program);
    command.args(["--config", "mailstitch.toml", "--now", NOW]).args(arguments);
    command.current_dir(workspace.path()).env_remove("MAILSTITCH_CONFIG");
    command.output().expect("setpriv, as root").into()
}

#[test]
fn members_of_the_group_may_trace_and_change_nothing_and_others_may_not_look() {
    let workspace = workspace(&format!("group = \"{GROUP}\""));
    fs::set_permissions(workspace.path(), Permissions::from_mode(0o755)).expect("its owner");
    // The store is in a directory that the program makes.
    let settings = fs::read_to_string(workspace.file("mailstitch.toml")).expect("the configuration");
    workspace.write("mailstitch.toml", settings.replace("\"mail.sqlite\"", "\"store/mail.sqlite\""));
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);

    let of = |name: &str| {
        let found = fs::metadata(workspace.file(name)).expect(name);
        (found.mode() & 0o7777, found.gid())
    };
    assert_eq!((of("state"), of("store")), ((0o2750, GROUP), (0o2750, GROUP)));
    assert_eq!((of("state/checkpoint.json"), of("store/mail.sqlite")), ((0o640, GROUP), (0o640, GROUP)));

    let member = format!("--groups={GROUP}");
    for arguments in [&["trace", "sender@example.org"][..], &["status"], &["export"], &["report"]] {
        let ran = as_nobody(&workspace, &member, arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(!ran.stdout.is_empty(), "{arguments:?}");
        let ran = as_nobody(&workspace, "--clear-groups", arguments);
        assert_eq!(ran.code, 77, "{arguments:?}: {}", ran.stderr);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("sender@"), "{arguments:?}");
    }
    let ran = as_nobody(&workspace, &member, &["run"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (77, "error: cannot lock `state/run.lock`: permission denied\n"));
    let ran = as_nobody(&workspace, &member, &["prune", "--older-than", "1s"]);
    assert_eq!(ran.code, 77, "{}", ran.stderr);
}
