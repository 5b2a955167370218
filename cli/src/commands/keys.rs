//! `mrrow keys`: the keys of the HTTP API.

use std::io::{Write, stderr, stdout};

use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use mrrow_engine::access::{ApiKey, NewKey};

use super::listing::{self, instant, text};
use crate::args::{CreateKeyArgs, KeysCommand};
use crate::exit::{Code, Failure};
use crate::output::Format;
use crate::random;

pub(super) async fn run(engine: &Engine, command: &KeysCommand) -> Result<Code, Failure> {
    match command {
        KeysCommand::Create(args) => create(engine, args).await?,
        KeysCommand::List(output) => list(&engine.keys().await?, engine.now(), output.format)?,
        KeysCommand::Revoke { key } => {
            let revoked = engine.revoke_key(key).await?.ok_or_else(|| {
                Failure::other(format!(
                    "there is no key \"{key}\"; \"mrrow keys list\" prints all keys"
                ))
            })?;
            writeln!(stderr(), "revoked {} \"{}\"", revoked.id, revoked.name)?;
        }
    }
    Ok(Code::Done)
}

async fn create(engine: &Engine, args: &CreateKeyArgs) -> Result<(), Failure> {
    let new = NewKey {
        name: args.name.clone(),
        role: args.role,
        data_sources: (!args.source.is_empty()).then(|| args.source.clone()),
        expires_at: args.expires.or(args.expires_in.map(|duration| engine.now() + duration)),
    };
    let (key, text) = engine.create_key(&new, random::bytes()?).await?;
    let mut out = stdout();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        // The catalog stores only a hash, so the key cannot be printed again.
        engine.revoke_key(&key.id).await?;
        return Err(Failure::other(format!(
            "print the key: {error}; the key is revoked, create another"
        )));
    }
    writeln!(stderr(), "created {}; store the key now, it is shown only once", key.id)?;
    Ok(())
}

fn list(keys: &[ApiKey], now: DateTime<Utc>, format: Option<Format>) -> Result<(), Failure> {
    listing::print(
        format,
        [
            ("id", text(keys, |key| Some(key.id.clone()))),
            ("name", text(keys, |key| Some(key.name.clone()))),
            ("role", text(keys, |key| Some(key.role.as_str().to_string()))),
            (
                "data_sources",
                text(keys, |key| key.data_sources.as_ref().map(|sources| sources.join(", "))),
            ),
            ("created_at", text(keys, |key| Some(instant(key.created_at)))),
            ("expires_at", text(keys, |key| key.expires_at.map(instant))),
            ("state", text(keys, |key| Some(state(key, now).to_string()))),
        ],
    )
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
