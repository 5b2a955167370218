//! What the catalog said a moment ago, so that it is not asked for every push. Other processes
//! write the catalog too; what they change counts as soon as an answer is too old. What is changed
//! in this process counts at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer counts.
const KEPT: Duration = Duration::from_millis(500);

/// Answers that are remembered at most.
const ANSWERS_MAX: usize = 10_000;

/// Answers to questions.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(Mutex<Answers<K, V>>);

#[derive(Debug)]
struct Answers<K, V> {
    answers: HashMap<K, (V, Instant)>,
    /// How often everything was forgotten.
    forgotten: u64,
}

/// The moment in which the catalog is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    at: Instant,
    forgotten: u64,
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(crate) fn new() -> Recent<K, V> {
        Recent(Mutex::new(Answers { answers: HashMap::new(), forgotten: 0 }))
    }

    /// The answer, if it is of a moment ago.
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, question: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .answers
            .get(question)
            .filter(|(_, asked_at)| asked_at.elapsed() < KEPT)
            .map(|(answer, _)| answer.clone())
    }

    /// To be called before the catalog is asked.
    pub(crate) fn asking(&self) -> Asked {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Asked { at: Instant::now(), forgotten: known.forgotten }
    }

    /// Remembers an answer, unless it was changed since it was asked for.
    pub(crate) fn put(&self, question: K, answer: V, asked: Asked) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.forgotten != asked.forgotten {
            return;
        }
        if known.answers.len() >= ANSWERS_MAX {
            known.answers.clear();
        }
        known.answers.insert(question, (answer, asked.at));
    }

    /// Forgets everything: it was changed here.
    pub(crate) fn forget(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.answers.clear();
        known.forgotten += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_a_moment() {
        let recent = Recent::new();
        let asked = recent.asking();
        recent.put("new".to_string(), 1, asked);
        let before =
            asked.at.checked_sub(KEPT).expect("the machine runs for half a second already");
        recent.put("old".to_string(), 2, Asked { at: before, ..asked });
        assert_eq!(
            (recent.get("new"), recent.get("old"), recent.get("never")),
            (Some(1), None, None)
        );
    }

    #[test]
    fn what_was_changed_here_counts_at_once() {
        let recent = Recent::new();
        let asked = recent.asking();
        recent.put("a".to_string(), 1, asked);
        recent.forget();
        recent.put("b".to_string(), 1, asked);
        assert_eq!((recent.get("a"), recent.get("b")), (None, None));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let recent = Recent::new();
        for question in 0..=ANSWERS_MAX {
            recent.put(question, (), recent.asking());
        }
        assert_eq!((recent.get(&0), recent.get(&ANSWERS_MAX)), (None, Some(())));
    }
}
