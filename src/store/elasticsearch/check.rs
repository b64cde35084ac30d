//! The rows of `check` for this store: connection, version, clock, template, rights to read and to write.

use super::{
    Elasticsearch, month,
    prepare::Installed,
    verdict::{Verdict, verdict},
};
use crate::{
    check::Check,
    error::{Kind, Result},
    model::Time,
    net::elastic::{Body, Call, Method, checks},
    store::other_privacy,
};
use serde_json::{Value, json};

/// An id of January 1970, which no document has.
const NOBODY: &str = "00000000000000000000000000000000";

impl Elasticsearch {
    pub(super) async fn checks(&self, now: Time) -> Vec<Check> {
        let mut rows = checks::server(&self.client, now).await;
        if rows.first().is_some_and(|row| row.found.is_err()) {
            return rows;
        }
        rows.push(Check::of("index template", self.template_state().await));
        let months = self.all_months(false).await;
        let newest = months.as_ref().ok().and_then(|all| all.iter().map(|month| month.name.clone()).max());
        let told = match months {
            Ok(_) => self.months_told().await,
            Err(error) => Err(error),
        };
        rows.push(Check::of("index readable", told));
        rows.push(Check::of("index writable", self.try_to_write(newest).await));
        rows
    }

    async fn template_state(&self) -> Result<String> {
        Ok(match self.installed().await? {
            Installed::Current => "installed".to_owned(),
            Installed::Missing => "the next run installs it".to_owned(),
            Installed::Other => "the next run brings it up to date".to_owned(),
            Installed::OtherPrivacy if !self.all_months(false).await?.is_empty() => {
                return Err(other_privacy(self.doing("write to")));
            }
            Installed::OtherPrivacy => "the next run replaces it".to_owned(),
            Installed::Newer(schema) => {
                let cause = format!("a newer mailstitch wrote schema {schema}");
                return Err(self.client.search_error(Kind::Config, &self.doing("write to")).because(cause));
            }
        })
    }

    /// Sends a write and a delete for a document that does not exist, each with a version that cannot match: this needs
    /// the right to write and changes nothing. Before the first month exists only the delete is sent, because the write
    /// would create an index, and engines check the rights on an index only if it exists.
    async fn try_to_write(&self, newest: Option<String>) -> Result<String> {
        let doing = self.doing("write to");
        let target = |index: &str| json!({"_index": index, "_id": NOBODY, "if_seq_no": 0, "if_primary_term": 1});
        let (lines, told) = match &newest {
            Some(index) => {
                let target = target(index);
                let lines = format!("{}\n{{}}\n{}\n", json!({"index": target}), json!({"delete": target}));
                (lines, "the user may write")
            }
            None => {
                let index = month::index_of(&self.settings.index, NOBODY).unwrap_or_default();
                (
                    format!("{}\n", json!({"delete": target(&index)})),
                    "the user may send documents; the first run makes an index",
                )
            }
        };
        let call = Call::new(&doing, Method::POST, "_bulk", Body::Lines(lines.as_bytes()));
        let answer: Value = self.client.json(call).await?;
        let error = |kind| self.client.search_error(kind, &doing);
        let items = answer.get("items").and_then(Value::as_array).filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| error(Kind::Temporary).because("no answer for the document"))?;
        for item in items {
            match verdict(item) {
                Verdict::Stored | Verdict::Conflict => {}
                Verdict::Denied(reason) => return Err(error(Kind::Permission).because(reason)),
                Verdict::Retry(reason, _) | Verdict::Refused(reason) => {
                    return Err(error(Kind::Temporary).because(reason));
                }
            }
        }
        Ok(told.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::ElasticsearchStore,
        net::http::scripted::{Scripted, connection},
    };

    #[test]
    fn a_user_who_may_not_write_into_a_month_is_told_so_before_the_first_run() {
        let denied = r#"{"items": [{"index": {"status": 403, "error": {"type": "security_exception", "reason": "no permissions"}}},
            {"delete": {"status": 409}}]}"#;
        let server = Scripted::new(vec![(200, "", denied.to_owned())]);
        let settings = ElasticsearchStore {
            connection: connection(&[&server.url]),
            index: "mail".into(),
            shards: 1,
            replicas: 0,
            bulk_bytes: 1 << 20,
        };
        let store = Elasticsearch::new(settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = runtime.block_on(store.try_to_write(Some("mail-2026.11".to_owned()))).unwrap_err();
        assert_eq!(told.kind(), Kind::Permission);
        assert!(told.to_string().ends_with("no permissions"), "{told}");
        let asked = format!("{:?}", server.asked());
        assert!(asked.contains("mail-2026.11"), "{asked}");
    }
}
