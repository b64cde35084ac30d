//! Documents of an index, as each of the usual shippers names its fields.
#![no_main]

use mailstitch::{config::preset::Preset, model::Intake, source::elasticsearch::document};

libfuzzer_sys::fuzz_target!(|source: &str| {
    for preset in [Preset::Graylog, Preset::Ecs, Preset::Logstash, Preset::Rsyslog] {
        match document::line(source, &preset.fields(), &mut Intake::default()) {
            Ok(line) => mailstitch::laws::text(&line.program, &line.text),
            Err(noise) => assert!(noise.text.len() <= source.len() * 4),
        }
    }
});
