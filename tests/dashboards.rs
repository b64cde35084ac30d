//! `dashboards/mailstitch.ndjson`: the index has every field that a panel uses, and every panel's search finds
//! something on a real OpenSearch and a real Elasticsearch that hold the stories and the demo.

mod common;
mod kql;
mod servers;

#[path = "../examples/dashboards/main.rs"]
#[expect(dead_code, reason = "the example has a `main` of its own")]
mod dashboards;

use common::stories::{NOW, in_index, told};
use kql::{Fields, fields_of, nested_path, translated};
use serde_json::{Value, json};
use servers::{Engine, unique_name};
use std::collections::BTreeSet;

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// JSON inside a string, a common form in these objects.
fn inner(object: &Value, pointer: &str) -> Value {
    let text = object.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {object}"));
    serde_json::from_str(text).unwrap_or_else(|cause| panic!("{pointer}: {cause}"))
}

fn of_type<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects.iter().filter(|object| object["type"] == kind).collect()
}

#[test]
fn the_file_is_what_the_example_prints() {
    let file = std::fs::read_to_string("dashboards/mailstitch.ndjson").unwrap();
    let again = "cargo run --example dashboards > dashboards/mailstitch.ndjson";
    assert!(file == dashboards::ndjson(), "make it again: {again}");
}

#[test]
fn both_products_know_the_types_and_every_reference_leads_to_an_earlier_object() {
    // The last version of each type before OpenSearch Dashboards and Kibana diverged; the former refuses later ones.
    let known = json!({"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"});
    let mut seen = BTreeSet::new();
    for object in dashboards::objects() {
        let kind = object["type"].as_str().unwrap();
        assert_eq!(object["migrationVersion"], json!({(kind): known[kind]}));
        for reference in object["references"].as_array().unwrap() {
            assert!(seen.contains(&(reference["type"].to_string(), reference["id"].to_string())), "{reference}");
        }
        assert!(seen.insert((object["type"].to_string(), object["id"].to_string())), "{} twice", object["id"]);
    }
}

#[test]
fn every_panel_is_on_a_dashboard_and_none_lies_on_another() {
    let objects = dashboards::objects();
    let mut shown = BTreeSet::new();
    for dashboard in of_type(&objects, "dashboard") {
        let panels = inner(dashboard, "/attributes/panelsJSON");
        let mut taken = BTreeSet::new();
        for panel in panels.as_array().unwrap() {
            let named = |reference: &&Value| reference["name"] == panel["panelRefName"];
            let reference = dashboard["references"].as_array().unwrap().iter().find(named).expect("its reference");
            shown.insert(reference["id"].to_string());
            let at = |side: &str| panel["gridData"][side].as_u64().unwrap();
            assert!(at("x") + at("w") <= 48, "{panel}");
            for x in at("x")..at("x") + at("w") {
                assert!((at("y")..at("y") + at("h")).all(|y| taken.insert((x, y))), "{panel}");
            }
        }
    }
    let drawn = objects.iter().filter(|object| ["search", "visualization"].contains(&object["type"].as_str().unwrap()));
    assert_eq!(drawn.map(|object| object["id"].to_string()).collect::<BTreeSet<_>>(), shown);
}

#[test]
fn every_panel_finds_something_in_opensearch() {
    every_panel_finds_something(Engine::opensearch());
}

/// The last version with its script modules on Maven Central.
#[test]
fn every_panel_finds_something_in_elasticsearch() {
    every_panel_finds_something(Engine::shared("elasticsearch-7.10.2"));
}

fn every_panel_finds_something(engine: &Engine) {
    let index = unique_name("transactions");
    let _workspace = told(&in_index(engine.url(), &index));
    engine.request("POST", &format!("/{index}/_refresh"), Value::Null);
    let fields = fields_of(&engine.request("GET", &format!("/{index}/_mapping"), Value::Null));
    // The README's steps for an index of another name.
    let objects = objects(&dashboards::ndjson().replace(dashboards::INDEX, &index));
    let pattern = &of_type(&objects, "index-pattern")[0]["attributes"];
    assert_eq!(pattern["title"], json!(index));
    assert_eq!(fields[pattern["timeFieldName"].as_str().unwrap()], "date");
    for field in inner(pattern, "/fieldFormatMap").as_object().unwrap().keys() {
        assert!(fields.contains_key(field), "{field}");
    }

    let search = |body: &Value, of: &Value| {
        let answer = engine.request("POST", &format!("/{index}/_search"), body.clone());
        assert_ne!(answer["hits"]["total"]["value"], 0, "{}: {body}", of["id"]);
        answer
    };
    for saved in of_type(&objects, "search") {
        for column in saved["attributes"]["columns"].as_array().unwrap() {
            assert!(fields.contains_key(column.as_str().unwrap()), "{column} of {}", saved["id"]);
        }
        search(&json!({"query": query(saved, &fields)}), saved);
    }
    for drawn in of_type(&objects, "visualization") {
        let state = inner(drawn, "/attributes/visState");
        if state["type"] == "vega" {
            let spec = inner(&state, "/params/spec");
            let body = vega_search(&spec, &index, &fields);
            rows_are_complete(&spec, &search(&body, drawn));
        } else {
            let aggs = state["aggs"].as_array().unwrap();
            let body = json!({"size": 0, "query": query(drawn, &fields), "aggs": aggregations(aggs, &fields)});
            buckets_are_full(&search(&body, drawn)["aggregations"], &drawn["id"]);
        }
    }
}

/// The KQL of a panel.
fn query(panel: &Value, fields: &Fields) -> Value {
    let source = inner(panel, "/attributes/kibanaSavedObjectMeta/searchSourceJSON");
    assert_eq!((&source["query"]["language"], &source["filter"]), (&json!("kuery"), &json!([])));
    translated(source["query"]["query"].as_str().unwrap(), fields)
}

/// The aggregations of a visualization's state: buckets nested in their order, with the metrics in all.
fn aggregations(aggs: &[Value], fields: &Fields) -> Value {
    let metrics = aggs.iter().filter(|agg| agg["schema"] == "metric" && agg["type"] != "count");
    let metric = |agg: &Value| {
        let params = json!({"field": field(agg, fields)});
        (agg["id"].as_str().unwrap().to_owned(), json!({(agg["type"].as_str().unwrap()): params}))
    };
    let metrics: serde_json::Map<String, Value> = metrics.map(metric).collect();
    let ordered_by = |id: &Value| if id == "1" && aggs[0]["type"] == "count" { "_count".into() } else { id.clone() };
    let mut whole = Value::from(metrics.clone());
    for agg in aggs.iter().filter(|agg| agg["schema"] != "metric").rev() {
        let params = &agg["params"];
        let mut bucket = match agg["type"].as_str().unwrap() {
            "date_histogram" => {
                let least = &params["min_doc_count"];
                json!({"date_histogram": {"field": field(agg, fields), "fixed_interval": "1h", "min_doc_count": least}})
            }
            "filters" => {
                let filters = params["filters"].as_array().unwrap().iter().map(|filter| {
                    let query = filter["input"]["query"].as_str().unwrap();
                    (filter["label"].as_str().unwrap().to_owned(), translated(query, fields))
                });
                json!({"filters": {"filters": filters.collect::<serde_json::Map<_, _>>()}})
            }
            "terms" => {
                let by = ordered_by(&params["orderBy"]).as_str().unwrap().to_owned();
                let field = field(agg, fields);
                let mut terms = json!({"field": field, "size": params["size"], "order": {(by): params["order"]}});
                if params["missingBucket"] == true {
                    assert_eq!(fields[field], "keyword", "only strings can be missing");
                    terms["missing"] = "__missing__".into();
                }
                json!({"terms": terms})
            }
            other => panic!("aggregation {other}"),
        };
        let mut inside = metrics.clone();
        inside.extend(whole.as_object().unwrap().clone());
        bucket["aggs"] = inside.into();
        whole = json!({(agg["id"].as_str().unwrap()): bucket});
    }
    whole
}

/// The field of an aggregation, which must be of a type that both products offer for it.
#[track_caller]
fn field<'a>(agg: &'a Value, fields: &Fields) -> &'a str {
    let field = agg["params"]["field"].as_str().expect("a field");
    let kind = fields.get(field).unwrap_or_else(|| panic!("the index has no field `{field}`"));
    let wanted: &[&str] = match agg["type"].as_str().unwrap() {
        "sum" => &["long", "double"],
        "min" => &["long", "double", "date"],
        "date_histogram" => &["date"],
        _ => &["keyword", "ip", "long", "double", "boolean"],
    };
    assert!(wanted.contains(&kind.as_str()), "{agg}: {kind}");
    assert_eq!(nested_path(field, fields), None, "`{field}` is refused outside of Vega");
    field
}

/// Checks that every aggregation has buckets, each filter finds something, and metrics are numbers.
fn buckets_are_full(aggregations: &Value, id: &Value) {
    for (name, found) in aggregations.as_object().into_iter().flatten() {
        match &found["buckets"] {
            Value::Array(buckets) => {
                assert!(!buckets.is_empty(), "{id}: {name} is empty");
                let deeper = |bucket: &&Value| bucket.as_object().unwrap().values().any(|of| of["buckets"].is_array());
                buckets.iter().filter(deeper).for_each(|bucket| buckets_are_full(bucket, id));
            }
            Value::Object(filters) => {
                for (label, bucket) in filters {
                    assert!(bucket["doc_count"].as_u64() > Some(0), "{id}: nothing for `{label}`");
                }
            }
            _ => assert!(!found.is_object() || found["value"].is_number(), "{id}: {name} is {found}"),
        }
    }
}

/// The search of a Vega panel, with the values that the products insert for time range and dashboard.
fn vega_search(spec: &Value, index: &str, fields: &Fields) -> Value {
    let url = &spec["data"][0]["url"];
    assert_eq!(url["index"], json!(index));
    let mut body = url["body"].clone();
    let filter = &mut body["query"]["bool"];
    for clause in ["must", "filter", "must_not"] {
        let placeholder = filter[clause].as_array_mut().unwrap().remove(0);
        assert_eq!(placeholder, json!(format!("%dashboard_context-{clause}_clause%")));
    }
    let range = filter["must"][0].pointer_mut("/range/@timestamp").expect("the time range");
    assert_eq!(*range, json!({"%timefilter%": true}));
    *range = json!({"gte": "2026-01-01T00:00:00Z", "lte": NOW, "format": "strict_date_optional_time"});
    for (field, in_recipients) in vega_fields(&body["aggs"], false) {
        assert!(fields.contains_key(&field), "the index has no field `{field}`");
        assert_eq!(nested_path(&field, fields).is_some(), in_recipients, "{field}");
    }
    body
}

/// Every field of an aggregation, and whether it is inside the nested recipients.
fn vega_fields(aggs: &Value, nested: bool) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    match aggs {
        Value::Array(all) => found.extend(all.iter().flat_map(|one| vega_fields(one, nested))),
        Value::Object(object) => {
            let nested = nested || object.contains_key("nested");
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("field", Value::String(field)) => found.push((field.clone(), nested)),
                    ("source", Value::String(script)) => {
                        let named = script.split("doc['").skip(1).map(|rest| rest.split('\'').next().unwrap());
                        found.extend(named.map(|field| (field.to_owned(), nested)));
                    }
                    ("term" | "terms", Value::Object(of)) if of.keys().all(|name| name.contains('.')) => {
                        found.extend(of.keys().map(|name| (name.clone(), nested)));
                    }
                    _ => found.extend(vega_fields(value, nested)),
                }
            }
        }
        _ => {}
    }
    found
}

/// Checks that there are rows where the panel looks for them, and that each of its columns is a number in at least
/// one.
fn rows_are_complete(spec: &Value, answer: &Value) {
    let property = spec["data"][0]["format"]["property"].as_str().unwrap();
    let rows = answer.pointer(&format!("/{}", property.replace('.', "/"))).and_then(Value::as_array);
    let rows = rows.unwrap_or_else(|| panic!("no {property} in {answer}"));
    let numbers = spec.to_string();
    let columns = numbers.split("isNumber(datum.").skip(1).map(|rest| rest.split(')').next().unwrap());
    for column in columns.chain(["doc_count"]) {
        let (steps, key) = column.split_once("['").unwrap_or((column, ""));
        let key = key.strip_suffix("']").map(|key| format!("/{key}")).unwrap_or_default();
        let pointer = format!("/{}{key}", steps.replace('.', "/"));
        assert!(rows.iter().any(|row| row.pointer(&pointer).is_some_and(Value::is_number)), "{pointer} of {rows:?}");
    }
}
