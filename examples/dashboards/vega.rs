//! Rankings drawn by Vega, which takes any search, also one into nested objects.
//!
//! In: what is ranked, and further numbers of each row.  Out: a saved object. Time range, query and filters of the
//! dashboard hold here too: `%…%` is what the products replace.

use super::{INDEX, visualization};
use serde_json::{Value, json};

/// Pixels.
const ROW: u32 = 20;
const COLUMN: u32 = 64;

/// A number beside each bar.
pub struct Column {
    title: &'static str,
    value: String,
    format: &'static str,
}

impl Column {
    /// `value` is an expression of Vega on the bucket.
    pub fn new(title: &'static str, value: &str, format: &'static str) -> Self {
        Self { title, value: value.to_owned(), format }
    }
}

/// The most frequent values of something, as bars with numbers beside them.
pub struct Ranking {
    pub id: &'static str,
    pub title: &'static str,
    /// Which documents.
    pub query: Value,
    /// Whether recipients are counted, and not documents.
    pub nested: bool,
    /// Which of them.
    pub within: Value,
    pub terms: Value,
    pub inner: Value,
    /// An expression of Vega on the bucket.
    pub label: &'static str,
    /// Of the width.
    pub label_share: f64,
    pub counted: &'static str,
    pub columns: Vec<Column>,
}

impl Ranking {
    pub fn object(self) -> Value {
        let params = json!({"spec": format!("{:#}", self.spec())});
        visualization(self.id, self.title, None, json!({"type": "vega", "aggs": [], "params": params}))
    }

    fn spec(&self) -> Value {
        let label_end = format!("width * {}", self.label_share);
        let bars_end = format!("width - {}", COLUMN * u32::try_from(self.columns.len()).unwrap() + 48);
        let row = json!({"scale": "row", "field": "label", "band": 0.5});
        // A style of guides has the colour of text in the light and in the dark theme.
        let text = |enter: Value| {
            let mut enter = enter;
            enter["baseline"] = json!({"value": "middle"});
            json!({"type": "text", "style": "guide-label", "from": {"data": "rows"}, "encode": {"update": enter}})
        };
        let title = |x: &str, align: &str, title: &str| {
            json!({"type": "text", "style": "guide-title", "encode": {"update": {
                "x": {"signal": x}, "y": {"value": 6}, "align": {"value": align}, "baseline": {"value": "middle"},
                "text": {"value": title},
            }}})
        };
        let mut marks = vec![
            title(&format!("{label_end} + 8"), "left", self.counted),
            text(json!({
                "x": {"value": 0}, "y": row, "text": {"field": "label"}, "limit": {"signal": label_end},
                "tooltip": {"field": "label"},
            })),
            json!({"type": "rect", "from": {"data": "rows"}, "encode": {"update": {
                "x": {"scale": "count", "value": 0}, "x2": {"scale": "count", "field": "doc_count"},
                "y": {"scale": "row", "field": "label"}, "height": {"scale": "row", "band": 1},
            }}}),
            text(json!({
                "x": {"scale": "count", "field": "doc_count", "offset": 4}, "y": row,
                "text": {"signal": "format(datum.doc_count, ',d')"},
            })),
        ];
        for (n, column) in self.columns.iter().rev().enumerate() {
            let x = format!("width - {}", COLUMN * u32::try_from(n).unwrap());
            marks.push(title(&x, "right", column.title));
            let number = format!("isNumber({0}) ? format({0}, '{1}') : ''", column.value, column.format);
            marks.push(text(
                json!({"x": {"signal": x}, "y": row, "align": {"value": "right"}, "text": {"signal": number}}),
            ));
        }
        json!({
            "$schema": "https://vega.github.io/schema/vega/v5.json",
            "autosize": {"type": "fit", "contains": "padding"},
            "padding": 8,
            "data": [{
                "name": "rows",
                "url": {"index": INDEX, "body": self.search()},
                "format": {"property": self.property()},
                "transform": [{"type": "formula", "as": "label", "expr": self.label}],
            }],
            "scales": [
                {
                    "name": "row", "type": "band", "paddingInner": 0.2,
                    "domain": {"data": "rows", "field": "label"},
                    "range": {"signal": format!("[16, min(height, 16 + {ROW} * length(data('rows')))]")},
                },
                {
                    "name": "count", "type": "linear", "zero": true,
                    "domain": {"data": "rows", "field": "doc_count"},
                    "range": {"signal": format!("[{label_end} + 8, {bars_end}]")},
                },
            ],
            "marks": marks,
        })
    }

    fn search(&self) -> Value {
        let mut terms = self.terms.clone();
        terms["size"] = 20.into();
        let mut rows = json!({"terms": terms});
        if self.inner != json!({}) {
            rows["aggs"] = self.inner.clone();
        }
        let mut aggs = json!({"within": {"filter": self.within, "aggs": {"rows": rows}}});
        if self.nested {
            aggs = json!({"recipients": {"nested": {"path": "mail.recipients"}, "aggs": aggs}});
        }
        json!({
            "size": 0,
            "query": {"bool": {
                "must": ["%dashboard_context-must_clause%", {"range": {"@timestamp": {"%timefilter%": true}}}],
                "filter": ["%dashboard_context-filter_clause%", self.query],
                "must_not": ["%dashboard_context-must_not_clause%"],
            }},
            "aggs": aggs,
        })
    }

    fn property(&self) -> &'static str {
        if self.nested { "aggregations.recipients.within.rows.buckets" } else { "aggregations.within.rows.buckets" }
    }
}

/// By the domain of an address. The index has the address only, so it is cut when it is asked for.
pub fn domains(id: &'static str, title: &'static str, field: &str, column: Option<Column>) -> Value {
    let nested = field.starts_with("mail.recipients.");
    let script = format!(
        "String address = doc['{field}'].value; int at = address.lastIndexOf('@'); \
         return at < 0 ? address : address.substring(at + 1);"
    );
    Ranking {
        id,
        title,
        query: match nested {
            true => json!({"term": {"mail.kind": "message"}}),
            false => json!({"bool": {"filter": [{"term": {"mail.kind": "message"}}, {"term": {"mail.part": 0}}]}}),
        },
        nested,
        within: json!({"exists": {"field": field}}),
        terms: json!({"script": {"lang": "painless", "source": script}}),
        inner: match column {
            Some(_) => json!({"failed": {"filter": {"terms": {"mail.recipients.status": ["bounced", "expired"]}}}}),
            None => json!({}),
        },
        label: "datum.key",
        label_share: 0.45,
        counted: if nested { "recipients" } else { "messages" },
        columns: column.into_iter().collect(),
    }
    .object()
}

/// By the enhanced status code, each with what was said most often.
pub fn reasons(id: &'static str, title: &'static str, within: Value) -> Value {
    Ranking {
        id,
        title,
        query: json!({"match_all": {}}),
        nested: true,
        within,
        terms: json!({"field": "mail.recipients.dsn", "missing": "-"}),
        inner: json!({"said": {"terms": {"field": "mail.recipients.reply.keyword", "size": 1}}}),
        label: "datum.key + '  ' + (length(datum.said.buckets) ? datum.said.buckets[0].key : '')",
        label_share: 0.8,
        counted: "recipients",
        columns: vec![],
    }
    .object()
}
