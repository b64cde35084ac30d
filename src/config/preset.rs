//! The field names that the usual shippers give to the parts of a log line.
//!
//! In: a preset and the names set one by one.  Out: [`Fields`].  Where a shipper's versions disagree, all its names are
//! given, separated by commas, the one that is of the line itself before the one that is of the relaying machine.

use super::{Fields, raw};
use serde::Deserialize;

/// Who wrote the documents of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Graylog's own indices (`graylog_*`), whose dates are not ISO 8601.
    Graylog,
    /// Elastic Common Schema: filebeat, Elastic Agent. The syslog input keeps the name in `log.syslog.appname`.
    Ecs,
    /// Logstash's syslog input; `host` is the sending machine in old versions and an object in new ones.
    Logstash,
    /// rsyslog's omelasticsearch with the templates of its manual.
    Rsyslog,
}

impl Preset {
    /// The names of the preset.
    pub fn fields(self) -> Fields {
        let [message, time, host, program, pid] = match self {
            Self::Graylog => ["message", "timestamp", "source", "application_name", "process_id"],
            Self::Ecs => [
                "message",
                "@timestamp",
                "host.hostname,log.syslog.hostname,host.name",
                "process.name,log.syslog.appname",
                "process.pid,log.syslog.procid",
            ],
            Self::Logstash => [
                "message",
                "@timestamp",
                "logsource,hostname,host.hostname,host.name,host",
                "program,process.name",
                "pid,process.pid",
            ],
            Self::Rsyslog => ["message", "@timestamp", "host,hostname,fromhost", "programname,syslogtag", "procid"],
        }
        .map(String::from);
        let graylog = self == Self::Graylog;
        Fields {
            message,
            time,
            host,
            program,
            pid,
            tie_break: graylog.then(|| "gl2_message_id".into()),
            time_format: graylog.then(|| "uuuu-MM-dd HH:mm:ss.SSS".into()),
        }
    }
}

/// The preset's names with those that were set one by one in their place.
pub(super) fn fields(preset: Preset, set: &raw::Fields) -> Fields {
    let preset = preset.fields();
    let or = |set: &Option<String>, preset: String| set.clone().unwrap_or(preset);
    let time_was_set = set.time.is_some();
    Fields {
        message: or(&set.message, preset.message),
        host: or(&set.host, preset.host),
        program: or(&set.program, preset.program),
        pid: or(&set.pid, preset.pid),
        // An empty text is the only way to say that the preset's field is not there.
        tie_break: set.tie_break.clone().or(preset.tie_break).filter(|name| !name.is_empty()),
        // The preset's format is that of the preset's time field, not of another one.
        time_format: set.time_format.clone().or(preset.time_format.filter(|_| !time_was_set)),
        time: or(&set.time, preset.time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graylog_keeps_dates_in_its_own_format() {
        let fields = fields(Preset::Graylog, &raw::Fields::default());
        assert_eq!(fields.time_format.as_deref(), Some("uuuu-MM-dd HH:mm:ss.SSS"));
        assert_eq!(fields.tie_break.as_deref(), Some("gl2_message_id"));
    }

    #[test]
    fn one_name_can_be_replaced() {
        let set = raw::Fields { host: Some("agent.name".into()), ..raw::Fields::default() };
        let fields = fields(Preset::Ecs, &set);
        assert_eq!((fields.host.as_str(), fields.time.as_str()), ("agent.name", "@timestamp"));
    }

    #[test]
    fn an_empty_tie_break_is_none() {
        let set = raw::Fields { tie_break: Some(String::new()), ..raw::Fields::default() };
        assert_eq!(fields(Preset::Graylog, &set).tie_break, None);
    }

    #[test]
    fn another_time_field_has_not_the_presets_format() {
        let set = raw::Fields { time: Some("logged_at".into()), ..raw::Fields::default() };
        assert_eq!(fields(Preset::Graylog, &set).time_format, None);
    }
}
