//! The files that `Cargo.toml` puts into the Debian package exist, and agree with the program.

#[path = "../examples/package.rs"]
#[expect(dead_code, reason = "the example has a `main` of its own")]
mod package;

use clap::CommandFactory;
use mailstitch::cli::Cli;
use std::{collections::BTreeSet, fs, path::Path};

fn made() -> tempfile::TempDir {
    let made = tempfile::tempdir().unwrap();
    package::make(made.path()).unwrap();
    made
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_file_of_the_package_is_there_or_made() {
    let made = made();
    let manifest: toml::Table = toml::from_str(include_str!("../Cargo.toml")).unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let of_assets = deb["assets"].as_array().unwrap().iter().map(|asset| asset[0].as_str().unwrap());
    let folders = [&deb["maintainer-scripts"], &deb["systemd-units"]["unit-scripts"]].map(|f| f.as_str().unwrap());
    for path in of_assets.chain(folders).filter(|path| *path != "target/release/mailstitch") {
        let pattern = match path.strip_prefix("target/package/") {
            Some(rest) => made.path().join(rest),
            None => path.into(),
        };
        assert!(glob::glob(pattern.to_str().unwrap()).unwrap().next().is_some(), "Cargo.toml names {path}");
    }
    for kept in deb["conf-files"].as_array().unwrap() {
        let goes_there = |asset: &toml::Value| kept.as_str().unwrap().strip_prefix('/') == asset[1].as_str();
        assert!(deb["assets"].as_array().unwrap().iter().any(goes_there), "no file becomes {kept:?}");
    }
}

#[test]
fn every_command_has_its_man_page_with_every_option() {
    let made = made();
    let mut expected = BTreeSet::from(["mailstitch.1".to_owned()]);
    for command in Cli::command().get_subcommands() {
        let name = format!("mailstitch-{}.1", command.get_name());
        let page = fs::read_to_string(made.path().join("man").join(&name)).unwrap().replace("\\-", "-");
        for option in command.get_opts().filter_map(|option| option.get_long()) {
            assert!(page.contains(&format!("--{option}")), "{name} lacks --{option}");
        }
        let first = command.get_about().unwrap().to_string();
        assert!(page.contains(&first), "{name} lacks `{first}`");
        expected.insert(name);
    }
    assert_eq!(names(&made.path().join("man")), expected);
}

#[test]
fn every_shell_completes_every_command() {
    let made = made();
    for file in ["mailstitch.bash", "_mailstitch", "mailstitch.fish"] {
        let script = fs::read_to_string(made.path().join("completions").join(file)).unwrap();
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{file} lacks {}", command.get_name());
        }
    }
}

#[test]
fn the_units_of_the_package_start_the_program_of_the_package() {
    let made = made();
    let service = fs::read_to_string(made.path().join("systemd/mailstitch.service")).unwrap();
    let start = service.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    assert_eq!(start, "ExecStart=/usr/bin/mailstitch run");
    assert_eq!(names(&made.path().join("systemd")), names(Path::new("systemd")));
}
