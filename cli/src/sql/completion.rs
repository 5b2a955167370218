//! Completion at the cursor: tables, columns, keywords, and commands of the shell with their
//! arguments.

use clap::ValueEnum;

use super::input::{COMMANDS, is_command};
use super::schema::{ColumnSchema, TableSchema};
use super::tokens::{Token, TokenKind, tokens};
use crate::output::Format;

const KEYWORDS: [&str; 58] = [
    "all",
    "and",
    "as",
    "asc",
    "avg",
    "between",
    "by",
    "case",
    "cast",
    "coalesce",
    "count",
    "cross",
    "current_date",
    "date",
    "date_trunc",
    "desc",
    "describe",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "extract",
    "false",
    "filter",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "interval",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "max",
    "min",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "round",
    "select",
    "sum",
    "then",
    "true",
    "union",
    "when",
    "where",
];

/// The start of the word at the cursor, and its completions.
pub(super) fn complete(tables: &[TableSchema], text: &str, cursor: usize) -> (usize, Vec<String>) {
    let before = &text[..cursor];
    if is_command(before) {
        return command(tables, before);
    }
    let typed: Vec<Token<'_>> = tokens(before).collect();
    if typed.last().is_some_and(|token| !token.is_closed) {
        return (cursor, Vec::new());
    }
    let (word, at) = match typed.last() {
        Some(token) if token.kind == TokenKind::Word => (token.text, token.at),
        _ => ("", cursor),
    };
    let significant: Vec<&str> = typed
        .iter()
        .filter(|token| token.is_significant() && token.at < at)
        .map(|token| token.text)
        .collect();
    let all: Vec<&str> =
        tokens(text).filter(Token::is_significant).map(|token| token.text).collect();
    (at, with_prefix(word, candidates(tables, &significant, &all, word)))
}

/// All candidates for the position after the words `before`.
fn candidates(tables: &[TableSchema], before: &[&str], all: &[&str], word: &str) -> Vec<String> {
    match before {
        [.., qualifier, "."] => named(tables, all, qualifier).map(columns).unwrap_or_default(),
        [.., last] if is_any(last, &["from", "join", "describe"]) => names(tables),
        _ => {
            let mentioned = tables.iter().filter(|table| all.contains(&table.name.as_str()));
            let mut candidates: Vec<String> = mentioned.flat_map(columns).collect();
            if !word.is_empty() {
                let is_upper = word.starts_with(char::is_uppercase);
                candidates.extend(
                    KEYWORDS.map(
                        |keyword| if is_upper { keyword.to_uppercase() } else { keyword.into() },
                    ),
                );
                candidates.extend(names(tables));
                if all.iter().all(|word| !is_any(word, &["from"])) {
                    candidates.extend(tables.iter().flat_map(columns));
                }
            }
            candidates
        }
    }
}

/// The table of this name, or of this alias: `movements m`, `movements as m`.
fn named<'t>(tables: &'t [TableSchema], all: &[&str], name: &str) -> Option<&'t TableSchema> {
    let table = |name: &str| tables.iter().find(|table| table.name.eq_ignore_ascii_case(name));
    let aliased = || {
        let at = all.windows(2).position(|pair| pair[1] == name && table(pair[0]).is_some());
        let after_as =
            all.windows(3).position(|three| three[2] == name && is_any(three[1], &["as"]));
        at.or(after_as).and_then(|at| table(all[at]))
    };
    table(name).or_else(aliased)
}

fn command(tables: &[TableSchema], before: &str) -> (usize, Vec<String>) {
    let Some((name, argument)) = before.split_once(char::is_whitespace) else {
        return (0, with_prefix(before, COMMANDS.map(str::to_string).into()));
    };
    let at = before.len() - argument.trim_start().len();
    let arguments = match name {
        r"\d" | ".schema" => names(tables),
        r"\format" | ".mode" => formats(),
        r"\rows" | ".maxrows" => vec!["all".to_string()],
        r"\timing" | ".timer" => vec!["off".to_string(), "on".to_string()],
        _ => Vec::new(),
    };
    (at, with_prefix(&before[at..], arguments))
}

/// The names of the text formats.
fn formats() -> Vec<String> {
    Format::value_variants()
        .iter()
        .filter(|format| format.is_text())
        .filter_map(|format| format.to_possible_value().map(|value| value.get_name().to_string()))
        .collect()
}

fn names(tables: &[TableSchema]) -> Vec<String> {
    tables.iter().map(|table| table.name.clone()).collect()
}

fn columns(table: &TableSchema) -> Vec<String> {
    table.columns.iter().map(|ColumnSchema { name, .. }| name.clone()).collect()
}

fn is_any(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| other.eq_ignore_ascii_case(word))
}

fn with_prefix(word: &str, mut candidates: Vec<String>) -> Vec<String> {
    let has_prefix = |candidate: &String| {
        candidate.get(..word.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(word))
    };
    candidates.retain(has_prefix);
    candidates.sort();
    candidates.dedup();
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[&str]) -> TableSchema {
        let column = |name: &&str| ColumnSchema { name: (*name).into(), data_type: "text".into() };
        TableSchema { name: name.into(), columns: columns.iter().map(column).collect() }
    }

    /// Each input is completed at its `|`, or at its end.
    fn check(table: &[(&str, &str)]) {
        let tables = [
            self::table("customers", &["id", "name"]),
            self::table("movements", &["amount", "customer_id"]),
        ];
        for (typed, expected) in table {
            let cursor = typed.find('|').unwrap_or(typed.len());
            let (at, candidates) = complete(&tables, &typed.replace('|', ""), cursor);
            assert!(at <= cursor);
            assert_eq!(candidates.join(" "), *expected, "{typed}");
        }
    }

    #[test]
    fn tables_follow_from_and_join() {
        check(&[
            ("select * from ", "customers movements"),
            ("select * FROM mo", "movements"),
            ("select * from movements join c", "customers"),
            ("select 1; select * from C", "customers"),
        ]);
    }

    #[test]
    fn columns_belong_to_the_tables_of_the_query() {
        check(&[
            ("select | from movements", "amount customer_id"),
            ("select am| from movements", "amount"),
            ("select nam| from movements", ""),
            ("select nam", "name"),
            ("select m.| from movements m", "amount customer_id"),
            ("select c.n| from movements as m join customers as c", "name"),
            ("select customers.", "id name"),
            ("select x.", ""),
        ]);
    }

    #[test]
    fn keywords_keep_the_typed_case() {
        check(&[("sel", "select"), ("SEL", "SELECT"), ("select 1 lim", "limit"), ("", "")]);
    }

    #[test]
    fn nothing_is_completed_in_strings_and_comments() {
        check(&[("select 'sel", ""), ("select -- sel", ""), ("/* sel", ""), ("select \"na", "")]);
    }

    #[test]
    fn commands_and_their_arguments_are_completed() {
        check(&[
            (r"\f", r"\format"),
            (r"\", r"\? \d \format \q \rows \timing"),
            (r"\d ", "customers movements"),
            (r"\d mov", "movements"),
            (r"\format ", "csv json markdown ndjson table tsv"),
            (r"\timing o", "off on"),
            (".schema c", "customers"),
        ]);
    }
}
