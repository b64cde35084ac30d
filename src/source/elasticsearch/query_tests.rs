//! Queries as JSON, for each form of index.

use super::*;
use crate::{config::preset::Preset, net::http::scripted};

pub fn settings(time_format: Option<&str>) -> ElasticsearchSource {
    ElasticsearchSource {
        connection: scripted::connection(&["https://search.example.org:9200"]),
        index: "graylog_*".into(),
        fields: Fields {
            message: "message".into(),
            time: "timestamp".into(),
            host: "source".into(),
            program: "application_name".into(),
            pid: "process_id".into(),
            tie_break: Some("gl2_message_id".into()),
            time_format: time_format.map(str::to_owned),
        },
        programs: vec!["postfix".into()],
        query: None,
        page_size: 5000,
        bare_daemons: false,
        slices: None,
        timezone: chrono_tz::UTC,
    }
}

const HOUR: Range = Range { from: Time(1_795_377_600_000), to: Time(1_795_381_200_000) };

#[track_caller]
fn check_programs(caps: Value, expected: Value) {
    let settings = settings(None);
    let schema = Schema::from_caps(&caps, &settings.fields);
    let query = query(&settings, &schema, HOUR);
    assert_eq!(query["bool"]["filter"][1], json!({"bool": {"should": expected, "minimum_should_match": 1}}));
}

fn caps(program: Option<&str>, message: &str) -> Value {
    let field = |kind: &str| one(kind, json!({"type": kind, "searchable": true, "aggregatable": false}));
    let mut fields = json!({"message": field(message), "timestamp": field("date")});
    if let Some(kind) = program {
        fields["application_name"] = field(kind);
    }
    json!({"indices": ["graylog_0"], "fields": fields})
}

#[test]
fn the_range_is_written_in_the_format_of_the_index() {
    let bounds = |format| range(&settings(format).fields, HOUR)["range"]["timestamp"].clone();
    assert_eq!(
        bounds(Some("uuuu-MM-dd HH:mm:ss.SSS")),
        json!({"gte": "2026-11-22 20:00:00.000", "lt": "2026-11-22 21:00:00.000", "format": "uuuu-MM-dd HH:mm:ss.SSS"})
    );
    assert_eq!(
        bounds(None),
        json!({"gte": "2026-11-22T20:00:00.000Z", "lt": "2026-11-22T21:00:00.000Z", "format": "strict_date_optional_time"})
    );
    assert_eq!(
        bounds(Some("epoch_millis")),
        json!({"gte": 1_795_377_600_000_i64, "lt": 1_795_381_200_000_i64, "format": "epoch_millis"})
    );
}

#[test]
fn all_of_time_is_cut_to_years_that_can_be_written() {
    let all = range(&settings(None).fields, Range { from: Time(i64::MIN), to: Time(i64::MAX) });
    assert_eq!(all["range"]["timestamp"]["gte"], "1970-01-01T00:00:00.000Z");
    assert_eq!(all["range"]["timestamp"]["lt"], "9999-12-31T23:59:59.999Z");
}

#[test]
fn a_program_in_the_message_is_a_phrase() {
    let phrase_or_word = json!([{"match_phrase": {"message": "postfix"}}, {"prefix": {"message": "postfix"}}]);
    check_programs(caps(None, "text"), phrase_or_word);
}

#[test]
fn a_program_is_searched_in_its_field_and_in_the_message() {
    check_programs(
        caps(Some("keyword"), "text"),
        json!([
            {"prefix": {"application_name": "postfix"}},
            {"match_phrase": {"message": "postfix"}},
            {"prefix": {"message": "postfix"}},
        ]),
    );
}

#[test]
fn every_name_of_the_program_that_the_index_has_is_searched() {
    let mut settings = settings(None);
    settings.fields.program = "programname,syslogtag,nowhere".into();
    let mut caps = caps(None, "text");
    caps["fields"]["programname"] = json!({"keyword": {"searchable": true}});
    caps["fields"]["syslogtag"] = json!({"text": {"searchable": true}});
    let query = query(&settings, &Schema::from_caps(&caps, &settings.fields), HOUR);
    assert_eq!(
        query["bool"]["filter"][1]["bool"]["should"],
        json!([
            {"prefix": {"programname": "postfix"}},
            {"match_phrase": {"syslogtag": "postfix"}},
            {"prefix": {"syslogtag": "postfix"}},
            {"match_phrase": {"message": "postfix"}},
            {"prefix": {"message": "postfix"}},
        ])
    );
}

#[test]
fn what_has_no_program_is_asked_for_where_the_message_is_not_indexed() {
    let mut caps = caps(Some("text"), "text");
    caps["fields"]["message"]["text"]["searchable"] = json!(false);
    check_programs(
        caps,
        json!([
            {"match_phrase": {"application_name": "postfix"}},
            {"prefix": {"application_name": "postfix"}},
            {"bool": {"must_not": [{"exists": {"field": "application_name"}}, {"exists": {"field": "message"}}]}},
        ]),
    );
}

#[test]
fn a_message_that_is_a_keyword_is_searched_by_wildcard() {
    check_programs(
        caps(None, "keyword"),
        json!([
            {"wildcard": {"message": "*postfix*"}},
            {"bool": {"must_not": [{"exists": {"field": "message"}}]}},
        ]),
    );
    assert_eq!(escaped(r"a*b?c\d"), r"a\*b\?c\\d");
}

#[test]
fn a_name_after_a_slash_is_an_end() {
    let mut settings = settings(None);
    settings.programs = vec!["/smtpd".into()];
    let asked = |caps: Value| {
        let query = query(&settings, &Schema::from_caps(&caps, &settings.fields), HOUR);
        query["bool"]["filter"][1]["bool"]["should"][0].clone()
    };
    assert_eq!(asked(caps(Some("keyword"), "text")), json!({"wildcard": {"application_name": "*/smtpd"}}));
    assert_eq!(asked(caps(None, "text")), json!({"match_phrase": {"message": "/smtpd"}}));
}

#[test]
fn every_line_is_asked_for_where_no_program_can_be_searched_for() {
    let unsearched = |field: &str, mut caps: Value| {
        caps["fields"][field].as_object_mut().unwrap().values_mut().for_each(|kind| kind["searchable"] = json!(false));
        caps
    };
    let settings = settings(None);
    for caps in
        [unsearched("message", caps(None, "text")), unsearched("application_name", caps(Some("keyword"), "text"))]
    {
        let schema = Schema::from_caps(&caps, &settings.fields);
        assert_eq!(schema.messages.len(), 1);
        assert_eq!(query(&settings, &schema, HOUR), json!({"bool": {"filter": [range(&schema.fields, HOUR)]}}));
    }
}

#[test]
fn only_names_that_are_dates_everywhere_are_asked_for_the_time() {
    let date = json!({"date": {"searchable": true}});
    let both = json!({"date": {"searchable": true}, "text": {"searchable": true}});
    let caps = json!({"indices": ["a", "b"], "fields": {"@timestamp": both, "timestamp": date, "time": date}});
    let schema = Schema::from_caps(&caps, &Preset::Auto.fields());
    assert_eq!((schema.fields.time.as_str(), schema.fields.tie_break), ("timestamp,time", None));
}

#[test]
fn an_extra_query_is_one_more_filter() {
    let mut settings = settings(None);
    settings.programs.clear();
    settings.query = Some("facility:mail".into());
    let query = query(&settings, &Schema::from_caps(&caps(None, "text"), &settings.fields), HOUR);
    assert_eq!(query["bool"]["filter"][1], json!({"query_string": {"query": "facility:mail"}}));
}

#[test]
fn counting_asks_for_no_documents_and_for_an_exact_total() {
    let body = counts(&json!({"match_all": {}}), "timestamp", 60_000);
    assert_eq!(body["size"], 0);
    assert_eq!(body["track_total_hits"], true);
    assert_eq!(
        body["aggs"]["buckets"]["date_histogram"],
        json!({"field": "timestamp", "fixed_interval": "60000ms", "min_doc_count": 1})
    );
}

#[test]
fn daemons_that_stand_alone_are_asked_for_where_settings_say_so() {
    let mut settings = settings(None);
    settings.programs = vec!["postfix".into(), "/smtpd".into(), "/qmgr".into()];
    settings.bare_daemons = true;
    let query = query(&settings, &Schema::from_caps(&caps(Some("keyword"), "text"), &settings.fields), HOUR);
    let should = query["bool"]["filter"][1]["bool"]["should"].as_array().unwrap();
    assert!(should.contains(&json!({"terms": {"application_name": ["smtpd", "qmgr"]}})), "{should:?}");
}
