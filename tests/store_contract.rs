//! The promises that every `Store` keeps.
//!
//! A promise is a function that takes an empty, prepared store and is named after the fact it states. To check
//! another store, add one `contract!` line with a function that opens it; anything it returns beside the store (a
//! directory, a server) is kept until the promise is tested. A promise missing in the list below is dead code, which
//! the compiler reports.

mod common;
mod servers;

#[path = "store_contract/finding.rs"]
mod finding;
#[path = "store_contract/fixture.rs"]
mod fixture;
#[path = "store_contract/hostile.rs"]
mod hostile;
#[path = "store_contract/marks.rs"]
mod marks;
#[path = "store_contract/neighbours.rs"]
mod neighbours;
#[path = "store_contract/overview.rs"]
mod overview;
#[path = "store_contract/searching.rs"]
mod searching;
#[path = "store_contract/sqlite_file.rs"]
mod sqlite_file;
#[path = "store_contract/writing.rs"]
mod writing;

use mailstitch::{
    access::Access,
    config::ElasticsearchStore,
    store::{Store, elasticsearch::Elasticsearch, memory::MemoryStore, sqlite::SqliteStore},
};
use servers::{Engine, unique_name};
use tempfile::TempDir;

macro_rules! contract {
    ($store:ident = $open:expr) => {
        contract! { $store = $open;
            writing::what_is_put_is_what_is_got,
            writing::a_document_is_created_once,
            writing::an_update_needs_the_version_it_saw,
            writing::an_update_of_what_is_gone_conflicts,
            writing::a_conflict_holds_up_nothing_else,
            writing::a_delete_needs_the_version_it_saw,
            writing::a_delete_of_what_is_gone_is_no_conflict,
            writing::a_document_that_came_back_has_another_version,
            writing::nothing_asked_is_nothing_done,
            writing::preparing_again_keeps_everything,
            writing::a_commit_keeps_everything,
            finding::get_sees_a_write_at_once,
            finding::get_leaves_out_what_is_not_there,
            finding::find_wants_host_and_queue_id,
            finding::find_takes_what_touches_the_range,
            finding::a_document_of_any_year_is_found,
            finding::find_gives_every_life_and_every_part,
            finding::find_gives_versions_that_fit,
            finding::find_takes_thousands_of_keys,
            finding::the_ids_alone_are_those_of_what_is_found,
            neighbours::neighbours_share_a_queue_id_or_a_message_id,
            neighbours::neighbours_keep_to_their_range_and_bring_all_parts,
            neighbours::neighbours_that_are_known_are_left_out,
            searching::every_kind_of_term_is_found,
            searching::case_matters_only_in_queue_ids,
            searching::a_piece_of_a_term_finds_nothing,
            searching::all_terms_must_hold,
            searching::the_newest_come_first,
            searching::a_search_keeps_to_its_range,
            searching::a_large_message_is_found_once,
            searching::a_large_message_is_found_by_a_recipient_of_any_part,
            searching::an_update_moves_the_terms,
            searching::an_update_moves_the_time,
            overview::pages_hold_every_document_once_in_order,
            overview::a_page_starts_after_any_id,
            overview::pages_keep_to_the_range,
            overview::an_empty_store_is_no_error,
            overview::newest_end_ignores_the_future,
            overview::prune_takes_what_ended_before,
            overview::summary_counts_messages_on_their_way_once,
            overview::what_waits_is_found_whenever_it_began,
            overview::a_census_counts_what_touches_the_range_by_kind_and_status,
            overview::a_census_counts_a_mail_of_three_queues_once,
            marks::a_mark_is_found_by_its_ledger_and_by_nobody_else,
            marks::a_mark_is_no_transaction,
            hostile::text_of_strangers_comes_back_unchanged,
            hostile::wildcards_and_queries_are_only_text,
            hostile::twenty_thousand_recipients_are_kept,
            hostile::twelve_thousand_names_of_one_recipient_are_kept,
            hostile::twelve_thousand_recipients_of_three_hundred_overlapping_records_are_kept,
            hostile::values_of_any_length_are_taken_and_found_by_their_beginning,
        }
    };
    ($store:ident = $open:expr; $($room:ident :: $promise:ident),+ $(,)?) => {
        mod $store {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let (store, _kept) = $open;
                    store.prepare().await.unwrap();
                    $room::$promise(&store).await;
                }
            )+
        }
    };
}

contract!(memory = (MemoryStore::default(), ()));
contract!(sqlite = sqlite_in_a_new_directory());

fn sqlite_in_a_new_directory() -> (SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (SqliteStore::new(dir.path().join("transactions.sqlite"), Access::default()), dir)
}

contract!(opensearch = (transactions_in(Engine::opensearch(), &unique_name("transactions")), ()));
contract!(elasticsearch = (elasticsearch_without_zstd().await, ()));

fn transactions_in(engine: &Engine, index: &str) -> Elasticsearch {
    let settings = ElasticsearchStore {
        connection: engine.connection(),
        index: index.to_owned(),
        shards: 1,
        replicas: 0,
        bulk_bytes: 8 << 20,
    };
    Elasticsearch::new(settings).unwrap()
}

/// Installs the template and removes its codec before the promise prepares the store and writes.
async fn elasticsearch_without_zstd() -> Elasticsearch {
    let (engine, index) = (Engine::elasticsearch(), unique_name("transactions"));
    let store = transactions_in(engine, &index);
    store.prepare().await.unwrap();
    engine.plain_codec(&index);
    store
}
