//! Reads everything that a query matches, page by page, in slices.
//!
//! In: a query.  Out: every document that matched when the walk began, once each, handed to a visitor page by page; or
//! an error, if their number is not the number that the engine counted (law L6).
//!
//! There are three ways; the version and the tie-break field decide:
//!
//! | engine                                       | way                                                            |
//! |----------------------------------------------|----------------------------------------------------------------|
//! | Elasticsearch ≥ 7.12, OpenSearch ≥ 3.3       | point in time, sorted by `_shard_doc`                          |
//! | OpenSearch ≥ 2.4, a tie-break field is set   | point in time, sorted by time and that field                   |
//! | all others                                   | scroll, sorted by `_doc`                                       |
//!
//! `_shard_doc` is used even if there is a tie-break field: it is unique whatever the documents hold, it is three times
//! as fast, and the order of lines does not matter here. Without either, OpenSearch adds no tie-break of its own and
//! loses documents at page ends; sorting by `_id` would load all ids of the index into its heap; a scroll is exact. If
//! the tie-break field turns out not to be unique, the count shows it and the range is read again by scroll. A walk
//! that the engine lost, with a node or by a restart, is begun anew once.

use super::document;
use crate::{
    config::{ElasticsearchSource, Fields},
    error::{Error, Kind, Result},
    net::{
        elastic::{
            Body, Call, Client, Engine, Method, PointInTime,
            search::{Found, Hit, Shards},
        },
        http::retry,
    },
    source::taking::MOST,
};
use futures::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};

/// How long the engine keeps a walk open between two pages.
const KEEP: &str = "5m";

/// Most bytes of a page: about ten thousand documents of 13 KiB.
const PAGE: usize = 128 << 20;
const SMALLER: &str = "make `page_size` smaller";

/// Slices if settings do not say: more of them slow down the servers' own work.
const SLICES: u64 = 4;

/// Receives each page of documents.
pub type Visitor<'v> = &'v (dyn Fn(Vec<Hit>) -> Result<()> + Sync);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way<'s> {
    ShardDoc(PointInTime),
    TieBreak(PointInTime, &'s str),
    Scroll,
}

impl<'s> Way<'s> {
    fn of(engine: &Engine, tie_break: Option<&'s str>) -> Self {
        match (engine.point_in_time(), tie_break) {
            (Some(api), _) if engine.sorts_by_shard_doc() => Self::ShardDoc(api),
            (Some(api), Some(field)) => Self::TieBreak(api, field),
            _ => Self::Scroll,
        }
    }
}

/// One walk over everything that a query matches.
#[derive(Clone, Copy)]
pub struct Walk<'s> {
    pub client: &'s Client,
    pub settings: &'s ElasticsearchSource,
    /// Names of indices, written for a path: the configured pattern, or those of its indices that the window touches.
    pub index: &'s str,
    /// The fields, with a single name for the time.
    pub fields: &'s Fields,
    pub query: &'s Value,
    /// How an error begins: "cannot read from index `graylog_*`".
    pub doing: &'s str,
}

impl Walk<'_> {
    /// Hands every matching document to `visit`. A call of `restart` means that everything handed over so far is void,
    /// and the walk begins anew.
    pub async fn run(self, visit: Visitor<'_>, restart: &(dyn Fn() + Sync)) -> Result<()> {
        let engine = self.client.engine().await?;
        let way = Way::of(engine, self.fields.tie_break.as_deref());
        let mut shortfall = match self.walk(way, visit).await {
            // An open walk is lost with the node that holds it; a new one uses the nodes that are left.
            Err(error) if error.kind() == Kind::Temporary => {
                tracing::debug!("{error}; reading from the beginning");
                retry::note(1);
                restart();
                self.walk(way, visit).await?
            }
            first => first?,
        };
        if let (Some(_), Way::TieBreak(_, field)) = (&shortfall, way) {
            tracing::debug!("`{field}` is not unique in `{}`; reading by scroll", self.settings.index);
            restart();
            shortfall = self.walk(Way::Scroll, visit).await?;
        }
        shortfall.map_or(Ok(()), |cause| Err(self.error(Kind::Temporary).because(cause)))
    }

    /// `Some` if the number of documents is wrong, with both numbers.
    async fn walk(self, way: Way<'_>, visit: Visitor<'_>) -> Result<Option<String>> {
        let (Way::ShardDoc(api) | Way::TieBreak(api, _)) = way else {
            return self.slices(way, None, visit).await;
        };
        let pit = self.open(api).await?;
        let result = self.slices(way, Some(&pit), visit).await;
        self.close(api, &pit).await;
        result
    }

    async fn slices(self, way: Way<'_>, pit: Option<&str>, visit: Visitor<'_>) -> Result<Option<String>> {
        let (total, shards) = self.size(pit).await?;
        let slices = slices(self.settings.slices, shards, total, self.settings.page_size);
        let done = try_join_all((0..slices).map(|number| {
            let slice = Slice { walk: self, way, number, of: slices };
            async move {
                match pit {
                    Some(pit) => slice.by_point_in_time(pit, visit).await,
                    None => slice.by_scroll(visit).await,
                }
            }
        }))
        .await?;
        let (seen, counted) = done.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        // A point in time does not change. The index may grow before a scroll opens, so a scroll has a count of its
        // own.
        let expected = if pit.is_some() { total } else { counted };
        Ok((seen != expected || counted != expected)
            .then(|| format!("{seen} documents came where the engine counted {expected}")))
    }

    /// The number of matching documents and of shards.
    async fn size(self, pit: Option<&str>) -> Result<(u64, u64)> {
        let mut body = json!({"size": 0, "track_total_hits": true, "query": self.query});
        let path = match pit {
            Some(pit) => {
                body["pit"] = json!({"id": pit, "keep_alive": KEEP});
                "_search".to_owned()
            }
            None => format!("{}/_search", self.index),
        };
        let found = self.client.search(self.doing, &path, &body).await?;
        if found.shards.total == 0 {
            return Err(no_index(self.client, self.doing));
        }
        Ok((self.total(&found)?, found.shards.total))
    }

    fn total(self, found: &Found) -> Result<u64> {
        found
            .total()
            .filter(|total| *total <= MOST)
            .ok_or_else(|| self.error(Kind::Temporary).because("the engine did not count exactly"))
    }

    async fn open(self, api: PointInTime) -> Result<String> {
        let index = self.index;
        let path = match api {
            PointInTime::Elasticsearch => format!("{index}/_pit?keep_alive={KEEP}"),
            PointInTime::OpenSearch => format!("{index}/_search/point_in_time?keep_alive={KEEP}"),
        };
        let Opened { id, shards } = self.client.json(Call::new(self.doing, Method::POST, &path, Body::None)).await?;
        match shards.short() {
            None => Ok(id),
            Some(cause) => Err(self.error(Kind::Temporary).because(format!("a point in time is short: {cause}"))),
        }
    }

    /// Closes the walk. Failing to do so is no error: it only costs the engine memory for five minutes.
    async fn close(self, api: PointInTime, pit: &str) {
        let (path, body) = match api {
            PointInTime::Elasticsearch => ("_pit", json!({"id": pit})),
            PointInTime::OpenSearch => ("_search/point_in_time", json!({"pit_id": [pit]})),
        };
        self.forget(path, &body).await;
    }

    async fn forget(self, path: &str, body: &Value) {
        let call = Call::new("cannot end a search", Method::DELETE, path, Body::Json(body)).once();
        if let Err(error) = self.client.json::<Value>(call).await {
            tracing::debug!("{error}");
        }
    }

    fn error(self, kind: Kind) -> Error {
        self.client.search_error(kind, self.doing)
    }
}

/// The error for a pattern that matches nothing, or whose indices the user may not see.
pub fn no_index(client: &Client, doing: &str) -> Error {
    client
        .search_error(Kind::Config, doing)
        .because("no such index")
        .hint("check `index`, and that the user may read it")
}

/// How many slices: at most one for each shard, and at most one for each page.
fn slices(wanted: Option<usize>, shards: u64, total: u64, page_size: usize) -> u64 {
    let wanted = wanted.map_or(SLICES, |wanted| wanted as u64);
    let pages = total.div_ceil(page_size.max(1) as u64);
    wanted.min(shards).min(pages).max(1)
}

/// A new point in time.
#[derive(Deserialize)]
struct Opened {
    #[serde(alias = "pit_id")]
    id: String,
    /// Elasticsearch does not tell them before 8.16.
    #[serde(rename = "_shards", default)]
    shards: Shards,
}

struct Slice<'s> {
    walk: Walk<'s>,
    way: Way<'s>,
    number: u64,
    of: u64,
}

impl Slice<'_> {
    /// How many documents came, and how many the engine counted.
    async fn by_point_in_time(&self, pit: &str, visit: Visitor<'_>) -> Result<(u64, u64)> {
        let Walk { client, doing, .. } = self.walk;
        let mut pit = pit.to_owned();
        let (mut seen, mut counted, mut after) = (0, None, None);
        loop {
            let mut body = self.body();
            body["pit"] = json!({"id": pit, "keep_alive": KEEP});
            body["track_total_hits"] = json!(after.is_none());
            if let Some(after) = after {
                body["search_after"] = after;
            }
            let path = "_search?allow_partial_search_results=false";
            let call = Call::new(doing, Method::POST, path, Body::Json(&body));
            let found = client.whole(call.at_most(PAGE, SMALLER)).await?;
            let total = match counted {
                Some(total) => total,
                None => *counted.insert(self.walk.total(&found)?),
            };
            if let Some(next) = found.pit_id {
                pit = next;
            }
            let hits = found.hits.hits;
            seen += hits.len() as u64;
            let next = hits.last().map(Hit::sort);
            // More documents than counted, or the same sort values twice: pages without end, which would fill the
            // memory.
            if seen > total || (next.is_some() && next == body.get("search_after").cloned()) {
                return Ok((seen, total));
            }
            let last = hits.len() < self.walk.settings.page_size;
            visit(hits)?;
            after = next;
            if last || after.is_none() {
                return Ok((seen, total));
            }
        }
    }

    async fn by_scroll(&self, visit: Visitor<'_>) -> Result<(u64, u64)> {
        let Walk { client, index, doing, .. } = self.walk;
        let mut body = self.body();
        // Some versions answer 400 to a scroll without an exact total.
        body["track_total_hits"] = json!(true);
        let path = format!("{index}/_search?scroll={KEEP}");
        let call = Call::new(doing, Method::POST, &path, Body::Json(&body)).at_most(PAGE, SMALLER);
        let mut found = client.whole(call).await?;
        let total = self.walk.total(&found)?;
        let mut scroll = String::new();
        let mut seen = 0;
        let result = loop {
            if let Some(next) = found.scroll_id.take() {
                scroll = next;
            }
            let hits = std::mem::take(&mut found.hits.hits);
            seen += hits.len() as u64;
            let last = hits.is_empty() || seen >= total;
            if seen > total {
                break Ok((seen, total));
            }
            if let Err(error) = visit(hits) {
                break Err(error);
            }
            if last {
                break Ok((seen, total));
            }
            let body = json!({"scroll": KEEP, "scroll_id": scroll});
            let call = Call::new(doing, Method::POST, "_search/scroll", Body::Json(&body)).once();
            match client.whole(call.at_most(PAGE, SMALLER)).await {
                Ok(next) => found = next,
                Err(error) => break Err(error),
            }
        };
        self.walk.forget("_search/scroll", &json!({"scroll_id": [scroll]})).await;
        result
    }

    /// The part that all pages have in common. It asks for whole documents: a list of fields is slower to fetch.
    fn body(&self) -> Value {
        let settings = self.walk.settings;
        let sort = match self.way {
            Way::ShardDoc(_) => json!(["_shard_doc"]),
            Way::TieBreak(_, field) => json!([
                {(self.walk.fields.time.as_str()): "asc"},
                {(field): {"order": "asc", "unmapped_type": "keyword"}},
            ]),
            Way::Scroll => json!(["_doc"]),
        };
        let mut body = json!({"size": settings.page_size, "query": self.walk.query, "sort": sort});
        if let Some(beside) = document::asked_beside(self.walk.fields) {
            body["docvalue_fields"] = beside;
        }
        if self.of > 1 {
            body["slice"] = json!({"id": self.number, "max": self.of});
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        net::http::scripted::{Scripted, connection},
        source::elasticsearch::query::tests::settings,
    };
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn engine(distribution: &str, number: &str) -> Engine {
        Engine::from_root(&json!({"version": {"number": number, "distribution": distribution}})).unwrap()
    }

    #[test]
    fn the_version_decides_how_to_walk() {
        use PointInTime::{Elasticsearch, OpenSearch};
        let way = |product, number, tie_break| Way::of(&engine(product, number), tie_break);
        assert_eq!(way("", "8.19.21", Some("id")), Way::ShardDoc(Elasticsearch));
        assert_eq!(way("", "7.10.2", Some("id")), Way::Scroll);
        assert_eq!(way("opensearch", "3.8.0", None), Way::ShardDoc(OpenSearch));
        assert_eq!(way("opensearch", "2.19.6", Some("id")), Way::TieBreak(OpenSearch, "id"));
        assert_eq!(way("opensearch", "2.19.6", None), Way::Scroll);
        assert_eq!(way("opensearch", "1.3.14", Some("id")), Way::Scroll);
    }

    fn hits(numbers: &[u64], total: u64) -> String {
        let hits: Vec<_> = numbers.iter().map(|n| json!({"_id": "x", "_source": {}, "sort": [n]})).collect();
        json!({"timed_out": false, "_shards": {"total": 1, "successful": 1, "failed": 0}, "hits": {"total": {"value": total, "relation": "eq"}, "hits": hits}})
            .to_string()
    }

    /// Walks over scripted pages of two documents, and checks how many came, or the error.
    #[track_caller]
    fn check(root: &str, pages: Vec<String>, expected: &str) {
        let replies = [root.to_owned()].into_iter().chain(pages).map(|body| (200, "", body)).collect();
        let server = Scripted::new(replies);
        let mut settings = settings(None);
        settings.page_size = 2;
        let client = Client::new(&connection(&[&server.url])).unwrap();
        let seen = AtomicUsize::new(0);
        let visit = |hits: Vec<Hit>| {
            seen.fetch_add(hits.len(), Ordering::Relaxed);
            Ok(())
        };
        let query = json!({"match_all": {}});
        let walk = Walk {
            client: &client,
            settings: &settings,
            index: "graylog_*",
            fields: &settings.fields,
            query: &query,
            doing: "cannot read",
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(walk.run(&visit, &|| seen.store(0, Ordering::Relaxed)));
        let told = match result {
            Ok(()) => format!("{} documents", seen.into_inner()),
            Err(error) => format!("{:?}: {}", error.kind(), error.to_string().replace(&server.url, "URL")),
        };
        assert_eq!(told, expected);
    }

    const ES8: &str = r#"{"version":{"number":"8.19.21"}}"#;
    const OS1: &str = r#"{"version":{"number":"1.3.14","distribution":"opensearch"}}"#;
    const OS2: &str = r#"{"version":{"number":"2.19.6","distribution":"opensearch"}}"#;

    #[test]
    fn a_walk_ends_when_all_that_was_counted_has_come() {
        let pages = vec![r#"{"id":"p"}"#.into(), hits(&[], 3), hits(&[1, 2], 3), hits(&[3], 3), "{}".into()];
        check(ES8, pages, "3 documents");
        let pages = vec![hits(&[], 3), hits(&[1, 2], 3), hits(&[3], 3), "{}".into()];
        check(OS1, pages, "3 documents");
    }

    #[test]
    fn fewer_documents_than_were_counted_is_an_error() {
        let pages = vec![r#"{"id":"p"}"#.into(), hits(&[], 3), hits(&[1], 3), "{}".into()];
        check(ES8, pages, "Temporary: cannot read on URL: 1 documents came where the engine counted 3");
    }

    #[test]
    fn pages_without_end_stop_at_what_was_counted() {
        let endless =
            |first| [vec![first, hits(&[], 3)], vec![hits(&[1, 2], 3), hits(&[3, 4], 3), "{}".into()]].concat();
        let told = "Temporary: cannot read on URL: 4 documents came where the engine counted 3";
        check(ES8, endless(r#"{"id":"p"}"#.to_owned()), told);
        check(OS1, endless(String::new()).split_off(1), told);
        let round = vec![r#"{"id":"p"}"#.to_owned(), hits(&[], 9), hits(&[1, 2], 9), hits(&[1, 2], 9), "{}".into()];
        check(ES8, round, "Temporary: cannot read on URL: 4 documents came where the engine counted 9");
    }

    #[test]
    fn a_tie_break_that_is_not_unique_is_replaced_by_a_scroll() {
        let short = vec![r#"{"pit_id":"p"}"#.into(), hits(&[], 3), hits(&[1, 1], 3), hits(&[], 3), "{}".into()];
        let scroll = vec![hits(&[], 3), hits(&[1, 2], 3), hits(&[3], 3), "{}".into()];
        check(OS2, short.into_iter().chain(scroll).collect(), "3 documents");
    }

    #[test]
    fn a_walk_that_was_lost_is_begun_anew_once() {
        let lost = || hits(&[3], 3).replace("\"timed_out\":false", "\"timed_out\":true");
        let walk = |last: String| vec![hits(&[], 3), hits(&[1, 2], 3), last, "{}".into()];
        check(OS1, [walk(lost()), walk(hits(&[3], 3))].concat(), "3 documents");
        let told = "Temporary: cannot read on URL: the search timed out and its answer is short";
        check(OS1, [walk(lost()), walk(lost())].concat(), told);
    }

    #[test]
    fn a_pattern_that_matches_no_index_is_a_matter_of_settings() {
        let nothing = r#"{"_shards":{"total":0,"successful":0,"failed":0},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}}"#;
        check(OS1, vec![nothing.into()], "Config: cannot read on URL: no such index");
    }

    #[test]
    fn there_are_never_more_slices_than_shards_or_pages() {
        assert_eq!(slices(None, 1, 1_000_000, 5000), 1);
        assert_eq!(slices(None, 80, 1_000_000, 5000), 4);
        assert_eq!(slices(Some(8), 6, 1_000_000, 5000), 6);
        assert_eq!(slices(Some(8), 6, 5001, 5000), 2);
        assert_eq!(slices(None, 4, 0, 5000), 1);
    }
}
