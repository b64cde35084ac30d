//! The engine or Graylog itself, killed in the middle of an export: the run reports it and ends with 75, the ledger
//! stays, and the next run reads everything once.

use crate::{
    servers::Graylog,
    setup::{Setup, assert_same, sqlite},
    whole_flow::{from_the_file, source},
};
use mailstitch::model::Time;
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

/// Bytes of an answer after which it is in the middle. Sockets buffer far less than the rest of the export.
const MIDDLE: usize = 1 << 20;

/// Forwards to a server, and pauses in the middle of a large answer until told to go on.
struct Between {
    url: String,
    in_the_middle: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

impl Between {
    fn new(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = server.trim_start_matches("http://").to_owned();
        let (tell, in_the_middle) = mpsc::channel();
        let (go_on, wait) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(true));
        std::thread::spawn(move || {
            let wait = Arc::new(std::sync::Mutex::new(wait));
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (mut up, mut to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
                std::thread::spawn(move || std::io::copy(&mut up, &mut to));
                let (tell, wait, stop) = (tell.clone(), Arc::clone(&wait), Arc::clone(&stop));
                std::thread::spawn(move || {
                    forward(server, client, || {
                        if stop.swap(false, Ordering::SeqCst) {
                            tell.send(()).expect("somebody waits");
                            wait.lock().expect("no panic").recv().expect("a word");
                        }
                    });
                });
            }
        });
        Self { url, in_the_middle, go_on }
    }
}

fn forward(mut server: TcpStream, mut client: TcpStream, middle: impl Fn()) {
    let (mut buffer, mut passed) = ([0; 1 << 14], 0);
    while let Ok(n @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..n]).is_err() {
            break;
        }
        passed += n;
        if passed >= MIDDLE {
            middle();
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
}

/// 24 MB of lines: messages with many long headers.
fn log() -> String {
    let lines = (0..6_000).map(|n| {
        let (id, time) =
            (0x4F1_0000 + n / 50, Time::parse_rfc3339("2026-11-20T10:00:00Z").expect("a time").plus(n * 5));
        let stamp = time.to_string().replace('Z', "+00:00");
        let text = match n % 50 {
            0 => "client=client.example.org[192.0.2.7]".to_owned(),
            1 => format!("message-id=<{n}@example.org>"),
            _ => format!("warning: header X-Long: {}", format!("{n:07}").repeat(570)),
        };
        format!("{stamp} mx1 postfix/cleanup[7]: {id:X}: {text}\n")
    });
    lines.collect()
}

#[test]
fn killed_in_the_middle_of_an_export_the_next_run_heals_it() {
    let (graylog, _alone) = Graylog::alone();
    let (log, now) = (log(), Time::parse_rfc3339("2026-11-20T10:01:00Z").expect("a time"));
    let sink = graylog.sink();
    sink.send(log.lines().map(|line| format!("<22>{line}")));
    let expected = from_the_file(&log, now);
    for part in ["engine", "server"] {
        let between = Between::new(&graylog.url());
        let setup = Setup::new(&source(graylog, &sink, &between.url, "page_size = 100\n"), &sqlite(), "2m");
        let run = ["-c", "config.toml", "--now", &now.to_string(), "run"];
        let child = setup.place.command(run).spawn().expect("it starts");
        between.in_the_middle.recv().expect("an export");
        graylog.kill(part);
        between.go_on.send(()).expect("somebody waits");
        let ran = child.wait_with_output().expect("its end");
        // Restart it before anything is checked: other tests use it too.
        graylog.start_again(part);
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(75), "{part}: {told}");
        assert!(told.contains("cannot read lines on http://"), "{part}: {told}");
        let ledger = fs::read_to_string(setup.place.file("state/checkpoint.json")).expect("a ledger");
        let ledger: Value = serde_json::from_str(&ledger).expect("JSON");
        assert!(ledger["watermark"] == ledger["floor"] && ledger["buckets"].is_null(), "{part}: it moved: {ledger}");
        setup.succeed(now, &["run"]);
        assert_same(&setup.export(now), &expected, part);
    }
}
