//! A server for tests that gives scripted answers in order and records the requests.

use super::Dialect;
use crate::{
    config::{Auth, Connection},
    error::Kind,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Status, further header lines, body.
pub(crate) type Reply = (u16, &'static str, String);

pub(crate) struct Scripted {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Each reply is sent on a connection of its own; after the last, connections are refused.
    pub fn new(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for reply in replies {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream);
                // Record the request before answering: the test may check it as soon as it has the answer.
                log.lock().unwrap().push(request(&mut reader));
                answer(reader.get_mut(), &reply);
            }
        });
        Self { url, asked }
    }

    /// The requests so far, such as `POST /_search {…}`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> String {
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent).unwrap();
    let line = first.trim_end().trim_end_matches(" HTTP/1.1");
    format!("{line} {}", String::from_utf8(sent).unwrap()).trim_end().to_owned()
}

fn answer(stream: &mut TcpStream, (status, headers, body): &Reply) {
    let head = format!("HTTP/1.1 {status} x\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}

/// No server listens on this local port (RFC 863 "discard" has not been served for decades).
pub(crate) const DEAD: &str = "http://127.0.0.1:9";

pub(crate) fn connection(urls: &[&str]) -> Connection {
    Connection {
        urls: urls.iter().map(|&url| url.to_owned()).collect(),
        auth: Auth::None,
        ca_file: None,
        client_cert_file: None,
        client_key_file: None,
        tls_verify: true,
        timeout: Duration::from_secs(10),
    }
}

/// A service of which only HTTP is known.
pub(crate) fn plain() -> Dialect {
    Dialect {
        headers: &[],
        explain: |answer, doing| {
            let kind = match answer.status {
                401 => Kind::Permission,
                _ => Kind::Temporary,
            };
            answer.error(kind, doing).because(format!("status {}", answer.status))
        },
    }
}
