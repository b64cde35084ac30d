//! Events: the meaning of single lines. They borrow from their line, so parsing copies no text.
//!
//! A parser only splits the text; what an event means for a message is decided in `stitch/`. An absent value is `None`, never
//! `""`; the null sender is `Some("")`. Addresses come without the angle brackets of the log, but otherwise as written.

/// Result of reading a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed<'a> {
    /// The line tells something. `queue_id`: the id that it is about, if it names one.
    Event { queue_id: Option<&'a str>, event: Event<'a> },
    /// Known and deliberately unused, with the reason. A queue id in front is not reported.
    Ignored(&'static str),
    /// No parser knows it; `coverage` shows it.
    Unrecognised,
}

/// `name[addr]:port`, or `[addr]:port`. `unknown` for a name or address is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peer<'a> {
    pub name: Option<&'a str>,
    pub addr: Option<&'a str>,
    pub port: Option<u16>,
}

/// The decision of a restriction, a check, a milter or a ruleset about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Refused (`reject`, `milter-reject`, `proxy-reject`, sendmail's `reject=`).
    Reject,
    /// `reject_warning`, `warn`, `warning`, `info`, `permit`: logged only, without effect.
    Warn,
    /// Put on hold (postfix) or quarantined (sendmail).
    Hold,
    /// Accepted and thrown away.
    Discard,
    /// The connection was closed (`hangup`).
    Hangup,
    /// `filter`, `bcc`, `prepend`, `replace`, `strip`, `delay`, `pass`: the message was changed or sent another way.
    Change,
    /// `redirect`: the message went to another recipient instead.
    Redirect,
    /// `proxy-accept`: a filter before the queue took the message; a queue id in its reply says that it handed it on.
    Accept,
}

/// The kind of a notification about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Non-delivery: bounced or expired.
    Bounce,
    /// Still trying.
    Delay,
    /// Success, or a report requested with `sendmail -bv` or `-v`.
    Success,
}

/// An operation of `postsuper` on a queue file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Delete,
    Requeue,
    Hold,
    Release,
    Expire,
}

/// The four parts of `delays=a/b/c/d`, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Delays {
    pub before_qmgr: f64,
    pub in_qmgr: f64,
    pub conn_setup: f64,
    pub transmission: f64,
}

/// Postfix `status=` of a delivery record (`global/log_adhoc.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    Sent,
    /// `deferred` and `SOFTBOUNCE`.
    Deferred,
    Bounced,
    Deliverable,
    /// `undeliverable`, `undeliverable-but-not-cached`.
    Undeliverable,
    /// Any other word. The record is kept, with its reply, rather than guessed at.
    Unknown,
}

/// One delivery attempt of postfix: `to=<…>, relay=…, … status=… (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<'a> {
    pub to: &'a str,
    pub orig_to: Option<&'a str>,
    /// As written: `none`, `host[ip]:port`, `host[private/dovecot-lmtp]`, a service name.
    pub relay: &'a str,
    /// `conn_use=`: deliveries over this connection, this one included; absent for the first.
    pub conn_use: Option<u32>,
    /// Seconds since the message arrived.
    pub delay: Option<f64>,
    pub delays: Option<Delays>,
    /// 3.11 and later: `tls=`.
    pub tls: Option<&'a str>,
    pub dsn: Option<&'a str>,
    pub status: DeliveryStatus,
    /// The text in parentheses, without them. In a cut line, whatever is left of it.
    pub reply: &'a str,
}

/// A refusal or another policy decision, by smtpd, postscreen, cleanup, a milter or a sendmail ruleset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy<'a> {
    pub action: Action,
    /// The SMTP stage in lower case (`connect`, `ehlo`, `mail`, `rcpt`, `data`, `end-of-message`, …), `header`, `body`,
    /// or the ruleset (`check_rcpt`).
    pub stage: &'a str,
    pub peer: Peer<'a>,
    /// Three digits; `None` where the line has none (cleanup's milter rejects).
    pub code: Option<u16>,
    pub dsn: Option<&'a str>,
    /// The reason, without code and DSN.
    pub text: &'a str,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    pub proto: Option<&'a str>,
    pub helo: Option<&'a str>,
    pub sasl_method: Option<&'a str>,
    pub sasl_username: Option<&'a str>,
}

/// sendmail's `from=` record (`headers.c logsender`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SendmailFrom<'a> {
    /// As logged, without angle brackets; `None` for `<NONE>`.
    pub from: Option<&'a str>,
    pub size: Option<u64>,
    pub nrcpts: Option<u64>,
    pub msgid: Option<&'a str>,
    pub proto: Option<&'a str>,
    pub daemon: Option<&'a str>,
    /// `auth=` unless `NONE`.
    pub auth: Option<&'a str>,
    pub tls_version: Option<&'a str>,
    pub cipher: Option<&'a str>,
    /// As written: `host [ip] (may be forged)`, `user@localhost`, `[RESPONSE]`.
    pub relay: Option<&'a str>,
    /// The peer in `relay`, where it names one.
    pub peer: Peer<'a>,
}

/// sendmail's `to=` record (`deliver.c logdelivery`): one attempt, several recipients.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SendmailTo<'a> {
    /// The list as logged, comma-joined, without a trailing `,`; see `parse::sendmail::recipients`.
    pub to: &'a str,
    /// `ctladdr=` without its `(uid/gid)`.
    pub ctladdr: Option<&'a str>,
    /// Seconds.
    pub delay: Option<f64>,
    /// Seconds.
    pub xdelay: Option<f64>,
    pub mailer: Option<&'a str>,
    /// As written, with the address that follows it: `mx.example.net. [192.0.2.1]`.
    pub relay: Option<&'a str>,
    pub dsn: Option<&'a str>,
    pub reply: Option<&'a str>,
    pub quarantine: Option<&'a str>,
    /// The last `stat=`, to the end of the line.
    pub stat: Option<&'a str>,
}

/// A filter's decision on what becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Handed on, under the id in `queued_as` if the filter names one.
    Passed,
    Quarantined,
    Discarded,
    Rejected,
    Bounced,
    /// Refused for now.
    Deferred,
}

/// A filter's verdict: amavis, opendkim, policyd-spf, postgrey, spamd, rspamd, dovecot and their like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter<'a> {
    /// `amavis`, `opendkim`, `policyd-spf`, …
    pub name: &'a str,
    /// In the filter's own words, short: `Passed CLEAN`, `greylist`, `pass`, `saved mail to INBOX`.
    pub verdict: &'a str,
    pub score: Option<f64>,
    /// Further detail: the policy's reason, a virus name, a mailbox.
    pub detail: Option<&'a str>,
    /// Without angle brackets.
    pub message_id: Option<&'a str>,
    /// The queue id under which the filter handed the message back.
    pub queued_as: Option<&'a str>,
    pub from: Option<&'a str>,
    /// First or only recipient.
    pub to: Option<&'a str>,
    /// All recipients, where the line names several: `<a@example.org>,<b@example.org>`.
    pub list: Option<&'a str>,
    pub client: Option<&'a str>,
    /// The fate of the message for these recipients, if the filter decides it.
    pub fate: Option<Fate>,
    /// The filter took the message over: a delivery record about the hand-over says only that the filter has it.
    pub takes: bool,
    /// The line's queue id is the filter's own: the filter is a hop with a transaction of its own.
    pub is_hop: bool,
}

/// The meaning of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    // ---- sessions: no queue id ----
    /// smtpd, qmqpd: `connect from`.
    Connect {
        peer: Peer<'a>,
    },
    /// smtpd, qmqpd: `disconnect from`; the counters as written.
    Disconnect {
        peer: Peer<'a>,
        commands: Option<&'a str>,
    },
    /// TLS of an incoming (`inbound`) or outgoing session. `version` as the library says it: `TLSv1.3`.
    Tls {
        inbound: bool,
        peer: Peer<'a>,
        version: &'a str,
        cipher: Option<&'a str>,
    },
    /// `SASL … authentication failed`, sendmail's `AUTH failure`.
    SaslFailed {
        peer: Peer<'a>,
        method: Option<&'a str>,
        user: Option<&'a str>,
        reason: &'a str,
    },
    /// sendmail `AUTH=server`.
    SaslLogin {
        peer: Peer<'a>,
        method: Option<&'a str>,
        user: Option<&'a str>,
    },
    /// smtp, lmtp: `connect to H[ip]:port: reason`; belongs to the next delivery record of that process.
    ConnectFailed {
        peer: Peer<'a>,
        reason: &'a str,
    },
    /// `lost connection|timeout|too many errors after STAGE from PEER`; with an id since postfix 3.10.
    Aborted {
        peer: Peer<'a>,
        reason: &'a str,
        stage: &'a str,
    },

    // ---- a message in a postfix queue ----
    /// smtpd, qmqpd: `client=`. With `queue_id: None` (NOQUEUE) a before-queue filter takes the message.
    Client {
        peer: Peer<'a>,
        sasl_method: Option<&'a str>,
        sasl_username: Option<&'a str>,
        sasl_sender: Option<&'a str>,
        orig_queue_id: Option<&'a str>,
        orig_client: Option<Peer<'a>>,
    },
    /// pickup: `uid= from=<…>[ orig_id=]`.
    Pickup {
        uid: &'a str,
        from: &'a str,
        orig_id: Option<&'a str>,
    },
    /// cleanup: `message-id=`, without `<>`; `None` when there is none.
    MessageId {
        id: Option<&'a str>,
        resent: bool,
    },
    /// qmgr: `from=<…>, size=…, nrcpt=… (queue active)`.
    Queued {
        from: &'a str,
        size: Option<u64>,
        nrcpt: Option<u64>,
    },
    /// A delivery record of any agent.
    Delivery(Delivery<'a>),
    /// qmgr: `removed`.
    Removed,
    /// cleanup 3.10+: `removed (canceled)` (`discarded: false`) or `removed (discarded)`.
    Canceled {
        discarded: bool,
    },
    /// qmgr: `status=expired` or `status=force-expired`.
    Expired {
        from: &'a str,
    },
    /// bounce: `sender|postmaster … notification: CHILD`.
    Notified {
        notice: Notice,
        child: &'a str,
    },
    /// postsuper.
    Operation(Operation),
    /// A filter put the message back into the queue under a new id (MailScanner).
    Requeued {
        child: &'a str,
    },

    // ---- both servers ----
    /// A refusal or another decision, with or without a queue id.
    Policy(Policy<'a>),
    /// To be shown with the message: `warning: QID: …`, sendmail's SYSERR, protocol errors.
    Warning {
        text: &'a str,
    },
    /// Belongs to the message but changes nothing: kept as evidence.
    Note,
    /// A line of which a document kept only the kind. `goes_on`: what the line said about the end of its message; see
    /// `stitch::gap`.
    Brief {
        goes_on: Option<bool>,
    },

    // ---- sendmail ----
    From(SendmailFrom<'a>),
    To(SendmailTo<'a>),
    /// `ID: CHILD: DSN|return to sender|sender notify|postmaster notify: text`.
    Dsn {
        child: &'a str,
        how: &'a str,
        text: &'a str,
    },
    /// `ID: CHILD: clone: owner=…`; `children` of a `split:` line are comma-separated.
    Clone {
        children: &'a str,
    },
    /// `<addr>... text`: an error reported to the client or met at delivery.
    UserError {
        addr: &'a str,
        code: Option<u16>,
        dsn: Option<&'a str>,
        text: &'a str,
    },
    /// `done; delay=…`.
    Done,
    /// A part of a line that sendmail split: `ID[n]: text ...`; `last` has no ` ...`.
    Piece {
        number: u16,
        text: &'a str,
        last: bool,
    },
    /// A milter added or removed a recipient, or changed the sender (`Milter (x): chgfrom: a`).
    MilterEdit {
        edit: MilterEdit,
        addr: &'a str,
    },

    // ---- neighbours and transport ----
    Filter(Filter<'a>),
    /// The transport reports lost lines of this host; `None` if it does not say how many.
    Gap {
        lost: Option<u64>,
    },
}

/// A change that a milter made to the envelope in sendmail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilterEdit {
    AddRecipient,
    DeleteRecipient,
    ChangeSender,
}
