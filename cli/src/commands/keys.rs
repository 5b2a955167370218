//! `mrrow keys`: who may use the HTTP API.

use std::io::{Write, stderr, stdout};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use mrrow_engine::access::{ApiKey, NewKey};
use mrrow_engine::arrow::array::{ArrayRef, RecordBatch, StringArray};
use mrrow_engine::arrow::error::ArrowError;

use crate::args::{CreateKeyArgs, KeysCommand};
use crate::exit::{Code, Failure};
use crate::moment::shown;
use crate::output::Output;
use crate::random;

pub(super) async fn run(engine: &Engine, command: &KeysCommand) -> Result<Code, Failure> {
    match command {
        KeysCommand::Create(args) => create(engine, args).await?,
        KeysCommand::List(output) => {
            let rows = rows(&engine.keys().await?, engine.now())
                .map_err(|error| Failure::other(error.to_string()))?;
            let mut output = Output::begin(output.format, rows.schema())?;
            output.write(&rows)?;
            output.finish()?;
        }
        KeysCommand::Revoke { key } => {
            let revoked = engine.revoke_key(key).await?;
            let revoked = revoked.ok_or_else(|| {
                Failure::other(format!(
                    "there is no key \"{key}\"; \"mrrow keys list\" shows those there are"
                ))
            })?;
            writeln!(stderr(), "{} \"{}\" is revoked", revoked.id, revoked.name)?;
        }
    }
    Ok(Code::Done)
}

async fn create(engine: &Engine, args: &CreateKeyArgs) -> Result<(), Failure> {
    let new = NewKey {
        name: args.name.clone(),
        role: args.role,
        data_sources: (!args.source.is_empty()).then(|| args.source.clone()),
        expires_at: args.expires.or(args.expires_in.map(|span| engine.now() + span)),
    };
    let (key, text) = engine.create_key(&new, random::bytes()?).await?;
    let mut out = stdout();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Nobody has it, and nobody can ask for it again.
        engine.revoke_key(&key.id).await?;
        return Err(Failure::other(format!("print the key: {error}; it is revoked, make another")));
    }
    writeln!(stderr(), "this is {}; keep it now, it is shown this once", key.id)?;
    Ok(())
}

fn rows(keys: &[ApiKey], now: DateTime<Utc>) -> Result<RecordBatch, ArrowError> {
    let text = |value: &dyn Fn(&ApiKey) -> Option<String>| -> ArrayRef {
        Arc::new(keys.iter().map(value).collect::<StringArray>())
    };
    RecordBatch::try_from_iter([
        ("id", text(&|key| Some(key.id.clone()))),
        ("name", text(&|key| Some(key.name.clone()))),
        ("role", text(&|key| Some(key.role.as_str().to_string()))),
        ("data_sources", text(&|key| key.data_sources.as_ref().map(|sources| sources.join(", ")))),
        ("created_at", text(&|key| Some(shown(key.created_at)))),
        ("expires_at", text(&|key| key.expires_at.map(shown))),
        ("state", text(&|key| Some(state(key, now).to_string()))),
    ])
}

fn state(key: &ApiKey, now: DateTime<Utc>) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_valid_at(now) {
        "valid"
    } else {
        "expired"
    }
}
