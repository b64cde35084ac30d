//! The texts of sendmail. The first line of the input is ignored.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (_, text) = input.split_once('\n').unwrap_or(("", input));
    mailstitch::laws::text("sm-mta", text);
});
