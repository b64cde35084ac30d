//! A server that replays what Graylogs of several versions answered: status, headers, chunks and broken ends.
//!
//! In: answers by the beginning of a path, for example `tests/data/graylog/VERSION/NAME.http`. Out: an address, and
//! the requests received.

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

/// Bytes per chunk; rows need not end with a chunk.
const CHUNK: usize = 700;

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Whole,
    /// Closed between two chunks, so that only the last, empty one is missing.
    Open,
    /// Closed inside a chunk, as when the server is killed.
    Cut,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    head: String,
    body: Vec<u8>,
    end: End,
}

/// A recorded answer of one Graylog.
pub fn heard(version: &str, name: &str) -> Answer {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/graylog/{version}/{name}.http"));
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let at = bytes.windows(2).position(|two| two == b"\n\n").expect("the end of the headers");
    let head = String::from_utf8(bytes[..at].to_vec()).expect("headers");
    Answer { head, body: bytes[at + 2..].to_vec(), end: End::Whole }
}

impl Answer {
    /// 200 with JSON.
    pub fn json(body: &str) -> Self {
        Self::new("200 OK", "Content-Type: application/json", body)
    }

    /// A status, header lines and a body.
    pub fn new(status: &str, headers: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status}\n{headers}");
        Self { head, body: body.as_bytes().to_vec(), end: End::Whole }
    }

    /// Adds a header line.
    pub fn with(mut self, header: &str) -> Self {
        self.head = format!("{}\n{header}", self.head);
        self
    }

    /// Reverses the rows of an export below the header row.
    pub fn reversed(mut self) -> Self {
        let rows: Vec<&[u8]> = self.body.split_inclusive(|byte| *byte == b'\n').collect();
        self.body = rows[..1].iter().chain(rows[1..].iter().rev()).copied().flatten().copied().collect();
        self
    }
}

/// The same answer, cut off inside a chunk.
pub fn cut(answer: Answer) -> Answer {
    Answer { end: End::Cut, ..answer }
}

/// The same answer, cut off after `rows` whole rows.
pub fn cut_after(answer: Answer, rows: usize) -> Answer {
    // The first is the header row.
    let body = answer.body.split_inclusive(|byte| *byte == b'\n').take(1 + rows).flatten().copied().collect();
    Answer { body, end: End::Open, ..answer }
}

/// A pivot over the whole range that counts `total` messages, in one bucket at `from`.
pub fn counted(from: &str, to: &str, total: u64) -> Answer {
    let values = json!([{"key": ["count()"], "value": total, "rollup": true, "source": "row-leaf"}]);
    let body = json!({
        "execution": {"done": true, "cancelled": false, "completed_exceptionally": false},
        "results": {"q1": {"errors": [], "search_types": {"p1": {
            "rows": [{"key": [from], "values": values, "source": "leaf"}, {"key": [], "values": values}],
            "total": total,
            "effective_timerange": {"type": "absolute", "from": from, "to": to},
        }}}},
    });
    Answer::json(&body.to_string())
}

/// A request: its first line, its headers, and its body if that is JSON.
#[derive(Debug, Clone)]
pub struct Asked {
    pub line: String,
    pub headers: String,
    pub body: Value,
    pub at: Instant,
}

impl Asked {
    /// The path without its query.
    pub fn path(&self) -> &str {
        self.line.split([' ', '?']).nth(1).unwrap_or_default()
    }
}

/// The server.
pub struct Replay {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Route = (&'static str, Vec<Answer>);

impl Replay {
    /// Gives the answers for the beginning of a path in turn; the last one repeats.
    pub fn new(mut routes: Vec<Route>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that was cut off may have hung up.
                let _ = serve(stream, &mut routes, &log);
            }
        });
        Self { url, asked }
    }

    /// Requests for paths that begin like this.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().expect("no panic");
        asked.iter().filter(|asked| asked.path().starts_with(path)).cloned().collect()
    }
}

fn serve(stream: TcpStream, routes: &mut [Route], log: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), String::new());
    reader.read_line(&mut line)?;
    while reader.read_line(&mut headers)? > 2 {}
    let lower = headers.to_ascii_lowercase();
    let length =
        lower.lines().find_map(|h| h.strip_prefix("content-length:")).map_or(0, |n| n.trim().parse().expect("n"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = line.split(' ').nth(1).expect("a path").to_owned();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    log.lock().expect("no panic").push(Asked {
        line: line.trim_end().to_owned(),
        headers: lower,
        body,
        at: Instant::now(),
    });
    let route = routes.iter_mut().find(|(prefix, _)| path.starts_with(prefix));
    let (_, answers) = route.unwrap_or_else(|| panic!("nobody knows what was answered to {path}"));
    let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
    send(reader.get_mut(), &answer)
}

fn send(to: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let mut head: String = answer.head.lines().map(|line| format!("{line}\r\n")).collect();
    let chunked = head.contains("Transfer-Encoding: chunked");
    if !chunked {
        head += &format!("Content-Length: {}\r\n", answer.body.len());
    }
    if !head.contains("Connection: close") {
        head += "Connection: close\r\n";
    }
    to.write_all((head + "\r\n").as_bytes())?;
    if !chunked {
        return to.write_all(&answer.body);
    }
    for chunk in answer.body.chunks(CHUNK) {
        to.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
        to.write_all(chunk)?;
        to.write_all(b"\r\n")?;
    }
    match answer.end {
        End::Whole => to.write_all(b"0\r\n\r\n"),
        End::Open => Ok(()),
        End::Cut => to.write_all(b"3e8\r\n\"2026"),
    }
}
