//! Documents of an index.
#![no_main]

libfuzzer_sys::fuzz_target!(|source: &str| mailstitch::laws::answers::document(source));
