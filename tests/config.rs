//! Configuration files and the resulting settings. `NAME.good.toml` comes with the settings it gives, `NAME.bad.toml`
//! with its error message. `UPDATE_GOLDEN=1` rewrites both; reviewers read the diff.

use mailstitch::{
    config::{Environment, Settings, Source, Store, load},
    error::{Error, Kind},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

fn environment() -> Environment {
    Environment::of([("HOME", "/home/joe"), ("TZ", "UTC")])
}

/// The files of a kind; a file of neither kind is a mistake.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir("tests/config").unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    for path in &all {
        let name = path.to_str().unwrap();
        let pair = [".good.toml", ".good.txt", ".bad.toml", ".bad.txt"].iter().any(|end| name.ends_with(end));
        assert!(pair && path.with_extension("toml").exists(), "stray file {name}");
    }
    all.retain(|path| path.to_str().unwrap().ends_with(ending));
    assert!(!all.is_empty());
    all
}

fn golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{}", path.display());
}

fn message(error: &Error) -> String {
    let hint = error.hint_text().map_or_else(String::new, |hint| format!("hint: {hint}\n"));
    format!("error: {error}\n{hint}")
}

#[test]
fn every_good_file_gives_its_settings() {
    for path in files(".good.toml") {
        let settings = load(Some(&path), &environment()).unwrap_or_else(|e| panic!("{}", message(&e)));
        // The permissions of a checked-out file depend on the umask, and with them the warnings.
        let settings = Settings { warnings: Vec::new(), ..settings };
        golden(&path.with_extension("txt"), &format!("{settings:#?}\n"));
    }
}

#[test]
fn every_bad_file_gets_its_message() {
    for path in files(".bad.toml") {
        let error = load(Some(&path), &environment()).expect_err(path.to_str().unwrap());
        assert_eq!(error.kind(), Kind::Config, "{}", path.display());
        assert!(!message(&error).contains("hunter2"), "{} shows a secret", path.display());
        golden(&path.with_extension("txt"), &message(&error));
    }
}

#[test]
fn settings_print_no_secret() {
    for path in files(".good.txt") {
        assert!(!fs::read_to_string(&path).unwrap().contains("\"secret\""), "{}", path.display());
    }
}

#[test]
fn the_example_loads() {
    let settings = load(Some(Path::new("config.example.toml")), &environment()).unwrap();
    assert!(matches!(settings.source, Source::File(_)));
}

#[test]
fn without_a_configuration_state_is_the_users() {
    if Path::new("/etc/mailstitch/config.toml").exists() {
        return;
    }
    let settings = load(None, &environment()).unwrap();
    assert_eq!(settings.state_dir, Path::new("/home/joe/.local/state/mailstitch"));
    let xdg = Environment::of([("HOME", "/home/joe"), ("XDG_STATE_HOME", "/srv/state")]);
    let settings = load(None, &xdg).unwrap();
    assert_eq!(settings.state_dir, Path::new("/srv/state/mailstitch"));
    let Store::Sqlite { path } = settings.store else { panic!("not SQLite") };
    assert_eq!(path, Path::new("/srv/state/mailstitch/transactions.sqlite"));
    assert_eq!(load(None, &Environment::default()).unwrap_err().kind(), Kind::Config);
}

#[test]
fn a_named_file_that_is_not_there_is_an_error() {
    let error = load(Some(Path::new("tests/config/nowhere.toml")), &environment()).unwrap_err();
    assert_eq!(
        message(&error),
        "error: cannot read configuration `tests/config/nowhere.toml`: no such file or directory\n"
    );
    assert_eq!(error.kind(), Kind::Config);
}

#[test]
fn the_environment_may_name_the_file() {
    let named = Environment::of([("MAILSTITCH_CONFIG", "config.example.toml")]);
    assert_eq!(load(None, &named).unwrap().file.as_deref(), Some(Path::new("config.example.toml")));
    let bad = load(Some(Path::new("tests/config/not_toml.bad.toml")), &named);
    assert_eq!(bad.unwrap_err().kind(), Kind::Config);
}

#[test]
fn a_file_that_is_not_text_is_an_error_without_hope() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(load(Some(file.path()), &environment()).unwrap_err().kind(), Kind::Config);
}

#[test]
fn a_secret_in_a_file_that_everyone_may_read_is_warned_of() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text =
        "[store.elasticsearch]\nurl = \"https://search.example.org\"\nusername = \"joe\"\npassword = \"hunter2\"\n";
    fs::write(file.path(), text).unwrap();
    for (mode, warnings) in [(0o644, 1), (0o640, 0)] {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        let settings = load(Some(file.path()), &environment()).unwrap();
        assert_eq!(settings.warnings.len(), warnings, "{mode:o}");
        assert!(!settings.warnings.iter().any(|w| w.contains("hunter2")));
    }
}

#[test]
fn a_variable_replaces_the_password_of_the_file() {
    let variables = [("MAILSTITCH_STORE_PASSWORD", "from environment"), ("TZ", "UTC")];
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "[store.elasticsearch]\nurl = \"https://search.example.org\"\nusername = \"joe\"\n")
        .unwrap();
    let settings = load(Some(file.path()), &Environment::of(variables)).unwrap();
    let Store::Elasticsearch(store) = settings.store else { panic!("not a cluster") };
    let mailstitch::config::Auth::Basic { password, .. } = store.connection.auth else { panic!("no login") };
    assert_eq!(password.0, "from environment");
}
