//! The field names that common shippers give to the parts of a log line.
//!
//! In: a preset.  Out: [`Fields`].  If the versions of a shipper disagree, all
//! its names are given, separated by commas; names for the host that logged the line come before names for the
//! machine that relayed it.

use super::Fields;
use serde::Deserialize;

/// The shipper that wrote the documents of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The names of all presets, for users who do not know theirs or have several shippers in one index.
    Auto,
    /// Graylog's own indices (`graylog_*`), whose dates are not ISO 8601. Its Beats input puts the shipper's name
    /// before each field.
    Graylog,
    /// Elastic Common Schema: Filebeat and Elastic Agent. Their syslog and journald inputs keep the syslog name in
    /// `log.syslog.appname` or `syslog.identifier`, while `process.name` is `qmgr`.
    #[serde(alias = "filebeat", alias = "agent")]
    Ecs,
    /// Logstash's syslog input, with and without ECS, and the grok patterns of its manual. `host` is the sending
    /// machine in old versions and an object in new ones.
    Logstash,
    /// rsyslog's omelasticsearch, with the templates of its manual and of well-known articles.
    Rsyslog,
    /// syslog-ng's `elasticsearch-http()`.
    SyslogNg,
    /// Fluentd and Fluent Bit: syslog, tail and systemd.
    Fluent,
    /// Vector: syslog, file and journald.
    Vector,
    /// The OpenTelemetry collector: filelog, syslog and journald receivers.
    Otel,
    /// Wazuh's archives.
    Wazuh,
    /// CloudWatch Logs, streamed into OpenSearch.
    Cloudwatch,
}

/// Names for message, time, host, program and process id.
type Names = [&'static str; 5];

/// In `host`, names that only the line itself can have given come first, then those that may be of the line or of the
/// machine that read it, then those of the machine.
const AUTO: Names = [
    "message,MESSAGE,msg,full_log,body.text,@message,log,event.original,syslog_message,attributes.message,\
     attributes.MESSAGE,body.MESSAGE,body,rawmsg",
    "@timestamp,timestamp,timereported,time,isodate,ISODATE,timegenerated,date,ts",
    "log.syslog.hostname,predecoder.hostname,attributes.hostname,attributes._HOSTNAME,body._HOSTNAME,logsource,\
     syslog_hostname,sysloghost,_HOSTNAME,HOST,hostname,host.hostname,source,filebeat_log_syslog_hostname,host.name,host,\
     fromhost,resource.attributes.host.name,filebeat_host_name,beats_host_name,agent.name",
    "log.syslog.appname,syslog.identifier,application_name,program,PROGRAM,prog,process.program,syslog_program,\
     predecoder.program_name,attributes.appname,attributes.SYSLOG_IDENTIFIER,body.SYSLOG_IDENTIFIER,SYSLOG_IDENTIFIER,\
     appname,app-name,app_name,ident,filebeat_log_syslog_appname,filebeat_syslog_identifier,\
     journalbeat_syslog_identifier,programname,syslogtag,tag,process.name,filebeat_process_name",
    "log.syslog.procid,syslog.pid,process_id,pid,PID,procid,syslog_pid,attributes.proc_id,attributes._PID,body._PID,\
     SYSLOG_PID,_PID,proc_id,process.pid,filebeat_log_syslog_procid,filebeat_syslog_pid,filebeat_process_pid,journald.pid",
];

impl Preset {
    /// The names of the preset.
    pub fn fields(self) -> Fields {
        self.with(match self {
            Self::Auto => AUTO,
            Self::Graylog => [
                "message",
                "timestamp",
                "source",
                "application_name,filebeat_log_syslog_appname,filebeat_syslog_identifier,journalbeat_syslog_identifier,\
                 filebeat_process_name",
                "process_id,filebeat_log_syslog_procid,filebeat_syslog_pid,filebeat_process_pid",
            ],
            Self::Ecs => [
                "message,event.original",
                "@timestamp",
                "log.syslog.hostname,hostname,host.hostname,host.name",
                "log.syslog.appname,syslog.identifier,process.program,process.name",
                "log.syslog.procid,syslog.pid,process.pid",
            ],
            Self::Logstash => [
                "message,event.original,syslog_message",
                "@timestamp",
                "logsource,syslog_hostname,log.syslog.hostname,hostname,host.hostname,host.name,host",
                "program,syslog_program,log.syslog.appname,process.name",
                "pid,syslog_pid,log.syslog.procid,process.pid",
            ],
            Self::Rsyslog => [
                "message,msg,rawmsg",
                "@timestamp,timereported,timestamp,timegenerated",
                "host,hostname,sysloghost,fromhost",
                "programname,syslogtag,app-name,tag",
                "procid,pid",
            ],
            Self::SyslogNg => {
                ["MESSAGE,message", "@timestamp,ISODATE,isodate,DATE", "HOST,host", "PROGRAM,program", "PID,pid"]
            }
            Self::Fluent => [
                "message,MESSAGE,log,msg",
                "@timestamp,time,timestamp",
                "hostname,_HOSTNAME,host,HOST",
                "ident,SYSLOG_IDENTIFIER,appname,program",
                "pid,SYSLOG_PID,_PID,procid",
            ],
            Self::Vector => [
                "message",
                "@timestamp,timestamp",
                "hostname,host",
                "appname,SYSLOG_IDENTIFIER",
                "procid,SYSLOG_PID,_PID",
            ],
            Self::Otel => [
                "body.text,body.MESSAGE,attributes.message,attributes.MESSAGE,body,message",
                "@timestamp,observed_timestamp",
                "attributes.hostname,attributes._HOSTNAME,body._HOSTNAME,host.hostname,resource.attributes.host.name,\
                 host.name",
                "attributes.appname,attributes.SYSLOG_IDENTIFIER,body.SYSLOG_IDENTIFIER",
                "attributes.proc_id,attributes._PID,body._PID",
            ],
            Self::Wazuh => [
                "full_log",
                "@timestamp,timestamp",
                "predecoder.hostname,agent.name",
                "predecoder.program_name",
                "process.pid",
            ],
            Self::Cloudwatch => ["@message,message", "@timestamp,timestamp", "@host,host,hostname", "program", "pid"],
        })
    }

    /// The shorter lists of names that the presets began with. They identify a source in the ledger: a longer list
    /// must not turn it into another source, to be read from the beginning. Graylog is asked for these names only,
    /// because its queries may not be long.
    pub fn first_names(self) -> Fields {
        match self {
            Self::Auto | Self::Graylog => {
                Self::Graylog.with(["message", "timestamp", "source", "application_name", "process_id"])
            }
            Self::Ecs => self.with([
                "message",
                "@timestamp",
                "host.hostname,log.syslog.hostname,host.name",
                "process.name,log.syslog.appname",
                "process.pid,log.syslog.procid",
            ]),
            Self::Logstash => self.with([
                "message",
                "@timestamp",
                "logsource,hostname,host.hostname,host.name,host",
                "program,process.name",
                "pid,process.pid",
            ]),
            Self::Rsyslog => {
                self.with(["message", "@timestamp", "host,hostname,fromhost", "programname,syslogtag", "procid"])
            }
            later => later.fields(),
        }
    }

    fn with(self, names: Names) -> Fields {
        let [message, time, host, program, pid] = names.map(String::from);
        let graylog = matches!(self, Self::Graylog | Self::Auto);
        Fields {
            message,
            time,
            host,
            program,
            pid,
            // Used only if the index has it.
            tie_break: graylog.then(|| "gl2_message_id".into()),
            time_format: (self == Self::Graylog).then(|| "uuuu-MM-dd HH:mm:ss.SSS".into()),
        }
    }
}

/// The fields that identify a source with these names, see [`Preset::first_names`].
pub fn known_as(fields: &Fields) -> Fields {
    let mut known = fields.clone();
    for preset in [Preset::Auto, Preset::Graylog, Preset::Ecs, Preset::Logstash, Preset::Rsyslog] {
        let (now, first) = (preset.fields(), preset.first_names());
        let known_by = |known: &mut String, now: &String, first: &String| {
            if known == now {
                known.clone_from(first);
            }
        };
        if fields.time == now.time && fields.time_format == now.time_format {
            known.time_format = first.time_format;
        }
        known_by(&mut known.message, &now.message, &first.message);
        known_by(&mut known.time, &now.time, &first.time);
        known_by(&mut known.host, &now.host, &first.host);
        known_by(&mut known.program, &now.program, &first.program);
        known_by(&mut known.pid, &now.pid, &first.pid);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_lists_of_names_make_no_other_source() {
        assert_eq!(known_as(&Preset::Auto.fields()), Preset::Graylog.first_names());
        for preset in [Preset::Graylog, Preset::Ecs, Preset::Logstash, Preset::Rsyslog] {
            assert_eq!(known_as(&preset.fields()), preset.first_names());
        }
        let set = Fields { time: "logged_at".into(), time_format: None, ..Preset::Auto.fields() };
        let known = known_as(&set);
        assert_eq!((known.time.as_str(), known.time_format, known.host.as_str()), ("logged_at", None, "source"));
    }
}
