//! Encodes documents and deletes as the lines of a bulk request.
//!
//! In: what the store was asked to write. Out: [`Item`]s, each with its own bytes, so that one can be sent again
//! without the others. Nothing is sent here.

use super::month;
use crate::{
    error::{Error, Kind, Result},
    store::{Put, Version},
};
use serde_json::{Map, Value, json};
use std::iter::Peekable;

/// One action of a bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub index: String,
    /// The action line and, except for a delete, the document, each with its newline.
    pub bytes: Vec<u8>,
}

/// `create` if the document must not exist yet, else `index` with the expected version.
pub fn put(alias: &str, put: &Put) -> Result<Item> {
    let id = put.transaction.mail.id.clone();
    let operation = if put.expected.is_some() { "index" } else { "create" };
    let mut item = action(alias, operation, id, put.expected)?;
    serde_json::to_writer(&mut item.bytes, &put.transaction)
        .map_err(|cause| Error::new(Kind::Software, format!("cannot write document `{}`", item.id)).because(cause))?;
    item.bytes.push(b'\n');
    Ok(item)
}

/// Deletes a document if it still has that version.
pub fn delete(alias: &str, id: &str, version: Version) -> Result<Item> {
    action(alias, "delete", id.to_owned(), Some(version))
}

fn action(alias: &str, operation: &str, id: String, expected: Option<Version>) -> Result<Item> {
    let index = month::index_of(alias, &id).ok_or_else(|| foreign(&id))?;
    let mut target = json!({"_index": index, "_id": id});
    if let Some(version) = expected {
        target["if_seq_no"] = json!(version.number);
        target["if_primary_term"] = json!(version.term);
    }
    let action = Value::Object(Map::from_iter([(operation.to_owned(), target)]));
    Ok(Item { id, index, bytes: format!("{action}\n").into_bytes() })
}

/// The error for an id without a time, which has no monthly index; only a bug makes such an id.
pub fn foreign(id: &str) -> Error {
    Error::new(Kind::Software, format!("cannot tell the month of document `{id}`"))
}

/// Items for the next request, at most `bytes` in total; a larger item is a request of its own. Items are encoded only
/// up to that point, so that documents and their encoded bytes are not all in memory at once.
pub fn next_request<I>(items: &mut Peekable<I>, bytes: usize) -> Result<Vec<Item>>
where
    I: Iterator<Item = Result<Item>>,
{
    let (mut request, mut size) = (Vec::new(), 0);
    while let Some(item) =
        items.next_if(|item| request.is_empty() || item.as_ref().map_or(true, |item| size + item.bytes.len() <= bytes))
    {
        let item = item?;
        size += item.bytes.len();
        request.push(item);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a2046a1c000123456789abcdef";

    fn text(item: &Item) -> &str {
        std::str::from_utf8(&item.bytes).unwrap()
    }

    #[test]
    fn a_delete_names_its_month_and_its_version() {
        let item = delete("mail", ID, Version { number: 7, term: 2 }).unwrap();
        assert_eq!(
            text(&item),
            format!(
                "{{\"delete\":{{\"_id\":\"{ID}\",\"_index\":\"{}\",\"if_primary_term\":2,\"if_seq_no\":7}}}}\n",
                item.index
            )
        );
    }

    #[test]
    fn an_id_without_a_month_is_a_bug() {
        assert_eq!(delete("mail", "x", Version { number: 7, term: 2 }).unwrap_err().kind(), Kind::Software);
    }

    #[test]
    fn requests_are_cut_by_bytes() {
        let item = |size: usize| Ok(Item { id: String::new(), index: String::new(), bytes: vec![b'x'; size] });
        let mut items = [60, 40, 1, 500, 1].into_iter().map(item).peekable();
        let mut next =
            || -> Vec<usize> { next_request(&mut items, 100).unwrap().iter().map(|item| item.bytes.len()).collect() };
        assert_eq!([next(), next(), next(), next(), next()], [vec![60, 40], vec![1], vec![500], vec![1], vec![]]);
    }
}
