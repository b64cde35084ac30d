//! Graylog keeps the promises of a counting source, whatever form its lines came in.

use crate::{
    common::{
        RawLine,
        promises::{keeps_all_promises, raw},
    },
    servers::{Graylog, connection},
};
use mailstitch::{
    config::{Auth, GraylogSource, Secret, preset::Preset},
    source::graylog::Graylog as Source,
};
use std::time::Duration;

/// A source that reads by token.
pub fn settings(url: String, token: String, streams: Vec<String>) -> GraylogSource {
    GraylogSource {
        connection: connection(url, Auth::Token(Secret(token))),
        streams,
        fields: Preset::Graylog.first_names(),
        programs: Vec::new(),
        query: None,
        // Small, so that chunks end in the middle of a second.
        page_size: 331,
        parallel: 1,
        rate: 1000,
        bare_daemons: false,
        timezone: chrono_tz::UTC,
    }
}

fn check(form: fn(&RawLine) -> String) {
    let (graylog, _calm) = Graylog::shared();
    let sink = graylog.sink();
    sink.send(raw().iter().map(form));
    let token = graylog.reader(&[&sink.stream]);
    let settings = settings(graylog.url(), token, vec![sink.title]);
    let source = Source::new(settings, mailstitch::model::Intake::default(), Duration::from_secs(86_400)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(keeps_all_promises(&source));
}

#[test]
fn lines_of_rfc_5424_keep_the_contract() {
    check(RawLine::rfc5424);
}

#[test]
fn lines_with_a_stamp_of_iso_8601_keep_the_contract() {
    check(|line| format!("<22>{}", line.iso()));
}
