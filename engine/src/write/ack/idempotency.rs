//! Requests that name a key are carried out once: a repetition gets the answer that the first got.
//!
//! What is remembered is what was stored. A request that was refused, as a whole or because the
//! engine was too busy, leaves no trace, so that it can be sent again under its key once it is
//! corrected.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::catalog::RememberedAnswer;
use crate::error::{Error, Result};
use crate::write::push::Pushed;

/// The name that a sender gives a request, so that it can be repeated without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Whose keys these are; a key is known inside its scope only.
    pub scope: String,
    /// The sender's name for the request.
    pub key: String,
    /// Of all that the request says; under its key nothing else can be sent.
    pub fingerprint: [u8; 32],
}

/// The answers that are known to the requests of a group, as scope and key.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<(String, String), RememberedAnswer>);

/// An answer as it is kept: what is not shown of its rows, too.
#[derive(Serialize, Deserialize)]
struct Kept {
    pushed: Pushed,
    lines: Vec<Option<u64>>,
    snapshot: i64,
}

impl Answers {
    pub(super) fn new(remembered: Vec<RememberedAnswer>) -> Answers {
        let mut answers = Answers::default();
        remembered.into_iter().for_each(|answer| answers.add(answer));
        answers
    }

    pub(super) fn add(&mut self, answer: RememberedAnswer) {
        self.0.insert((answer.scope.clone(), answer.key.clone()), answer);
    }

    /// The answer that this request had; none when it is new.
    pub(super) fn find(&self, key: &IdempotencyKey) -> Result<Option<Pushed>> {
        let Some(answer) = self.0.get(&(key.scope.clone(), key.key.clone())) else {
            return Ok(None);
        };
        if answer.fingerprint != key.fingerprint {
            return Err(Error::IdempotencyConflict { key: key.key.clone() });
        }
        let kept: Kept = serde_json::from_str(&answer.answer).map_err(|error| {
            Error::Internal(format!("read the answer to \"{}\": {error}", key.key))
        })?;
        let mut pushed = Pushed { replayed: true, snapshot: kept.snapshot, ..kept.pushed };
        pushed.result.iter_mut().zip(kept.lines).for_each(|(row, line)| row.line = line);
        Ok(Some(pushed))
    }
}

/// What is to be remembered of a stored request.
pub(super) fn remember(key: IdempotencyKey, pushed: &Pushed) -> Result<RememberedAnswer> {
    let lines = pushed.result.iter().map(|row| row.line).collect();
    let answer =
        serde_json::to_string(&Kept { pushed: pushed.clone(), lines, snapshot: pushed.snapshot })
            .map_err(|error| {
            Error::Internal(format!("write the answer to \"{}\": {error}", key.key))
        })?;
    Ok(RememberedAnswer { scope: key.scope, key: key.key, fingerprint: key.fingerprint, answer })
}
