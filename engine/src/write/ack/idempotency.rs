//! A request with an idempotency key is carried out once: a repetition gets the stored response.
//!
//! Only responses to stored requests are remembered. A refused request leaves no trace: it can be
//! corrected and sent again under its key.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::catalog::RememberedAnswer;
use crate::error::{Error, Result};
use crate::write::ack::answer::PushResult;
use crate::write::ack::options::IdempotencyKey;

/// The remembered responses to the requests of a group, by scope and key.
#[derive(Debug, Default)]
pub(super) struct RememberedAnswers(HashMap<(String, String), RememberedAnswer>);

/// A response as it is stored, with the fields that are not shown.
#[derive(Serialize, Deserialize)]
struct StoredAnswer {
    pushed: PushResult,
    lines: Vec<Option<u64>>,
    snapshot: i64,
}

impl RememberedAnswers {
    pub(super) fn new(remembered: Vec<RememberedAnswer>) -> RememberedAnswers {
        let mut answers = RememberedAnswers::default();
        remembered.into_iter().for_each(|answer| answers.add(answer));
        answers
    }

    pub(super) fn add(&mut self, answer: RememberedAnswer) {
        self.0.insert((answer.scope.clone(), answer.key.clone()), answer);
    }

    /// The response that this request had; none if it is new.
    pub(super) fn find(&self, key: &IdempotencyKey) -> Result<Option<PushResult>> {
        let Some(answer) = self.0.get(&(key.scope.clone(), key.key.clone())) else {
            return Ok(None);
        };
        if answer.fingerprint != key.fingerprint {
            return Err(Error::IdempotencyConflict { key: key.key.clone() });
        }
        let stored: StoredAnswer = serde_json::from_str(&answer.answer).map_err(|error| {
            Error::Internal(format!("read the answer to \"{}\": {error}", key.key))
        })?;
        let mut pushed = PushResult { replayed: true, snapshot: stored.snapshot, ..stored.pushed };
        pushed.result.iter_mut().zip(stored.lines).for_each(|(row, line)| row.line = line);
        Ok(Some(pushed))
    }
}

/// The response to a stored request, to be remembered.
pub(super) fn remember(key: IdempotencyKey, pushed: &PushResult) -> Result<RememberedAnswer> {
    let lines = pushed.result.iter().map(|row| row.line).collect();
    let answer = serde_json::to_string(&StoredAnswer {
        pushed: pushed.clone(),
        lines,
        snapshot: pushed.snapshot,
    })
    .map_err(|error| Error::Internal(format!("write the answer to \"{}\": {error}", key.key)))?;
    Ok(RememberedAnswer { scope: key.scope, key: key.key, fingerprint: key.fingerprint, answer })
}
