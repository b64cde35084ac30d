//! Finds which of many indices a window touches: each shard that is read takes an open search of the servers, and these
//! allow only 300 or 500 at a time.
//!
//! In: the indices that may have documents of the window, as the engine says.  Out: what to read, in portions that
//! paths and limits allow. Left alone: an index that an alias names, because an alias may show only a part of it.

use super::{Elasticsearch, query};
use crate::{
    error::{Kind, Result},
    model::Range,
    net::elastic::{Body, Call, Method, in_path},
};
use serde_json::{Value, json};

/// Up to this many indices it is not worth asking.
const FEW: usize = 20;
/// Most shards to read at a time, as far as can be told: each takes an open search.
const PORTION: u64 = 100;
/// Longest list of names in a path, bytes: servers take a request line of 4,096.
const LONGEST: usize = 3000;

impl Elasticsearch {
    /// The configured index, or those of its indices that the window touches, in portions, written for a path.
    pub(super) async fn touched(&self, within: Range) -> Result<Vec<String>> {
        let (schema, index) = (self.schema().await?, &self.settings.index);
        let whole = in_path(index);
        if schema.indices <= FEW {
            return Ok(vec![whole]);
        }
        let doing = self.doing("ask for the indices of");
        let path = format!("{whole}/_field_caps?fields={}", in_path(&schema.fields.time));
        let body = json!({"index_filter": query::range(&schema.fields, within)});
        let asked = self.client.json(Call::new(&doing, Method::POST, &path, Body::Json(&body))).await;
        let caps: Value = match asked {
            Ok(caps) => caps,
            // Servers before 7.9 know no filter here, and the user may lack the right: then the whole pattern is read.
            Err(error) if matches!(error.kind(), Kind::Config | Kind::Permission) => return Ok(vec![whole]),
            Err(error) => return Err(error),
        };
        let names = caps.get("indices").and_then(Value::as_array).into_iter().flatten();
        let names: Vec<&str> = names.filter_map(Value::as_str).collect();
        let is_named = |name: &&str| index.split(',').any(|pattern| is_of(pattern.trim(), name));
        // An index that no pattern matches by its own name was found by an alias.
        if names.is_empty() || index.contains(",-") || !names.iter().all(is_named) {
            return Ok(vec![whole]);
        }
        // Most windows touch only the index of today: then shards need not be counted.
        if let [one] = names[..] {
            return Ok(vec![in_path(one)]);
        }
        let path = format!("{whole}/_search");
        let shards =
            self.client.search(&doing, &path, &json!({"size": 0, "query": body["index_filter"]})).await?.shards.total;
        let of_each = shards.div_ceil(schema.indices as u64).max(1);
        Ok(portions(&names, usize::try_from(PORTION / of_each).unwrap_or(1).max(1)))
    }
}

/// Whether a pattern matches an index, or the data stream that it belongs to (`.ds-logs-mail-2026.11.22-000001`).
fn is_of(pattern: &str, index: &str) -> bool {
    let stream = index.strip_prefix(".ds-").and_then(|inner| {
        let (rest, generation) = inner.rsplit_once('-')?;
        generation.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        let dated = rest.rsplit_once('-').filter(|(_, date)| date.len() == 10 && date.as_bytes()[4] == b'.');
        Some(dated.map_or(rest, |(name, _)| name))
    });
    matches(pattern, index) || stream.is_some_and(|stream| matches(pattern, stream))
}

/// Whether a pattern matches a name; `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(after, &rest[at..]))
}

fn portions(names: &[&str], most: usize) -> Vec<String> {
    let mut portions: Vec<(usize, String)> = Vec::new();
    for name in names.iter().map(|name| in_path(name)) {
        match portions.last_mut() {
            Some((count, portion)) if *count < most && portion.len() + name.len() < LONGEST => {
                *count += 1;
                portion.push(',');
                portion.push_str(&name);
            }
            _ => portions.push((1, name)),
        }
    }
    portions.into_iter().map(|(_, portion)| portion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_no_name_of_an_index() {
        for (pattern, index, expected) in [
            ("graylog_*", "graylog_12", true),
            ("*mail*", "logs-mail-2026", true),
            ("mail", "mail-2026.11.22", false),
            ("logs-mail-*", ".ds-logs-mail-default-2026.11.22-000001", true),
            ("logs-mail", ".ds-logs-mail-000001", true),
            ("logs-web-*", ".ds-logs-mail-default-2026.11.22-000001", false),
        ] {
            assert_eq!(is_of(pattern, index), expected, "{pattern} {index}");
        }
    }

    #[test]
    fn a_path_has_an_end() {
        let names: Vec<String> = (0..600).map(|n| format!("filebeat-7.17.0-2026.11.22-{n:06}")).collect();
        let portions = portions(&names.iter().map(String::as_str).collect::<Vec<_>>(), 20);
        assert!(portions.iter().all(|portion| portion.len() < LONGEST && portion.split(',').count() <= 20));
        assert_eq!(portions.iter().map(|portion| portion.split(',').count()).sum::<usize>(), 600);
    }
}
