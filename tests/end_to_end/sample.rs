//! Nine lines of one message, from a file, through the program.

use crate::{common::Workspace, setup::Setup};
use mailstitch::model::Time;
use serde_json::Value;

const LINES: &str = "\
Nov  8 11:02:12 myserver postfix/smtpd[31097]: connect from localhost[127.0.0.1]
Nov  8 11:02:12 myserver postfix/smtpd[31097]: 3A9C96093D: client=localhost[127.0.0.1]
Nov  8 11:02:12 myserver postfix/cleanup[31124]: 3A9C96093D: message-id=<20201108100212.3A9C96093D@myserver.localdomain>
Nov  8 11:02:12 myserver postfix/smtpd[31097]: disconnect from localhost[127.0.0.1]
Nov  8 11:02:12 myserver postfix/qmgr[2638]: 3A9C96093D: from=<sender@domain.com>, size=5493, nrcpt=2 (queue active)
Nov  8 11:02:42 myserver postfix/smtp[31126]: connect to myrelay.domain.com[198.51.100.12]:587: Connection timed out
Nov  8 11:02:42 myserver postfix/smtp[31126]: 3A9C96093D: to=<recipient1@domain.com>, relay=myrelay.domain.com[198.51.100.12]:587, delay=31, delays=0.01/0/30/0.24, dsn=2.0.0, status=sent (250 Ok)
Nov  8 11:02:42 myserver postfix/smtp[31126]: 3A9C96093D: to=<recipient2@domain.com>, relay=myrelay.domain.com[198.51.100.12]:587, delay=31, delays=0.01/0/30/0.24, dsn=2.0.0, status=sent (250 Ok)
Nov  8 11:02:42 myserver postfix/qmgr[2638]: 3A9C96093D: removed
";

#[test]
fn nine_lines_are_one_transaction() {
    let place = Workspace::new();
    let log = place.write("mail.log", LINES);
    let setup = Setup::new("[source.file]\npaths = [\"none.log\"]\nyear = 2020", &crate::setup::sqlite(), "1s");
    let now = Time::parse_rfc3339("2020-11-09T00:00:00Z").expect("a time");
    setup.succeed(now, &["backfill", &log.to_string_lossy()]);
    let export = setup.export(now);
    assert_eq!(export.len(), 1, "{export:#?}");
    let found: Value = serde_json::from_str(&export[0]).expect("a document");
    let mail = &found["mail"];
    assert_eq!(found["email"]["local_id"], "3A9C96093D");
    assert_eq!(found["email"]["from"]["address"], "sender@domain.com");
    assert_eq!((&found["source"]["domain"], &found["source"]["ip"]), (&"localhost".into(), &"127.0.0.1".into()));
    assert_eq!((&mail["size"], &mail["nrcpt"], &mail["complete"]), (&5493.into(), &2.into(), &true.into()));
    assert_eq!(mail["status"], "delivered");
    let recipients = mail["recipients"].as_array().expect("recipients");
    assert_eq!(recipients.len(), 2);
    for (recipient, address) in recipients.iter().zip(["recipient1@domain.com", "recipient2@domain.com"]) {
        assert_eq!(recipient["address"], address);
        assert_eq!(recipient["status"], "sent");
        assert_eq!(recipient["delay_s"].as_f64(), Some(31.0), "{recipient}");
        let relay = recipient["relay"].to_string();
        assert!(relay.contains("myrelay.domain.com") && relay.contains("198.51.100.12"), "{relay}");
        assert!(relay.contains("587"), "{relay}");
    }
    assert!(export[0].contains("Connection timed out"), "{}", export[0]);
}
