//! HTTP clients: one request with its retries (`http`), and the API of Elasticsearch and OpenSearch (`elastic`).
//! Graylog's own API is in `source/graylog`.

pub mod elastic;
pub mod http;
