//! A secret is in no output, error, log or file, whatever goes wrong.

use crate::{NOW, common::Workspace, run_at};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
};

const SECRET: &str = "marker-hunter2";
/// `reader:marker-hunter2` as basic authentication sends it.
const ENCODED: &str = "cmVhZGVyOm1hcmtlci1odW50ZXIy";

const COMMANDS: [&[&str]; 9] = [
    &["run"],
    &["run", "--dry-run"],
    &["backfill", "--since", "1h"],
    &["trace", "someone@example.org"],
    &["coverage"],
    &["export"],
    &["status", "--json"],
    &["check"],
    &["prune", "--older-than", "365d"],
];

/// Ways to give the secret in a configuration; the files are made beside it.
const WAYS: [&str; 4] = [
    "username = \"reader\"\npassword = \"marker-hunter2\"\n",
    "username = \"reader\"\npassword_file = \"secret\"\n",
    "api_key = \"marker-hunter2\"\n",
    "api_key_file = \"secret\"\n",
];

/// A server that gives the same answer to everyone.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| reply(stream, answer)));
    url
}

fn reply(stream: TcpStream, answer: &str) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    // A client that hangs up early gets no answer.
    let _ = reader.read_exact(&mut vec![0; length]);
    let _ = reader.get_mut().write_all(answer.as_bytes());
}

fn workspace(url: &str, way: &str) -> Workspace {
    let workspace = Workspace::new();
    let connection = format!("url = {url:?}\ntimeout = \"2s\"\n{way}");
    workspace.write(
        "mailstitch.toml",
        format!(
            "state_dir = \"state\"\nmetrics_file = \"mail.prom\"\n[source.elasticsearch]\nindex = \"logs\"\n{connection}\
             [store.elasticsearch]\nindex = \"mail\"\n{connection}"
        ),
    );
    workspace.write("secret", format!("{SECRET}\n"));
    workspace
}

fn check_shows_nothing(text: &str, what: &str) {
    for secret in [SECRET, ENCODED] {
        assert!(!text.contains(secret), "{what} shows a secret:\n{text}");
    }
}

/// Checks every file below a directory except those that hold the secret itself.
fn check_files(directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            check_files(&path);
        } else if !path.ends_with("secret") && !path.ends_with("mailstitch.toml") {
            check_shows_nothing(&String::from_utf8_lossy(&fs::read(&path).expect("it")), &path.display().to_string());
        }
    }
}

#[track_caller]
fn check_commands(url: &str, code_of_run: i32) {
    for way in WAYS {
        let workspace = workspace(url, way);
        for command in COMMANDS {
            for words in [&["-vvvv"][..], &["--log-format", "json"]] {
                let ran = run_at(&workspace, NOW, &[words, command].concat());
                check_shows_nothing(&ran.stdout, &command.join(" "));
                check_shows_nothing(&ran.stderr, &command.join(" "));
                if command == ["run"] && words.len() == 1 {
                    assert_eq!(ran.code, code_of_run, "{}", ran.stderr);
                }
            }
        }
        check_files(workspace.path());
    }
}

#[test]
fn a_server_that_refuses_the_login_is_told_no_secret() {
    check_commands(&server("HTTP/1.1 401 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), 77);
}

#[test]
fn a_server_that_redirects_gets_no_secret_elsewhere_and_shows_none() {
    let head = "HTTP/1.1 302 x\r\nlocation: http://192.0.2.1/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    check_commands(&server(head), 78);
}

#[test]
fn a_server_that_answers_nonsense_is_told_no_secret() {
    check_commands(&server("HTTP/1.1 200 x\r\nconnection: close\r\ncontent-length: 3\r\n\r\n<a>"), 75);
}

#[test]
fn a_server_that_is_not_there_is_told_no_secret() {
    let workspace = workspace("http://search.invalid:9200", WAYS[0]);
    for command in COMMANDS {
        let ran = run_at(&workspace, NOW, &[&["-vvvv"], command].concat());
        check_shows_nothing(&format!("{}{}", ran.stdout, ran.stderr), &command.join(" "));
    }
    check_files(workspace.path());
}

#[test]
fn secrets_of_the_environment_and_of_systemd_are_shown_as_little() {
    let url = server("HTTP/1.1 401 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let workspace = workspace(&url, "username = \"reader\"\n");
    workspace.write("credentials/source.password", SECRET);
    workspace.write("credentials/store.password", SECRET);
    let credentials = workspace.file("credentials");
    let of_systemd = [("CREDENTIALS_DIRECTORY", credentials.to_str().expect("text"))];
    let of_environment = [("MAILSTITCH_SOURCE_PASSWORD", SECRET), ("MAILSTITCH_STORE_PASSWORD", SECRET)];
    for variables in [&of_systemd[..], &of_environment] {
        for command in COMMANDS {
            let mut command = workspace.command([&["-c", "mailstitch.toml", "-vvvv", "--now", NOW], command].concat());
            let ran = command.envs(variables.iter().copied()).output().expect("it starts");
            check_shows_nothing(&String::from_utf8_lossy(&ran.stdout), "standard output");
            check_shows_nothing(&String::from_utf8_lossy(&ran.stderr), "standard error");
        }
    }
}

#[test]
fn a_mistake_beside_a_secret_does_not_show_its_line() {
    for mistake in [
        "password = \"marker-hunter2\" oops\n",
        "password = \"marker-hunter2\n",
        "password = [\"marker-hunter2\"]\n",
        "password = \"marker-hunter2\"\npassword = \"marker-hunter2\"\n",
        "pasword = \"marker-hunter2\"\n",
        "url = \"https://reader:marker-hunter2@search.example.org\"\n",
        "api_key = \"marker-hunter2\"\nusername = \"reader\"\npassword = \"marker-hunter2\"\n",
        "password_file = \"/nonexistent\"\npassword = \"marker-hunter2\"\nusername = \"reader\"\n",
    ] {
        let workspace = Workspace::new();
        let url = if mistake.contains("url") { "" } else { "url = \"http://127.0.0.1:9\"\n" };
        workspace.write("mailstitch.toml", format!("[store.elasticsearch]\nindex = \"mail\"\n{url}{mistake}"));
        let ran = run_at(&workspace, NOW, &["status"]);
        assert_eq!(ran.code, 78, "{}", ran.stderr);
        check_shows_nothing(&ran.stderr, mistake);
    }
}

#[test]
fn a_secret_that_everyone_may_read_is_warned_of_by_every_run() {
    let url = server("HTTP/1.1 401 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    for (way, what) in [(WAYS[0], "mailstitch.toml"), (WAYS[1], "secret")] {
        let workspace = workspace(&url, way);
        for (mode, warned) in [(0o644, true), (0o640, false)] {
            fs::set_permissions(workspace.file(what), fs::Permissions::from_mode(mode)).expect("its owner");
            let told = run_at(&workspace, NOW, &["-v", "run"]).stderr;
            let warning = told.contains(" WARN everyone may read ") && told.contains(&format!("chmod o= {what}`"));
            assert_eq!(warning, warned, "{mode:o}: {told}");
        }
    }
}

#[test]
fn the_list_of_processes_shows_no_secret() {
    // The server never answers, so the process is still there when the list is read.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let variables = [("MAILSTITCH_SOURCE_PASSWORD", SECRET), ("MAILSTITCH_STORE_PASSWORD", SECRET)];
    for (way, variables) in
        [(WAYS[0], &[][..]), (WAYS[1], &[]), (WAYS[2], &[]), ("username = \"reader\"\n", &variables)]
    {
        let workspace = workspace(&url, way);
        let mut command = workspace.command(["-c", "mailstitch.toml", "--now", NOW, "run"]);
        let mut running = command.envs(variables.iter().copied()).spawn().expect("it starts");
        let (mut request, _) = listener.accept().expect("a request");
        let mut head = [0; 2048];
        let length = request.read(&mut head).expect("its head");
        let head = String::from_utf8_lossy(&head[..length]).into_owned();
        assert!(head.contains(SECRET) || head.contains(ENCODED), "the server is told: {head}");
        let seen = fs::read_to_string(format!("/proc/{}/cmdline", running.id())).expect("the process");
        running.kill().and_then(|()| running.wait()).expect("its end");
        assert!(seen.contains("mailstitch.toml"), "{seen:?}");
        check_shows_nothing(&seen, "the list of processes");
    }
    let refused = workspace(&url, "").run(["--password", SECRET, "run"]);
    assert_eq!(refused.code, 64, "no argument takes a secret: {}", refused.stderr);
}
