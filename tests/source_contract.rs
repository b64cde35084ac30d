//! The promises that every counting source keeps: it reads what it counts, each line of a range once, and the lines
//! are the same whichever source holds them.

mod common;
mod servers;

use common::promises::{keeps_all_promises, lines, raw};
use mailstitch::{
    config::{ElasticsearchSource, preset::Preset},
    source::{elasticsearch::Elasticsearch, memory::MemorySource},
};
use servers::{Engine, Shape, unique_name};

fn in_engine(engine: &Engine, shape: Shape, preset: Preset, shards: u32) -> Elasticsearch {
    let index = unique_name("lines");
    engine.create_index(&index, shape, shards);
    engine.load(&index, &raw(), shape);
    let settings = ElasticsearchSource {
        connection: engine.connection(),
        index,
        fields: preset.fields(),
        programs: Vec::new(),
        query: None,
        // Small, so that pages end in the middle of a second.
        page_size: 331,
        bare_daemons: false,
        slices: None,
        timezone: chrono_tz::UTC,
    };
    Elasticsearch::new(settings, mailstitch::model::Intake::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    keeps_all_promises(&MemorySource::new(lines())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_with_four_shards_keeps_the_contract() {
    keeps_all_promises(&in_engine(Engine::opensearch(), Shape::GraylogRfc3164, Preset::Graylog, 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_with_filebeats_documents_keeps_the_contract() {
    keeps_all_promises(&in_engine(Engine::opensearch(), Shape::Filebeat, Preset::Ecs, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elasticsearch_keeps_the_contract() {
    keeps_all_promises(&in_engine(Engine::elasticsearch(), Shape::GraylogRfc5424, Preset::Graylog, 2)).await;
}
