//! From the set of lines to transactions (laws L1 and L2): a pure fold, no clock, no network, no files.

pub mod id;
