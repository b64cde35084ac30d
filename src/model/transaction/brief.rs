//! Shortened lines of a document, as ids and times in base64, and counts of everything that it leaves out.

use super::is_zero;
use crate::model::{LineId, Time};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// Lines of which only the ids, the times and the common part are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    pub program: Arc<str>,
    /// The common part of their texts: recipient, DSN and status for delivery attempts, the kind for other lines.
    pub text: Arc<str>,
    /// Sorted by time, then id. Written as base64 of 24 bytes each: id and milliseconds since 1970, highest byte first.
    #[serde(serialize_with = "stamps_to_text", deserialize_with = "stamps_from_text")]
    pub stamps: Vec<(LineId, Time)>,
}

/// Bytes of an id with its time.
const STAMP: usize = 24;

fn stamps_to_text<S: Serializer>(stamps: &[(LineId, Time)], s: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(stamps.len() * STAMP);
    for (id, time) in stamps {
        bytes.extend(id.0.to_be_bytes());
        bytes.extend(time.0.to_be_bytes());
    }
    s.serialize_str(&BASE64.encode(bytes))
}

fn stamps_from_text<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(LineId, Time)>, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
    let bytes = BASE64.decode(&*text).map_err(serde::de::Error::custom)?;
    let stamp = |stamp: &[u8]| {
        let (id, time) = stamp.split_at_checked(16)?;
        let (id, time) = (u128::from_be_bytes(id.try_into().ok()?), Time(i64::from_be_bytes(time.try_into().ok()?)));
        (Time::EARLIEST..=Time::LATEST).contains(&time).then_some((LineId(id), time))
    };
    let stamps: Option<Vec<_>> = bytes.chunks(STAMP).map(stamp).collect();
    stamps.ok_or_else(|| serde::de::Error::custom("an id without a time"))
}

/// Counts of what a document leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Omitted {
    /// Lines of which only id, time and kind are kept (`mail.brief`), of this part.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lines: u64,
    /// Attempts that are not in any recipient's history, of this part.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejects: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warnings: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub filters: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub links: u64,
    /// Entries of `related.*`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub related: u64,
}
