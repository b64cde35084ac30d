//! Two machines that write to one store at the same time.

use crate::{
    log::{self, Growing, pieces},
    servers::Engine,
};
use std::process::Stdio;

#[test]
fn two_machines_that_each_see_half_of_a_message_lose_no_update_of_each_other() {
    let engine = Engine::opensearch();
    let calm = Growing::into_engine(engine);
    calm.undisturbed();
    let expected = calm.export();
    calm.drop_indices(engine);
    // Each has a log, a ledger and a state directory of its own; the store is shared. The smtpd lines of a message
    // are in the log of one, its other lines in the log of the other.
    let one = Growing::into_engine(engine);
    let other = Growing::into_the_same(&one, engine);
    for pair in pieces().chunks(2) {
        one.append(pair[0]);
        other.append(pair[1]);
        let start = |growing: &Growing| growing.command(&["run"]).stdout(Stdio::null()).spawn().expect("it starts");
        for running in [start(&one), start(&other)] {
            let ended = running.wait_with_output().expect("its end");
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
    }
    log::assert_same(&one.export(), &expected, "two machines at once");
    one.drop_indices(engine);
}
