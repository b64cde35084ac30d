//! Finds passwords and keys without ever showing them.
//!
//! In: what the configuration says.  Out: the first secret found in this order: environment variable, systemd
//! credential (systemd.exec(5), `LoadCredential=`), `…_file`, the key itself. Errors name the place, never the
//! content.

use super::{Environment, Secret};
use crate::error::{Error, Kind, Result};
use serde::{Deserialize, Deserializer, de};
use std::{
    fs::{File, Metadata},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Most bytes read of a file that should hold one secret.
const LONGEST: u64 = 64 * 1024;

/// The two places in a configuration that can hold a secret.
pub(super) struct Given<'a> {
    pub typed: Option<&'a Secret>,
    pub file: Option<&'a Path>,
}

/// Finds the secret of that name (`source.password`), with a warning if everyone may read the file that holds it.
pub(super) fn find(
    name: &str,
    given: &Given<'_>,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>> {
    let variable = variable_of(name);
    if let Some(value) = env.get(&variable) {
        return usable(value, &format!("environment variable `{variable}`")).map(Some);
    }
    if let Some(directory) = env.get("CREDENTIALS_DIRECTORY") {
        let path = Path::new(directory).join(name);
        if path.exists() {
            return read(&path, warnings).map(Some);
        }
    }
    match given {
        Given { file: Some(path), .. } => read(path, warnings).map(Some),
        Given { typed, .. } => Ok(typed.cloned()),
    }
}

/// `source.api_key` → `MAILSTITCH_SOURCE_API_KEY`
pub(super) fn variable_of(name: &str) -> String {
    format!("MAILSTITCH_{}", name.replace('.', "_").to_uppercase())
}

/// Whether everyone on this machine may read a file.
pub(super) fn is_open_to_all(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o004 != 0
}

fn read(path: &Path, warnings: &mut Vec<String>) -> Result<Secret> {
    let place = format!("secret file `{}`", path.display());
    let failed = |cause: std::io::Error| Error::io(format!("cannot read {place}"), &cause);
    let file = File::open(path).map_err(failed)?;
    if is_open_to_all(&file.metadata().map_err(failed)?) {
        warnings.push(format!("everyone may read {place}: `chmod o= {}`", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(unusable(&place, "it is longer than 64 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| unusable(&place, "it is not UTF-8"))?;
    usable(text, &place)
}

/// Removes the newline that editors add at the end. Refuses control characters: one in the middle would end an HTTP
/// header.
fn usable(text: &str, place: &str) -> Result<Secret> {
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(unusable(place, "it is empty"));
    }
    if text.contains(char::is_control) {
        return Err(unusable(place, "it holds more than one line, or control characters"));
    }
    Ok(Secret(text.into()))
}

fn unusable(place: &str, why: &str) -> Error {
    Error::new(Kind::Config, format!("cannot use the secret in {place}")).because(why)
}

/// A secret that is not a string must not be shown, as the deserialiser's own message would do.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(d).map(Self).map_err(|_| de::Error::custom("must be a text in quotes"))
    }
}

#[cfg(test)]
impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn file(content: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn found(given: &Given<'_>, env: &Environment) -> (String, usize) {
        let mut warnings = Vec::new();
        let secret = find("source.password", given, env, &mut warnings);
        (secret.map_or_else(|e| e.to_string(), |s| s.map_or_else(String::new, |s| s.0)), warnings.len())
    }

    #[test]
    fn the_environment_comes_first_then_the_credential_then_the_file() {
        let of_file = file("from file\n", 0o600);
        let credentials = tempfile::tempdir().unwrap();
        let credential = credentials.path().join("source.password");
        fs::write(&credential, "from credential").unwrap();
        fs::set_permissions(&credential, fs::Permissions::from_mode(0o400)).unwrap();
        let directory = ("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap());
        let given = Given { typed: None, file: Some(of_file.path()) };
        let variable = ("MAILSTITCH_SOURCE_PASSWORD", "from environment");
        assert_eq!(found(&given, &Environment::of([variable, directory])).0, "from environment");
        assert_eq!(found(&given, &Environment::of([directory])).0, "from credential");
        assert_eq!(found(&given, &Environment::default()), ("from file".into(), 0));
    }

    #[test]
    fn a_file_that_everyone_may_read_is_warned_of() {
        let open = file("secret", 0o644);
        assert_eq!(found(&Given { typed: None, file: Some(open.path()) }, &Environment::default()).1, 1);
    }

    #[test]
    fn a_second_line_is_refused_without_showing_it() {
        let two = file("first\nsecond\n", 0o600);
        let (message, _) = found(&Given { typed: None, file: Some(two.path()) }, &Environment::default());
        assert!(message.ends_with("it holds more than one line, or control characters"), "{message}");
        assert!(!message.contains("first"));
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret("hunter2".into())), "[secret]");
    }
}
