//! What `check` shows of this store: connection, version, clock, template, rights to read and to write.

use super::{
    Elasticsearch, encode,
    prepare::Installed,
    verdict::{Verdict, verdict},
};
use crate::{
    elastic::{Body, Call, Method, checks},
    error::{Kind, Result},
    model::Time,
    source::Check,
    store::{Version, other_privacy},
};
use serde_json::Value;

/// An id of January 1970, which no document has.
const NOBODY: &str = "00000000000000000000000000000000";

impl Elasticsearch {
    pub(super) async fn checks(&self, now: Time) -> Vec<Check> {
        let mut rows = checks::server(&self.client, now).await;
        if rows.first().is_some_and(|row| row.found.is_err()) {
            return rows;
        }
        rows.push(row("index template", self.template_state().await));
        let readable = self.alias_indices().await;
        rows.push(row("index readable", readable.map(|indices| format!("{} monthly indices", indices.len()))));
        rows.push(row("index writable", self.try_to_write().await));
        rows
    }

    async fn template_state(&self) -> Result<String> {
        Ok(match self.installed().await? {
            Installed::Current => "installed".to_owned(),
            Installed::Missing => "the next run installs it".to_owned(),
            Installed::Other => "the next run brings it up to date".to_owned(),
            Installed::OtherPrivacy if !self.alias_indices().await?.is_empty() => {
                return Err(other_privacy(self.doing("write to")));
            }
            Installed::OtherPrivacy => "the next run replaces it".to_owned(),
            Installed::Newer(schema) => {
                let cause = format!("a newer mailstitch wrote schema {schema}");
                return Err(self.client.search_error(Kind::Config, &self.doing("write to")).because(cause));
            }
        })
    }

    /// Deletes a document that nobody has: that asks for the right to write and changes nothing.
    async fn try_to_write(&self) -> Result<String> {
        let doing = self.doing("write to");
        let item = encode::delete(&self.settings.index, NOBODY, Version { number: 0, term: 1 })?;
        let call = Call::new(&doing, Method::POST, "_bulk", Body::Lines(&item.bytes));
        let answer: Value = self.client.json(call).await?;
        match answer.pointer("/items/0").map(verdict) {
            Some(Verdict::Stored | Verdict::Conflict) => Ok("the user may write".to_owned()),
            Some(Verdict::Denied(reason)) => Err(self.client.search_error(Kind::Permission, &doing).because(reason)),
            Some(Verdict::Retry(reason, _) | Verdict::Refused(reason)) => {
                Err(self.client.search_error(Kind::Temporary, &doing).because(reason))
            }
            None => Err(self.client.search_error(Kind::Temporary, &doing).because("no answer for the document")),
        }
    }
}

fn row(what: &str, found: Result<String>) -> Check {
    match found {
        Ok(found) => Check { what: what.to_owned(), found: Ok(found) },
        Err(error) => Check::failed(what, &error),
    }
}
