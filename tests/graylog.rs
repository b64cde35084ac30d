//! Graylog: a real 3.3.11, and recorded answers of it and of 4.3, 5.1, 6.1 and 7.0.

#[path = "graylog/answers.rs"]
mod answers;
#[path = "graylog/check.rs"]
mod check;
mod common;
#[path = "graylog/contract.rs"]
mod contract;
#[path = "graylog/exchanged.rs"]
mod exchanged;
#[path = "graylog/killed.rs"]
mod killed;
#[path = "graylog/patience.rs"]
mod patience;
mod servers;
#[path = "end_to_end/setup.rs"]
mod setup;
#[path = "graylog/totals.rs"]
mod totals;
#[path = "graylog/traps.rs"]
mod traps;
#[path = "graylog/whole_flow.rs"]
mod whole_flow;
