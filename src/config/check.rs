//! Checks typed settings and turns them into [`Settings`].
//!
//! In: [`Raw`] and the environment.  Out: [`Settings`], or the first key whose value cannot be used.

use super::{
    ElasticsearchSource, ElasticsearchStore, Environment, Fields, FileSource, GraylogSource, JournalSource, Settings,
    Source, Store, Window, connection,
    duration::Span,
    place::Fault,
    raw::{self, LocalParts, Raw, Subjects},
    secret::{self, Given},
    zone,
};
use crate::{
    model::Privacy,
    program::{Named, PROGRAMS},
};
use chrono_tz::Tz;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// `state_dir` is the directory to use if the configuration names none.
pub(super) fn settings(raw: Raw, state_dir: PathBuf, env: &Environment) -> Result<Settings, Fault> {
    let state_dir = raw.state_dir.unwrap_or(state_dir);
    let mut warnings = Vec::new();
    if let Some(empty) = raw.instances.iter().find(|i| i.is_empty() || i.contains('/')) {
        let fault = Fault::value("instances", format!("`{empty}` is not the first label of a syslog name"));
        return Err(fault.hint("write \"postfix-out\" for lines of `postfix-out/smtpd`"));
    }
    let window = window(&raw.window)?;
    let retention = raw.store.retention.map(|span| span.0);
    if retention.is_some_and(|r| r < window.horizon) {
        let why = format!("it is shorter than `horizon` in `[window]` ({})", raw.window.horizon);
        return Err(Fault::value("store.retention", why));
    }
    let bare_daemons = raw.programs.bare_daemons;
    let named = own_names(raw.programs)?;
    Ok(Settings {
        source: source(raw.source, &named, bare_daemons, env, &mut warnings)?,
        bare_daemons,
        store: store(raw.store, &state_dir, env, &mut warnings)?,
        host_aliases: aliases(raw.hosts)?,
        privacy: privacy(&raw.privacy, env, &mut warnings)?,
        group: raw.group,
        metrics_file: raw.metrics_file,
        instances: raw.instances,
        programs: named,
        state_dir,
        window,
        retention,
        file: None,
        warnings,
    })
}

/// Fewest characters of a key; a shorter one could be found by trying.
const KEY_LEAST: usize = 16;

fn privacy(typed: &raw::Privacy, env: &Environment, warnings: &mut Vec<String>) -> Result<Option<Arc<Privacy>>, Fault> {
    let raw::Privacy { local_parts, subjects, key, key_file } = typed;
    if key.is_some() && key_file.is_some() {
        return Err(Fault::value("privacy.key", "`key` and `key_file` exclude each other"));
    }
    let subjects = *subjects == Subjects::Drop;
    if *local_parts == LocalParts::Keep {
        return Ok(subjects.then(|| Arc::new(Privacy::new(None, subjects))));
    }
    let given = Given { typed: key.as_ref(), file: key_file.as_deref() };
    let Some(key) = secret::find("privacy.key", &given, env, warnings)? else {
        return Err(Fault::value("privacy.local_parts", "there is no key for the hash").hint(
            "set `key_file`, the systemd credential `privacy.key` or the variable `MAILSTITCH_PRIVACY_KEY`; \
             `openssl rand -hex 32` makes a key",
        ));
    };
    if key.0.chars().count() < KEY_LEAST {
        let why = format!("the key has fewer than {KEY_LEAST} characters");
        return Err(Fault::value("privacy.local_parts", why).hint("`openssl rand -hex 32` makes a key"));
    }
    Ok(Some(Arc::new(Privacy::new(Some(&key.0), subjects))))
}

fn aliases(hosts: raw::Hosts) -> Result<std::collections::HashMap<String, String>, Fault> {
    let lower = |(logged, name): (String, String)| {
        if logged.is_empty() || name.is_empty() {
            return Err(Fault::value("hosts.alias", "a host name is empty"));
        }
        Ok((logged.to_lowercase(), name.to_lowercase()))
    };
    hosts.alias.into_iter().map(lower).collect()
}

fn window(typed: &raw::Window) -> Result<Window, Fault> {
    let wrong = |key: &str, why: String| Err(Fault::value(format!("window.{key}"), why));
    let bucket = typed.bucket.0;
    // Buckets start at multiples of their length since the epoch, and the hourly count of the whole `horizon` adds
    // them up by the hour.
    if bucket.is_zero() || bucket.subsec_nanos() != 0 || 3600 % bucket.as_secs() != 0 {
        let fault = Fault::value("window.bucket", format!("{} does not divide an hour", typed.bucket));
        return Err(fault.hint("use \"1m\", \"5m\", \"15m\" or another whole part of an hour"));
    }
    for (key, span) in [("first", typed.first), ("lookback", typed.lookback)] {
        if span < typed.bucket {
            return wrong(key, format!("{span} is shorter than `bucket` ({})", typed.bucket));
        }
    }
    if typed.settle >= typed.lookback {
        return wrong("settle", format!("{} is not shorter than `lookback` ({})", typed.settle, typed.lookback));
    }
    if typed.horizon < typed.lookback {
        return wrong("horizon", format!("{} is shorter than `lookback` ({})", typed.horizon, typed.lookback));
    }
    if typed.session_lead > Span::seconds(24 * 3600) {
        return wrong("session_lead", format!("{} is longer than a day", typed.session_lead));
    }
    Ok(Window {
        bucket,
        first: typed.first.0,
        settle: typed.settle.0,
        lookback: typed.lookback.0,
        horizon: typed.horizon.0,
        session_lead: typed.session_lead.0,
    })
}

fn source(
    typed: raw::Source,
    named: &Named,
    bare_daemons: bool,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Source, Fault> {
    let raw::Source { file, elasticsearch, journal, graylog } = typed;
    let present = [
        ("file", file.is_some()),
        ("elasticsearch", elasticsearch.is_some()),
        ("journal", journal.is_some()),
        ("graylog", graylog.is_some()),
    ];
    one_of("source", &present)?;
    match (elasticsearch, journal, graylog) {
        (Some(table), ..) => elasticsearch_source(table, named, bare_daemons, env, warnings).map(Source::Elasticsearch),
        (_, Some(table), _) => journal_source(table, env).map(Source::Journal),
        (.., Some(table)) => graylog_source(table, named, bare_daemons, env, warnings).map(Source::Graylog),
        _ => file_source(file.unwrap_or_default(), env).map(Source::File),
    }
}

/// Refuses more than one table of a kind.
fn one_of(kind: &str, tables: &[(&str, bool)]) -> Result<(), Fault> {
    let present: Vec<&str> = tables.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
    let [first, second, ..] = present[..] else { return Ok(()) };
    let why = format!("there is another {kind} table, `[{kind}.{second}]`");
    Err(Fault::value(format!("[{kind}.{first}]"), why)
        .hint(format!("keep one of them: several {kind}s are several configurations, each with its own state_dir")))
}

fn file_source(typed: raw::FileSource, env: &Environment) -> Result<FileSource, Fault> {
    if typed.paths.is_empty() {
        return Err(Fault::value("source.file.paths", "the list is empty"));
    }
    for path in &typed.paths {
        if let Err(cause) = glob::Pattern::new(path) {
            return Err(Fault::value("source.file.paths", format!("`{path}` is not a pattern: {}", cause.msg)));
        }
    }
    if let Some(year) = typed.year.filter(|year| !(1970..=9999).contains(year)) {
        return Err(Fault::value("source.file.year", format!("{year} is not a year from 1970 to 9999")));
    }
    let timezone = timezone("source.file", &typed.timezone, env)?;
    Ok(FileSource { paths: typed.paths, timezone, year: typed.year })
}

fn journal_source(typed: raw::JournalSource, env: &Environment) -> Result<JournalSource, Fault> {
    const TABLE: &str = "source.journal";
    // Anything else could be an option of journalctl, or the path of a program.
    let is_match = |text: &str| {
        let field = text.split_once('=').map(|(field, _)| field);
        field.is_some_and(|f| {
            !f.is_empty() && f.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        })
    };
    if let Some(wrong) = typed.matches.iter().find(|text| *text != "+" && !is_match(text)) {
        let fault = Fault::value(format!("{TABLE}.matches"), format!("`{wrong}` is not a match of journalctl"));
        return Err(
            fault.hint("a match is `FIELD=value`, such as \"SYSLOG_FACILITY=2\"; `+` stands between alternatives")
        );
    }
    let timezone = timezone(TABLE, &typed.timezone, env)?;
    Ok(JournalSource { matches: typed.matches, directory: typed.directory, timezone })
}

fn timezone(table: &str, name: &str, env: &Environment) -> Result<Tz, Fault> {
    zone::named(name, env).ok_or_else(|| {
        Fault::value(format!("{table}.timezone"), format!("`{name}` is not a time zone"))
            .hint("use a name of the tz database, such as \"Europe/Berlin\", or \"local\"")
    })
}

/// The syslog names to ask for: those typed, by default all that mailstitch reads, and those of `[programs]`. An
/// empty list asks for every line.
fn programs(typed: Option<Vec<String>>, names: &Named) -> Vec<String> {
    let mut programs = typed.unwrap_or_else(|| PROGRAMS.iter().map(|name| (*name).to_owned()).collect());
    if !programs.is_empty() {
        programs.extend(names.all().cloned());
    }
    programs
}

/// Checks `[programs]`: the local syslog names of postfix and sendmail.
fn own_names(typed: raw::Programs) -> Result<Named, Fault> {
    let named = Named { postfix: typed.postfix, sendmail: typed.sendmail };
    let is_name = |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "[]:/".contains(c));
    for (key, names) in [("programs.postfix", &named.postfix), ("programs.sendmail", &named.sendmail)] {
        if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
            let fault = Fault::value(key, format!("`{wrong}` is not the first label of a syslog name"));
            return Err(fault.hint("write \"relay\" for lines of `relay[4711]:`"));
        }
    }
    match named.postfix.iter().find(|name| named.sendmail.contains(name)) {
        Some(both) => Err(Fault::value("programs.sendmail", format!("`{both}` is in `programs.postfix`, too"))),
        None => Ok(named),
    }
}

fn elasticsearch_source(
    typed: raw::ElasticsearchSource,
    names: &Named,
    bare_daemons: bool,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<ElasticsearchSource, Fault> {
    const TABLE: &str = "source.elasticsearch";
    let connection = connection::check(TABLE, typed.connection(), env, warnings)?;
    let index = typed.index.ok_or_else(|| connection::missing(TABLE, "index", "graylog_*"))?;
    // The name becomes part of a URL and must not lead to another path.
    if index.is_empty() || index.starts_with('_') || index.contains(|c: char| c.is_whitespace() || "/?#\\".contains(c))
    {
        return Err(Fault::value(format!("{TABLE}.index"), format!("`{index}` is not the name of an index")));
    }
    within(TABLE, "page_size", typed.page_size, 1, 10_000)?;
    if let Some(slices) = typed.slices {
        within(TABLE, "slices", slices, 1, 64)?;
    }
    // `*_deflector` is the alias of the index that Graylog writes to now. After the next rotation it means another
    // index, and the older lines seem lost.
    if let Some(alias) = index.split(',').find(|name| name.ends_with("_deflector")) {
        let why = format!("`{alias}` is only the index that Graylog writes to now");
        let all = format!("{}_*", alias.trim_end_matches("_deflector"));
        return Err(Fault::value(format!("{TABLE}.index"), why).hint(format!("use \"{all}\", all of its indices")));
    }
    let fields = typed.fields.over(typed.preset.fields());
    named(TABLE, &fields)?;
    Ok(ElasticsearchSource {
        connection,
        index,
        fields,
        programs: programs(typed.programs, names),
        bare_daemons,
        query: typed.query.filter(|query| !query.trim().is_empty()),
        page_size: typed.page_size,
        slices: typed.slices,
        timezone: timezone(TABLE, &typed.timezone, env)?,
    })
}

/// Refuses empty field names.
fn named(table: &str, fields: &Fields) -> Result<(), Fault> {
    for (key, names) in [
        ("message", &fields.message),
        ("time", &fields.time),
        ("host", &fields.host),
        ("program", &fields.program),
        ("pid", &fields.pid),
    ] {
        if names.split(',').any(|name| name.trim().is_empty()) {
            return Err(Fault::value(format!("{table}.fields.{key}"), format!("`{names}` is not the name of a field")));
        }
    }
    Ok(())
}

fn graylog_source(
    typed: raw::GraylogSource,
    names: &Named,
    bare_daemons: bool,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<GraylogSource, Fault> {
    const TABLE: &str = "source.graylog";
    let mut connection = connection::check(TABLE, typed.connection(), env, warnings)?;
    // A URL copied from Graylog's API browser ends in `/api`, with which every path of ours begins already.
    for url in &mut connection.urls {
        if let Some(bare) = url.strip_suffix("/api") {
            *url = bare.to_owned();
        }
    }
    if typed.streams.iter().any(|stream| stream.trim().is_empty()) {
        return Err(Fault::value(format!("{TABLE}.streams"), "the name of a stream is empty"));
    }
    let query = typed.query.filter(|query| !query.trim().is_empty());
    // A term with a leading wildcard makes the engine look at every term in the index; Graylog refuses it too.
    let leading = |term: &str| term.len() > 1 && term.starts_with(['*', '?']);
    if query.iter().flat_map(|query| query.split([' ', ':', '('])).any(leading) {
        let fault = Fault::value(format!("{TABLE}.query"), "a term begins with a wildcard, which Graylog refuses");
        return Err(fault.hint("begin the term with a letter, such as `source:mx*`"));
    }
    within(TABLE, "page_size", typed.page_size, 1, 10_000)?;
    within(TABLE, "parallel", typed.parallel, 1, 8)?;
    within(TABLE, "rate", typed.rate as usize, 1, 1000)?;
    let raw::GraylogFields { message, host, program, pid } = typed.fields;
    let set = raw::Fields {
        message,
        host,
        program,
        pid,
        time: Some(raw::OneOrMany::One("timestamp".into())),
        ..raw::Fields::default()
    };
    let fields = Fields { tie_break: None, ..set.over(typed.preset.first_names()) };
    named(TABLE, &fields)?;
    Ok(GraylogSource {
        connection,
        streams: typed.streams,
        fields,
        programs: programs(typed.programs, names),
        bare_daemons,
        query,
        page_size: typed.page_size,
        parallel: typed.parallel,
        rate: typed.rate,
        timezone: timezone(TABLE, &typed.timezone, env)?,
    })
}

fn store(typed: raw::Store, state_dir: &Path, env: &Environment, warnings: &mut Vec<String>) -> Result<Store, Fault> {
    one_of("store", &[("sqlite", typed.sqlite.is_some()), ("elasticsearch", typed.elasticsearch.is_some())])?;
    match (typed.sqlite, typed.elasticsearch) {
        (_, Some(table)) => elasticsearch_store(table, env, warnings).map(Store::Elasticsearch),
        (table, None) => {
            let path = table.unwrap_or_default().path;
            Ok(Store::Sqlite { path: path.unwrap_or_else(|| state_dir.join("transactions.sqlite")) })
        }
    }
}

fn elasticsearch_store(
    typed: raw::ElasticsearchStore,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<ElasticsearchStore, Fault> {
    const TABLE: &str = "store.elasticsearch";
    let connection = connection::check(TABLE, typed.connection(), env, warnings)?;
    // The engines' rules for index names; at most 200 of their 255 bytes, to leave room for the month.
    let index = typed.index;
    let allowed = |c: char| !c.is_uppercase() && !c.is_whitespace() && !c.is_control() && !"\\/*?\"<>|,#:%".contains(c);
    if index.is_empty() || index.len() > 200 || index.starts_with(['-', '_', '+', '.']) || !index.chars().all(allowed) {
        let fault = Fault::value(format!("{TABLE}.index"), format!("`{index}` is not the name of an alias"));
        return Err(fault.hint("use lower case letters, digits and `-`, such as \"mail-transactions\""));
    }
    within(TABLE, "shards", typed.shards as usize, 1, 1024)?;
    within(TABLE, "replicas", typed.replicas as usize, 0, 100)?;
    within(TABLE, "bulk_bytes", typed.bulk_bytes, 10_000, 100_000_000)?;
    Ok(ElasticsearchStore {
        connection,
        index,
        shards: typed.shards,
        replicas: typed.replicas,
        bulk_bytes: typed.bulk_bytes,
    })
}

fn within(table: &str, key: &str, value: usize, least: usize, most: usize) -> Result<(), Fault> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Fault::value(format!("{table}.{key}"), format!("{value} is not between {least} and {most}")))
}
