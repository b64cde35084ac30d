//! The texts of postfix. The first line names the daemon; empty if the transport lost it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (name, text) = input.split_once('\n').unwrap_or(("", input));
    let program = if name.is_empty() { "postfix".to_owned() } else { format!("postfix/{name}") };
    mailstitch::laws::text(&program, text);
});
