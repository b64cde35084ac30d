//! `check`: tests whether configuration, source and store work, and says what to change if they do not.

use super::{
    Context,
    open::{self, Source, State},
    output,
    run::LEDGER,
};
use crate::{
    check::Check,
    config::{self, JournalSource},
    error::{Error, Kind, Result},
    escape::visible,
    outcome::Outcome,
    source,
};

/// Prints one row for each check; an error if any of them failed.
pub async fn check(context: &Context) -> Result<Outcome> {
    let mut rows = vec![configuration(context)];
    let opened = State::open(&context.settings);
    rows.push(Check::of("state directory", opened.as_ref().map(state_directory)));
    if let Ok(state) = &opened {
        rows.push(Check::of(
            "ledger",
            state.ledger(LEDGER).map(|l| match l.and_then(|l| l.watermark) {
                Some(watermark) => format!("read up to {watermark}"),
                None => "none yet: the next run is the first".to_owned(),
            }),
        ));
        match open::store(&context.settings, state.access) {
            Ok(store) => rows.extend(store.check(context.now).await.into_iter().map(|c| named("store", c))),
            Err(error) => rows.push(Check::failed("store", &error)),
        }
    }
    match open::source(context, None) {
        Ok(Source::Counting(source)) => {
            rows.extend(source.check(context.now).await.into_iter().map(|c| named("source", c)));
        }
        Ok(Source::Positioned(source)) => {
            rows.extend(source.check(context.now).await.into_iter().map(|c| named("source", c)));
        }
        Err(error) => rows.push(Check::failed("source", &error)),
    }
    match &context.settings.source {
        config::Source::File(_) => rows.push(source::here::mail_log(&JournalSource::default())),
        config::Source::Journal(journal) => rows.push(source::here::mail_log(journal)),
        config::Source::Elasticsearch(_) | config::Source::Graylog(_) => {}
    }
    let failed = rows.iter().filter(|r| r.found.is_err()).count();
    for Check { what, found, doubtful } in &rows {
        let (mark, text) = match found {
            Ok(text) if *doubtful => ('!', text),
            Ok(text) => ('✔', text),
            Err(text) => ('✖', text),
        };
        output::write(&format!("{mark} {}: {}\n", visible(what), visible(text)))?;
    }
    match (failed, opened) {
        (0, _) => Ok(Outcome::Done),
        (_, Err(error)) => Err(error),
        (n, _) => Err(Error::new(Kind::Config, format!("{n} of {} checks failed", rows.len()))),
    }
}

fn configuration(context: &Context) -> Check {
    let found = match &context.settings.file {
        Some(file) => format!("`{}`", file.display()),
        None => "none: the local mail log, into SQLite".to_owned(),
    };
    Check::new("configuration", Ok(found))
}

fn state_directory(state: &State) -> String {
    let dir = state.dir().display();
    if state.dir().is_dir() { format!("`{dir}`") } else { format!("`{dir}` is not there yet: the first run makes it") }
}

fn named(end: &str, check: Check) -> Check {
    Check { what: format!("{end}: {}", check.what), ..check }
}
