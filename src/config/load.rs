//! Finds and reads the configuration.
//!
//! In: the file named on the command line, if any, and the environment, which may name one.  Out: [`Settings`].
//! Without a configuration the local mail log goes into an SQLite file under the user's state directory, so that
//! trying it out needs no preparation.

use super::{
    Environment, Settings, check, place,
    raw::{Connection, Key, Raw},
    secret,
};
use crate::error::{Error, Kind, Result};
use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

/// Read if no file is named and this one exists.
pub const SYSTEM_FILE: &str = "/etc/mailstitch/config.toml";

/// State directory if the configuration names none.
const SYSTEM_STATE: &str = "/var/lib/mailstitch";

/// Loads the named file, else the one that `MAILSTITCH_CONFIG` names, else `SYSTEM_FILE` if it exists, else the
/// defaults.
///
/// # Errors
/// `Kind::Config` for a mistake in the file or a named file that does not exist, `Kind::Permission` for one that may
/// not be read.
pub fn load(named: Option<&Path>, env: &Environment) -> Result<Settings> {
    let named = named.or_else(|| env.get("MAILSTITCH_CONFIG").map(Path::new));
    let path = named.unwrap_or(Path::new(SYSTEM_FILE));
    match File::open(path) {
        Ok(file) => from_file(file, path, env),
        Err(cause) if named.is_none() && cause.kind() == ErrorKind::NotFound => without_file(env),
        Err(cause) => Err(unreadable(path, &cause)),
    }
}

fn from_file(mut file: File, path: &Path, env: &Environment) -> Result<Settings> {
    let failed = |cause: std::io::Error| unreadable(path, &cause);
    let is_open = secret::is_open_to_all(&file.metadata().map_err(failed)?);
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    let raw: Raw = toml::from_str(&text).map_err(|told| place::explain(told, &text, path))?;
    let holds_secret = holds_secret(&raw);
    let mut settings = check::settings(raw, PathBuf::from(SYSTEM_STATE), env).map_err(|fault| fault.at(&text, path))?;
    if is_open && holds_secret {
        let name = path.display();
        settings.warnings.push(format!("everyone may read `{name}`, which holds a secret: `chmod o= {name}`"));
    }
    settings.file = Some(path.to_owned());
    Ok(settings)
}

fn without_file(env: &Environment) -> Result<Settings> {
    let of_home = || env.get("HOME").map(|home| Path::new(home).join(".local/state"));
    let base = env.get("XDG_STATE_HOME").map(PathBuf::from).or_else(of_home).ok_or_else(|| {
        Error::new(Kind::Config, "cannot tell where to keep state: neither a configuration nor `HOME` is there")
            .hint(format!("write `{SYSTEM_FILE}` or name a file with `--config`"))
    })?;
    check::settings(Raw::default(), base.join("mailstitch"), env)
        .map_err(|fault| fault.at("", Path::new("the defaults")))
}

fn holds_secret(raw: &Raw) -> bool {
    let source = raw.source.elasticsearch.as_ref().map(super::raw::ElasticsearchSource::connection);
    let graylog = raw.source.graylog.as_ref().map(super::raw::GraylogSource::connection);
    let store = raw.store.elasticsearch.as_ref().map(super::raw::ElasticsearchStore::connection);
    let holds = |c: Connection| {
        let (Key::ApiKey(key, _) | Key::Token(key, _)) = &c.key;
        c.password.is_some() || key.is_some()
    };
    raw.privacy.key.is_some() || [source, graylog, store].into_iter().flatten().any(holds)
}

fn unreadable(path: &Path, cause: &std::io::Error) -> Error {
    let doing = format!("cannot read configuration `{}`", path.display());
    // The file is not text, so trying again does not help.
    if cause.kind() == ErrorKind::InvalidData {
        return Error::new(Kind::Config, doing).because("it is not UTF-8");
    }
    Error::io(doing, cause)
}
