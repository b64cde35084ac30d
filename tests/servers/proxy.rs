//! A proxy before a real server. It treats a request or its answer as the test says, and passes on everything else.
//!
//! In: the server's address and a rule.  Out: an address, and the requests received.  There is one request per
//! connection, so that cutting a connection affects one request.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path with query, from the slash on.
    pub path: String,
    pub body: String,
}

impl Asked {
    /// Whether it asks for documents or counts of an index.
    pub fn is_search(&self) -> bool {
        self.path.contains("/_search") && self.method == "POST" && !self.path.contains("point_in_time")
    }

    pub fn is_bulk(&self) -> bool {
        self.path.starts_with("/_bulk")
    }
}

/// The treatment of a request.
pub enum Deed {
    Pass,
    /// The proxy answers itself: status, header lines that end with `\r\n`, body.
    Answer(u16, &'static str, String),
    /// Closes the connection before the server gets the request.
    Cut,
    /// The server carries it out, but its answer is lost.
    CutAfter,
    /// The server carries it out; only half of its answer arrives.
    Half,
    /// The server gets it this much later.
    Slow(Duration),
    /// Changes the server's JSON answer.
    Change(fn(&mut Value)),
}

type Rule = Box<dyn FnMut(&Asked) -> Deed + Send>;

struct Inside {
    server: String,
    rule: Rule,
    asked: Vec<Asked>,
}

pub struct Proxy {
    url: String,
    inside: Arc<Mutex<Inside>>,
}

impl Proxy {
    /// A proxy before the server at this URL; passes on everything until told otherwise.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inside = Inside { server: host(server), rule: Box::new(|_| Deed::Pass), asked: Vec::new() };
        let inside = Arc::new(Mutex::new(inside));
        let shared = Arc::clone(&inside);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // Connections are expected to break.
                std::thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self { url, inside }
    }

    /// `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Treats each request as the rule says from now on.
    pub fn rule(&self, rule: impl FnMut(&Asked) -> Deed + Send + 'static) {
        self.lock().rule = Box::new(rule);
    }

    /// Passes on everything again.
    pub fn behave(&self) {
        self.rule(|_| Deed::Pass);
    }

    /// Switches to a server that has moved.
    pub fn lead_to(&self, server: &str) {
        self.lock().server = host(server);
    }

    /// The requests since the last call.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.lock().asked)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn host(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

fn serve(stream: TcpStream, inside: &Mutex<Inside>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if !lower.starts_with("connection:") {
            head += &line;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let asked = Asked { method, path, body: String::from_utf8_lossy(&body).into_owned() };
    let (deed, server) = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.asked.push(asked.clone());
        ((inside.rule)(&asked), inside.server.clone())
    };
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&server)?;
        server.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
        server.write_all(&body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        // The client must know, or it would reuse the connection.
        let end = answer.iter().position(|&b| b == b'\n').map_or(answer.len(), |at| at + 1);
        answer.splice(end..end, *b"connection: close\r\n");
        Ok(answer)
    };
    let answer = match deed {
        Deed::Pass => ask()?,
        Deed::Answer(status, headers, body) => written(status, headers, &body),
        Deed::Cut => return Ok(()),
        Deed::CutAfter => return ask().map(drop),
        Deed::Half => ask().map(|answer| answer[..answer.len() / 2].to_vec())?,
        Deed::Slow(wait) => {
            std::thread::sleep(wait);
            ask()?
        }
        Deed::Change(change) => {
            let answer = ask()?;
            let end = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
            let mut json: Value = serde_json::from_slice(&whole(&answer[..end], &answer[end..])).unwrap_or_default();
            change(&mut json);
            written(200, "content-type: application/json\r\n", &json.to_string())
        }
    };
    reader.get_mut().write_all(&answer)
}

fn written(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The body, joined if it comes in chunks.
fn whole(head: &[u8], body: &[u8]) -> Vec<u8> {
    if !String::from_utf8_lossy(head).to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_vec();
    }
    let (mut rest, mut all) = (body, Vec::new());
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..at]);
        let Ok(size @ 1..) = usize::from_str_radix(size.trim(), 16) else { break };
        let Some(chunk) = rest.get(at + 2..at + 2 + size) else { break };
        all.extend_from_slice(chunk);
        rest = rest.get(at + 4 + size..).unwrap_or_default();
    }
    all
}
