//! `Message forwarded from mx1: `, which relays on AIX and Solaris put before the lines of other hosts.

use super::Known;

pub fn read<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    let rest = text.strip_prefix("Message forwarded from ")?;
    let (host, rest) = rest.split_once(": ")?;
    known.host = Some(host);
    known.has_host = true;
    Some(rest)
}
