//! The frames of log files, the journal and documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mailstitch::laws::frame(bytes));
