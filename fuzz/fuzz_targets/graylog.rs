//! Answers of Graylog: rows of an export, pivots, errors.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| mailstitch::laws::answers::graylog(body));
