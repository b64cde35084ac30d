//! Installs the index template, and the mapping of a newer version in the indices that are there.
//!
//! Does nothing when the template is the one we would install; monthly indices are made when the first document of a
//! month is written.

use super::{Elasticsearch, template};
use crate::{
    elastic::{Body, Call, Method, in_path},
    error::{Error, Kind, Result},
    model::transaction::SCHEMA,
    store::other_privacy,
};
use serde_json::Value;

/// What the cluster has by the name of our template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Installed {
    Missing,
    /// Of another version, or with other settings.
    Other,
    /// For lines of which something else is left out.
    OtherPrivacy,
    /// By a mailstitch that writes documents of a later schema.
    Newer(u64),
    Current,
}

/// From the `_meta` of the installed template, and that of ours.
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

impl Elasticsearch {
    pub(super) async fn install(&self) -> Result<()> {
        let engine = self.client.engine().await?;
        tracing::debug!("store: {engine}");
        let indices = self.alias_indices().await?;
        match self.installed().await? {
            Installed::Current => return Ok(()),
            Installed::Newer(schema) => {
                let cause = format!("a newer mailstitch wrote it (schema {schema}, ours is {SCHEMA})");
                return Err(self.client.search_error(Kind::Config, &self.doing("write to")).because(cause));
            }
            Installed::OtherPrivacy if !indices.is_empty() => return Err(other_privacy(self.doing("write to"))),
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
        if !indices.is_empty() {
            let path = format!("{}/_mapping", in_path(&self.settings.index));
            self.put_json(&self.doing("change the mapping of"), &path, &template::mapping()).await?;
        }
        Ok(())
    }

    /// The indices behind the alias.
    ///
    /// # Errors
    /// `Config` when the alias is an index itself: monthly indices could not share its name.
    pub(super) async fn alias_indices(&self) -> Result<Vec<String>> {
        let indices = self.indices().await?;
        if indices.contains(&self.settings.index) {
            return Err(self.is_an_index());
        }
        Ok(indices)
    }

    fn is_an_index(&self) -> Error {
        self.client
            .search_error(Kind::Config, &format!("cannot use `{}` as an alias", self.settings.index))
            .because("an index has this name already")
            .hint("set another `index` under `[store.elasticsearch]`, or rename that index")
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
        Ok(compare(meta, &template::meta(&self.settings, &self.privacy)))
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
    fn a_template_of_a_newer_version_is_left_alone() {
        let newer = json!({"mailstitch_schema": SCHEMA + 1});
        assert_eq!(compare(Some(&newer), &json!({})), Installed::Newer(u64::from(SCHEMA) + 1));
    }
}
