//! Says where in the configuration file a mistake is.
//!
//! In: the text, and an error of the TOML reader or a [`Fault`] of a check.  Out: an [`Error`] that names key, table,
//! line and file, and the nearest known name. The content of a line is never shown: it may hold a password.

use crate::error::{Error, Kind};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Why settings cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// The value of a key (`window.bucket`) or a table as a whole (`[source.file]`) cannot be used.
    Value { key: String, why: String, hint: Option<String> },
    /// Something else, such as a file that cannot be read.
    Other(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Fault {
    /// A fault of a value, without a hint.
    pub fn value(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Value { key: key.into(), why: why.into(), hint: None }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Value { key, why, .. } => Self::Value { key, why, hint: Some(text.into()) },
            Self::Other(error) => Self::Other(error.hint(text)),
        }
    }

    /// The error to show to the user.
    pub fn at(self, text: &str, file: &Path) -> Error {
        match self {
            Self::Other(error) => error,
            Self::Value { key, why, hint } => {
                let place = place(&key, line_of_key(text, &key), file);
                let error = Error::new(Kind::Config, format!("cannot use {place}")).because(why);
                match hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            }
        }
    }
}

/// Turns an error of the TOML reader into the error to show to the user.
pub(super) fn explain(mut told: toml::de::Error, text: &str, file: &Path) -> Error {
    let line = told.span().map(|span| line_at(text, span.start));
    let message = told.message().to_owned();
    // Without its input, the error prints no source line, and its last line names the tables it was in.
    told.set_input(None);
    let printed = told.to_string();
    let path = printed.trim_end().rsplit('\n').next().and_then(|l| l.strip_prefix("in `")?.strip_suffix('`'));
    if let Some((name, known)) =
        message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, expected "))
    {
        let key = path.map_or_else(|| name.to_owned(), |path| format!("{path}.{name}"));
        let error = Error::new(Kind::Config, format!("unknown key {}", place(&key, line, file)));
        return error.hint(did_you_mean(name, &names_in(known)));
    }
    let Some(path) = path else {
        let place = line.map_or_else(String::new, |n| format!("line {n} of "));
        return Error::new(Kind::Config, format!("cannot read {place}`{}`", file.display())).because(message);
    };
    let error = Error::new(Kind::Config, format!("cannot use {}", place(path, line, file)));
    if let Some((name, known)) =
        message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected "))
    {
        return error.because(format!("`{name}` is not known here")).hint(did_you_mean(name, &names_in(known)));
    }
    let error = error.because(&message);
    if message.contains("duration") { error.hint(super::duration::HINT) } else { error }
}

/// "`bucket` in `[window]` at line 3 of `/etc/mailstitch/config.toml`"
fn place(key: &str, line: Option<usize>, file: &Path) -> String {
    let line = line.map_or_else(String::new, |n| format!(" at line {n}"));
    if key.starts_with('[') {
        return format!("`{key}`{line} of `{}`", file.display());
    }
    let (table, name) = key.rsplit_once('.').map_or((None, key), |(table, name)| (Some(table), name));
    let table = table.map_or_else(String::new, |table| format!(" in `[{table}]`"));
    format!("`{name}`{table}{line} of `{}`", file.display())
}

/// The names in "one of `a`, `b`" or "`a` or `b`".
fn names_in(list: &str) -> Vec<&str> {
    list.split('`').skip(1).step_by(2).collect()
}

/// Suggests the nearest name, or lists all of them if none is near.
fn did_you_mean(name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|k| (strsim::damerau_levenshtein(&name.to_lowercase(), k), k)).min();
    match nearest {
        Some((distance, nearest)) if distance <= 1.max(name.len() / 3) => format!("did you mean `{nearest}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}

/// The line, counted from 1, that holds the byte at `offset`.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// The line of a key. If the key itself was not typed, the line of its innermost table that was; `None` if there is
/// neither.
fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut line = None;
    for name in key.trim_matches(['[', ']']).split('.') {
        let Some((typed, value)) = table.iter().find(|(typed, _)| typed.get_ref() == name) else { break };
        line = Some(line_at(text, typed.span().start));
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "instances = []\n\n[window]\nbucket = \"7m\"\n[source.file]\npaths = []\n";

    #[test]
    fn a_key_is_found_in_its_table() {
        assert_eq!(line_of_key(TEXT, "instances"), Some(1));
        assert_eq!(line_of_key(TEXT, "window.bucket"), Some(4));
        assert_eq!(line_of_key(TEXT, "source.file.paths"), Some(6));
    }

    #[test]
    fn a_key_left_out_is_at_its_table() {
        assert_eq!(line_of_key(TEXT, "window.settle"), Some(3));
        assert_eq!(line_of_key(TEXT, "store.sqlite.path"), None);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        assert_eq!(did_you_mean("buckets", &["bucket", "first"]), "did you mean `bucket`?");
        assert_eq!(did_you_mean("colour", &["bucket", "first"]), "known here: bucket, first");
    }
}
