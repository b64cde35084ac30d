//! What a new user sees first: the demo of the README, called as shown there.

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
    let readme = std::fs::read_to_string("README.md").expect("the page");
    let begin = first.stderr.find("3000 lines read").expect("a summary");
    let told: Vec<&str> = first.stderr[begin..].split_inclusive('\n').take(5).collect();
    assert!(readme.contains(&told.concat()), "{}", first.stderr);

    let again = workspace.run(CALL);
    assert!(again.stderr.contains("the store had all of it already: nothing was changed\n"), "{}", again.stderr);
    let found = |text: &str| text[text.find("messages: ").unwrap()..].to_owned();
    assert_eq!(found(&again.stderr), found(&first.stderr));

    // The suggested command can be copied and works.
    let advice = first.stderr.lines().find(|line| line.contains(" trace ")).unwrap();
    let trace = workspace.run(advice.split_whitespace().skip(1));
    assert_eq!(trace.code, 0, "{advice}\n{}", trace.stderr);
    let address = advice.split_whitespace().last().unwrap();
    assert!(trace.stdout.contains(&format!("from {address}")), "{}", trace.stdout);
}
