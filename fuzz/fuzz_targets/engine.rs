//! Answers of Elasticsearch and OpenSearch: pages, counts, bulks, indices, errors.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| mailstitch::laws::answers::engine(body));
