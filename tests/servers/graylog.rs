//! A real Graylog 3.3.11 with Elasticsearch 6.8, and ways to fill it as mail servers do.
//!
//! In: nothing. Out: a [`Graylog`], and [`Sink`]s, each a syslog input of its own with the stream of its messages.
//! 3.3 is the strictest version: its windows include their end, its export is unsorted, and a failure in the middle
//! of one is silent. Newer versions are not on Maven Central; their recorded answers are replayed
//! (`tests/graylog/answers.rs`).

use super::{
    http,
    launch::{HERE, Java, PATIENCE, Process, home},
    unique_name,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

const NAME: &str = "graylog-3.3.11";
const RECIPE: [&str; 6] = [
    include_str!("graylog/setup.sh"),
    include_str!("graylog/engine/pom.xml"),
    include_str!("graylog/engine/Engine.java"),
    include_str!("graylog/database/pom.xml"),
    include_str!("graylog/database/Database.java"),
    include_str!("graylog/server/pom.xml"),
];
/// Name and password of the one user that a new Graylog has.
pub const ADMIN: &str = "admin:admin12345";

/// A running server.
pub struct Graylog {
    host: String,
    engine: String,
    process: Process,
}

/// A syslog input over TCP, and the stream of its messages.
pub struct Sink<'g> {
    graylog: &'g Graylog,
    port: u16,
    pub stream: String,
    pub title: String,
    sent: std::cell::Cell<u64>,
}

static DISTURBED: RwLock<()> = RwLock::new(());

/// Held by tests that need the server undisturbed.
pub type Calm = RwLockReadGuard<'static, ()>;
/// Held by a test that needs the server for itself.
pub type Alone = RwLockWriteGuard<'static, ()>;

impl Graylog {
    /// The Graylog shared by the tests of this binary.
    pub fn shared() -> (&'static Self, Calm) {
        let server = Self::get();
        (server, DISTURBED.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, exclusively: to kill parts of it.
    pub fn alone() -> (&'static Self, Alone) {
        let server = Self::get();
        (server, DISTURBED.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn get() -> &'static Self {
        static SHARED: OnceLock<Result<Graylog, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::launch) {
            Ok(graylog) => graylog,
            Err(reason) => panic!("{reason}"),
        }
    }

    fn launch() -> Result<Self, String> {
        let java = Java::of("graylog", "3");
        let runtime = java.runtime().map_err(|e| format!("{NAME}: {e}"))?;
        let home = home(NAME, &RECIPE, "graylog/setup.sh", &[], &java, &runtime)?;
        let data = tempfile::Builder::new().prefix("mailstitch-graylog-").tempdir().map_err(|e| e.to_string())?.keep();
        // Graylog cannot take port 0 and report the port it got.
        let [port, engine, database] = [(); 3].map(|()| free_port());
        let ports = [port, engine, database].map(|port| port.to_string());
        let guard = Command::new("bash")
            .args([Path::new(HERE).join("graylog/guard.sh"), home, data.clone()])
            .args(ports)
            .env("JAVA_HOME", &runtime)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|e| format!("cannot run bash: {e}"))?;
        let (host, engine) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{engine}"));
        let mut graylog = Self { host, engine, process: Process { guard, data } };
        let deadline = Instant::now() + PATIENCE;
        while !graylog.is_up() {
            if graylog.process.guard.try_wait().map_err(|e| e.to_string())?.is_some() {
                return Err(format!("{NAME} did not start; its last words are above, on standard error"));
            }
            if Instant::now() > deadline {
                return Err(format!("{NAME} was not up after {} s", PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(graylog)
    }

    fn is_up(&self) -> bool {
        let ask = |path: &str| http::call("GET", &self.address(ADMIN, path), String::new());
        ask("/api/system").is_ok_and(|(_, answer)| answer["lifecycle"] == "running")
            && ask("/api/system/deflector").is_ok_and(|(_, answer)| answer["is_up"] == true)
    }

    fn address(&self, login: &str, path: &str) -> String {
        format!("http://{login}@{}{path}", self.host)
    }

    /// `http://127.0.0.1:40123`
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// The address of the Elasticsearch 6.8 behind it.
    pub fn engine_url(&self) -> &str {
        &self.engine
    }

    /// The JSON answer to a request of the administrator; fails the test if the status is not 2xx.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = http::call(method, &self.address(ADMIN, path), body).expect("an answer");
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// A new input, and a stream for its messages.
    #[track_caller]
    pub fn sink(&self) -> Sink<'_> {
        let (port, title) = (free_port(), unique_name("mail"));
        let input = json!({"title": title, "type": "org.graylog2.inputs.syslog.tcp.SyslogTCPInput", "global": true,
            "configuration": {"bind_address": "127.0.0.1", "port": port, "recv_buffer_size": 1 << 20,
                "max_message_size": 2 << 20, "store_full_message": false, "expand_structured_data": false,
                "allow_override_date": true, "force_rdns": false, "use_null_delimiter": false}});
        let input = self.request("POST", "/api/system/inputs", input)["id"].as_str().expect("an id").to_owned();
        let sets = self.request("GET", "/api/system/indices/index_sets?skip=0&limit=0&stats=false", Value::Null);
        let set = sets["index_sets"].as_array().expect("sets").iter().find(|set| set["default"] == true);
        let stream = json!({"title": title, "description": "", "matching_type": "AND",
            "remove_matches_from_default_stream": false, "index_set_id": set.expect("the default")["id"],
            "rules": [{"field": "gl2_source_input", "type": 1, "value": input, "inverted": false, "description": ""}]});
        let stream = self.request("POST", "/api/streams", stream)["stream_id"].as_str().expect("an id").to_owned();
        self.request("POST", &format!("/api/streams/{stream}/resume"), Value::Null);
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the input does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        // The stream router looks for new streams every second.
        std::thread::sleep(Duration::from_secs(3));
        Sink { graylog: self, port, stream, title, sent: 0.into() }
    }

    /// Creates a user who may read these streams and nothing else; returns their token.
    #[track_caller]
    pub fn reader(&self, streams: &[&str]) -> String {
        let name = unique_name("reader");
        let user = json!({"username": name, "password": "reader-password", "email": "reader@example.org",
            "full_name": "Reader", "permissions": [], "roles": ["Reader"]});
        self.request("POST", "/api/users", user);
        let rights: Vec<String> = streams.iter().map(|stream| format!("streams:read:{stream}")).collect();
        self.request("PUT", &format!("/api/users/{name}/permissions"), json!({"permissions": rights}));
        let token = self.request("POST", &format!("/api/users/{name}/tokens/mailstitch"), json!({}));
        token["token"].as_str().expect("a token").to_owned()
    }

    /// Kills `engine` or `server`; it stays away until [`start_again`](Self::start_again).
    pub fn kill(&self, part: &str) {
        fs::write(self.process.data.join(format!("{part}.held")), "").expect("a file");
        let pid = fs::read_to_string(self.process.data.join(format!("{part}.pid"))).expect("a process id");
        let killed = Command::new("kill").args(["-9", pid.trim()]).status().expect("kill");
        assert!(killed.success());
    }

    /// Restarts the killed part and waits until Graylog works again.
    #[track_caller]
    pub fn start_again(&self, part: &str) {
        let held = self.process.data.join(format!("{part}.held"));
        fs::rename(held, self.process.data.join(format!("{part}.again"))).expect("a file");
        let deadline = Instant::now() + PATIENCE;
        while self.process.data.join(format!("{part}.again")).exists() || !self.is_up() || !self.finds() {
            assert!(Instant::now() < deadline, "{part} did not come back");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Whether a search works, which needs the engine.
    fn finds(&self) -> bool {
        let path = "/api/search/universal/relative?query=*&range=60&limit=1";
        http::call("GET", &self.address(ADMIN, path), String::new()).is_ok_and(|(status, _)| status == 200)
    }
}

impl Sink<'_> {
    /// Sends lines as a syslog daemon would, and waits until everything sent so far is searchable.
    #[track_caller]
    pub fn send(&self, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().collect();
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).expect("the input");
        connection.write_all((lines.join("\n") + "\n").as_bytes()).expect("lines are taken");
        drop(connection);
        self.sent.set(self.sent.get() + lines.len() as u64);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.found();
            if found == self.sent.get() {
                return;
            }
            assert!(Instant::now() < deadline, "{found} of {} lines arrived", self.sent.get());
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Deletes everything sent, as an administrator would in the index.
    #[track_caller]
    pub fn delete_all(&self) {
        let query = json!({"query": {"term": {"streams": self.stream}}, "size": 5_000}).to_string();
        let search = format!("{}/graylog_*/_search", self.graylog.engine);
        let (_, found) = http::call("POST", &search, query).expect("an answer");
        let hits = found["hits"]["hits"].as_array().expect("hits");
        assert_eq!(hits.len() as u64, self.sent.get());
        for hit in hits {
            let [index, kind, id] = ["_index", "_type", "_id"].map(|key| hit[key].as_str().expect("a name"));
            let url = format!("{}/{index}/{kind}/{id}?refresh=true", self.graylog.engine);
            let (status, answer) = http::call("DELETE", &url, String::new()).expect("an answer");
            assert_eq!(status, 200, "{answer}");
        }
        self.sent.set(0);
    }

    /// Number of messages of the stream in the index itself.
    fn found(&self) -> u64 {
        let query = json!({"query": {"term": {"streams": self.stream}}}).to_string();
        let answer = http::call("POST", &format!("{}/graylog_*/_count", self.graylog.engine), query);
        answer.ok().and_then(|(_, answer)| answer["count"].as_u64()).unwrap_or(0)
    }

    /// The documents of the stream, as Graylog stored them.
    #[track_caller]
    pub fn documents(&self) -> Vec<Value> {
        let query = json!({"query": {"term": {"streams": self.stream}}, "size": 5_000, "sort": ["_doc"]});
        let mut url = format!("{}/graylog_*/_search?scroll=1m", self.graylog.engine);
        let mut body = query;
        let mut documents = Vec::new();
        loop {
            let (status, page) = http::call("POST", &url, body.to_string()).expect("a page");
            assert_eq!(status, 200, "{page}");
            let hits = page["hits"]["hits"].as_array().expect("hits");
            if hits.is_empty() {
                return documents;
            }
            documents.extend(hits.iter().map(|hit| hit["_source"].clone()));
            url = format!("{}/_search/scroll", self.graylog.engine);
            body = json!({"scroll": "1m", "scroll_id": page["_scroll_id"]});
        }
    }
}

/// A free port. Another process might take it before it is used, which has not been seen.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}
