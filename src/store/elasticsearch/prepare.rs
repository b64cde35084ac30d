//! Installs the index template, and updates the mapping of the existing indices with it.
//!
//! If the installed template is already the one we would install, only the months are checked. Monthly indices are
//! created when the first document of a month is written (`months.rs`).

use super::{Elasticsearch, ours, template};
use crate::{
    error::{Kind, Result},
    model::transaction::SCHEMA,
    net::elastic::{Body, Call, Method, in_path},
    store::other_privacy,
};
use serde_json::Value;
use std::sync::atomic::Ordering;

/// The state of our template in the cluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Installed {
    Missing,
    /// Another version, or other settings.
    Other,
    /// With another privacy mark: other parts of the lines are left out.
    OtherPrivacy,
    /// Installed by a mailstitch that writes documents of a later schema.
    Newer(u64),
    Current,
}

/// Compares the `_meta` of the installed template with ours.
fn compare(installed: Option<&Value>, ours: &Value) -> Installed {
    let Some(meta) = installed else {
        return Installed::Missing;
    };
    match meta.get("mailstitch_schema").and_then(Value::as_u64) {
        Some(schema) if schema > u64::from(SCHEMA) => Installed::Newer(schema),
        Some(_) if meta.get("privacy") != ours.get("privacy") => Installed::OtherPrivacy,
        Some(_) if meta == ours => Installed::Current,
        _ => Installed::Other,
    }
}

/// Whether an installed template still creates months as ours does: same patterns, alias and fields. Anything else that
/// an administrator added to it (a life cycle, a pipeline) is ignored.
fn makes_months(found: &Value, ours: &Value) -> bool {
    let has = |at: &str, wanted: &str| {
        found.pointer(at).is_some_and(|all| match all {
            Value::Array(all) => all.iter().any(|one| one == wanted),
            all => all.get(wanted).is_some(),
        })
    };
    let patterns = ours["index_patterns"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut aliases = ours["template"]["aliases"].as_object().into_iter().flatten();
    let mut fields = Vec::new();
    ours::compare(
        &ours["template"]["mappings"],
        found.pointer("/template/mappings").unwrap_or(&Value::Null),
        "",
        &mut fields,
    );
    fields.is_empty()
        && patterns.into_iter().all(|pattern| has("/index_patterns", pattern))
        && aliases.all(|(alias, _)| has("/template/aliases", alias))
}

impl Elasticsearch {
    pub(super) async fn install(&self) -> Result<()> {
        let engine = self.client.engine().await?;
        tracing::debug!("store: {engine}");
        let months = self.all_months(false).await?;
        self.looked.store(true, Ordering::Relaxed);
        match self.installed().await? {
            Installed::Current => return self.see_to_all(&months).await,
            Installed::Newer(schema) => {
                let cause = format!("a newer mailstitch wrote it (schema {schema}, ours is {SCHEMA})");
                return Err(self.client.search_error(Kind::Config, &self.doing("write to")).because(cause));
            }
            Installed::OtherPrivacy if !months.is_empty() => return Err(other_privacy(self.doing("write to"))),
            Installed::Missing | Installed::Other | Installed::OtherPrivacy => {}
        }
        let name = template::name(&self.settings);
        let doing = format!("cannot install index template `{name}`");
        self.put_json(
            &doing,
            &format!("_index_template/{}", in_path(&name)),
            &template::template(&self.settings, &self.privacy),
        )
        .await?;
        self.see_to_all(&months).await?;
        for month in months.iter().filter(|month| !month.is_closed) {
            let path = format!("{}/_mapping", in_path(&month.name));
            let doing = format!("cannot change the mapping of index `{}`", month.name);
            self.put_json(&doing, &path, &template::mapping()).await?;
        }
        Ok(())
    }

    pub(super) async fn installed(&self) -> Result<Installed> {
        let name = template::name(&self.settings);
        let doing = format!("cannot read index template `{name}`");
        let path = format!("_index_template/{}", in_path(&name));
        let answer = self.client.send(&Call::new(&doing, Method::GET, &path, Body::None)).await?;
        if answer.status == 404 {
            return Ok(Installed::Missing);
        }
        let templates: Value = answer.json(&doing)?;
        let found = templates.pointer("/index_templates/0/index_template");
        let meta = found.map(|template| template.get("_meta").unwrap_or(&Value::Null));
        let ours = template::template(&self.settings, &self.privacy);
        Ok(match compare(meta, &ours["_meta"]) {
            Installed::Current if found.is_some_and(|found| !makes_months(found, &ours)) => Installed::Other,
            installed => installed,
        })
    }

    async fn put_json(&self, doing: &str, path: &str, body: &Value) -> Result<()> {
        let call = Call::new(doing, Method::PUT, path, Body::Json(body));
        self.client.json::<Value>(call).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_replaced_when_it_is_older_or_set_otherwise() {
        let ours = json!({"mailstitch_schema": SCHEMA, "shards": 1});
        assert_eq!(compare(None, &ours), Installed::Missing);
        assert_eq!(compare(Some(&ours), &ours), Installed::Current);
        assert_eq!(compare(Some(&json!({"mailstitch_schema": SCHEMA, "shards": 2})), &ours), Installed::Other);
        assert_eq!(compare(Some(&Value::Null), &ours), Installed::Other);
    }

    #[test]
    fn a_template_for_lines_with_other_things_left_out_is_another() {
        let (whole, hashed) =
            (json!({"mailstitch_schema": SCHEMA}), json!({"mailstitch_schema": SCHEMA, "privacy": "a"}));
        assert_eq!(compare(Some(&whole), &hashed), Installed::OtherPrivacy);
        assert_eq!(compare(Some(&hashed), &whole), Installed::OtherPrivacy);
        assert_eq!(compare(Some(&hashed), &hashed), Installed::Current);
    }

    #[test]
    fn a_template_that_was_edited_is_put_right_where_months_depend_on_it() {
        let ours = json!({"index_patterns": ["mail-1*.*", "mail-2*.*"],
            "template": {"aliases": {"mail": {}}, "mappings": template::mapping()}});
        let edited = |change: fn(&mut Value)| {
            let mut found = ours.clone();
            change(&mut found);
            makes_months(&found, &ours)
        };
        assert!(edited(|found| found["template"]["settings"] = json!({"index.lifecycle.name": "a year"})));
        assert!(!edited(|found| found["template"]["aliases"] = json!({})));
        assert!(!edited(|found| found["index_patterns"] = json!(["mail-2*.*"])));
        assert!(!edited(|found| drop(found["template"].as_object_mut().unwrap().remove("mappings"))));
    }

    #[test]
    fn a_template_of_a_newer_version_is_left_alone() {
        let newer = json!({"mailstitch_schema": SCHEMA + 1});
        assert_eq!(compare(Some(&newer), &json!({})), Installed::Newer(u64::from(SCHEMA) + 1));
    }
}
