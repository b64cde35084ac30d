//! The help text of each command on a terminal of 100 columns. `UPDATE_GOLDEN=1` rewrites the expected texts.

use clap::CommandFactory;
use mailstitch::cli::Cli;
use std::{collections::BTreeSet, fs, path::Path};

const FOLDER: &str = "tests/golden_help";

fn golden(name: &str, actual: &str) {
    let path = Path::new(FOLDER).join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
    }
    assert_eq!(actual, fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
}

#[test]
fn every_command_has_its_help() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    golden("mailstitch", &cli.render_long_help().to_string());
    let mut names = BTreeSet::from(["mailstitch.txt".to_owned()]);
    for command in cli.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let first = command.get_about().unwrap().to_string();
        assert!(first.len() < 70 && !first.ends_with('.'), "{first}");
        let name = command.get_name().to_owned();
        golden(&name, &command.render_long_help().to_string());
        names.insert(format!("{name}.txt"));
    }
    let there: BTreeSet<String> =
        fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, names);
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
