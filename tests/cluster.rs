//! A cluster of three nodes, one of which is killed while a run reads from it, while a run writes to it, and before a
//! run, also with shards that exist on no other node (laws L3, L6).
//!
//! Not part of `cargo test`, because three servers at once need more than a build machine has: run `cargo test --test
//! cluster`, or `tests/faults.sh` to run it as often as its table needs.

mod common;
mod servers;

use common::{
    Ran, Workspace,
    fiveday::{DAY, END, HOUR, START, five_days},
};
use mailstitch::model::Time;
use serde_json::{Value, json};
use servers::{Asked, Deed, Engine, Proxy, Shape, opensearch, unique_name};
use std::{
    net::TcpListener,
    sync::{LazyLock, Mutex, MutexGuard, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Three nodes, each behind a proxy that reports requests.
struct Cluster {
    nodes: Vec<Engine>,
    proxies: Vec<Proxy>,
    index: String,
    expected: String,
}

/// Ports that were free a moment ago: nodes must know each other's port before they start.
fn ports() -> Vec<String> {
    let listeners: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    listeners.iter().map(|l| l.local_addr().expect("an address").port().to_string()).collect()
}

fn nodes() -> Vec<Engine> {
    let ports = ports();
    let seeds: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let seeds = seeds.join(",");
    let start = |n: usize| {
        let name = format!("n{}", n + 1);
        let settings = [
            ("node.name", name.as_str()),
            ("transport.port", &ports[n]),
            ("discovery.type", "zen"),
            ("discovery.seed_hosts", &seeds),
            ("cluster.initial_cluster_manager_nodes", "n1,n2,n3"),
        ];
        Engine::start(&opensearch(), &settings)
    };
    // In parallel, because each waits for the others.
    thread::scope(|scope| {
        let starting: Vec<_> = (0..3).map(|n| scope.spawn(move || start(n))).collect();
        starting.into_iter().map(|node| node.join().expect("a node")).collect()
    })
}

/// The cluster shared by the tests of this binary, one at a time; each leaves it intact.
fn cluster() -> MutexGuard<'static, Cluster> {
    static SHARED: LazyLock<Mutex<Cluster>> = LazyLock::new(|| Mutex::new(Cluster::start()));
    SHARED.lock().expect("a cluster that the test before left whole")
}

fn is_page(asked: &Asked) -> bool {
    asked.is_search() && asked.body.contains("\"sort\"")
}

impl Cluster {
    fn start() -> Self {
        let nodes = nodes();
        let proxies: Vec<Proxy> = nodes.iter().map(|node| Proxy::before(node.url())).collect();
        let index = unique_name("graylog");
        let last = &nodes[2];
        last.create_index(&index, Shape::GraylogRfc3164, 3);
        last.load(&index, &five_days(3_000, 21).lines, Shape::GraylogRfc3164);
        let mut cluster = Self { nodes, proxies, index, expected: String::new() };
        cluster.replicate(1);
        let calm = cluster.workspace("[store.sqlite]\npath = \"mail.sqlite\"\n");
        assert_eq!(run(&calm, &["run"]).code, 0);
        cluster.expected = run(&calm, &["export"]).stdout;
        assert!(cluster.expected.lines().count() > 400, "{}", cluster.expected.lines().count());
        cluster
    }

    fn wait_until(&self, status: &str) {
        let path = format!("/_cluster/health?wait_for_status={status}&wait_for_no_relocating_shards=true&timeout=100s");
        self.nodes[2].request("GET", &path, Value::Null);
    }

    /// Sets the number of replicas of the index of lines.
    fn replicate(&self, replicas: u32) {
        let settings = json!({ "index": { "number_of_replicas": replicas } });
        self.nodes[2].request("PUT", &format!("/{}/_settings", self.index), settings);
        self.wait_until("green");
    }

    /// Waits until the cluster notices that shards are gone.
    fn wait_until_red(&self) {
        let since = Instant::now();
        while self.nodes[2].answer("GET", "/_cluster/health", Value::Null).1["status"] != "red" {
            assert!(since.elapsed() < Duration::from_secs(100), "no shard was lost with the node");
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn urls(&self) -> Vec<&str> {
        self.proxies.iter().map(Proxy::url).collect()
    }

    fn workspace(&self, store: &str) -> Workspace {
        let workspace = Workspace::new();
        let (urls, index) = (self.urls(), &self.index);
        workspace.write(
            "mailstitch.toml",
            format!(
                "state_dir = \"state\"\n[window]\nfirst = \"6d\"\n[source.elasticsearch]\nurl = {urls:?}\n\
                 index = {index:?}\npage_size = 20\ntimezone = \"UTC\"\ntimeout = \"20s\"\n{store}"
            ),
        );
        workspace
    }

    /// Settings of a separate store in this cluster.
    fn store(&self, replicas: u32, timeout: &str) -> String {
        let alias = unique_name("transactions");
        let urls = self.urls();
        format!(
            "[store.elasticsearch]\nurl = {urls:?}\nindex = {alias:?}\nshards = 3\nreplicas = {replicas}\n\
             bulk_bytes = 20000\ntimeout = {timeout:?}\n"
        )
    }

    /// Checks that after another run the store holds what it would hold without the disturbance.
    fn check_healed(&self, disturbed: &Workspace, what: &str) {
        let next = run(disturbed, &["run"]);
        assert_eq!(next.code, 0, "{what}: {}", next.stderr);
        let found = run(disturbed, &["export"]).stdout;
        let differ = found.lines().zip(self.expected.lines()).find(|(found, expected)| found != expected);
        assert_eq!(differ, None, "{what}");
        assert_eq!(found.lines().count(), self.expected.lines().count(), "documents after {what}");
    }

    /// Kills the node that is asked first when it gets the `nth` request of a kind; the next run repairs everything.
    /// That request is held back until each shard has a replica: data that only the dead node had would be missing
    /// until it is back.
    fn check_killed(&mut self, what: &str, is_it: fn(&Asked) -> bool, nth: usize) {
        let disturbed = self.workspace(&self.store(1, "20s"));
        let (tell, told) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let mut met = 0;
        self.proxies[0].rule(move |asked| {
            met += usize::from(is_it(asked));
            if is_it(asked) && met == nth {
                // The test may be over.
                let _ = tell.send(());
                let _ = released.recv();
            }
            Deed::Pass
        });
        let now = END.to_string();
        let running = disturbed.command(["--config", "mailstitch.toml", "--now", &now, "run"]).spawn();
        let running = running.expect("it starts");
        told.recv().expect("a request of that sort");
        self.wait_until("green");
        release.send(()).expect("the request waits");
        self.nodes[0].kill();
        self.proxies.iter().for_each(|proxy| drop(proxy.take_asked()));
        let ended: Ran = running.wait_with_output().expect("its end").into();
        let asked = |n: usize| self.proxies[n].take_asked().into_iter().filter(is_it).count();
        let others = asked(1) + asked(2);
        assert!(matches!(ended.code, 0 | 75), "{what}: {}", ended.stderr);
        // The kill came in the middle of the run, which went on with another node.
        assert!(others > 0, "{what}: nothing was left to be asked");
        self.check_healed(&disturbed, what);
        println!("{what}: the run ended with {}, after {others} requests to the others", ended.code);
    }

    /// After a first run, kills a node that holds some shards alone. The next run reports it, and once the node is
    /// back a run repairs everything.
    fn check_lost(&mut self, what: &str, of_lines: u32, of_transactions: u32) {
        self.replicate(of_lines);
        let disturbed = self.workspace(&self.store(of_transactions, "5s"));
        let first = run_at(&disturbed, START.plus(2 * DAY + HOUR), &["run"]);
        assert_eq!(first.code, 0, "{what}: {}", first.stderr);
        self.wait_until("green");
        self.nodes[0].kill();
        self.wait_until_red();
        let lost = run(&disturbed, &["run"]);
        assert_eq!(lost.code, 75, "{what}: {}", lost.stderr);
        println!("{what}: {}", lost.stderr.trim());
        self.repair();
        self.check_healed(&disturbed, what);
        self.replicate(1);
    }

    /// Restarts the killed node and waits until it has all its shards.
    fn repair(&mut self) {
        self.nodes[0].start_again();
        self.proxies[0].lead_to(self.nodes[0].url());
        self.wait_until("green");
    }
}

fn run(workspace: &Workspace, arguments: &[&str]) -> Ran {
    run_at(workspace, END, arguments)
}

fn run_at(workspace: &Workspace, now: Time, arguments: &[&str]) -> Ran {
    let now = now.to_string();
    workspace.run(["--config", "mailstitch.toml", "--now", &now].iter().chain(arguments))
}

#[test]
fn a_node_killed_while_a_run_reads_or_writes_loses_nothing() {
    let mut cluster = cluster();
    cluster.check_killed("a node killed while it was read", is_page, 5);
    cluster.repair();
    cluster.check_killed("a node killed while it was written", Asked::is_bulk, 5);
    cluster.repair();
}

#[test]
fn shards_that_are_gone_with_their_node_are_missed_and_made_good() {
    let mut cluster = cluster();
    cluster.check_lost("shards of lines gone with their node", 0, 1);
    cluster.check_lost("shards of transactions gone with their node", 1, 0);
}
