//! Names of fields that replace those of a preset.

use super::OneOrMany;
use crate::config;
use serde::Deserialize;

/// `[source.elasticsearch.fields]`: each key replaces the names of the preset. Names may be dotted paths; several
/// names, as a list or separated by commas, are tried in turn.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Fields {
    /// The text, with or without the syslog header.
    pub message: Option<OneOrMany>,
    /// The time of the line. Of several names, the one that is a date in most documents is used for all.
    pub time: Option<OneOrMany>,
    /// The host that logged it.
    pub host: Option<OneOrMany>,
    /// The syslog name.
    pub program: Option<OneOrMany>,
    /// The process id.
    pub pid: Option<OneOrMany>,
    /// A field that is unique to each line, to sort by after the time; `""` for none.
    pub tie_break: Option<String>,
    /// Date format of the time field, if its mapping does not accept ISO 8601 (`uuuu-MM-dd HH:mm:ss.SSS`).
    pub time_format: Option<String>,
}

impl Fields {
    /// The preset's names, replaced by those that were set one by one.
    pub fn over(&self, preset: config::Fields) -> config::Fields {
        let or = |set: &Option<OneOrMany>, preset: String| set.as_ref().map_or(preset, OneOrMany::joined);
        let time_was_set = self.time.is_some();
        config::Fields {
            message: or(&self.message, preset.message),
            host: or(&self.host, preset.host),
            program: or(&self.program, preset.program),
            pid: or(&self.pid, preset.pid),
            // An empty text says that the index does not have the preset's field.
            tie_break: self.tie_break.clone().or(preset.tie_break).filter(|name| !name.is_empty()),
            // The preset's format belongs to the preset's time field only.
            time_format: self.time_format.clone().or(preset.time_format.filter(|_| !time_was_set)),
            time: or(&self.time, preset.time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset::Preset;

    #[test]
    fn graylog_keeps_dates_in_its_own_format() {
        let fields = Fields::default().over(Preset::Graylog.fields());
        assert_eq!(fields.time_format.as_deref(), Some("uuuu-MM-dd HH:mm:ss.SSS"));
        assert_eq!(fields.tie_break.as_deref(), Some("gl2_message_id"));
    }

    #[test]
    fn one_name_can_be_replaced() {
        let set = Fields { host: Some(OneOrMany::One("agent.name".into())), ..Fields::default() };
        let fields = set.over(Preset::Ecs.fields());
        assert_eq!((fields.host.as_str(), fields.time.as_str()), ("agent.name", "@timestamp"));
    }

    #[test]
    fn an_empty_tie_break_is_none() {
        let set = Fields { tie_break: Some(String::new()), ..Fields::default() };
        assert_eq!(set.over(Preset::Graylog.fields()).tie_break, None);
    }

    #[test]
    fn another_time_field_has_not_the_presets_format() {
        let set = Fields { time: Some(OneOrMany::One("logged_at".into())), ..Fields::default() };
        assert_eq!(set.over(Preset::Graylog.fields()).time_format, None);
    }
}
