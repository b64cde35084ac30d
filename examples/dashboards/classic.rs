//! Visualizations that the products draw themselves: numbers, tables, bars over time, pies.
//!
//! In: a KQL query, what is counted, and by what.  Out: a saved object. Fields of nested objects are no use here.

use super::visualization;
use serde_json::{Value, json};

/// What is counted: a kind of aggregation, and its field unless it counts documents.
pub struct Metric {
    kind: &'static str,
    field: &'static str,
    label: &'static str,
}

impl Metric {
    pub fn count(label: &'static str) -> Self {
        Self::of("count", "", label)
    }

    pub fn of(kind: &'static str, field: &'static str, label: &'static str) -> Self {
        Self { kind, field, label }
    }
}

/// By the most frequent values of a field.
pub struct Bucket {
    field: &'static str,
    label: &'static str,
    size: u32,
    missing: Option<&'static str>,
}

impl Bucket {
    pub fn new(field: &'static str, label: &'static str, size: u32) -> Self {
        Self { field, label, size, missing: None }
    }

    /// Documents without the field count too, under this name.
    pub fn or(self, missing: &'static str) -> Self {
        Self { missing: Some(missing), ..self }
    }

    fn params(&self) -> Value {
        json!({
            "field": self.field, "customLabel": self.label, "size": self.size, "orderBy": "1", "order": "desc",
            "otherBucket": false, "otherBucketLabel": "Other",
            "missingBucket": self.missing.is_some(), "missingBucketLabel": self.missing.unwrap_or("Missing"),
        })
    }
}

/// Numbers, one for each filter where there are filters (label, KQL).
pub fn metric(id: &str, title: &str, query: &str, metrics: &[Metric], filters: &[(&str, &str)]) -> Value {
    let mut aggs = counted(metrics);
    if !filters.is_empty() {
        let filters: Vec<Value> = filters
            .iter()
            .map(|(label, query)| json!({"input": {"query": query, "language": "kuery"}, "label": label}))
            .collect();
        aggs.push(agg(aggs.len(), "filters", "group", json!({"filters": filters})));
    }
    let params = json!({
        "addTooltip": true, "addLegend": false, "type": "metric",
        "metric": {
            "percentageMode": false, "useRanges": false, "colorSchema": "Green to Red", "metricColorMode": "None",
            "colorsRange": [{"from": 0, "to": 10000}], "labels": {"show": true}, "invertColors": false,
            "style": {"bgFill": "#000", "bgColor": false, "labelColor": false, "subText": "", "fontSize": 32},
        },
    });
    visualization(id, title, Some(query), json!({"type": "metric", "aggs": aggs, "params": params}))
}

pub fn table(id: &str, title: &str, query: &str, metrics: &[Metric], buckets: &[Bucket]) -> Value {
    let mut aggs = counted(metrics);
    for bucket in buckets {
        aggs.push(agg(aggs.len(), "terms", "bucket", bucket.params()));
    }
    let params = json!({
        "perPage": 10, "showPartialRows": false, "showMetricsAtAllLevels": false, "showTotal": false,
        "totalFunc": "sum", "percentageCol": "", "sort": {"columnIndex": null, "direction": null},
    });
    visualization(id, title, Some(query), json!({"type": "table", "aggs": aggs, "params": params}))
}

/// Stacked bars over time, by the values of a field.
pub fn by_time(id: &str, title: &str, query: &str, field: &'static str) -> Value {
    let time = json!({
        "field": "@timestamp", "useNormalizedOpenSearchInterval": true, "useNormalizedEsInterval": true,
        "interval": "auto", "drop_partials": false, "min_doc_count": 1, "extended_bounds": {},
    });
    let aggs = vec![
        agg(0, "count", "metric", json!({})),
        agg(1, "date_histogram", "segment", time),
        agg(2, "terms", "group", Bucket::new(field, "Status", 12).params()),
    ];
    let params = json!({
        "type": "histogram", "grid": {"categoryLines": false},
        "categoryAxes": [{
            "id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": true, "style": {},
            "scale": {"type": "linear"}, "labels": {"show": true, "filter": true, "truncate": 100}, "title": {},
        }],
        "valueAxes": [{
            "id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": true, "style": {},
            "scale": {"type": "linear", "mode": "normal"},
            "labels": {"show": true, "rotate": 0, "filter": false, "truncate": 100}, "title": {"text": "Count"},
        }],
        "seriesParams": [{
            "show": true, "type": "histogram", "mode": "stacked", "data": {"label": "Count", "id": "1"},
            "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": true, "lineWidth": 2, "showCircles": true,
        }],
        "addTooltip": true, "addLegend": true, "legendPosition": "right", "times": [], "addTimeMarker": false,
        "labels": {"show": false},
        "thresholdLine": {"show": false, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    });
    visualization(id, title, Some(query), json!({"type": "histogram", "aggs": aggs, "params": params}))
}

pub fn pie(id: &str, title: &str, query: &str, bucket: &Bucket) -> Value {
    let aggs = vec![agg(0, "count", "metric", json!({})), agg(1, "terms", "segment", bucket.params())];
    let params = json!({
        "type": "pie", "addTooltip": true, "addLegend": true, "legendPosition": "right", "isDonut": true,
        "labels": {"show": true, "values": true, "last_level": true, "truncate": 100},
    });
    visualization(id, title, Some(query), json!({"type": "pie", "aggs": aggs, "params": params}))
}

fn counted(metrics: &[Metric]) -> Vec<Value> {
    let one = |(n, metric): (usize, &Metric)| {
        let mut params = json!({});
        for (name, value) in [("field", metric.field), ("customLabel", metric.label)] {
            if !value.is_empty() {
                params[name] = value.into();
            }
        }
        agg(n, metric.kind, "metric", params)
    };
    metrics.iter().enumerate().map(one).collect()
}

/// `n` of them come before it.
fn agg(n: usize, kind: &str, schema: &str, params: Value) -> Value {
    json!({"id": format!("{}", n + 1), "enabled": true, "type": kind, "schema": schema, "params": params})
}
