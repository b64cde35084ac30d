//! Writes to standard output. A reader that goes away (`| head`) is not an error.

use crate::{
    error::{Error, Kind, Result},
    escape::in_json,
};
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Writes a text; `false` when nobody reads it any more.
pub fn write(text: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(|e| Error::io("cannot write to standard output", &e)),
    }
}

/// Writes a value as one JSON text, on one line or indented, with a newline.
pub fn write_json(value: &impl Serialize, indented: bool) -> Result<bool> {
    write(&(json(value, indented)? + "\n"))
}

/// A value as JSON with hidden characters escaped, so that a terminal does not act on them.
pub fn json(value: &impl Serialize, indented: bool) -> Result<String> {
    let text = if indented { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    Ok(in_json(text.map_err(|e| Error::new(Kind::Software, "cannot print as JSON").because(e))?))
}

/// A unit variant as documents spell it: `delivered`.
pub fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
