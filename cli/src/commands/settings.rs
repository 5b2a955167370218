//! `mrrow settings`: what the numbers depend on besides the records.

use std::io::Write;
use std::sync::Arc;

use mrrow_engine::Engine;
use mrrow_engine::arrow::array::{RecordBatch, StringArray};
use mrrow_engine::arrow::datatypes::{DataType, Field, Schema};
use mrrow_engine::model::{SETTING_NAMES, Settings};

use crate::args::SettingsCommand;
use crate::exit::{Code, Failure};
use crate::output::Output;

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
        SettingsCommand::List(output) => {
            let rows = table(&engine.settings().await?)?;
            let mut output = Output::begin(output.format, rows.schema())?;
            output.write(&rows)?;
            output.finish()?;
        }
    }
    Ok(Code::Done)
}

fn table(settings: &Settings) -> Result<RecordBatch, Failure> {
    let mut values = Vec::with_capacity(SETTING_NAMES.len());
    for name in SETTING_NAMES {
        values.push(settings.get(name).map_err(|error| Failure::other(error.to_string()))?);
    }
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let schema = Arc::new(Schema::new(vec![text("name"), text("value")]));
    let names = StringArray::from(SETTING_NAMES.to_vec());
    RecordBatch::try_new(schema, vec![Arc::new(names), Arc::new(StringArray::from(values))])
        .map_err(|error| Failure::other(error.to_string()))
}
