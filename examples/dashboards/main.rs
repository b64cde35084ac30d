//! The saved objects for OpenSearch Dashboards and Kibana, from a list of panels that can be read.
//!
//! `cargo run --example dashboards > dashboards/mailstitch.ndjson`
//!
//! Only types that both products import, at the versions at which their ways parted (7.10). What is in
//! `mail.recipients` is asked for by Vega panels: the other visualizations refuse fields of nested objects, and would
//! not know which delay belongs to which relay.

mod classic;
mod vega;

use classic::{Bucket, Metric, by_time, metric, pie, table};
use serde_json::{Value, json};
use vega::{Column, Ranking, domains, reasons};

/// The alias that the store writes to unless its `index` says otherwise.
pub const INDEX: &str = "mail-transactions";

const PATTERN: &str = "mailstitch";

/// Grid units; a dashboard is 48 wide.
struct Place(u32, u32, u32, u32);

/// All objects, those that others refer to first.
pub fn objects() -> Vec<Value> {
    let mut objects = vec![pattern()];
    let overview = overview();
    let trouble = trouble();
    for (panel, _) in overview.iter().chain(&trouble) {
        objects.push(panel.clone());
    }
    objects.push(dashboard("overview", "Mail: overview", "Volume, who sends to whom, through which relay.", &overview));
    objects.push(dashboard("trouble", "Mail: trouble", "What bounced, was refused or still waits, and why.", &trouble));
    objects
}

/// What is imported: one object a line.
pub fn ndjson() -> String {
    objects().iter().map(|object| format!("{object}\n")).collect()
}

const MESSAGES: &str = "mail.kind: message and mail.part: 0";
const OPEN: &str = "mail.kind: message and mail.part: 0 and mail.status: (queued or deferred or held)";

fn overview() -> Vec<(Value, Place)> {
    vec![
        (
            metric(
                "counts",
                "What it was",
                "mail.part: 0",
                &[Metric::count("")],
                &[
                    ("messages", "mail.kind: message"),
                    ("refused attempts", "mail.kind: reject"),
                    ("on their way", OPEN),
                    ("bounced or expired", "mail.status: (bounced or expired or partial)"),
                ],
            ),
            Place(0, 0, 32, 8),
        ),
        (
            metric(
                "open",
                "On their way",
                OPEN,
                &[Metric::of("cardinality", "mail.journey", "journeys"), Metric::of("min", "@timestamp", "oldest")],
                &[],
            ),
            Place(32, 0, 16, 8),
        ),
        (
            by_time("volume", "Mail by status", "mail.kind: (message or reject) and mail.part: 0", "mail.status"),
            Place(0, 8, 32, 14),
        ),
        (
            pie(
                "tls-in",
                "TLS of what came in by SMTP",
                "mail.kind: message and mail.part: 0 and mail.origin: smtp",
                &Bucket::new("tls.version", "TLS", 8).or("no TLS"),
            ),
            Place(32, 8, 16, 14),
        ),
        (
            table(
                "senders",
                "Top senders",
                MESSAGES,
                &[Metric::count("Messages"), Metric::of("sum", "mail.size", "Size")],
                &[Bucket::new("email.from.address", "Sender", 50)],
            ),
            Place(0, 22, 24, 15),
        ),
        (
            table(
                "recipients",
                "Top recipients",
                "mail.kind: message",
                &[Metric::count("Messages")],
                &[Bucket::new("email.to.address", "Recipient", 50)],
            ),
            Place(24, 22, 24, 15),
        ),
        (domains("sender-domains", "Top domains of senders", "email.from.address", None), Place(0, 37, 24, 14)),
        (
            domains(
                "recipient-domains",
                "Top domains of recipients",
                "mail.recipients.address",
                Some(Column::new("failed", "datum.failed.doc_count", "d")),
            ),
            Place(24, 37, 24, 14),
        ),
        (relays(), Place(0, 51, 48, 16)),
        (
            table(
                "clients",
                "Top client hosts",
                MESSAGES,
                &[Metric::count("Messages"), Metric::of("sum", "mail.size", "Size")],
                &[Bucket::new("source.ip", "Client", 50), Bucket::new("source.domain", "Name", 1).or("unknown")],
            ),
            Place(0, 67, 24, 15),
        ),
        (
            table(
                "users",
                "SASL users",
                MESSAGES,
                &[Metric::count("Messages"), Metric::of("cardinality", "source.ip", "Clients")],
                &[Bucket::new("user.name", "User", 50)],
            ),
            Place(24, 67, 24, 15),
        ),
        (
            table(
                "hosts",
                "By mail server",
                "mail.part: 0",
                &[Metric::count("Transactions")],
                &[Bucket::new("host.name", "Host", 50), Bucket::new("mail.status", "Status", 12)],
            ),
            Place(0, 82, 24, 15),
        ),
        (tls_out(), Place(24, 82, 24, 15)),
    ]
}

fn trouble() -> Vec<(Value, Place)> {
    let failed = "mail.part: 0 and mail.status: (bounced or expired or partial or rejected or deferred)";
    vec![
        (by_time("failed", "Bounced, refused and deferred", failed, "mail.status"), Place(0, 0, 48, 12)),
        (
            reasons(
                "bounces",
                "Why recipients bounced",
                json!({"terms": {"mail.recipients.status": ["bounced", "expired"]}}),
            ),
            Place(0, 12, 48, 14),
        ),
        (
            reasons("deferrals", "Why recipients wait", json!({"term": {"mail.recipients.status": "deferred"}})),
            Place(0, 26, 48, 14),
        ),
        (
            table(
                "rejects",
                "Why attempts were refused",
                "mail.rejects.text: *",
                &[Metric::count("Attempts")],
                &[Bucket::new("mail.rejects.code", "Code", 10), Bucket::new("mail.rejects.text.keyword", "Text", 20)],
            ),
            Place(0, 40, 32, 16),
        ),
        (
            table(
                "refused-clients",
                "Clients refused most",
                "mail.kind: reject",
                &[Metric::of("sum", "mail.attempts", "Attempts")],
                &[Bucket::new("source.ip", "Client", 50)],
            ),
            Place(32, 40, 16, 16),
        ),
        (
            table(
                "warnings",
                "Warnings",
                "mail.warnings.text: *",
                &[Metric::count("Transactions")],
                &[Bucket::new("mail.warnings.text.keyword", "Text", 50)],
            ),
            Place(0, 56, 32, 14),
        ),
        (
            table(
                "filters",
                "What filters said",
                "mail.filters.name: *",
                &[Metric::count("Transactions")],
                &[Bucket::new("mail.filters.name", "Filter", 10), Bucket::new("mail.filters.verdict", "Verdict", 10)],
            ),
            Place(32, 56, 16, 14),
        ),
        (
            search(
                "waiting",
                "Messages on their way, oldest first",
                OPEN,
                "asc",
                &[
                    "host.name",
                    "email.local_id",
                    "mail.status",
                    "email.from.address",
                    "email.to.address",
                    "mail.attempts",
                ],
            ),
            Place(0, 70, 48, 16),
        ),
        (
            search(
                "not-delivered",
                "Bounced and refused, newest first",
                "mail.part: 0 and mail.status: (bounced or expired or partial or rejected)",
                "desc",
                &["host.name", "email.local_id", "mail.status", "source.ip", "email.from.address", "email.to.address"],
            ),
            Place(0, 86, 48, 16),
        ),
    ]
}

/// Each recipient's delay beside the relay that it went through.
fn relays() -> Value {
    let delay = |percent: &str| format!("datum.delay.values['{percent}']");
    Ranking {
        id: "relays",
        title: "Relays, with delays",
        query: json!({"match_all": {}}),
        nested: true,
        within: json!({"exists": {"field": "mail.recipients.relay.name"}}),
        terms: json!({"field": "mail.recipients.relay.name"}),
        inner: json!({
            "deferred": {"filter": {"term": {"mail.recipients.status": "deferred"}}},
            "delay": {"percentiles": {"field": "mail.recipients.delay_s", "percents": [50, 90, 99]}},
        }),
        label: "datum.key",
        label_share: 0.4,
        counted: "recipients",
        columns: vec![
            Column::new("deferred", "datum.deferred.doc_count", "d"),
            Column::new("p50 s", &delay("50.0"), ",.1f"),
            Column::new("p90 s", &delay("90.0"), ",.1f"),
            Column::new("p99 s", &delay("99.0"), ",.1f"),
        ],
    }
    .object()
}

fn tls_out() -> Value {
    Ranking {
        id: "tls-out",
        title: "TLS of what went out by SMTP",
        query: json!({"match_all": {}}),
        nested: true,
        within: json!({"bool": {"filter": [
            {"terms": {"mail.recipients.transport": ["smtp", "esmtp", "relay"]}},
            {"term": {"mail.recipients.status": "sent"}},
        ]}}),
        terms: json!({"field": "mail.recipients.tls.version", "missing": "no TLS"}),
        inner: json!({}),
        label: "datum.key",
        label_share: 0.3,
        counted: "recipients",
        columns: vec![],
    }
    .object()
}

fn pattern() -> Value {
    let formats = json!({
        "mail.size": {"id": "bytes"},
        "event.duration": {"id": "duration", "params": {"inputFormat": "nanoseconds", "outputFormat": "humanize"}},
    });
    // Without a list of fields both products fetch it from the index.
    let attributes = json!({
        "title": INDEX, "timeFieldName": "@timestamp", "fields": "[]", "fieldFormatMap": formats.to_string(),
    });
    object("index-pattern", "7.6.0", PATTERN, attributes, &[])
}

fn search(id: &str, title: &str, query: &str, order: &str, columns: &[&str]) -> Value {
    let attributes = json!({
        "title": format!("Mail: {title}"), "description": "", "hits": 0, "version": 1,
        "columns": columns, "sort": [["@timestamp", order]],
        "kibanaSavedObjectMeta": {"searchSourceJSON": search_source(query)},
    });
    object("search", "7.9.3", id, attributes, &[of_pattern()])
}

/// A visualization of the state that its kind wants; the query is KQL, `None` for one that brings its own search.
fn visualization(id: &str, title: &str, query: Option<&str>, mut state: Value) -> Value {
    let title = format!("Mail: {title}");
    state["title"] = title.as_str().into();
    let (source, references) = match query {
        Some(query) => (search_source(query), vec![of_pattern()]),
        None => (json!({"query": {"query": "", "language": "kuery"}, "filter": []}).to_string(), vec![]),
    };
    let attributes = json!({
        "title": title, "description": "", "version": 1, "uiStateJSON": "{}",
        "visState": state.to_string(),
        "kibanaSavedObjectMeta": {"searchSourceJSON": source},
    });
    object("visualization", "7.10.0", id, attributes, &references)
}

fn dashboard(id: &str, title: &str, description: &str, panels: &[(Value, Place)]) -> Value {
    let (mut placed, mut references) = (Vec::new(), Vec::new());
    for (n, (panel, Place(x, y, w, h))) in panels.iter().enumerate() {
        let (index, name) = (format!("{}", n + 1), format!("panel_{n}"));
        placed.push(json!({
            "version": "7.10.0", "panelIndex": index, "panelRefName": name, "embeddableConfig": {},
            "gridData": {"x": x, "y": y, "w": w, "h": h, "i": index},
        }));
        references.push(json!({"type": panel["type"], "id": panel["id"], "name": name}));
    }
    let no_filter = json!({"query": {"query": "", "language": "kuery"}, "filter": []});
    let attributes = json!({
        "title": title, "description": description, "hits": 0, "version": 1,
        "timeRestore": true, "timeFrom": "now-24h", "timeTo": "now",
        "refreshInterval": {"pause": true, "value": 0},
        "optionsJSON": json!({"useMargins": true, "hidePanelTitles": false}).to_string(),
        "panelsJSON": Value::from(placed).to_string(),
        "kibanaSavedObjectMeta": {"searchSourceJSON": no_filter.to_string()},
    });
    object("dashboard", "7.9.3", id, attributes, &references)
}

/// `version` is the last at which the type was changed before the two products parted.
fn object(kind: &str, version: &str, id: &str, attributes: Value, references: &[Value]) -> Value {
    let id = if id == PATTERN { id.to_owned() } else { format!("mailstitch-{id}") };
    json!({
        "id": id, "type": kind, "attributes": attributes, "references": references,
        "migrationVersion": {(kind): version},
    })
}

const PATTERN_NAME: &str = "kibanaSavedObjectMeta.searchSourceJSON.index";

fn of_pattern() -> Value {
    json!({"type": "index-pattern", "id": PATTERN, "name": PATTERN_NAME})
}

fn search_source(query: &str) -> String {
    json!({"query": {"query": query, "language": "kuery"}, "filter": [], "indexRefName": PATTERN_NAME}).to_string()
}

fn main() {
    print!("{}", ndjson());
}
