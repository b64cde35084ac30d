//! Whether a monthly index is as mailstitch needs it: behind the alias, with a mapping in which searches find what was
//! written.
//!
//! In: what the cluster says about an index. Out: [`State`], pure. Left alone: fields that others added, and settings,
//! which belong to the administrator.
//!
//! Another template with a higher priority, an edited template or an administrator can change a month. Documents
//! written to such a month would be found by no search, and a message that continues would begin anew.

use crate::model::transaction::SCHEMA;
use serde_json::{Value, json};

/// The properties of an index that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub name: String,
    /// Behind the alias, without a filter or routing that hides documents.
    pub is_behind_alias: bool,
    /// A closed index keeps its documents but answers no request.
    pub is_closed: bool,
    /// The schema of the index if it is newer than this program's.
    pub newer: Option<u64>,
    /// Our fields that are missing or have another type.
    pub fields: Vec<String>,
}

impl State {
    /// From one entry of the answer to `GET /index`. If the answer has no `mappings`, `fields` is empty.
    pub fn of(name: &str, index: &Value, alias: &str, ours: &Value) -> Self {
        let found = index.pointer("/aliases").and_then(|aliases| aliases.get(alias));
        // An alias with a filter or routing hides documents from searches.
        let narrows = ["filter", "routing", "search_routing", "index_routing"];
        let schema = index.pointer("/mappings/_meta/mailstitch_schema").and_then(Value::as_u64);
        let mut fields = Vec::new();
        if let Some(theirs) = index.get("mappings") {
            compare(ours, theirs, "", &mut fields);
        }
        Self {
            name: name.to_owned(),
            is_behind_alias: found.is_some_and(|alias| narrows.iter().all(|key| alias.get(key).is_none())),
            is_closed: index.pointer("/settings/index/verified_before_close").map(text).as_deref() == Some("true"),
            newer: schema.filter(|schema| *schema > u64::from(SCHEMA)),
            fields,
        }
    }

    /// Describes the wrong fields, such as "… `a`, `b`, `c` and 7 more missing or of another kind".
    pub fn fields_told(&self) -> String {
        let shown: Vec<String> = self.fields.iter().take(3).map(|field| format!("`{field}`")).collect();
        let rest = self.fields.len().saturating_sub(shown.len());
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("not with the mapping of mailstitch: {}{more} missing or of another kind", shown.join(", "))
    }
}

/// Adds to `other` each field in `ours` that `theirs` lacks or defines differently.
pub fn compare(ours: &Value, theirs: &Value, path: &str, other: &mut Vec<String>) {
    let mut differs = false;
    for (key, value) in ours.as_object().into_iter().flatten() {
        match key.as_str() {
            "_meta" => {}
            "properties" | "fields" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match theirs.get(key).and_then(|all| all.get(name)) {
                        Some(found) => compare(field, found, &path, other),
                        None => other.push(path),
                    }
                }
            }
            _ => {
                // Engines leave out the type of a field with sub-fields; it is `object`.
                let object = json!("object");
                let found = theirs.get(key).or((key == "type").then_some(&object));
                differs |= found.map(text) != Some(text(value));
            }
        }
    }
    if differs {
        other.push(if path.is_empty() { "dynamic".to_owned() } else { path.to_owned() });
    }
}

/// Engines return some numbers and flags as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::elasticsearch::template::mapping;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), expected: &str) {
        let mut index = json!({"aliases": {"mail": {}}, "mappings": mapping(), "settings": {"index": {"uuid": "x"}}});
        index["mappings"]["dynamic"] = json!("false");
        change(&mut index);
        let state = State::of("mail-2026.11", &index, "mail", &mapping());
        let told =
            format!("{} {} {:?} {}", state.is_behind_alias, state.is_closed, state.newer, state.fields.join(" "));
        assert_eq!(told.trim_end(), expected);
    }

    #[test]
    fn a_month_as_the_template_makes_it_is_ours_and_may_have_more() {
        check(|_| (), "true false None");
        check(
            |index| index["mappings"]["properties"]["source"]["properties"]["geo"] = json!({"type": "object"}),
            "true false None",
        );
    }

    #[test]
    fn an_alias_that_is_missing_or_leaves_documents_out_is_none() {
        check(|index| index["aliases"] = json!({"other": {}}), "false false None");
        check(|index| index["aliases"]["mail"] = json!({"filter": {"term": {"host.name": "mx1"}}}), "false false None");
    }

    #[test]
    fn fields_of_another_template_are_named() {
        let text = json!({"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}});
        check(
            |index| index["mappings"]["properties"]["email"]["properties"]["local_id"] = text,
            "true false None email.local_id",
        );
        let object = |index: &mut Value| {
            index["mappings"]["properties"]["mail"]["properties"]["recipients"]["type"] = json!("object");
        };
        check(object, "true false None mail.recipients");
        check(|index| index["mappings"]["dynamic"] = json!("strict"), "true false None dynamic");
        check(
            |index| index["mappings"] = json!({}),
            "true false None @timestamp ecs email event host mail related service source tls user dynamic",
        );
    }

    #[test]
    fn a_closed_month_and_one_of_a_newer_version_are_known() {
        check(|index| index["settings"]["index"]["verified_before_close"] = json!("true"), "true true None");
        check(
            |index| index["mappings"]["_meta"]["mailstitch_schema"] = json!(SCHEMA + 1),
            &format!("true false Some({})", SCHEMA + 1),
        );
    }
}
