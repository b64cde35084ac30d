//! Stores syslog lines as common collectors do.
//!
//! In: [`RawLine`]s and a [`Shape`]. Out: an index with the collector's mapping and one document per line, visible to
//! searches. Documents keep the order of the lines in `gl2_message_id`, as in Graylog, even over several calls.

use super::Engine;
use crate::common::RawLine;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// How a collector stores a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Graylog with a syslog input that receives RFC 3164: host and tag stay in `message`.
    GraylogRfc3164,
    /// Graylog receiving RFC 5424: `message` is the bare text, `application_name` and `process_id` are fields.
    GraylogRfc5424,
    /// filebeat's syslog: Elastic Common Schema.
    Filebeat,
}

impl Engine {
    /// Creates an index with the collector's mapping and without replicas. It must not exist yet.
    #[track_caller]
    pub fn create_index(&self, index: &str, shape: Shape, shards: u32) {
        let mut body = match shape {
            Shape::GraylogRfc3164 | Shape::GraylogRfc5424 => self.graylog_index(),
            Shape::Filebeat => ecs_index(),
        };
        body["settings"]["number_of_shards"] = shards.into();
        body["settings"]["number_of_replicas"] = 0.into();
        self.request("PUT", &format!("/{index}"), body);
    }

    /// Stores lines; creates the index with one shard if it does not exist.
    #[track_caller]
    pub fn load(&self, index: &str, lines: &[RawLine], shape: Shape) {
        if self.answer("GET", &format!("/{index}"), Value::Null).0 == 404 {
            self.create_index(index, shape, 1);
        }
        self.index(index, lines.iter().map(|line| document(line, shape)));
    }

    fn graylog_index(&self) -> Value {
        // Graylog's own analyzer. If the server lacks its parts (Elasticsearch since 7.17, as on Maven Central), an
        // analyzer that differs only in case replaces it.
        let graylogs_engine = self.name().starts_with("opensearch") || self.name().contains("-7.10.");
        let (analyzer, settings) = if graylogs_engine {
            let own = json!({ "analyzer_keyword": { "tokenizer": "keyword", "filter": "lowercase" } });
            ("analyzer_keyword", json!({ "analysis": { "analyzer": own } }))
        } else {
            ("keyword", json!({}))
        };
        let date = json!({ "type": "date", "format": "uuuu-MM-dd HH:mm:ss.SSS" });
        let text = json!({ "type": "text", "analyzer": "standard" });
        json!({ "settings": settings, "mappings": { "dynamic": true, "properties": {
            "timestamp": date, "gl2_receive_timestamp": date,
            "message": text, "full_message": text,
            "source": { "type": "text", "analyzer": analyzer, "fielddata": true },
            "gl2_message_id": { "type": "keyword" }, "streams": { "type": "keyword" },
            "application_name": { "type": "keyword" }, "process_id": { "type": "keyword" },
            "facility": { "type": "keyword" }, "facility_num": { "type": "long" }, "level": { "type": "long" },
        }}})
    }
}

fn ecs_index() -> Value {
    let keyword = json!({ "type": "keyword", "ignore_above": 1024 });
    json!({ "settings": {}, "mappings": { "dynamic": false, "properties": {
        "@timestamp": { "type": "date" },
        "message": { "type": "text" },
        "host": { "properties": { "name": keyword, "hostname": keyword } },
        "process": { "properties": { "name": keyword, "pid": { "type": "long" } } },
        "event": { "properties": { "dataset": keyword } },
        "log": { "properties": { "file": { "properties": { "path": keyword } } } },
    }}})
}

/// The id (as Graylog assigns one) and the document of a line.
fn document(line: &RawLine, shape: Shape) -> (Option<String>, Value) {
    if shape == Shape::Filebeat {
        let mut document = json!({
            "@timestamp": line.time.to_string(), "message": line.text,
            "host": { "name": line.host, "hostname": line.host }, "process": { "name": line.program },
            "event": { "dataset": "system.syslog" }, "log": { "file": { "path": "/var/log/mail.log" } },
        });
        if let Some(pid) = line.pid {
            document["process"]["pid"] = pid.into();
        }
        return (None, document);
    }
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Like a ULID: 26 characters that increase with the time of receipt.
    let id = format!("01M{:023}", COUNT.fetch_add(1, Ordering::Relaxed));
    let time = line.time.utc().format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let mut document = json!({
        "timestamp": time, "gl2_receive_timestamp": time, "gl2_message_id": id, "source": line.host,
        "facility": "mail", "facility_num": 2, "level": 6, "streams": ["000000000000000000000001"],
    });
    if shape == Shape::GraylogRfc3164 {
        document["message"] = format!("{} {}", line.host, line.tagged()).into();
    } else {
        document["message"] = line.text.as_str().into();
        document["application_name"] = line.program.as_str().into();
        if let Some(pid) = line.pid {
            document["process_id"] = pid.to_string().into();
        }
    }
    (Some(id), document)
}
