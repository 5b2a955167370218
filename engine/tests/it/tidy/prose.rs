//! The prose of the repository: comments, messages and pages, as words with their lines.

use super::lexer::{Lined, Token, lex};
use super::sources::{Crate, RustFile, TextFile};

/// Words that follow one another, from the first to the last of a paragraph.
pub(super) struct Paragraph<'a> {
    pub(super) path: &'a str,
    pub(super) words: Vec<Lined<String>>,
    pub(super) is_comment: bool,
}

/// Every paragraph in the comments and the strings of Rust, in SQL comments, and in Markdown.
pub(super) fn paragraphs<'a>(houses: &'a [Crate], files: &'a [TextFile]) -> Vec<Paragraph<'a>> {
    let mut all = Vec::new();
    for file in houses.iter().flat_map(Crate::all) {
        let comments = file.lexed.comments.iter().cloned();
        all.extend(joined(&file.path, comments.collect(), true));
    }
    for file in houses.iter().flat_map(|house| &house.product) {
        all.extend(messages(file));
    }
    for file in files {
        if file.path.ends_with(".sql") {
            all.extend(joined(&file.path, sql_comments(&file.text), true));
        } else if file.path.ends_with(".md") {
            all.extend(joined(&file.path, markdown(&file.text), false));
        }
    }
    all
}

/// Joins lines that follow one another; an empty line, a bullet or a gap starts a new paragraph.
fn joined(path: &str, lines: Vec<Lined<String>>, is_comment: bool) -> Vec<Paragraph<'_>> {
    let mut paragraphs: Vec<Paragraph<'_>> = Vec::new();
    let mut last = None;
    for line in lines {
        let starts = line.item.is_empty()
            || line.item.starts_with(['-', '|', '#'])
            || last.is_none_or(|last| line.line != last + 1);
        last = (!line.item.is_empty()).then_some(line.line);
        if starts {
            paragraphs.push(Paragraph { path, words: Vec::new(), is_comment });
        }
        if let Some(paragraph) = paragraphs.last_mut() {
            paragraph.words.extend(words(&line));
        }
    }
    paragraphs
}

fn words(line: &Lined<String>) -> Vec<Lined<String>> {
    let text: String = line.item.split('`').step_by(2).collect::<Vec<_>>().join(" ` ");
    text.split_whitespace().map(|word| Lined { line: line.line, item: word.to_string() }).collect()
}

/// Strings with a space in them; those without are names.
fn messages(file: &RustFile) -> Vec<Paragraph<'_>> {
    let texts = file.product.iter().filter_map(|token| match &token.item {
        Token::Text(text) if text.contains(' ') => {
            Some(Lined { line: token.line, item: text.clone() })
        }
        _ => None,
    });
    texts
        .map(|text| Paragraph { path: &file.path, words: words(&text), is_comment: false })
        .collect()
}

pub(super) fn sql_comments(text: &str) -> Vec<Lined<String>> {
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| {
            let (_, comment) = line.split_once("--")?;
            Some(Lined { line: at + 1, item: comment.trim().to_string() })
        })
        .collect()
}

/// The lines of a page outside of its code blocks.
fn markdown(text: &str) -> Vec<Lined<String>> {
    let mut in_code = false;
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            (!in_code && !is_fence).then(|| Lined { line: at + 1, item: line.trim().to_string() })
        })
        .collect()
}

/// A word without the marks around it, in lower case.
pub(super) fn plain(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}

#[test]
fn comments_are_joined_to_paragraphs() {
    let lexed = lex("// One `told`\n// two.\n\n/// Three.\nfn f() {}");
    let paragraphs = joined("a.rs", lexed.comments, true);
    let words: Vec<usize> = paragraphs.iter().map(|paragraph| paragraph.words.len()).collect();
    assert_eq!(words, [3, 1]);
}
