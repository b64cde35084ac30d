//! A server that is killed while a run reads from it or writes to it, and comes back.

use crate::{
    installation::Installation,
    servers::{Asked, Deed, Engine, opensearch},
};
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

/// A server that nobody else needs.
fn own() -> MutexGuard<'static, Engine> {
    static OWN: OnceLock<Mutex<Engine>> = OnceLock::new();
    let own = OWN.get_or_init(|| Mutex::new(Engine::start(&opensearch(), &[])));
    own.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the server when the nth request of a sort comes, starts it again, and runs until all is well.
fn check_restarted(engine: &mut Engine, what: &str, is_it: fn(&Asked) -> bool, nth: usize) {
    let installation = Installation::on(engine);
    let (tell, told) = mpsc::channel();
    let mut met = 0;
    installation.proxy.rule(move |asked| {
        met += usize::from(is_it(asked));
        if is_it(asked) && met == nth {
            // The test may have ended.
            let _ = tell.send(());
            return Deed::CutAfter;
        }
        Deed::Pass
    });
    let run = installation.start_run(&[]);
    told.recv().expect("a request of that sort");
    engine.kill();
    engine.start_again();
    installation.proxy.lead_to(engine.url());
    let ended = run.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&ended.stderr);
    // It waited long enough, or left it to the next one.
    assert!(matches!(ended.status.code(), Some(0 | 75)), "{said}");
    installation.run(0);
    installation.check_documents(engine, what);
}

#[test]
fn a_server_restarted_while_it_is_read_or_written_loses_nothing() {
    let mut engine = own();
    check_restarted(&mut engine, "a restart while it was read", |asked| asked.body.contains("\"sort\""), 3);
    check_restarted(&mut engine, "a restart while it was written", Asked::is_bulk, 3);
}

#[test]
fn a_circuit_breaker_that_trips_leaves_the_stretch_to_the_next_run() {
    let engine = own();
    let installation = Installation::on(&engine);
    let limit = |bytes: Value| {
        let setting = json!({ "transient": { "network.breaker.inflight_requests.limit": bytes } });
        engine.request("PUT", "/_cluster/settings", setting);
    };
    limit(json!("15kb"));
    let told = installation.run(75);
    assert!(told.contains("Data too large") && told.contains("(429)"), "{told}");
    limit(Value::Null);
    installation.run(0);
    installation.check_documents(&engine, "a circuit breaker");
}
