//! Checks and repairs the monthly indices before anything is written or searched.
//!
//! All months are listed when a run begins, because a message that began in any of them may continue; the mapping of a
//! month is checked when the process first writes to it. A missing alias and missing fields are repaired. Anything else
//! ends the run with the cause and a remedy, before a document is written that no search would find.

use super::{Elasticsearch, month, ours::State, template};
use crate::{
    error::{Error, Kind, Result},
    model::{Range, Time},
    net::elastic::{Body, Call, Cause, Method, in_path},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::PoisonError};

/// Limits the list of all months to small fields, without the mappings.
const BRIEF: &str =
    "&filter_path=*.aliases,*.mappings._meta,*.settings.index.uuid,*.settings.index.verified_before_close";

impl Elasticsearch {
    /// All months of this store, whether or not they are behind the alias. `whole`: with a comparison of their fields.
    ///
    /// # Errors
    /// `Config` if the alias name is an index itself: monthly indices need it as an alias.
    pub(super) async fn all_months(&self, whole: bool) -> Result<Vec<State>> {
        let doing = self.doing("list the months of");
        let alias = in_path(&self.settings.index);
        let brief = if whole { "" } else { BRIEF };
        let path = format!(
            "{alias},{alias}-*?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open,closed{brief}"
        );
        let answer = self.client.send(&Call::new(&doing, Method::GET, &path, Body::None)).await?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let indices: Value = answer.json(&doing)?;
        let indices = indices.as_object().into_iter().flatten();
        let mut months = Vec::new();
        for (name, index) in indices {
            if *name == self.settings.index {
                return Err(self.is_an_index());
            }
            if month::range_of(&self.settings.index, name).is_some() {
                months.push(self.state(name, index, whole));
            }
        }
        Ok(months)
    }

    fn state(&self, name: &str, index: &Value, whole: bool) -> State {
        let mut state = State::of(name, index, &self.settings.index, &template::mapping());
        if !whole {
            state.fields.clear();
        }
        state
    }

    fn is_an_index(&self) -> Error {
        self.client
            .search_error(Kind::Config, &format!("cannot use `{}` as an alias", self.settings.index))
            .because("an index has this name already")
            .hint("set another `index` under `[store.elasticsearch]`, or rename that index")
    }

    /// Puts every open month behind the alias, so that searches reach it; remembers the closed months.
    pub(super) async fn see_to_all(&self, months: &[State]) -> Result<()> {
        let closed = months.iter().filter(|month| month.is_closed).map(|month| month.name.clone()).collect();
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = closed;
        for month in months.iter().filter(|month| !month.is_closed) {
            self.see_to_version(month)?;
            self.see_to_alias(month).await?;
        }
        Ok(())
    }

    /// Creates a month if it does not exist, and makes sure that its version, alias and mapping are ours.
    pub(super) async fn see_to(&self, index: &str) -> Result<()> {
        let state = match self.look_at(index).await? {
            Some(state) => state,
            None => {
                self.make(index).await?;
                let gone = || self.write_error(Kind::Temporary, index).because("it was made and is gone again");
                self.look_at(index).await?.ok_or_else(gone)?
            }
        };
        if state.is_closed {
            return Err(self.is_closed(index));
        }
        self.see_to_version(&state)?;
        self.see_to_alias(&state).await?;
        self.see_to_mapping(state).await
    }

    async fn look_at(&self, index: &str) -> Result<Option<State>> {
        let doing = format!("cannot look at index `{index}`");
        let answer = self.client.send(&Call::new(&doing, Method::GET, &in_path(index), Body::None)).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let indices: Value = answer.json(&doing)?;
        Ok(indices.get(index).map(|found| self.state(index, found, true)))
    }

    /// Creates a month. The template sets the rest; what searches rely on is sent here too, because no other template
    /// can override it here.
    async fn make(&self, index: &str) -> Result<()> {
        let doing = format!("cannot make index `{index}`");
        let limit = json!({"nested_objects": {"limit": template::RECIPIENTS}});
        let settings = json!({"index": {"analysis": template::analysis(), "mapping": limit}});
        let body = json!({"settings": settings, "mappings": template::mapping()});
        let answer = self.client.send(&Call::new(&doing, Method::PUT, &in_path(index), Body::Json(&body))).await?;
        let is_there = Cause::in_answer(&answer).is_some_and(|cause| cause.kind == "resource_already_exists_exception");
        match answer.status {
            _ if answer.is_success() || is_there => Ok(()),
            400 => Err(answer.failure(&doing).hint(self.precedence())),
            _ => Err(answer.failure(&doing)),
        }
    }

    fn precedence(&self) -> String {
        format!("no other index template may take precedence over `{}`", template::name(&self.settings))
    }

    fn see_to_version(&self, month: &State) -> Result<()> {
        let Some(schema) = month.newer else { return Ok(()) };
        let cause = format!("a newer mailstitch wrote it (schema {schema})");
        Err(self.write_error(Kind::Config, &month.name).because(cause).hint("use that version here too"))
    }

    async fn see_to_alias(&self, month: &State) -> Result<()> {
        if month.is_behind_alias {
            return Ok(());
        }
        let (index, alias) = (&month.name, &self.settings.index);
        let doing = format!("cannot put index `{index}` behind the alias `{alias}`");
        let body = json!({"actions": [{"add": {"index": index, "alias": alias}}]});
        let answer = self.client.send(&Call::new(&doing, Method::POST, "_aliases", Body::Json(&body))).await?;
        if !answer.is_success() {
            return Err(answer.failure(&doing).hint(format!(
                "no search finds what is in it: let an administrator send `POST /_aliases {body}`, and see that no index \
                 template takes precedence over `{}`",
                template::name(&self.settings)
            )));
        }
        tracing::warn!(
            "index `{index}` was not behind the alias `{alias}`, so that no search found its documents; it is now: see \
             whether another index template takes precedence over `{}`",
            template::name(&self.settings)
        );
        Ok(())
    }

    async fn see_to_mapping(&self, month: State) -> Result<()> {
        if month.fields.is_empty() {
            return Ok(());
        }
        let index = &month.name;
        let doing = format!("cannot change the mapping of index `{index}`");
        let path = format!("{}/_mapping", in_path(index));
        let mapping = template::mapping();
        let answer = self.client.send(&Call::new(&doing, Method::PUT, &path, Body::Json(&mapping))).await?;
        let after = match answer.is_success() {
            true => self.look_at(index).await?.unwrap_or(month),
            // Other failures (a block, a missing right) are reported as such; 400 means that fields have types that
            // cannot change.
            false if answer.status != 400 => return Err(answer.failure(&doing).hint(month.fields_told())),
            false => month,
        };
        if after.fields.is_empty() {
            tracing::warn!("index `{}` had another mapping than that of mailstitch; it was changed", after.name);
            return Ok(());
        }
        let error = self.write_error(Kind::Config, &after.name).because(format!("it was made {}", after.fields_told()));
        Err(error.hint(format!("{}; then delete that index, and `backfill` its month", self.precedence())))
    }

    pub(super) fn is_closed(&self, index: &str) -> Error {
        self.client.search_error(Kind::Temporary, &format!("cannot use index `{index}`")).because("it is closed").hint(
            format!("open it with `POST /{index}/_open`; a month is done with when `horizon` has passed after it"),
        )
    }

    /// Fails if the range touches a closed month: an answer without its documents would start its messages anew.
    pub(super) fn must_be_open(&self, within: Range) -> Result<()> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let touched = closed.iter().find(|index| {
            month::range_of(&self.settings.index, index)
                .is_some_and(|span| span.from < within.to && within.from < span.to)
        });
        touched.map_or(Ok(()), |index| Err(self.is_closed(index)))
    }

    /// Fails if a month after the newest document found is closed: a store whose newest month is closed is not empty.
    pub(super) fn must_be_open_after(&self, newest: Option<Time>, now: Time) -> Result<()> {
        self.must_be_open(Range { from: newest.unwrap_or(Time(i64::MIN)), to: now })
    }

    /// The text that `check` shows about the months; an error if one of them is not as it must be.
    pub(super) async fn months_told(&self) -> Result<String> {
        let months = self.all_months(true).await?;
        let mut wrong = Vec::new();
        let mut closed = BTreeSet::new();
        for month in &months {
            let (index, template) = (&month.name, template::name(&self.settings));
            if month.is_closed {
                closed.insert(format!("`{index}`"));
            } else if let Some(schema) = month.newer {
                wrong.push(format!("`{index}` is of a newer mailstitch (schema {schema}): use that version here too"));
            } else if !month.is_behind_alias {
                wrong.push(format!(
                    "`{index}` is not behind the alias, so that no search finds its documents: the next run puts it there \
                     if it may, and no index template may take precedence over `{template}`"
                ));
            } else if !month.fields.is_empty() {
                wrong.push(format!(
                    "`{index}` is {}: the next run changes what it can; no index template may take precedence over \
                     `{template}`",
                    month.fields_told()
                ));
            }
        }
        if !wrong.is_empty() {
            return Err(self
                .client
                .search_error(Kind::Config, &self.doing("use all months of"))
                .because(wrong.join("; ")));
        }
        let closed: Vec<String> = closed.into_iter().collect();
        let without = if closed.is_empty() { String::new() } else { format!(", closed: {}", closed.join(", ")) };
        Ok(format!("{} monthly indices{without}", months.len()))
    }
}
