//! What a stranger sees first: the demo of the README, as it is called there.

mod common;

use common::Workspace;
use std::path::Path;

const CALL: [&str; 4] = ["--config", "examples/demo/demo.toml", "backfill", "examples/demo/mail.log"];

#[test]
fn the_demo_shows_what_it_found_and_may_be_repeated() {
    let workspace = Workspace::new();
    for name in ["examples/demo/demo.toml", "examples/demo/mail.log"] {
        workspace.write(name, std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap());
    }
    let first = workspace.run(CALL);
    assert_eq!((first.code, first.stdout.as_str()), (0, ""), "{}", first.stderr);
    assert!(first.stderr.contains("3000 lines read: 2357 used"), "{}", first.stderr);
    assert!(first.stderr.contains("messages: 2") && first.stderr.contains(" delivered, "), "{}", first.stderr);
    assert!(first.stderr.contains("refused attempts: 13\n"), "{}", first.stderr);

    let again = workspace.run(CALL);
    assert!(again.stderr.contains("the store had all of it already: nothing was changed\n"), "{}", again.stderr);
    let found = |text: &str| text[text.find("messages: ").unwrap()..].to_owned();
    assert_eq!(found(&again.stderr), found(&first.stderr));

    // The advice is meant to be copied.
    let advice = first.stderr.lines().find(|line| line.contains(" trace ")).unwrap();
    let trace = workspace.run(advice.split_whitespace().skip(1));
    assert_eq!(trace.code, 0, "{advice}\n{}", trace.stderr);
    let address = advice.split_whitespace().last().unwrap();
    assert!(trace.stdout.contains(&format!("from {address}")), "{}", trace.stdout);
}
