//! What the catalog said a moment ago, so that it is not asked for every push. Other processes write the catalog too; what they change
//! counts as soon as an answer is too old.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer counts.
const KEPT: Duration = Duration::from_millis(500);

/// Answers that are remembered at most.
const ANSWERS_MAX: usize = 10_000;

/// Answers to questions, each with the moment of its asking.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(Mutex<HashMap<K, (V, Instant)>>);

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(crate) fn new() -> Recent<K, V> {
        Recent(Mutex::new(HashMap::new()))
    }

    /// The answer, if it is of a moment ago.
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, question: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).filter(|(_, asked_at)| asked_at.elapsed() < KEPT).map(|(answer, _)| answer.clone())
    }

    /// Remembers an answer to what was asked at an instant.
    pub(crate) fn put(&self, question: K, answer: V, asked_at: Instant) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        answers.insert(question, (answer, asked_at));
    }

    /// Forgets everything: it was changed here.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_a_moment() {
        let recent = Recent::new();
        let now = Instant::now();
        recent.put("new".to_string(), 1, now);
        let Some(before) = now.checked_sub(KEPT) else { return };
        recent.put("old".to_string(), 2, before);
        assert_eq!((recent.get("new"), recent.get("old"), recent.get("never")), (Some(1), None, None));
        recent.forget();
        assert_eq!(recent.get("new"), None);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let recent = Recent::new();
        for question in 0..=ANSWERS_MAX {
            recent.put(question, (), Instant::now());
        }
        assert_eq!((recent.get(&0), recent.get(&ANSWERS_MAX)), (None, Some(())));
    }
}
