//! A run over an index that is killed, also the very first one, whose store is empty and whose ledger is not there yet.

use crate::{installation::Installation, servers::Engine};

#[test]
fn a_first_run_killed_at_any_place_leaves_no_gap() {
    let engine = Engine::opensearch();
    for place in ["after-read", "before-write", "before-journeys", "before-rename", "before-mark", "after-mark:2"] {
        let installation = Installation::on(engine);
        let killed = installation.start_run(&[("MAILSTITCH_FAULT", place)]).wait_with_output().expect("its end");
        assert_eq!(killed.status.code(), None, "nothing was killed at {place}");
        installation.run(0);
        installation.check_documents(engine, place);
    }
}
