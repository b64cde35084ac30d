//! Servers that are down, want another password, cannot be trusted, or lack the requested index.

use super::{run, workspace};
use crate::common::Workspace;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
};

pub const ROOT: &str =
    r#"{"version":{"number":"2.19.6","distribution":"opensearch"},"tagline":"The OpenSearch Project"}"#;

pub fn source(url: &str, more: &str) -> Workspace {
    workspace(&format!("[source.elasticsearch]\nurl = {url:?}\nindex = \"mail-*\"\ntimeout = \"2s\"\n{more}"))
}

/// Reads one request and answers it.
pub fn answer(stream: &mut (impl Read + Write), status: u16, body: &str) {
    let mut reader = BufReader::new(&mut *stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        line.clear();
    }
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\n");
    // A client that does not trust us hangs up.
    let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).and_then(|()| stream.flush());
}

/// A server with the same answer for everyone. Returns its address, which appears as `URL` in expected messages.
fn server(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().flatten().for_each(|mut stream| answer(&mut stream, status, body)));
    url
}

#[track_caller]
fn check_answer(status: u16, body: &'static str, code: i32, told: &str) {
    let url = server(status, body);
    let workspace = source(&url, "username = \"reader\"\npassword_file = \"password\"\n");
    workspace.write("password", "wrong-secret\n");
    // Avoids the warning about a secret that everyone may read, which is not tested here.
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(workspace.file("password"), closed).expect("its owner");
    let ran = run(&workspace, &["run"]);
    assert!(!ran.stderr.contains("wrong-secret"), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stderr.replace(&url, "URL").as_str()), (code, told));
}

#[test]
fn nobody_listens() {
    // The port of a listener that is closed again.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("http://{gone}");
    let ran = run(&source(&url, ""), &["run"]);
    assert_eq!(ran.code, 75);
    assert!(
        ran.stderr.starts_with("error: ") && ran.stderr.contains(&format!(" on {url}: connection refused\nhint: ")),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_name_is_unknown() {
    let ran = run(&source("http://search.invalid:9200", ""), &["run"]);
    assert_eq!(ran.code, 69, "{}", ran.stderr);
    let told = " on http://search.invalid:9200: the name was not found\nhint: check the host name in `url`\n";
    assert!(ran.stderr.ends_with(told), "{}", ran.stderr);
}

#[test]
fn the_password_is_wrong() {
    let told = "error: cannot ask for the fields of index `mail-*` on URL: the user name, password or API key was not accepted (401)\n\
                hint: set `username` and `password_file`, or `api_key_file`, beside `url`\n";
    check_answer(401, "Unauthorized", 77, told);
}

#[test]
fn the_user_may_not_do_it() {
    let body = r#"{"error":{"type":"security_exception","reason":"no permissions for [indices:data/read/search]"},"status":403}"#;
    let url = server(403, body);
    let ran = run(&source(&url, ""), &["run"]);
    assert_eq!(ran.code, 77, "{}", ran.stderr);
    assert!(ran.stderr.contains("no permissions for [indices:data/read/search]"), "{}", ran.stderr);
}

#[test]
fn it_is_no_search_server() {
    let url = server(200, r#"{"hello":"world"}"#);
    let workspace = workspace(&format!("[store.elasticsearch]\nurl = {url:?}\n"));
    workspace.write("mail.log", super::LINE);
    let ran = run(&workspace, &["run"]);
    let told = "error: cannot ask for the version on URL: this is neither an Elasticsearch nor an OpenSearch\n";
    assert_eq!((ran.code, ran.stderr.replace(&url, "URL").as_str()), (78, told));
}

#[test]
fn the_index_is_unknown() {
    let told = "error: cannot ask for the fields of index `mail-*` on URL: no such index\n";
    let hint = "hint: check `index`, and that the user may read it\n";
    // The answers for a pattern that matches nothing, and for a name.
    check_answer(200, r#"{"indices":[],"fields":{}}"#, 78, &format!("{told}{hint}"));
    let body = r#"{"error":{"type":"index_not_found_exception","reason":"no such index [mail-*]"},"status":404}"#;
    check_answer(404, body, 78, told);
}
