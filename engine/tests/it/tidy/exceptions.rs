//! The exceptions of every rule, each with its reason. One that excuses nothing fails the tests.

use super::offences::Offence;

/// It excuses the offences of its rules whose path starts with `path` and whose text contains
/// `found`.
pub(super) struct Exception {
    pub(super) rules: &'static [&'static str],
    pub(super) path: &'static str,
    pub(super) found: &'static str,
    pub(super) reason: &'static str,
}

pub(super) const EXCEPTIONS: &[Exception] = &[
    Exception {
        rules: &["line-width", "file-length", "function-length", "words", "names"],
        path: "engine/sql/mrr/",
        found: "",
        reason: "the rules get a second edition",
    },
    Exception {
        rules: &["line-width", "file-length", "function-length", "words", "names"],
        path: "engine/tests/it/interpreter/",
        found: "",
        reason: "rewritten with the second edition of the rules",
    },
    Exception {
        rules: &["line-width", "file-length", "function-length", "words", "names"],
        path: "engine/tests/it/books/",
        found: "",
        reason: "rewritten with the second edition of the rules",
    },
    Exception {
        rules: &["pages"],
        path: "engine/tests/cases/",
        found: "",
        reason: "rewritten with the second edition of the rules",
    },
    Exception {
        rules: &["line-width", "words"],
        path: "engine/migrations/",
        found: "",
        reason: "a migration that was released does not change",
    },
    Exception {
        rules: &["machines"],
        path: "cli/src/sql/history.rs",
        found: "/home/",
        reason: "the home directory of an invented user, in a test",
    },
    Exception {
        rules: &["machines"],
        path: "engine/tests/it/tidy/",
        found: "",
        reason: "the list of patterns, and this exception",
    },
];

pub(super) fn is_excused(offence: &Offence) -> bool {
    EXCEPTIONS.iter().any(|exception| exception.excuses(offence))
}

impl Exception {
    pub(super) fn excuses(&self, offence: &Offence) -> bool {
        self.rules.contains(&offence.rule)
            && offence.path.starts_with(self.path)
            && offence.found.contains(self.found)
    }
}
