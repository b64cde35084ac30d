//! A server that is killed while a run reads from it or writes to it, and comes back.

use crate::{
    installation::Installation,
    servers::{Asked, Deed, Engine, opensearch},
};
use std::sync::mpsc;

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
    engine.restart();
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
    let mut engine = Engine::start(&opensearch(), &[]);
    check_restarted(&mut engine, "a restart while it was read", |asked| asked.body.contains("\"sort\""), 3);
    check_restarted(&mut engine, "a restart while it was written", Asked::is_bulk, 3);
}
