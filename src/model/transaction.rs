//! The transaction document: the index contract, field by field, in ECS names where ECS has one.
//!
//! These types *are* the document: serialised they are what `export` prints and what the index holds. Everything but
//! `mail.journey` is a pure function of `mail.lines`, shared session lines included (law L1).

mod brief;

pub use brief::{Brief, Omitted};

use super::{LineId, Text, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The version of this layout; each document says which one it was made with.
pub const SCHEMA: u32 = 1;

/// `event.dataset` of every document.
pub const DATASET: Text = Text::const_new("mailstitch.transaction");

/// `event.kind` and `event.category` of every document.
pub const EVENT_KIND: Text = Text::const_new("event");
pub const EVENT_CATEGORY: Text = Text::const_new("email");

/// The version of the Elastic Common Schema whose names are used.
pub const ECS_VERSION: Text = Text::const_new("8.17.0");

/// One document: a message in one queue, a refused attempt, a session, or a filter's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    #[serde(rename = "@timestamp")]
    pub timestamp: Time,
    pub event: EventInfo,
    pub ecs: Ecs,
    pub host: Host,
    pub service: Service,
    #[serde(default, skip_serializing_if = "is_default")]
    pub email: Email,
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: Source,
    #[serde(default, skip_serializing_if = "is_default")]
    pub user: User,
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: Tls,
    #[serde(default, skip_serializing_if = "is_default")]
    pub related: Related,
    pub mail: Mail,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventInfo {
    pub start: Time,
    pub end: Time,
    /// Nanoseconds.
    pub duration: u64,
    pub kind: Text,
    pub category: [Text; 1],
    pub dataset: Text,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Success,
    Failure,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ecs {
    pub version: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub name: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// `postfix`, `sendmail`, or the filter's name.
    #[serde(rename = "type")]
    pub kind: Text,
    /// The syslog name's first part: `postfix`, `postfix-out`, `sm-mta`.
    pub name: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Email {
    /// The queue id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_id: Option<Text>,
    /// Without `<>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Text>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: Address,
    #[serde(default, skip_serializing_if = "is_default")]
    pub to: Addresses,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    /// The envelope sender; `<>` for the null sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Addresses {
    /// Envelope recipients of this part, unique, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<Text>,
}

/// The client that handed the message in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Source {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct User {
    /// The SASL login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// TLS of the session by which the message arrived (ECS `tls.*`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tls {
    /// As the servers log it: `TLSv1.3`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// `tls` or `ssl`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_protocol: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<Text>,
}

/// Everything of a kind that occurs in the document, for searches (ECS `related.*`). Sorted, unique.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Related {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<Text>,
}

/// The fields that ECS has no name for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// The document id; see [`crate::stitch::id`].
    pub id: String,
    pub kind: Kind,
    pub origin: Origin,
    pub status: Status,
    /// Both ends were seen.
    pub complete: bool,
    /// The transport reported lost lines of this host during the life of the message.
    #[serde(default)]
    pub gap: bool,
    /// Arrival as `delay=` implies it, when no arrival line was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Time>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The largest number of recipients that a queue line named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nrcpt: Option<u64>,
    /// Delivery attempts, over all recipients.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u64,
    pub part: u32,
    pub parts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Text>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub auth: Auth,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Remark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Remark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Verdict>,
    /// The evidence, sorted by time, then id.
    pub lines: Vec<Evidence>,
    /// The evidence beyond the limit of lines that are kept whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brief: Vec<Brief>,
    /// How much of the evidence and its details is left out, because there is too much of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub omitted: Omitted,
    /// The journey id; empty until the journey pass has seen the document.
    #[serde(default)]
    pub journey: String,
    pub schema: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Auth {
    /// `PLAIN`, `CRAM-MD5`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A message in a queue.
    Message,
    /// A refused attempt.
    Reject,
    /// A session that has a queue id but no message.
    Session,
    /// A filter's verdict that names no queue id.
    Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Smtp,
    /// pickup, the sendmail command.
    Local,
    /// A bounce, a forward, a notification.
    Internal,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Queued,
    Deferred,
    Held,
    Delivered,
    Partial,
    Bounced,
    Expired,
    Rejected,
    Discarded,
    /// Kept by a filter, for someone to look at.
    Quarantined,
    /// It went on under a new id.
    Requeued,
    Deleted,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientStatus {
    Sent,
    Deferred,
    Bounced,
    Expired,
    Rejected,
    Discarded,
    Quarantined,
    Held,
    Filtered,
    Expanded,
    Undeliverable,
    Deliverable,
    Unknown,
}

/// One recipient and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipient {
    pub address: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_to: Option<Text>,
    pub status: RecipientStatus,
    /// No further attempt will follow.
    #[serde(rename = "final")]
    pub is_final: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Text>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub relay: Relay,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_s: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delays_s: Option<DelaysS>,
    /// The queue id that the next hop gave the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_as: Option<Text>,
    pub attempts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_attempt: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Time>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: Tls,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Attempt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Relay {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Text>,
    /// Only what parses as an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// As written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// `delays=a/b/c/d`, seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DelaysS {
    pub before_qmgr: f64,
    pub in_qmgr: f64,
    pub conn_setup: f64,
    pub transmission: f64,
}

/// One delivery attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub time: Time,
    pub status: RecipientStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Text>,
}

/// A relation to another document, as this document's own lines state it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    pub rel: Rel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rel {
    /// The same message, one hop on.
    Next,
    /// The same message, one hop back.
    Previous,
    /// A notification about this message.
    Bounce,
    /// The message that this one was made from, on this host.
    Parent,
    /// A message that was made from this one, on this host (forward, clone, split).
    Child,
}

/// A refusal or a warning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remark {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Text>,
    /// Three digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<Text>,
    pub text: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Text>,
}

/// The verdict of a filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub name: Text,
    pub verdict: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    /// The recipients that it judged for, if its line names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Text>,
}

/// A line of the evidence. The host is the document's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub id: LineId,
    pub time: Time,
    pub program: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    pub text: Arc<str>,
    /// About another message of the same session: shows that an earlier line is not about this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub context: bool,
}
