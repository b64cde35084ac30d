//! Translates KQL into search requests as Kibana and OpenSearch Dashboards do, for the parts that our pages and
//! panels use: `field: value`, `field: (a or b)`, `field: { … }` for nested objects, ranges, wildcards, `and`, `or`,
//! `not`.
//!
//! In: a query and the fields of the index.  Out: a search request. A test fails on anything not understood, and on
//! what the products refuse: a field that the index does not have, or a nested field outside of its braces.

use serde_json::{Value, json};
use std::{collections::BTreeMap, iter::Peekable, vec::IntoIter};

/// The mapped fields of an index: name and type, including `nested` objects.
pub type Fields = BTreeMap<String, String>;

/// The fields of the answer to `GET /INDEX/_mapping`.
pub fn fields_of(mapping: &Value) -> Fields {
    fn collect(prefix: &str, of: &Value, fields: &mut Fields) {
        for inner in ["properties", "fields"] {
            for (name, field) in of[inner].as_object().into_iter().flatten() {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                if let Some(kind) = field["type"].as_str() {
                    fields.insert(name.clone(), kind.to_owned());
                }
                collect(&name, field, fields);
            }
        }
    }
    let mut fields = Fields::new();
    for index in mapping.as_object().expect("indices").values() {
        collect("", &index["mappings"], &mut fields);
    }
    fields
}

/// The nested object that a field belongs to.
pub fn nested_path<'f>(field: &'f str, fields: &Fields) -> Option<&'f str> {
    let ends = field.match_indices('.').map(|(at, _)| &field[..at]);
    ends.into_iter().find(|path| fields.get(*path).is_some_and(|kind| kind == "nested"))
}

#[track_caller]
pub fn translated(query: &str, fields: &Fields) -> Value {
    if query.trim().is_empty() {
        return json!({"match_all": {}});
    }
    let mut parser = Parser { tokens: tokens(query).into_iter().peekable(), fields, path: None };
    let request = parser.any_of();
    assert_eq!(parser.tokens.next(), None, "the end of `{query}`");
    request
}

fn tokens(query: &str) -> Vec<String> {
    let (mut tokens, mut rest) = (Vec::new(), query.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => rest[1..].find('"').expect("a closing quote") + 2,
            '<' | '>' if rest[1..].starts_with('=') => 2,
            '(' | ')' | '{' | '}' | ':' | '<' | '>' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || "(){}:<>\"".contains(c)).unwrap_or(rest.len()),
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

struct Parser<'f> {
    tokens: Peekable<IntoIter<String>>,
    fields: &'f Fields,
    /// Inside the braces of this nested object.
    path: Option<String>,
}

impl Parser<'_> {
    fn takes(&mut self, token: &str) -> bool {
        self.tokens.next_if(|next| next.eq_ignore_ascii_case(token)).is_some()
    }

    fn next(&mut self) -> String {
        self.tokens.next().expect("more of the query")
    }

    fn any_of(&mut self) -> Value {
        let mut all = vec![self.all_of()];
        while self.takes("or") {
            all.push(self.all_of());
        }
        joined("should", all)
    }

    fn all_of(&mut self) -> Value {
        let mut all = vec![self.one()];
        while self.takes("and") {
            all.push(self.one());
        }
        joined("filter", all)
    }

    fn one(&mut self) -> Value {
        if self.takes("not") {
            return json!({"bool": {"must_not": self.one()}});
        }
        if self.takes("(") {
            let inner = self.any_of();
            assert!(self.takes(")"), "a closing bracket");
            return inner;
        }
        let name = self.next();
        let field = self.path.as_ref().map_or_else(|| name.clone(), |path| format!("{path}.{name}"));
        let kind = self.fields.get(&field).unwrap_or_else(|| panic!("the index has no field `{field}`"));
        if kind == "nested" {
            assert!(self.takes(":") && self.takes("{"), "`{field}` is nested and wants braces");
            self.path = Some(field.clone());
            let inner = self.any_of();
            assert!(self.takes("}"), "a closing brace");
            self.path = None;
            return json!({"nested": {"path": field, "query": inner, "score_mode": "none"}});
        }
        assert_eq!(nested_path(&field, self.fields), self.path.as_deref(), "where `{field}` is nested");
        match self.next().as_str() {
            ":" if self.takes("(") => {
                let mut values = vec![value(&field, &self.next())];
                while self.takes("or") {
                    values.push(value(&field, &self.next()));
                }
                assert!(self.takes(")"), "a closing bracket");
                joined("should", values)
            }
            ":" => value(&field, &self.next()),
            "<" => json!({"range": {(field): {"lt": unquoted(&self.next())}}}),
            "<=" => json!({"range": {(field): {"lte": unquoted(&self.next())}}}),
            ">" => json!({"range": {(field): {"gt": unquoted(&self.next())}}}),
            ">=" => json!({"range": {(field): {"gte": unquoted(&self.next())}}}),
            other => panic!("`{other}` after `{field}`"),
        }
    }
}

fn joined(how: &str, mut all: Vec<Value>) -> Value {
    match all.len() {
        1 => all.remove(0),
        _ => json!({"bool": {(how): all}}),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('"')
}

fn value(field: &str, text: &str) -> Value {
    assert!(!"(){}:<>".contains(text), "a value of `{field}`");
    if text.starts_with('"') {
        return json!({"match_phrase": {(field): unquoted(text)}});
    }
    if text == "*" {
        return json!({"exists": {"field": field}});
    }
    if text.contains('*') {
        let escaped: String = text
            .chars()
            .flat_map(|c| if r#"+-=&|!(){}[]^"~?:\/"#.contains(c) { vec!['\\', c] } else { vec![c] })
            .collect();
        return json!({"query_string": {"fields": [field], "query": escaped}});
    }
    json!({"match": {(field): text}})
}
