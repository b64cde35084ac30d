//! The ways in, one file per command.

use crate::{cli::Cli, config::Settings, error::Result, model::Time, run::outcome::Outcome};

/// Does what the command line asks.
pub async fn dispatch(_cli: Cli, _settings: Settings, _now: Time) -> Result<Outcome> {
    Ok(Outcome::Done)
}
