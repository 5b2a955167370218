//! `mrrow settings`: the settings that the numbers depend on.

use std::io::Write;

use mrrow_engine::Engine;
use mrrow_engine::model::{SETTING_NAMES, Settings};

use super::listing::{self, text};
use crate::args::SettingsCommand;
use crate::exit::{Code, Failure};
use crate::output::Format;

pub(super) async fn run(engine: &Engine, command: &SettingsCommand) -> Result<Code, Failure> {
    match command {
        SettingsCommand::Get { name } => {
            let value = engine
                .settings()
                .await?
                .get(name)
                .map_err(|error| Failure::usage(error.to_string()))?;
            writeln!(std::io::stdout(), "{value}")?;
        }
        SettingsCommand::Set { name, value } => engine.set_setting(name, value).await?,
        SettingsCommand::List(output) => list(&engine.settings().await?, output.format)?,
    }
    Ok(Code::Done)
}

fn list(settings: &Settings, format: Option<Format>) -> Result<(), Failure> {
    let mut rows = Vec::with_capacity(SETTING_NAMES.len());
    for name in SETTING_NAMES {
        let value = settings.get(name).map_err(|error| Failure::other(error.to_string()))?;
        rows.push((name, value));
    }
    listing::print(
        format,
        [
            ("name", text(&rows, |(name, _)| Some(name.to_string()))),
            ("value", text(&rows, |(_, value)| Some(value.clone()))),
        ],
    )
}
