//! The texts of filters and mail stores. The first line names the program.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (name, text) = input.split_once('\n').unwrap_or(("", input));
    mailstitch::laws::text(name, text);
});
