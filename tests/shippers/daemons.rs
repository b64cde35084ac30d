//! rsyslog and syslog-ng themselves write into an index as in their manuals; reading it gives the same as the file.

use crate::{
    common::{RawLine, Workspace, fiveday},
    servers::{Engine, launch, unique_name},
};
use fs4::fs_std::FileExt;
use serde_json::Value;
use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that ends with its test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Directory of the unpacked packages, filled once per machine.
fn packages() -> PathBuf {
    let cache = launch::cache().unwrap_or_else(|reason| panic!("{reason}"));
    fs::create_dir_all(&cache).expect("a cache");
    let place = cache.join("syslogs");
    let lock = fs::File::create(cache.join("syslogs.lock")).expect("a lock");
    lock.lock_exclusive().expect("the lock");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shippers/unpack.sh");
    let done = Command::new("bash").args([Path::new(script), &place]).output().expect("bash");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    place
}

/// Starts a program from the packages, with their libraries.
fn program(root: &Path, name: &str, arguments: &[&str], workspace: &Workspace) -> Daemon {
    let libraries =
        ["usr/lib", "lib"].map(|lib| root.join(lib).join("x86_64-linux-gnu").to_string_lossy().into_owned());
    let log = fs::File::create(workspace.file("daemon.log")).expect("a log");
    let child = Command::new(root.join("usr/sbin").join(name))
        .args(arguments)
        .current_dir(workspace.path())
        .env("LD_LIBRARY_PATH", libraries.join(":"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("the daemon starts");
    Daemon(child)
}

fn log() -> Vec<RawLine> {
    fiveday::five_days(1500, 3).lines
}

/// Sends the lines to a daemon as another host's daemon would.
fn send(address: (&str, u16), workspace: &Workspace) {
    let deadline = Instant::now() + PATIENCE;
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(e) => assert!(Instant::now() < deadline, "{e}: {}", said(workspace)),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let text: String = log().iter().map(|line| format!("<22>{}\n", line.iso())).collect();
    stream.write_all(text.as_bytes()).expect("the daemon listens");
}

fn said(workspace: &Workspace) -> String {
    fs::read_to_string(workspace.file("daemon.log")).unwrap_or_default()
}

fn wait_for(engine: &Engine, index: &str, lines: usize, workspace: &Workspace) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, _) = engine.answer("POST", &format!("/{index}/_refresh"), Value::Null);
        let count = match status {
            200 => engine.request("GET", &format!("/{index}/_count"), Value::Null)["count"].as_u64().expect("a count"),
            _ => 0,
        };
        if count >= lines as u64 {
            return;
        }
        assert!(Instant::now() < deadline, "{index} has {count} of {lines}: {}", said(workspace));
        std::thread::sleep(Duration::from_millis(200));
    }
}

const STORE: &str = "[store.sqlite]\npath = \"mail.sqlite\"\n";

/// The documents read from a source.
fn exported(source: &str) -> String {
    let workspace = Workspace::new();
    workspace.write("config.toml", format!("state_dir = \"state\"\n{source}{STORE}"));
    let iso: String = log().iter().map(|line| line.iso() + "\n").collect();
    workspace.write("mail.log", iso);
    let now = ["-c", "config.toml", "--now", "2026-12-01T00:00:00Z"];
    workspace.succeed([&now[..], &["backfill", "--since", "2026-10-01T00:00:00Z"]].concat());
    workspace.succeed([&now[..], &["export"]].concat())
}

/// Checks that every index gives the documents of the file.
fn compare(engine: &Engine, indices: &[String]) {
    let file = exported("[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\n");
    assert!(file.lines().count() > 50);
    for index in indices {
        let url = engine.url();
        let found =
            exported(&format!("[source.elasticsearch]\nurl = {url:?}\nindex = {index:?}\ntimezone = \"UTC\"\n"));
        assert!(found == file, "{index}: {} documents of {}", found.lines().count(), file.lines().count());
        engine.request("DELETE", &format!("/{index}"), Value::Null);
    }
}

#[test]
fn rsyslog_with_omelasticsearch_leads_to_the_documents_of_the_file() {
    let (engine, root, workspace) = (Engine::opensearch(), packages(), Workspace::new());
    let port = engine.url().rsplit(':').next().expect("a port");
    // The template of the manual and most articles, one with rsyslog's own names for all fields, and the message
    // object as it is.
    let templates = [
        r#"template(name="articles" type="list" option.jsonf="on") {
            property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
            property(outname="host" name="hostname" format="jsonf")
            property(outname="severity" name="syslogseverity-text" format="jsonf")
            property(outname="facility" name="syslogfacility-text" format="jsonf")
            property(outname="syslogtag" name="syslogtag" format="jsonf")
            property(outname="message" name="msg" format="jsonf") }"#,
        r#"template(name="names" type="list") {
            constant(value="{\"timestamp\":\"") property(name="timereported" dateFormat="rfc3339")
            constant(value="\",\"message\":\"") property(name="msg" format="json")
            constant(value="\",\"sysloghost\":\"") property(name="hostname" format="json")
            constant(value="\",\"programname\":\"") property(name="programname" format="json")
            constant(value="\",\"app-name\":\"") property(name="app-name" format="json")
            constant(value="\",\"syslogtag\":\"") property(name="syslogtag" format="json")
            constant(value="\",\"procid\":\"") property(name="procid" format="json") constant(value="\"}") }"#,
        r#"template(name="whole" type="string" string="%jsonmesg%")"#,
    ];
    let names = ["articles", "names", "whole"];
    let indices = names.map(|name| unique_name(&format!("rsyslog-{name}")));
    let mut config = "module(load=\"imtcp\")\nmodule(load=\"omelasticsearch\")\n\
                      input(type=\"imtcp\" address=\"127.0.0.1\" port=\"0\" listenPortFileName=\"port\")\n"
        .to_owned();
    for ((name, template), index) in names.iter().zip(templates).zip(&indices) {
        config += &format!(
            "{template}\naction(type=\"omelasticsearch\" server=\"127.0.0.1\" serverport=\"{port}\" searchIndex=\"{index}\" \
             searchType=\"\" bulkmode=\"on\" template=\"{name}\" errorFile=\"errors-{name}\")\n"
        );
    }
    let modules = root.join("usr/lib/x86_64-linux-gnu/rsyslog");
    workspace.write("rsyslog.conf", config);
    let arguments = ["-n", "-C", "-f", "rsyslog.conf", "-i", "pid", "-M", &*modules.to_string_lossy()];
    let _daemon = program(&root, "rsyslogd", &arguments, &workspace);
    let deadline = Instant::now() + PATIENCE;
    let listening = loop {
        let port = fs::read_to_string(workspace.file("port")).ok().and_then(|port| port.trim().parse().ok());
        if let Some(port) = port {
            break port;
        }
        assert!(Instant::now() < deadline, "{}", said(&workspace));
        std::thread::sleep(Duration::from_millis(50));
    };
    send(("127.0.0.1", listening), &workspace);
    for index in &indices {
        wait_for(engine, index, log().len(), &workspace);
    }
    compare(engine, &indices);
}

#[test]
fn syslog_ng_with_elasticsearch_http_leads_to_the_documents_of_the_file() {
    let (engine, root, workspace) = (Engine::opensearch(), packages(), Workspace::new());
    let listening =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let indices = [unique_name("syslog-ng-stock"), unique_name("syslog-ng-pairs")];
    let url = engine.url();
    let scl = root.join("usr/share/syslog-ng/include/scl/elasticsearch/elastic-http.conf");
    let config = format!(
        "@version: 3.38\n@include \"{}\"\noptions {{ keep-hostname(yes); stats-freq(0); frac-digits(3); }};\n\
         source s {{ network(ip(\"127.0.0.1\") port({listening}) transport(\"tcp\")); }};\n\
         destination stock {{ elasticsearch-http(url(\"{url}/_bulk\") index(\"{}\") type(\"\") persist-name(\"stock\")); }};\n\
         destination pairs {{ elasticsearch-http(url(\"{url}/_bulk\") index(\"{}\") type(\"\") persist-name(\"pairs\")\n\
             template(\"$(format-json --scope rfc5424 --scope nv-pairs --exclude DATE --key ISODATE @timestamp=${{ISODATE}})\")); }};\n\
         log {{ source(s); destination(stock); destination(pairs); }};\n",
        scl.display(),
        indices[0],
        indices[1],
    );
    workspace.write("syslog-ng.conf", config);
    let modules = root.join("usr/lib/syslog-ng/3.38").to_string_lossy().into_owned();
    let module_path = format!("--module-path={modules}");
    let arguments = [
        "--foreground",
        "--no-caps",
        "--cfgfile=syslog-ng.conf",
        "--persist-file=persist",
        "--pidfile=pid",
        "--control=control",
        &module_path,
    ];
    let _daemon = program(&root, "syslog-ng", &arguments, &workspace);
    send(("127.0.0.1", listening), &workspace);
    for index in &indices {
        wait_for(engine, index, log().len(), &workspace);
    }
    compare(engine, &indices);
}
