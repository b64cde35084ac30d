//! One line of each daemon, template and runtime, and its parts. `?` stands for the year; a time without `Z` is a wall clock.

mod lines;
mod pieces;

use super::super::tests::check;
use super::*;

const TEXT: &str = "3F2A41C0E7: removed";

/// Checks a header before a line of `postfix/qmgr`, process 12.
#[track_caller]
fn mail(header: &str, stamp: &str, host: &str) {
    let pid = if header.contains("12") { "12" } else { "-" };
    check(&format!("{header} {TEXT}"), &format!("{stamp} | {host} postfix/qmgr {pid} {TEXT}"));
}

const CLOCK: &str = "?-11-22 20:19:26";
const DATED: &str = "2026-11-22 20:19:26";
const EXACT: &str = "2026-11-22T20:19:26.000Z";

#[test]
fn daemons_write_the_level_before_the_program() {
    mail("Nov 22 20:19:26 mx1 mail.info postfix/qmgr[12]:", CLOCK, "mx1"); // BusyBox
    mail("Nov 22 20:19:26 (none) mail.info postfix/qmgr[12]:", CLOCK, "-"); // BusyBox without a name
    mail("Nov 22 20:19:26 mail.info postfix/qmgr[12]:", CLOCK, "-");
    mail("Nov 22 20:19:26 mx1 mail:info postfix/qmgr[12]:", CLOCK, "mx1"); // AIX
    mail("Nov 22 20:19:26 mx1 mail|info postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:26 <mail.info> mx1 postfix/qmgr[12]:", CLOCK, "mx1"); // FreeBSD -vv
    mail("Nov 22 20:19:26 <2.6> mx1 postfix/qmgr[12]:", CLOCK, "mx1"); // FreeBSD -v
    mail("Nov 22 20:19:26 mx1 [mail.info] postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:26 mx1 mail info postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:26 mail mail info postfix/qmgr[12]:", CLOCK, "mail");
    mail("Nov 22 20:19:26 mx1 INFO postfix/qmgr[12]:", CLOCK, "mx1");
    mail("2026-11-22T20:19:26+00:00 mail.info mx1.example.org postfix/qmgr[12]:", EXACT, "mx1.example.org");
    mail("<22>Nov 22 20:19:26 mx1 mail.info postfix/qmgr[12]:", CLOCK, "mx1");
    mail("<mail.info>Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
}

#[test]
fn daemons_write_other_stamps() {
    mail("Sun Nov 22 20:19:26 2026 mail.info postfix/qmgr[12]:", DATED, "-"); // OpenWrt
    mail("Sun Nov 22 20:19:26 2026 [1795378766.000] mail.info postfix/qmgr[12]:", EXACT, "-"); // OpenWrt, logread -t
    mail("2026 Nov 22 20:19:26 mx1 postfix/qmgr[12]:", DATED, "mx1"); // syslog-ng, full dates
    mail("Nov 22 20:19:26 2026 mx1 postfix/qmgr[12]:", DATED, "mx1");
    mail("Nov 22 20:19:26 2026 postfix/qmgr[12]:", DATED, "-");
    mail("Nov 22 20:19:26 CET mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("2026/11/22 20:19:26 mx1 postfix/qmgr[12]:", DATED, "mx1");
    mail("nov. 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("22 Nov 2026 20:19:26 mx1 postfix/qmgr[12]:", DATED, "mx1");
    mail("   Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("\tNov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("1795378766 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // rsyslog, date-unixtimestamp
}

#[test]
fn supervisors_put_their_stamp_before_that_of_the_line() {
    mail("@400000006b034e5800000000 mail.info: Nov 22 20:19:26 postfix/qmgr[12]:", EXACT, "-"); // socklog and svlogd -t
    mail("2026-11-22_20:19:26.00000 mail.info: Nov 22 20:19:26 postfix/qmgr[12]:", EXACT, "-"); // svlogd -tt
    mail("2026-11-22T20:19:26.00000 mail.info: Nov 22 20:19:26 postfix/qmgr[12]:", DATED, "-"); // svlogd -ttt
    mail("2026-11-22_20:19:26.00000 192.0.2.7: mail.info: Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("2026-11-22_20:19:26.00000 192.0.2.7: mail.info: Nov 22 20:19:26 postfix/qmgr[12]:", EXACT, "192.0.2.7");
    mail("mail.info: Nov 22 20:19:26 postfix/qmgr[12]:", CLOCK, "-");
    mail("@400000006b034e5800000000 Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // multilog, s6-log
}

#[test]
fn metalog_puts_the_program_into_brackets() {
    mail("Nov 22 20:19:26 [postfix/qmgr]", CLOCK, "-");
    mail("Nov 22 20:19:26 mx1 [postfix/qmgr]", CLOCK, "mx1");
    mail("Nov 22 20:19:26 [postfix/qmgr] [12]", CLOCK, "-");
}

#[test]
fn collectors_of_windows_divide_by_tabs_and_commas() {
    mail("2026-11-22\t20:19:26\tMail.Info\t192.0.2.7\tpostfix/qmgr[12]:", DATED, "192.0.2.7"); // Kiwi
    mail("2026-11-22 20:19:26\tMail.Info\t192.0.2.7\tNov 22 20:19:26 mx1 postfix/qmgr[12]:", DATED, "mx1");
    mail("2026-11-22 20:19:26\tMail.Info\tmx1.example.org\tpostfix/qmgr[12]:", DATED, "mx1.example.org");
    mail("2026-11-22,20:19:26,2026-11-22,20:19:26,192.0.2.7,2,6,postfix/qmgr[12]:", DATED, "192.0.2.7"); // WinSyslog
}

#[test]
fn a_relay_puts_its_header_before_that_of_the_server() {
    mail("Nov 22 20:19:27 relay Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:27 relay 2026-11-22T21:19:26+01:00 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("Nov 22 20:19:27 relay <22>Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:27 relay <22>1 2026-11-22T20:19:26Z mx1 postfix/qmgr 12 - -", EXACT, "mx1");
    mail("Nov 22 20:19:27 relay 1 2026-11-22T20:19:26Z mx1 postfix/qmgr 12 - -", EXACT, "mx1");
    mail("2026-11-22T20:19:27Z relay Nov 22 21:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("<22>1 2026-11-22T20:19:27Z relay - - - - Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("<22>1 2026-11-22T20:19:27Z relay - - - - <22>Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("Nov 22 20:19:27 relay Nov 22 20:19:26 postfix/qmgr[12]:", CLOCK, "relay");
    mail("192.0.2.7 <22>Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("192.0.2.7 Nov 22 20:19:26 postfix/qmgr[12]:", CLOCK, "192.0.2.7");
    mail("Nov 22 20:19:26 mx1 mail:info Message forwarded from mx2: postfix/qmgr[12]:", CLOCK, "mx2"); // AIX
    mail("Nov 22 20:19:26 relay Message forwarded from mx2: postfix/qmgr[12]:", CLOCK, "mx2");
    mail("117 <22>Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
}

#[test]
fn templates_leave_out_the_priority_or_the_colon() {
    mail("1 2026-11-22T20:19:26Z mx1 postfix/qmgr 12 - -", EXACT, "mx1");
    mail("2026-11-22T20:19:26Z mx1 postfix/qmgr 12 - -", EXACT, "mx1");
    mail("2026-11-22T20:19:26Z mx1 postfix/qmgr 12 ID47 [a@1 b=\"c\"]", EXACT, "mx1");
    mail("Nov 22 20:19:26 mx1 postfix/qmgr 12", CLOCK, "mx1");
    mail("Nov 22 20:19:26 mx1 postfix/qmgr", CLOCK, "mx1");
    mail("2026-11-22 20:19:26 | mx1 | postfix/qmgr[12]:", DATED, "mx1");
    mail("Nov 22 20:19:26 - postfix/qmgr[12]:", CLOCK, "-");
}

#[test]
fn a_host_may_be_an_address_or_adorned() {
    mail("Nov 22 20:19:26 [192.0.2.7] postfix/qmgr[12]:", CLOCK, "192.0.2.7");
    mail("Nov 22 20:19:26 [2001:db8::7] postfix/qmgr[12]:", CLOCK, "2001:db8::7");
    mail("Nov 22 20:19:26 2001:db8::7 mail.info postfix/qmgr[12]:", CLOCK, "2001:db8::7");
    mail("Nov 22 20:19:26 s_net@mx1 mail.info postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:26 s_net@mx1/relay postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:26 mx1/relay mail.info postfix/qmgr[12]:", CLOCK, "mx1");
}

#[test]
fn containers_log_whole_lines() {
    mail("Nov 22 20:19:27 dock1 docker[99]: Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:27 dock1 docker[99]: 20261122 20:19:26 mx1 postfix/qmgr[12]:", "2026-11-22 20:19:26", "mx1");
    mail("Nov 22 20:19:27 dock1 docker[99]: 11月 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:27 dock1 docker/3f2a41c0e7ab[99]: Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:27 dock1 3f2a41c0e7ab[99]: <22>Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:26 dock1 mailserver[99]: postfix/qmgr[12]:", CLOCK, "dock1");
    mail("Nov 22 20:19:27 dock1 postfix[99]: Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("Nov 22 20:19:27 dock1 dovecot: Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("<30>1 2026-11-22T20:19:27Z dock1 mail 99 mail - Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("mail    | Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("mail-1  | 2026-11-22T20:19:26.000000000Z Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("mail-1  | 2026-11-22T20:19:26.000000000Z postfix/qmgr[12]:", EXACT, "mail-1");
    mail("mail.1.x7@node1    | Nov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("\u{1b}[36mmail-1  | \u{1b}[0mNov 22 20:19:26 mx1 postfix/qmgr[12]:", CLOCK, "mx1");
    mail("2026-11-22T20:19:26.000000000Z Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // docker logs -t
    mail("2026-11-22T20:19:26.000000000Z postfix/qmgr[12]:", EXACT, "-");
    mail("2026-11-22T20:19:26.123456789Z stdout F Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1");
    mail("2026-11-22T20:19:26.000000000Z stderr F postfix/qmgr[12]:", EXACT, "-");
    mail(
        "2026-11-22T20:19:26.000000000+01:00 stdout F:x Nov 22 20:19:26 mx1 postfix/qmgr[12]:",
        "2026-11-22T19:19:26.000Z",
        "mx1",
    );
    mail("[pod/mail-0/postfix] 2026-11-22T20:19:26.000000000Z postfix/qmgr[12]:", EXACT, "mail-0");
    mail("mail-0 postfix 2026-11-22T20:19:26.000000000Z Nov 22 20:19:26 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // stern
}

#[test]
fn journalctl_has_its_own_forms() {
    mail("Nov 22 20:19:26.000123 mx1 postfix/qmgr[12]:", CLOCK, "mx1"); // short-precise
    mail("2026-11-22T20:19:26+0000 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // short-iso
    mail("2026-11-22T21:19:26.000123+01:00 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // short-iso-precise
    mail("Sun 2026-11-22 21:19:26 CET mx1 postfix/qmgr[12]:", EXACT, "mx1"); // short-full
    mail("1795378766.000123 mx1 postfix/qmgr[12]:", EXACT, "mx1"); // short-unix
    mail("Sun 2026-11-22 21:19:26 CET postfix/qmgr[12]:", EXACT, "-"); // --no-hostname
    check(
        "Sun 2026-11-22 20:19:26 UTC mx1 postfix@-.service[12]: 3F2A41C0E7: removed",
        "2026-11-22T20:19:26.000Z | mx1 postfix 12 3F2A41C0E7: removed", // with-unit
    );
    check(
        "Sun 2026-11-22 20:19:26 UTC mx1 systemd[1]: postfix.service: Deactivated successfully.",
        "2026-11-22T20:19:26.000Z | mx1 systemd 1 postfix.service: Deactivated successfully.",
    );
}

#[test]
fn other_programs_stay_what_they_are() {
    check("Sun Nov 22 20:19:26 2026 authpriv.info dropbear[7]: bye", "2026-11-22 20:19:26 | - dropbear 7 bye");
    check("Nov 22 20:19:26 mx1 CRON[7]: (root) CMD (x)", "?-11-22 20:19:26 | mx1 CRON 7 (root) CMD (x)");
    check("Sun 2026-11-22 20:19:26 UTC mx1 CRON[7]: x", "2026-11-22T20:19:26.000Z | mx1 CRON 7 x");
    check("1795378766 mx1 news[7]: x", "2026-11-22T20:19:26.000Z | mx1 news 7 x");
    check("Nov 22 20:19:26 mx1 docker[7]: hello: world", "?-11-22 20:19:26 | mx1 docker 7 hello: world");
    check(
        "Nov 22 20:19:26 mx1 systemd[1]: postfix.service: Succeeded.",
        "?-11-22 20:19:26 | mx1 systemd 1 postfix.service: Succeeded.",
    );
}

#[test]
fn what_holds_no_time_or_only_a_piece_is_no_line() {
    for line in [
        "[   12.345678] mx1 postfix/qmgr[12]: 3F2A41C0E7: removed",
        "postfix/qmgr[12]: 3F2A41C0E7: removed",
        "mx1 postfix/qmgr[12]: 3F2A41C0E7: removed",
        "mail-1  | postfix/qmgr[12]: 3F2A41C0E7: removed",
        "2026-11-22T20:19:26.000000000Z stdout P Nov 22 20:19:26 mx1 postfix/qmgr[12]: 3F2A",
        "Sun 2026-11-22 20:19:26.123456 CET [s=1;i=2;b=3;m=4;t=5;x=6]",
        // The part that looks like a mail server's line would be lost.
        "<22>1 2026-11-22T20:19:26Z mx1 CRON 7 - [a@1 b=\"postfix/qmgr[12]: 3F2A\"] x",
    ] {
        check(line, "noise");
    }
}
