//! Values at the limits of what the types of documents and ledgers can hold, and the law that everything written can
//! be read back (L7). Tests only.

use crate::model::{
    LineId, Text, Time,
    transaction::{
        Address, Addresses, Attempt, Auth, Brief, DATASET, DelaysS, ECS_VERSION, EVENT_CATEGORY, EVENT_KIND, Ecs,
        Email, EventInfo, Evidence, Host, Kind, Link, Mail, Omitted, Origin, Outcome, Recipient, RecipientStatus, Rel,
        Related, Relay, Remark, Service, Source, Status, Tls, Transaction, User, Verdict,
    },
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A value written as JSON, on one line or indented, is the same when read back.
#[track_caller]
pub fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("it is written");
    assert!(!text.contains('\n'), "one line: {text}");
    assert_eq!(serde_json::from_str::<T>(&text).expect("it is read"), *value, "{text}");
    let pretty = serde_json::to_string_pretty(value).expect("it is written");
    assert_eq!(serde_json::from_str::<T>(&crate::escape::in_json(pretty)).expect("it is read"), *value, "{text}");
}

/// Any text: all of Unicode, including control characters and text that looks like JSON escapes.
pub fn text() -> impl Strategy<Value = String> {
    let odd = [
        "",
        "\0",
        "\u{7f}\u{9b}2J",
        "\\ud800\\udc00",
        "\\u0000",
        "\u{fffd}\u{feff}\u{fffe}\u{10ffff}",
        "\u{202e}\u{200b}\u{e0041}\u{fe0f}",
        "\u{2028}\u{2029}\r\n",
        "\"}],\\",
        "=1+1",
        "<>",
    ];
    prop_oneof![
        any::<String>(),
        select(odd.map(str::to_owned).to_vec()),
        vec(any::<char>(), 0..40).prop_map(String::from_iter)
    ]
}

/// Any moment that can be written, often one at the limits.
pub fn time() -> impl Strategy<Value = Time> {
    let ends = [Time::EARLIEST, Time::LATEST, Time::OF_LINES.from, Time::OF_LINES.to, Time(-1)];
    prop_oneof![select(ends.to_vec()), (Time::EARLIEST.0..=Time::LATEST.0).prop_map(Time)]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![select(vec![0, 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX]), any::<u64>()]
}

fn float() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        select(vec![1e300, -1e300, f64::MAX, f64::MIN_POSITIVE, 0.1]),
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
    ]
}

/// Generated values that a document takes one after the other.
struct Pool {
    texts: std::iter::Cycle<std::vec::IntoIter<String>>,
    times: std::iter::Cycle<std::vec::IntoIter<Time>>,
    numbers: std::iter::Cycle<std::vec::IntoIter<u64>>,
    floats: std::iter::Cycle<std::vec::IntoIter<f64>>,
}

impl Pool {
    fn text(&mut self) -> Text {
        self.string().into()
    }

    fn string(&mut self) -> String {
        self.texts.next().unwrap_or_default()
    }

    /// `None` if the next number is a multiple of 4.
    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (!self.number().is_multiple_of(4)).then(|| make(self))
    }

    fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.number() % 3).map(|_| make(self)).collect()
    }

    fn time(&mut self) -> Time {
        self.times.next().unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        self.numbers.next().unwrap_or_default()
    }

    fn float(&mut self) -> f64 {
        self.floats.next().unwrap_or_default()
    }

    fn small<T: TryFrom<u64>>(&mut self, below: u64) -> Option<T> {
        let number = self.number() % below;
        self.maybe(|_| number).and_then(|n| n.try_into().ok())
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.number() % all.len() as u64) as usize]
    }
}

/// Any document, even one that no lines could make.
pub fn transaction() -> impl Strategy<Value = Transaction> {
    (vec(text(), 1..12), vec(time(), 1..10), vec(number(), 1..40), vec(float(), 1..10)).prop_map(|pool| {
        let (texts, times, numbers, floats) = pool;
        made(&mut Pool {
            texts: texts.into_iter().cycle(),
            times: times.into_iter().cycle(),
            numbers: numbers.into_iter().cycle(),
            floats: floats.into_iter().cycle(),
        })
    })
}

fn made(p: &mut Pool) -> Transaction {
    use {Kind as K, RecipientStatus as R, Status as S};
    Transaction {
        timestamp: p.time(),
        event: EventInfo {
            start: p.time(),
            end: p.time(),
            duration: p.number(),
            kind: EVENT_KIND,
            category: [EVENT_CATEGORY],
            dataset: DATASET,
            outcome: p.pick(&[Outcome::Success, Outcome::Failure, Outcome::Unknown]),
        },
        ecs: Ecs { version: ECS_VERSION },
        host: Host { name: p.text() },
        service: Service { kind: p.text(), name: p.text() },
        email: Email {
            local_id: p.maybe(Pool::text),
            message_id: p.maybe(Pool::text),
            from: Address { address: p.maybe(Pool::text) },
            to: Addresses { address: p.some(Pool::text) },
        },
        source: Source { ip: p.maybe(Pool::text), domain: p.maybe(Pool::text), port: p.small(65_536) },
        user: User { name: p.maybe(Pool::text) },
        tls: tls(p),
        related: Related { ip: p.some(Pool::text), hosts: p.some(Pool::text), user: p.some(Pool::text) },
        mail: Mail {
            id: p.string(),
            kind: p.pick(&[K::Message, K::Reject, K::Session, K::Filter]),
            origin: p.pick(&[Origin::Smtp, Origin::Local, Origin::Internal, Origin::Unknown]),
            status: p.pick(&[S::Queued, S::Deferred, S::Delivered, S::Partial, S::Discarded, S::Unknown]),
            complete: p.number().is_multiple_of(2),
            gap: p.number().is_multiple_of(2),
            arrival: p.maybe(Pool::time),
            size: p.maybe(Pool::number),
            nrcpt: p.maybe(Pool::number),
            attempts: p.number(),
            part: p.small(1 << 32).unwrap_or(0),
            parts: p.small(1 << 32).unwrap_or(u32::MAX),
            helo: p.maybe(Pool::text),
            protocol: p.maybe(Pool::text),
            auth: Auth { method: p.maybe(Pool::text) },
            recipients: p.some(|p| recipient(p, &[R::Sent, R::Deferred, R::Expanded, R::Filtered, R::Unknown])),
            links: p.some(|p| Link {
                rel: p.pick(&[Rel::Next, Rel::Previous, Rel::Bounce, Rel::Parent, Rel::Child]),
                queue_id: p.maybe(Pool::text),
                host: p.maybe(Pool::text),
                message_id: p.maybe(Pool::text),
            }),
            rejects: p.some(remark),
            warnings: p.some(remark),
            filters: p.some(|p| Verdict {
                name: p.text(),
                verdict: p.text(),
                score: p.maybe(Pool::float),
                detail: p.maybe(Pool::text),
                recipients: p.some(Pool::text),
            }),
            lines: p.some(|p| Evidence {
                id: LineId(u128::from(p.number()) << 64 | u128::from(p.number())),
                time: p.time(),
                program: p.string().into(),
                pid: p.small(1 << 32),
                text: p.string().into(),
                context: p.number().is_multiple_of(2),
            }),
            brief: p.some(|p| Brief {
                program: p.string().into(),
                text: p.string().into(),
                stamps: p.some(|p| (LineId(u128::from(p.number()) << 64 | u128::from(p.number())), p.time())),
            }),
            omitted: Omitted { lines: p.number(), attempts: p.number(), related: p.number(), ..Omitted::default() },
            journey: p.string(),
            schema: p.small(1 << 32).unwrap_or(1),
        },
    }
}

fn tls(p: &mut Pool) -> Tls {
    Tls { version: p.maybe(Pool::text), version_protocol: p.maybe(Pool::text), cipher: p.maybe(Pool::text) }
}

fn remark(p: &mut Pool) -> Remark {
    Remark {
        stage: p.maybe(Pool::text),
        code: p.small(65_536),
        dsn: p.maybe(Pool::text),
        text: p.text(),
        recipient: p.maybe(Pool::text),
    }
}

fn recipient(p: &mut Pool, statuses: &[RecipientStatus]) -> Recipient {
    Recipient {
        address: p.text(),
        orig_to: p.maybe(Pool::text),
        status: p.pick(statuses),
        is_final: p.number().is_multiple_of(2),
        dsn: p.maybe(Pool::text),
        reply: p.maybe(Pool::text),
        relay: Relay {
            domain: p.maybe(Pool::text),
            ip: p.maybe(Pool::text),
            port: p.small(65_536),
            name: p.maybe(Pool::text),
        },
        transport: p.maybe(Pool::text),
        delay_s: p.maybe(Pool::float),
        delays_s: p.maybe(|p| DelaysS {
            before_qmgr: p.float(),
            in_qmgr: p.float(),
            conn_setup: p.float(),
            transmission: p.float(),
        }),
        queued_as: p.maybe(Pool::text),
        attempts: p.number(),
        first_attempt: p.maybe(Pool::time),
        last_attempt: p.maybe(Pool::time),
        tls: tls(p),
        history: p.some(|p| Attempt {
            time: p.time(),
            status: p.pick(statuses),
            dsn: p.maybe(Pool::text),
            relay: p.maybe(Pool::text),
            reply: p.maybe(Pool::text),
        }),
    }
}

proptest! {
    #[test]
    fn a_document_survives_being_written(transaction in transaction()) {
        survives(&transaction);
    }
}
