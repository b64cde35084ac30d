//! Monthly indices that are not as ours should be: of another template, not behind the alias, closed.

use crate::{installation::Installation, servers::Engine};
use serde_json::{Value, json};

/// Installs the template without any monthly index: no line is that old.
fn prepared(engine: &Engine) -> Installation {
    let installation = Installation::on(engine);
    installation.command(&["backfill", "--since", "2026-01-01", "--until", "2026-01-02"]);
    installation
}

#[track_caller]
fn check_row(installation: &Installation, told: &str) {
    let ran = installation.command(&["check"]);
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

fn check_other_template(engine: &Engine) {
    let installation = prepared(engine);
    let other = json!({
        "index_patterns": [format!("{}-2026.*", installation.alias)],
        "priority": 900,
        "template": {"settings": {"number_of_replicas": 0}, "mappings": {"dynamic": "strict", "properties": {
            "mail": {"properties": {"journey": {"type": "text"}}},
        }}},
    });
    let name = format!("/_index_template/other-{}", installation.alias);
    engine.request("PUT", &name, other);
    let told = installation.run(0);
    assert!(told.contains(&format!("was not behind the alias `{}`", installation.alias)), "{told}");
    installation.check_documents(engine, "months of another template");
    check_row(&installation, "✔ store: index readable: ");
    engine.request("DELETE", &name, Value::Null);
}

#[test]
fn months_that_another_template_makes_are_ours_all_the_same() {
    check_other_template(Engine::opensearch());
}

#[test]
fn months_that_another_template_of_elasticsearch_makes_are_ours_all_the_same() {
    check_other_template(Engine::elasticsearch());
}

#[test]
fn a_month_that_was_taken_off_the_alias_is_put_back_before_messages_begin_anew() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    installation.run(0);
    let all = format!("{}-*", installation.alias);
    let off = json!({"actions": [{"remove": {"index": all, "alias": installation.alias}}]});
    engine.request("POST", "/_aliases", off.clone());
    check_row(&installation, "is not behind the alias, so that no search finds its documents");
    // The store must not count as empty, even without a ledger.
    installation.forget();
    let told = installation.run(0);
    assert!(told.contains("was not behind the alias"), "{told}");
    installation.check_documents(engine, "an alias that was taken off");
    // A filtered alias hides documents, too.
    engine.request("POST", "/_aliases", off);
    let hides = json!({"index": all, "alias": installation.alias, "filter": {"term": {"host.name": "nobody"}}});
    engine.request("POST", "/_aliases", json!({"actions": [{"add": hides}]}));
    installation.run(0);
    installation.check_documents(engine, "an alias that hides documents");
}

#[test]
fn a_template_that_was_edited_is_put_right() {
    let engine = Engine::opensearch();
    let installation = prepared(engine);
    let path = format!("/_index_template/mailstitch-{}", installation.alias);
    let mut template = engine.request("GET", &path, Value::Null)["index_templates"][0]["index_template"].take();
    template["template"]["aliases"] = json!({});
    template["template"]["mappings"]["properties"]["mail"]["properties"]["recipients"]["type"] = json!("object");
    engine.request("PUT", &path, template);
    installation.run(0);
    installation.check_documents(engine, "a template that was edited");
}

/// A monthly index made by a template like ours, except for its fields.
fn month_with(engine: &Engine, installation: &Installation, change: fn(&mut Value)) -> String {
    let path = format!("/_index_template/mailstitch-{}", installation.alias);
    let mut template = engine.request("GET", &path, Value::Null)["index_templates"][0]["index_template"].take();
    let month = format!("{}-2026.11", installation.alias);
    (template["index_patterns"], template["priority"]) = (json!([month]), json!(900));
    change(&mut template["template"]["mappings"]["properties"]);
    let name = format!("/_index_template/other-{}", installation.alias);
    engine.request("PUT", &name, template);
    engine.request("PUT", &format!("/{month}"), Value::Null);
    engine.request("DELETE", &name, Value::Null);
    format!("/{month}")
}

#[test]
fn a_month_that_lacks_fields_is_given_them() {
    let engine = Engine::opensearch();
    let installation = prepared(engine);
    month_with(engine, &installation, |fields| {
        fields.as_object_mut().expect("fields").retain(|name, _| name != "host" && name != "email");
    });
    let told = installation.run(0);
    assert!(told.contains("had another mapping than that of mailstitch; it was changed"), "{told}");
    installation.check_documents(engine, "a month that lacked fields");
}

#[test]
fn a_month_with_another_mapping_is_told_before_anything_is_written_to_it() {
    let engine = Engine::opensearch();
    let installation = prepared(engine);
    let month = month_with(engine, &installation, |fields| {
        fields["email"]["properties"]["local_id"] = json!({"type": "text"});
    });
    let told = installation.run(78);
    assert!(told.contains(&format!("index `{}-2026.11`", installation.alias)), "{told}");
    assert!(told.contains("`email.local_id`") && told.contains("\nhint: no other index template may take"), "{told}");
    engine.request("POST", &format!("{month}/_refresh"), Value::Null);
    assert_eq!(engine.request("GET", &format!("{month}/_count"), Value::Null)["count"], 0);
    check_row(&installation, "`email.local_id`");
    engine.request("DELETE", &month, Value::Null);
    installation.run(0);
    installation.check_documents(engine, "a month with another mapping");
}

#[test]
fn a_closed_month_is_tried_again_and_buries_nothing() {
    let engine = Engine::opensearch();
    let installation = prepared(engine);
    let month = format!("/{}-2026.11", installation.alias);
    engine.request("PUT", &month, Value::Null);
    engine.request("POST", &format!("{month}/_close"), Value::Null);
    let told = installation.run(75);
    assert!(told.contains("is closed\nhint: open it with `POST /"), "{told}");
    let status: Value = serde_json::from_str(&installation.command(&["status", "--json"]).stdout).expect("JSON");
    assert_eq!(status["dead_letters"], 0, "{status}");
    check_row(&installation, &format!("closed: `{}-2026.11`", installation.alias));
    engine.request("POST", &format!("{month}/_open"), Value::Null);
    installation.run(0);
    installation.check_documents(engine, "a closed month");
    // A store with closed monthly indices is not empty, and reading commands say so.
    engine.request("POST", &format!("{}-*/_close", month.trim_end_matches("-2026.11")), Value::Null);
    installation.forget();
    installation.run(75);
    let ran = installation.command(&["export"]);
    assert!(ran.stderr.contains("is closed: what is in it is left out"), "{}", ran.stderr);
    let ran = installation.command(&["prune", "--older-than", "1d"]);
    assert!(ran.stderr.contains("what is in it stays until it is opened"), "{}", ran.stderr);
    engine.request("POST", &format!("{}-*/_open", month.trim_end_matches("-2026.11")), Value::Null);
    installation.run(0);
    installation.check_documents(engine, "months that were closed");
}
