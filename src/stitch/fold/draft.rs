//! The facts of one life, collected while its lines are read.

use super::{
    super::life::{Life, Told},
    fate,
    named::{Named, Said},
    outgoing::Outgoing,
    recipient::Recipients,
};
use crate::model::{
    Text, Time,
    event::{Action, Filter, Peer, Policy},
    transaction::{Kind, Link, Omitted, Origin, Rel, Remark, Status, Verdict},
};

/// The facts of one life. Lines are added in order of time.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub queue_id: &'a str,
    pub service_type: &'static str,
    pub message_id: Option<&'a str>,
    pub resent_message_id: Option<&'a str>,
    pub from: Option<Text>,
    pub peer: Option<Peer<'a>>,
    /// From `NOQUEUE: client=` of a session in front of a before-queue filter: client, SASL user name, SASL method.
    pub before_filter: Option<(Peer<'a>, Option<&'a str>, Option<&'a str>)>,
    pub origin: Origin,
    pub user: Option<&'a str>,
    /// User name of a failed login.
    pub refused_user: Option<&'a str>,
    pub auth_method: Option<&'a str>,
    pub tls: Option<(&'a str, Option<&'a str>)>,
    /// TLS sessions and failed connections of the delivery agents.
    pub outgoing: Outgoing<'a>,
    pub helo: Option<&'a str>,
    pub protocol: Option<&'a str>,
    pub size: Option<u64>,
    pub nrcpt: Option<u64>,
    pub recipients: Recipients<'a>,
    /// Recipients named by lines other than delivery records.
    pub named: Vec<Named<'a>>,
    pub links: Vec<Link>,
    pub rejects: Vec<Remark>,
    pub warnings: Vec<Remark>,
    pub filters: Vec<Verdict>,
    /// Filter lines that say what becomes of the message.
    pub fates: Vec<&'a Filter<'a>>,
    /// The queue id is a filter's own.
    pub is_hop: bool,
    /// Counts of entries missing above because only the kind of their line is left.
    pub omitted: Omitted,
    /// An arrival line (`client=`, `uid=`, sendmail's `from=`) was seen.
    pub arrived: bool,
    /// cleanup's `message-id=` was seen.
    pub has_message_id: bool,
    /// Time of the last `(queue active)`, or of the last `from=` of sendmail.
    pub queued: Option<Time>,
    /// qmgr `removed`, sendmail `done`.
    pub removed: bool,
    /// cleanup `removed (canceled)`.
    pub canceled: bool,
    /// The message goes on under another queue id (postsuper, or a filter that requeues).
    pub requeued: bool,
    /// The client's session was lost or broken off.
    pub aborted: bool,
    pub expired: bool,
    pub deleted: bool,
    /// When it was last put on hold, and when it was last released.
    pub held: Option<Time>,
    pub released: Option<Time>,
    pub discarded: bool,
    /// The whole message was refused, not only a recipient.
    pub refused: bool,
    /// sendmail logged a notification that delivery failed.
    pub bounced: bool,
    /// Arrival time computed from the first `delay=` of a delivery record.
    pub implied_arrival: Option<Time>,
    pub gap: bool,
    pub kind: Kind,
    pub status: Status,
    pub complete: bool,
}

impl<'a> Draft<'a> {
    pub fn new(queue_id: &'a str, life: &Life<'a>) -> Self {
        Self {
            queue_id,
            service_type: "postfix",
            message_id: None,
            resent_message_id: None,
            from: None,
            peer: None,
            before_filter: None,
            origin: Origin::Unknown,
            user: None,
            refused_user: None,
            auth_method: None,
            tls: None,
            outgoing: Outgoing::default(),
            omitted: Omitted::default(),
            helo: None,
            protocol: None,
            size: None,
            nrcpt: None,
            recipients: Recipients::with_capacity(life.told.len() / 8),
            named: Vec::new(),
            links: Vec::new(),
            rejects: Vec::new(),
            warnings: Vec::new(),
            filters: Vec::new(),
            fates: Vec::new(),
            is_hop: false,
            arrived: false,
            has_message_id: false,
            queued: None,
            removed: false,
            canceled: false,
            requeued: false,
            aborted: false,
            expired: false,
            deleted: false,
            held: None,
            released: None,
            discarded: false,
            refused: false,
            bounced: false,
            implied_arrival: None,
            gap: false,
            kind: Kind::Message,
            status: Status::Unknown,
            complete: false,
        }
    }

    /// Sets the envelope sender. An empty address becomes `<>`, the null sender.
    pub fn sender(&mut self, address: &str) {
        self.from = Some(if address.is_empty() { "<>".into() } else { address.into() });
    }

    pub fn link(&mut self, rel: Rel, queue_id: &str, host: Option<&str>) {
        self.links.push(Link { rel, queue_id: Some(queue_id.into()), host: host.map(Text::from), message_id: None });
    }

    pub fn warn(&mut self, stage: Option<&str>, text: &str) {
        self.warnings.push(Remark {
            stage: stage.map(Text::from),
            code: None,
            dsn: None,
            text: text.into(),
            recipient: None,
        });
    }

    /// Notes the recipient of a decision other than a refusal or an acceptance.
    pub fn decided(&mut self, policy: &Policy<'a>) {
        let said = match policy.action {
            Action::Hold => Said::Held,
            Action::Discard => Said::Discarded,
            Action::Redirect => Said::Redirected,
            Action::Change | Action::Warn => Said::Spoken,
            Action::Reject | Action::Hangup | Action::Accept => return,
        };
        self.named.extend(policy.to.map(|to| Named { to, said, text: policy.text }));
    }

    /// Fills fields of session and envelope that are still unknown from a policy line.
    pub fn envelope(&mut self, policy: &Policy<'a>) {
        self.client(policy.peer);
        if let Some(from) = policy.from.filter(|_| self.from.is_none()) {
            self.sender(from);
        }
        self.helo = self.helo.or(policy.helo);
        self.protocol = self.protocol.or(policy.proto);
        self.user = self.user.or(policy.sasl_username);
        self.auth_method = self.auth_method.or(policy.sasl_method);
    }

    /// Counts a line of which only the kind is left.
    pub fn leave_out(&mut self, kind: &str) {
        match kind {
            "reject" => self.omitted.rejects += 1,
            "warning" | "hold" | "discard" => self.omitted.warnings += 1,
            "filter" => self.omitted.filters += 1,
            _ => {}
        }
    }

    /// Sets the client if none is known yet.
    pub fn client(&mut self, peer: Peer<'a>) {
        if self.peer.is_none() && (peer.addr.is_some() || peer.name.is_some()) {
            self.peer = Some(peer);
        }
    }

    pub fn verdict(&mut self, filter: &'a Filter<'a>, told: &Told<'a>) {
        self.filters.push(verdict(filter));
        if filter.is_hop && told.own {
            self.is_hop = true;
            self.message_id = self.message_id.or(filter.message_id);
            fate::passed_by(self, filter, told);
            return;
        }
        if filter.fate.is_some() {
            self.fates.push(filter);
        }
        self.named.extend(fate::named(filter));
    }
}

/// A policy line as the document shows it.
pub(super) fn remark(policy: &Policy<'_>) -> Remark {
    Remark {
        stage: Some(policy.stage.into()),
        code: policy.code,
        dsn: policy.dsn.map(Text::from),
        text: policy.text.into(),
        recipient: policy.to.map(Text::from),
    }
}

/// A filter's line as the document shows it.
pub(super) fn verdict(filter: &Filter<'_>) -> Verdict {
    Verdict {
        name: filter.name.into(),
        verdict: filter.verdict.into(),
        score: filter.score,
        detail: filter.detail.map(Text::from),
        recipients: fate::recipients(filter).filter(|address| !address.is_empty()).map(Text::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::{
        Bounds, Rules,
        bounds::Ends,
        testing::{document, documents_by},
    };

    /// The first and the last of five lines of a kind are kept whole.
    #[test]
    fn lines_of_which_the_kind_is_left_are_counted() {
        let rest =
            "RCPT from c.example.org[192.0.2.7]: x; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
        let line = |n: usize| {
            let decisions = ["reject", "warn", "hold", "discard"]
                .map(|action| format!("{n} mx1 postfix/smtpd[1]: 4F1A2B3C4D: {action}: {rest}\n"));
            let filter = format!("{n} mx1 milter-greylist[2]: 4F1A2B3C4D: User a authenticated, bypassing greylist\n");
            decisions.concat() + &filter
        };
        let log: String = (1..=5).map(line).collect();
        let others = Ends { most: 1, least: 1, in_all: 1, bytes: usize::MAX };
        let rules = Rules { bounds: Bounds { others, ..Bounds::default() }, ..Rules::default() };
        let mail = documents_by(&log, &rules).remove(0).mail;
        let Omitted { lines, rejects, warnings, filters, .. } = mail.omitted;
        assert_eq!([lines, rejects, warnings, filters], [15, 3, 9, 3]);
        assert_eq!([mail.rejects.len(), mail.warnings.len(), mail.filters.len()], [2, 6, 2]);
    }

    /// To an smtpd behind a filter, the filter is the client.
    #[test]
    fn the_client_is_the_one_that_the_arrival_names() {
        let decision = "hold: RCPT from localhost[127.0.0.1]: x; from=<a@example.org> to=<b@example.net> proto=ESMTP";
        let check = |log: &str, expected: &str| {
            assert_eq!(document(log).source.ip.as_deref(), Some(expected), "{log}");
        };
        let arrival = "4F1A2B3C4D: client=localhost[127.0.0.1], orig_client=c.example.org[192.0.2.7]";
        check(
            &format!("1 mx1 postfix/smtpd[1]: {arrival}\n2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {decision}"),
            "192.0.2.7",
        );
        check(&format!("2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {decision}"), "127.0.0.1");
    }

    #[test]
    fn a_verdict_names_whom_it_is_for() {
        let t = document(
            "1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             2 mx1 amavis[2]: (1-2) Passed CLEAN {RelayedInbound}, [192.0.2.7]:4 <a@example.org> -> <b@example.net>,<>, Queue-ID: 4F1A2B3C4D, Hits: 1, 9 ms",
        );
        let Verdict { name, verdict, score, detail, recipients } = &t.mail.filters[0];
        assert_eq!((&**name, &**verdict), ("amavis", "Passed CLEAN"));
        assert_eq!((*score, detail.as_deref()), (Some(1.0), Some("RelayedInbound")));
        assert_eq!(*recipients, ["b@example.net"]);
    }
}
