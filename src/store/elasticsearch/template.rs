//! The index template: settings and mapping of every monthly index (the fields are described in `docs/documents.md`).
//!
//! In: the store's settings. Out: JSON. A change of the mapping must raise [`MAPPING`], so that the next run installs
//! it.

use crate::{
    config::ElasticsearchStore,
    model::{searchable::LONGEST, transaction::SCHEMA},
};
use serde_json::{Value, json};

/// Higher than the catch-all templates that distributions install (100 to 200), so that ours wins.
const PRIORITY: u32 = 500;

/// The version of the mapping. [`SCHEMA`] is the version of the documents and keeps older programs from writing.
const MAPPING: u32 = 2;

/// Limit of recipients in a document; the default of engines is 10,000.
pub const RECIPIENTS: u32 = 100_000;

/// The name of the template in the cluster.
pub fn name(settings: &ElasticsearchStore) -> String {
    format!("mailstitch-{}", settings.index)
}

/// `_meta` of the template, by which a run tells whether the installed one is current.
pub fn meta(settings: &ElasticsearchStore, privacy: &str) -> Value {
    let mut meta = json!({
        "mailstitch_schema": SCHEMA,
        "mailstitch_mapping": MAPPING,
        "shards": settings.shards,
        "replicas": settings.replicas,
        "description": "transactions of mailstitch; written by it, do not edit",
    });
    if !privacy.is_empty() {
        meta["privacy"] = privacy.into();
    }
    meta
}

/// The body of `PUT /_index_template/…`.
pub fn template(settings: &ElasticsearchStore, privacy: &str) -> Value {
    let alias = settings.index.as_str();
    json!({
        // Matches years and months only, not every index whose name begins like the alias.
        "index_patterns": (1..=9).map(|digit| format!("{alias}-{digit}*.*")).collect::<Vec<_>>(),
        "priority": PRIORITY,
        "_meta": meta(settings, privacy),
        "template": {
            "aliases": {(alias): {}},
            "settings": {"index": {
                "number_of_shards": settings.shards,
                "number_of_replicas": settings.replicas,
                "codec": "best_compression",
                // A message to one alias may have any number of recipients.
                "mapping": {"nested_objects": {"limit": RECIPIENTS}},
                // An acknowledged write is on disk: the ledger relies on it.
                "translog": {"durability": "request"},
                "analysis": analysis(),
            }},
            "mappings": mapping(),
        },
    })
}

/// The normalizer for fields that are compared without regard to case.
pub fn analysis() -> Value {
    json!({"normalizer": {"lower": {"type": "custom", "filter": ["lowercase"]}}})
}

/// Longer values stay in the document and are left out of the index: a Lucene term has at most 32,766 bytes.
fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": LONGEST})
}

/// For fields that are searched without regard to case: addresses, hosts, Message-IDs.
fn any_case() -> Value {
    json!({"type": "keyword", "ignore_above": LONGEST, "normalizer": "lower"})
}

/// Free text of people and servers: searched by word, counted as a whole.
fn text() -> Value {
    json!({"type": "text", "fields": {"keyword": keyword()}})
}

fn object(properties: Value) -> Value {
    json!({"properties": properties})
}

/// The mapping. Fields that are not listed stay in the document and are not searched (`dynamic: false`).
pub fn mapping() -> Value {
    let (date, long, flag, ip) =
        (json!({"type": "date"}), json!({"type": "long"}), json!({"type": "boolean"}), json!({"type": "ip"}));
    let number = json!({"type": "double"});
    let unsearched = json!({"type": "object", "enabled": false});
    let remark = object(json!({
        "stage": keyword(), "code": long, "dsn": keyword(), "text": text(), "recipient": any_case(),
    }));
    let tls = object(json!({"version": keyword(), "version_protocol": keyword(), "cipher": keyword()}));
    let recipients = json!({
        "type": "nested",
        "include_in_parent": true,
        "properties": {
            "address": any_case(),
            "orig_to": any_case(),
            "status": keyword(),
            "final": flag,
            "dsn": keyword(),
            "reply": text(),
            "relay": object(json!({"domain": any_case(), "ip": ip, "port": long, "name": keyword()})),
            "transport": keyword(),
            "delay_s": number,
            "delays_s": object(json!({
                "before_qmgr": number, "in_qmgr": number, "conn_setup": number, "transmission": number,
            })),
            "queued_as": keyword(),
            "attempts": long,
            "first_attempt": date,
            "last_attempt": date,
            "tls": tls,
            "history": unsearched,
        },
    });
    let mail = object(json!({
        "id": keyword(),
        "kind": keyword(),
        "origin": keyword(),
        "status": keyword(),
        "complete": flag,
        "gap": flag,
        "arrival": date,
        "size": long,
        "nrcpt": long,
        "attempts": long,
        "part": long,
        "parts": long,
        "helo": any_case(),
        "protocol": keyword(),
        "auth": object(json!({"method": keyword()})),
        "recipients": recipients,
        "links": object(json!({
            "rel": keyword(), "queue_id": keyword(), "host": any_case(), "message_id": any_case(),
        })),
        "rejects": remark,
        "warnings": remark,
        "filters": object(json!({
            "name": keyword(), "verdict": keyword(), "score": number, "detail": text(), "recipients": any_case(),
        })),
        "lines": unsearched,
        "brief": unsearched,
        "omitted": object(json!({
            "lines": long, "attempts": long, "rejects": long, "warnings": long, "filters": long, "links": long,
            "related": long,
        })),
        "journey": keyword(),
        "schema": long,
    }));
    json!({
        "dynamic": false,
        "_meta": {"mailstitch_schema": SCHEMA},
        "properties": {
            "@timestamp": date,
            "event": object(json!({
                "start": date, "end": date, "duration": long, "kind": keyword(), "category": keyword(),
                "dataset": keyword(), "outcome": keyword(),
            })),
            "ecs": object(json!({"version": keyword()})),
            "host": object(json!({"name": any_case()})),
            "service": object(json!({"type": keyword(), "name": keyword()})),
            "email": object(json!({
                "local_id": keyword(),
                "message_id": any_case(),
                "from": object(json!({"address": any_case()})),
                "to": object(json!({"address": any_case()})),
            })),
            "source": object(json!({"ip": ip, "domain": any_case(), "port": long})),
            "user": object(json!({"name": keyword()})),
            "tls": tls,
            "related": object(json!({"ip": ip, "hosts": any_case(), "user": keyword()})),
            "mail": mail,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::places::{Case, PLACES};

    #[test]
    fn every_place_of_a_search_is_indexed_as_it_is_compared() {
        for place in PLACES {
            let field = format!("/properties/{}", place.name.replace('.', "/properties/"));
            let expected = match place.case {
                Case::Exact => keyword(),
                Case::Any => any_case(),
                Case::Ip => json!({"type": "ip"}),
            };
            assert_eq!(mapping().pointer(&field), Some(&expected), "{}", place.name);
        }
    }

    #[test]
    fn the_mapping_takes_nothing_that_it_does_not_list() {
        let mapping = mapping();
        assert_eq!(mapping["dynamic"], false);
        assert_eq!(mapping.pointer("/properties/mail/properties/lines/enabled"), Some(&json!(false)));
        let recipients = mapping.pointer("/properties/mail/properties/recipients").unwrap();
        assert_eq!(recipients["type"], "nested");
        assert_eq!(recipients["include_in_parent"], true);
        assert_eq!(recipients.pointer("/properties/history/enabled"), Some(&json!(false)));
    }

    #[test]
    fn a_queue_id_has_a_case_and_an_address_has_none() {
        let email = mapping()["properties"]["email"]["properties"].clone();
        assert_eq!(email["local_id"].get("normalizer"), None);
        assert_eq!(email["message_id"]["normalizer"], "lower");
        assert_eq!(email["from"]["properties"]["address"]["normalizer"], "lower");
    }
}
