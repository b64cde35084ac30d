//! Checks the address, login and certificates of a server.
//!
//! In: the keys as typed, and the table they stand in.  Out: [`Connection`].  Nothing is sent and no certificate is
//! opened here; `check` does that.

use super::{
    Auth, Connection, Environment, Secret,
    duration::Span,
    place::Fault,
    raw::{self, Key, OneOrMany},
    secret::{self, Given},
};
use std::path::Path;

/// `table` is for example `source.elasticsearch`; its first part names the secrets (`source.password`).
pub(super) fn check(
    table: &str,
    typed: raw::Connection,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Connection, Fault> {
    let urls = match &typed.url {
        None => return Err(missing(table, "url", "https://search.example.org:9200")),
        Some(OneOrMany::One(url)) => vec![checked_url(table, url)?],
        Some(OneOrMany::Many(urls)) => urls.iter().map(|url| checked_url(table, url)).collect::<Result<_, _>>()?,
    };
    if urls.is_empty() {
        return Err(Fault::value(format!("{table}.url"), "the list is empty"));
    }
    if typed.client_cert_file.is_some() != typed.client_key_file.is_some() {
        let alone = if typed.client_cert_file.is_some() { "client_cert_file" } else { "client_key_file" };
        let why = "a client certificate needs both `client_cert_file` and `client_key_file`";
        return Err(Fault::value(format!("{table}.{alone}"), why));
    }
    if !(Span::seconds(1)..=Span::seconds(3600)).contains(&typed.timeout) {
        return Err(Fault::value(format!("{table}.timeout"), format!("{} is not between 1s and 1h", typed.timeout)));
    }
    Ok(Connection {
        urls,
        auth: auth(table, &typed, env, warnings)?,
        ca_file: typed.ca_file,
        client_cert_file: typed.client_cert_file,
        client_key_file: typed.client_key_file,
        tls_verify: typed.tls_verify,
        timeout: typed.timeout.0,
    })
}

/// The fault of a required key that is missing.
pub(super) fn missing(table: &str, key: &str, example: &str) -> Fault {
    Fault::value(format!("[{table}]"), format!("`{key}` is missing"))
        .hint(format!("add a line such as `{key} = \"{example}\"`"))
}

/// The base URL without a trailing slash. Refuses a login in it, which would end up in logs and error messages.
fn checked_url(table: &str, text: &str) -> Result<String, Fault> {
    let key = format!("{table}.url");
    let wrong = |why: &str| Fault::value(&key, why);
    let parsed = reqwest::Url::parse(text);
    let is_of_the_web = parsed.as_ref().is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    // `u:secret@host` parses as a URL of the scheme `u`; `u%3Asecret%40host` does not parse at all.
    let has_sign = text.contains('@') || text.to_ascii_lowercase().contains("%40");
    if parsed.as_ref().is_ok_and(has_login) || (!is_of_the_web && has_sign) {
        return Err(wrong("an address must not hold a login").hint("use `username` and `password_file`"));
    }
    let url = match parsed {
        Ok(url) if is_of_the_web => url,
        // Do not repeat the text: it may be part of a login.
        Err(_) if text.contains("://") => return Err(wrong("this is not an address")),
        _ => {
            let fault = wrong("an address begins with `http://` or `https://`");
            return Err(fault
                .hint(format!("write \"{}\"", meant(text).as_deref().unwrap_or("https://search.example.org:9200"))));
        }
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("an address ends before `?` and `#`"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn has_login(url: &reqwest::Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The `https://` URL to suggest if only a host and port were typed, or another scheme.
fn meant(text: &str) -> Option<String> {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    let meant = format!("https://{bare}");
    let is_address = bare.chars().all(of_a_name) && reqwest::Url::parse(&meant).is_ok_and(|url| !has_login(&url));
    is_address.then_some(meant)
}

/// Basic authentication if there is a username, otherwise an API key or token if there is one.
fn auth(table: &str, typed: &raw::Connection, env: &Environment, warnings: &mut Vec<String>) -> Result<Auth, Fault> {
    let both = |one: bool, key: &str, other: &str| match one {
        true => Err(Fault::value(format!("{table}.{key}"), format!("`{key}` and `{other}` exclude each other"))),
        false => Ok(()),
    };
    both(typed.password.is_some() && typed.password_file.is_some(), "password", "password_file")?;
    let (what, key, key_file) = match &typed.key {
        Key::ApiKey(key, file) => ("api_key", key, file),
        Key::Token(key, file) => ("token", key, file),
    };
    let what_file = format!("{what}_file");
    both(key.is_some() && key_file.is_some(), what, &what_file)?;
    both(typed.username.is_some() && key.is_some(), what, "username")?;
    both(typed.username.is_some() && key_file.is_some(), &what_file, "username")?;

    let kind = table.split('.').next().unwrap_or(table);
    let mut find = |what: &str, key: &Option<Secret>, file: &Option<std::path::PathBuf>| {
        let given = Given { typed: key.as_ref(), file: file.as_deref().map(Path::new) };
        secret::find(&format!("{kind}.{what}"), &given, env, warnings)
    };
    let Some(username) = typed.username.clone() else {
        if typed.password.is_some() || typed.password_file.is_some() {
            return Err(missing(table, "username", "mailstitch"));
        }
        return match (find(what, key, key_file)?, &typed.key) {
            (Some(key), Key::ApiKey(..)) => checked_key(table, key),
            (Some(token), Key::Token(..)) => Ok(Auth::Token(token)),
            (None, Key::ApiKey(..)) => Ok(Auth::None),
            // Graylog does not allow anonymous access.
            (None, Key::Token(..)) => Err(missing(table, "token_file", "/etc/mailstitch/token")),
        };
    };
    if username.is_empty() || username.contains(|c: char| c == ':' || c.is_control()) {
        let why = "a name for basic authentication is not empty and holds no colon (RFC 7617)";
        return Err(Fault::value(format!("{table}.username"), why));
    }
    match find("password", &typed.password, &typed.password_file)? {
        Some(password) => Ok(Auth::Basic { username, password }),
        None => {
            let variable = secret::variable_of(&format!("{kind}.password"));
            let hint =
                format!("set `password_file`, the systemd credential `{kind}.password` or the variable `{variable}`");
            Err(Fault::value(format!("{table}.username"), "there is no password for it").hint(hint))
        }
    }
}

/// Checks that an API key is in its encoded form, base64 of `id:key`; in any other form the server would only answer
/// 401, without a reason.
fn checked_key(table: &str, key: Secret) -> Result<Auth, Fault> {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
    if key.0.is_empty() || !key.0.chars().all(of_base64) {
        let fault = Fault::value(format!("{table}.api_key"), "this is not the encoded form of an API key");
        return Err(fault.hint("use `encoded` of the answer that created the key: base64 of `id:api_key`"));
    }
    Ok(Auth::ApiKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, sample::select};

    const SECRET: &str = "s3cr3t";

    /// The error shown for a URL that is refused; `None` if it is accepted.
    fn told(typed: &str) -> Option<String> {
        let fault = checked_url("source.elasticsearch", typed).err()?;
        let error = fault.at("[source.elasticsearch]\nurl = \"x\"\n", Path::new("config.toml"));
        Some(format!("{error} {}", error.hint_text().unwrap_or_default()))
    }

    #[test]
    fn a_login_is_told_as_one_and_not_repeated_in_any_spelling() {
        for typed in [
            "u:s3cr3t@h",
            "//u:s3cr3t@h",
            "http:/u:s3cr3t@h",
            "http:u:s3cr3t@h",
            "https:\\\\u:s3cr3t@h",
            "https:///u:s3cr3t@h",
            "ftp://u:s3cr3t@h",
            "u:p@s3cr3t@h",
            "https://u:p@s3cr3t@h:9200",
            "https://s3cr3t@h",
            "https://:s3cr3t@h",
            "u%3As3cr3t%40h",
            "https://u:s3cr3t%40h@h",
            " https://u:s3cr3t@h",
            "ht\ttps://u:s3cr3t@h",
        ] {
            let told = told(typed).expect(typed);
            assert!(told.contains("an address must not hold a login") && !told.contains(SECRET), "{typed}: {told}");
        }
    }

    #[test]
    fn what_was_meant_is_told_of_a_host_alone() {
        assert_eq!(meant("search.example.org:9200").as_deref(), Some("https://search.example.org:9200"));
        assert_eq!(meant("ftp://[2001:db8::1]:9200").as_deref(), Some("https://[2001:db8::1]:9200"));
        assert_eq!(meant("u:s3cr3t"), None);
    }

    proptest! {
        #[test]
        fn nothing_of_what_may_be_a_login_is_told(
            scheme in select(vec!["", "http://", "https://", "HTTP:/", "//", "\\\\", "ftp://", "x:", "http:", "https:/"]),
            before in select(vec!["u:", "u", ":", "u%3A", "u:p@", "u%40e:", "[", "u:/", "u:?", "u:#", " ", "é:"]),
            after in select(vec!["@", "%40", "@@", "\u{ff20}", ":", "@h@", "@[::1", "@ ", "", "@:9200"]),
            host in select(vec!["h", "h:9200", "", "192.0.2.1", "[2001:db8::1]:9200", "h/p?q#f", "ö.example.org", "h:x"]),
        ) {
            let typed = format!("{scheme}{before}{SECRET}{after}{host}");
            // Without an `@` the text may be a host name, which the suggestion may repeat.
            let may_be_host = !typed.contains(['@', '\u{ff20}', '%']) && !before.contains(':');
            if let Some(told) = told(&typed) {
                prop_assert!(may_be_host || !told.contains(SECRET), "{typed}: {told}");
            }
        }
    }
}
