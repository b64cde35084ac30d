//! The fields of RFC 5424 from the program on, for templates that leave out priority and version: `2026-11-22T20:19:26Z mx1
//! postfix/smtpd 911 - - text`.

use crate::{
    frame::{Message, structured_data_end},
    program::{Family, family},
};

pub fn read(text: &str) -> Option<Message<'_>> {
    let (program, rest) = text.split_once(' ')?;
    let (pid, rest) = rest.split_once(' ')?;
    let (_message_id, rest) = rest.split_once(' ')?;
    let known = pid == "-" || pid.bytes().all(|b| b.is_ascii_digit());
    if !known || !super::tagged::is_name(program) || family(program) == Family::Foreign {
        return None;
    }
    let after = &rest[structured_data_end(rest)?..];
    let text = after.strip_prefix(' ')?.trim_start_matches(' ');
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Some(Message { stamp: None, host: None, program: Some(program), pid: pid.parse().ok(), text })
}
