//! What a package has besides the program, made from the program's own command line: man pages, completions, and the
//! units with the place where packages put programs.
//!
//! `cargo run --example package [DIR]`, which is `target/package` when absent.

use clap::CommandFactory;
use clap_complete::Shell;
use mailstitch::cli::Cli;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Writes all of it below `dir`.
pub fn make(dir: &Path) -> io::Result<()> {
    let (man, completions, units) = (dir.join("man"), dir.join("completions"), dir.join("systemd"));
    for folder in [&man, &completions, &units] {
        fs::create_dir_all(folder)?;
    }
    clap_mangen::generate_to(Cli::command(), &man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "mailstitch", &completions)?;
    }
    let service = fs::read_to_string("systemd/mailstitch.service")?;
    fs::write(units.join("mailstitch.service"), service.replace("/usr/local/bin/", "/usr/bin/"))?;
    fs::copy("systemd/mailstitch.timer", units.join("mailstitch.timer"))?;
    Ok(())
}

fn main() -> io::Result<()> {
    make(&std::env::args_os().nth(1).map_or_else(|| "target/package".into(), PathBuf::from))
}
