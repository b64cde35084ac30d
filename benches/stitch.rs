//! How many lines per second are parsed, and put together, on one core.
//!
//! In: the log of the demo, real lines of five servers. Out: criterion's figures; its elements are lines. Stores and
//! sources are left out: what they take is mostly waiting.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailstitch::{
    model::{Intake, Line, Parsed, Time},
    parse::{self, syslog},
    stitch::{self, Rules},
};
use std::{hint::black_box, io::BufRead};

const LOG: &[u8] = include_bytes!("../examples/demo/mail.log");

fn raw() -> Vec<Vec<u8>> {
    LOG.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}
