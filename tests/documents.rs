//! `docs/documents.md`: its tables match the index, and its queries find something in a store of all stories.

mod common;
mod kql;
mod servers;

use common::stories::{in_index, told};
use kql::{Fields, fields_of, translated};
use serde_json::{Value, json};
use servers::{Engine, unique_name};
use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

static PAGE: LazyLock<String> = LazyLock::new(|| fs::read_to_string("docs/documents.md").unwrap());

/// An OpenSearch index with all stories, and its fields.
static INDEX: LazyLock<(String, Fields)> = LazyLock::new(|| {
    let (engine, index) = (Engine::opensearch(), unique_name("transactions"));
    told(&in_index(engine.url(), &index));
    engine.request("POST", &format!("/{index}/_refresh"), Value::Null);
    let fields = fields_of(&engine.request("GET", &format!("/{index}/_mapping"), Value::Null));
    (index, fields)
});

/// The fenced blocks of a language.
fn queries(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    let fenced = PAGE.split(&fence).skip(1);
    let found: Vec<&str> = fenced.map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(found.len() >= 4, "{} in {language}", found.len());
    found
}

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The text without anything in parentheses.
fn without_asides(text: &str) -> String {
    let mut depth = 0;
    let outside = |c: &char| {
        depth += i32::from(*c == '(');
        let is_outside = depth == 0;
        depth -= i32::from(*c == ')');
        is_outside
    };
    text.chars().filter(outside).collect()
}

/// Every field that the tables name, with its type; `None` for fields that are not searchable.
fn documented() -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let (fields, recipients) = PAGE.split_once("A recipient, `mail.recipients[]`:").expect("the table of a recipient");
    for (prefix, table) in [("", fields), ("mail.recipients.", recipients)] {
        for row in table.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split(" | ").collect();
            let types: Vec<&str> = cells[1].split(", ").map(|kind| kind.trim_end_matches("[]")).collect();
            for (n, name) in quoted(cells[0]).enumerate() {
                let kind = *types.get(n).unwrap_or(&types[0]);
                assert!(types.len() == 1 || n < types.len(), "{row}");
                let name = match (name.strip_prefix('.'), found.last()) {
                    (Some(last), Some((before, _))) => format!("{}.{last}", before.rsplit_once('.').unwrap().0),
                    _ => format!("{prefix}{}", name.trim_end_matches("[]")),
                };
                match kind {
                    "object" => {
                        let inside = without_asides(cells[2]);
                        found.extend(quoted(&inside).map(|inner| (format!("{name}.{inner}"), Some(String::new()))));
                    }
                    "not searched" => found.push((name, None)),
                    kind => found.push((name, Some(kind.to_owned()))),
                }
            }
        }
    }
    found
}

#[test]
fn the_tables_are_the_index() {
    let (_, fields) = &*INDEX;
    let documented = documented();
    for (name, kind) in &documented {
        let mapped = fields.get(name).unwrap_or_else(|| panic!("the index has no `{name}`"));
        match kind {
            None => assert_eq!(mapped, "object", "{name} is searched"),
            Some(kind) => {
                assert!(kind.is_empty() || kind == mapped, "{name}: {kind} in the page, {mapped} in the index");
            }
        }
    }
    let named: BTreeSet<&str> = documented.iter().map(|(name, _)| name.as_str()).collect();
    // Each text field also has a keyword field; the page says so only once.
    let missing = fields.keys().filter(|name| !name.ends_with(".keyword") && !named.contains(name.as_str()));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[track_caller]
fn finds(query: &str, request: Value) {
    let (index, _) = &*INDEX;
    let body = json!({"query": request, "size": 0, "track_total_hits": true});
    let answer = Engine::opensearch().request("POST", &format!("/{index}/_search"), body.clone());
    let all = Engine::opensearch().request("GET", &format!("/{index}/_count"), Value::Null)["count"].as_u64();
    let found = answer["hits"]["total"]["value"].as_u64();
    assert!(found > Some(0) && found < all, "{found:?} of {all:?}: {query} as {body}");
}

#[test]
fn every_query_in_kql_finds_some_of_it() {
    for query in queries("kql") {
        finds(query, translated(query, &INDEX.1));
    }
}

#[test]
fn every_query_in_lucene_finds_some_of_it() {
    for query in queries("lucene") {
        let fields =
            query.split(|c: char| c.is_whitespace() || "()".contains(c)).filter_map(|word| word.split_once(':'));
        for (field, _) in fields {
            assert!(INDEX.1.contains_key(field), "the index has no field `{field}`");
        }
        finds(query, json!({"query_string": {"query": query}}));
    }
}

#[test]
fn every_query_in_sql_has_rows() {
    let workspace = told("[store.sqlite]\npath = \"transactions.sqlite\"");
    let store = open(&workspace.file("transactions.sqlite"));
    for query in queries("sql") {
        let mut query = store.prepare(query).unwrap_or_else(|cause| panic!("{query}: {cause}"));
        let rows = query.query_map([], |_| Ok(())).unwrap().map(Result::unwrap).count();
        assert!(rows > 1, "{rows} rows: {query:?}");
    }
    let columns = "SELECT name FROM pragma_table_info('transactions')";
    let mut columns = store.prepare(columns).unwrap();
    let columns: Vec<String> = columns.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for column in columns.iter().filter(|name| !["doc", "version", "blob"].contains(&name.as_str())) {
        let sql = PAGE.split("\n### SQL\n").nth(1).unwrap();
        assert!(sql.contains(&format!("`{column}`")), "the page lacks the column {column}");
    }
}

fn open(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}
