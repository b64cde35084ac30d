//! Which product and version answers, and which features it has.
//!
//! In: the answer to `GET /`. Out: [`Engine`]. Decided by version and never by trying: Elasticsearch 7.10 takes
//! `POST /index/_pit` as a document to store.

use serde_json::Value;
use std::fmt;

/// The two products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Elasticsearch,
    OpenSearch,
}

/// The API of a product for points in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointInTime {
    /// `POST /index/_pit`, `DELETE /_pit`
    Elasticsearch,
    /// `POST /index/_search/point_in_time`, `DELETE /_search/point_in_time`
    OpenSearch,
}

/// A product in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    pub product: Product,
    /// As the server reports it: `8.19.21`.
    pub number: String,
    version: (u32, u32),
}

impl Engine {
    /// From the answer to `GET /`; `None` if something else answered.
    pub fn from_root(root: &Value) -> Option<Self> {
        let version = root.get("version")?;
        let number = version.get("number")?.as_str()?;
        let mut parts = number.split(['.', '-']).map(str::parse);
        let version_pair = (parts.next()?.ok()?, parts.next()?.ok()?);
        let product = match version.get("distribution").and_then(Value::as_str) {
            Some("opensearch") => Product::OpenSearch,
            _ => Product::Elasticsearch,
        };
        Some(Self { product, number: number.to_owned(), version: version_pair })
    }

    /// Whether mailstitch works with this version. Newer versions than any known are accepted. An OpenSearch that calls
    /// itself 7.10.2 for old clients is still an OpenSearch.
    pub fn is_supported(&self) -> bool {
        match self.product {
            Product::Elasticsearch => self.version >= (7, 10),
            Product::OpenSearch => self.version >= (1, 3),
        }
    }

    /// How to open a point in time, if the engine has one. Elasticsearch has it from 7.10, but not in the free build of
    /// 7.10, and its tie-break only from 7.12; before that a scroll is safer. OpenSearch has it from 2.4.
    pub fn point_in_time(&self) -> Option<PointInTime> {
        match self.product {
            Product::Elasticsearch => (self.version >= (7, 12)).then_some(PointInTime::Elasticsearch),
            // 7.10.2 is what OpenSearch 1 and 2 report with `compatibility.override_main_response_version`.
            Product::OpenSearch if self.version == (7, 10) => None,
            Product::OpenSearch => (self.version >= (2, 4)).then_some(PointInTime::OpenSearch),
        }
    }

    /// Whether a point in time can be sorted by `_shard_doc`, which is unique and the fastest order (OpenSearch has it
    /// from 3.3; 2.x answers 400).
    pub fn sorts_by_shard_doc(&self) -> bool {
        match self.point_in_time() {
            Some(PointInTime::Elasticsearch) => true,
            Some(PointInTime::OpenSearch) => self.version >= (3, 3),
            None => false,
        }
    }
}

/// `OpenSearch 2.19.6`
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = match self.product {
            Product::Elasticsearch => "Elasticsearch",
            Product::OpenSearch => "OpenSearch",
        };
        write!(f, "{product} {}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(distribution: Option<&str>, number: &str, expected: &str) {
        let root = match distribution {
            Some(name) => json!({"version": {"number": number, "distribution": name}}),
            None => json!({"version": {"number": number, "build_flavor": "default"}}),
        };
        let engine = Engine::from_root(&root).unwrap();
        let way = match (engine.point_in_time(), engine.sorts_by_shard_doc()) {
            (None, _) => "scroll",
            (Some(_), false) => "point in time, own tie-break",
            (Some(_), true) => "point in time, _shard_doc",
        };
        let way = if engine.is_supported() { way } else { "too old" };
        assert_eq!(format!("{engine}: {way}"), expected);
    }

    #[test]
    fn each_version_has_its_way_of_reading() {
        check(None, "6.8.23", "Elasticsearch 6.8.23: too old");
        check(None, "7.10.2", "Elasticsearch 7.10.2: scroll");
        check(None, "7.17.29", "Elasticsearch 7.17.29: point in time, _shard_doc");
        check(None, "8.19.21", "Elasticsearch 8.19.21: point in time, _shard_doc");
        check(None, "9.5.3", "Elasticsearch 9.5.3: point in time, _shard_doc");
        check(Some("opensearch"), "1.3.14", "OpenSearch 1.3.14: scroll");
        check(Some("opensearch"), "2.19.6", "OpenSearch 2.19.6: point in time, own tie-break");
        check(Some("opensearch"), "3.8.0", "OpenSearch 3.8.0: point in time, _shard_doc");
        check(Some("opensearch"), "3.0.0-beta1", "OpenSearch 3.0.0-beta1: point in time, own tie-break");
    }

    #[test]
    fn an_opensearch_that_calls_itself_7_10_is_read_by_scroll() {
        check(Some("opensearch"), "7.10.2", "OpenSearch 7.10.2: scroll");
    }

    #[test]
    fn another_server_is_no_engine() {
        assert_eq!(Engine::from_root(&json!({"cluster_id": "x", "version": "7.0.1"})), None);
        assert_eq!(Engine::from_root(&json!([])), None);
        assert_eq!(Engine::from_root(&json!({"version": {"number": "next"}})), None);
    }
}
