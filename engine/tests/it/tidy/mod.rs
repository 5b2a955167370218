//! Rules of the house that a machine can keep. Each failure names the place, the rule and the
//! remedy. `cargo test -p mrrow-engine --test it tidy` runs them; they read sources only.
//!
//! The rules stand in the modules: arrows between rooms in `rooms`, lengths in `lengths`, names of
//! types in `types`, words in `words`, SQL and cases in `repository`; exceptions in `exceptions`.

mod arrows;
mod counts;
mod cycles;
mod exceptions;
mod files;
mod lengths;
mod lexer;
mod offences;
mod pages;
mod paths;
mod prose;
mod repository;
mod rooms;
mod sources;
mod types;
mod words;

use std::sync::OnceLock;

use exceptions::EXCEPTIONS;
use offences::{Offence, check};
use sources::{Crate, Tree, read_tree};

fn tree() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(read_tree)
}

fn in_each_crate(offences: impl Fn(&Crate) -> Vec<Offence>) -> Vec<Offence> {
    tree().crates.iter().flat_map(offences).collect()
}

/// Each rule with the places that break it.
type Rule = (&'static str, fn() -> Vec<Offence>);

const RULES: [Rule; 14] = [
    ("order", || [in_each_crate(rooms::order_offences), rooms::map_offences(tree())].concat()),
    ("cycles", || in_each_crate(rooms::cycle_offences)),
    ("files", || in_each_crate(files::offences)),
    ("file-length", || lengths::file_offences(&tree().files)),
    ("function-length", || in_each_crate(lengths::function_offences)),
    ("line-width", || lengths::line_offences(&tree().files)),
    ("type-names", || in_each_crate(types::repeated_offences)),
    ("participles", || in_each_crate(types::participle_offences)),
    ("words", || words::word_offences(&prose::paragraphs(&tree().crates, &tree().files))),
    ("names", || in_each_crate(words::name_offences)),
    ("sql", || repository::sql_offences(tree())),
    ("cases", || repository::case_offences(&tree().files)),
    ("pages", || pages::path_offences(tree())),
    ("machines", || repository::machine_offences(&tree().files)),
];

fn check_rule(name: &'static str) {
    let (_, offences) = RULES.iter().find(|(rule, _)| *rule == name).unwrap();
    check(name, offences());
}

#[test]
fn rooms_use_only_rooms_before_them() {
    check_rule("order");
}

#[test]
fn files_form_no_cycle() {
    check_rule("cycles");
}

#[test]
fn files_say_their_idea() {
    check_rule("files");
}

#[test]
fn files_are_short() {
    check_rule("file-length");
}

#[test]
fn functions_are_short() {
    check_rule("function-length");
}

#[test]
fn lines_are_narrow() {
    check_rule("line-width");
}

#[test]
fn type_names_stand_once_in_a_crate() {
    check_rule("type-names");
}

#[test]
fn type_names_are_nouns() {
    check_rule("participles");
}

#[test]
fn prose_uses_plain_words() {
    check_rule("words");
}

#[test]
fn names_use_plain_words() {
    check_rule("names");
}

#[test]
fn each_sql_file_is_used_and_has_a_header() {
    check_rule("sql");
}

#[test]
fn each_case_is_run() {
    check_rule("cases");
}

#[test]
fn pages_name_files_that_exist() {
    check_rule("pages");
}

#[test]
fn no_file_names_a_machine() {
    check_rule("machines");
}

#[test]
fn each_exception_excuses_an_offence() {
    let offences: Vec<Offence> = RULES.iter().flat_map(|(_, offences)| offences()).collect();
    for exception in EXCEPTIONS {
        let is_needed = offences.iter().any(|offence| exception.excuses(offence));
        assert!(is_needed, "remove the exception \"{}\": {}", exception.path, exception.reason);
    }
}
