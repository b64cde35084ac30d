//! Servers that are asked over HTTP: one request with its retries (`http`), and what Elasticsearch and OpenSearch understand
//! (`elastic`). Graylog's own API is in `source/graylog`.

pub mod elastic;
pub mod http;
