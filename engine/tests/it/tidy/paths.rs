//! Finds the paths that a file names: those of its `use` declarations, and those in its code.

use super::lexer::{Lined, Token};

/// A path as it is written, such as `crate::store::Catalog` or `super::day`.
#[derive(Debug, Clone)]
pub(super) struct NamedPath {
    pub(super) line: usize,
    pub(super) names: Vec<String>,
}

/// A `use` declaration brings the item at a path into scope under a name.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) path: NamedPath,
    /// `*` for everything that the path holds.
    pub(super) alias: String,
    pub(super) is_public: bool,
}

#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) imports: Vec<Import>,
    pub(super) inline: Vec<NamedPath>,
    /// Names of the items that the file defines outside of functions and blocks.
    pub(super) defined: Vec<String>,
}

const DEFINING: [&str; 9] =
    ["struct", "enum", "trait", "type", "fn", "const", "static", "union", "mod"];

pub(super) fn paths_of(tokens: &[Lined<Token>]) -> Paths {
    let (mut paths, mut at) = (Paths::default(), 0);
    while at < tokens.len() {
        let Token::Word(word) = &tokens[at].item else {
            paths.inline.extend(quoted_path(&tokens[at]));
            at += 1;
            continue;
        };
        if word == "in" && at > 0 && is_mark(tokens, at - 1, '(') {
            // A visibility such as `pub(in crate::ingest)` uses nothing.
            at = (at..tokens.len()).find(|&at| is_mark(tokens, at, ')')).unwrap_or(tokens.len());
        } else if word == "use" {
            at = read_use(tokens, at, &mut paths.imports);
        } else if follows_colons(tokens, at) {
            at += 1;
        } else {
            if DEFINING.contains(&word.as_str())
                && let Some(Token::Word(name)) = tokens.get(at + 1).map(|token| &token.item)
            {
                paths.defined.push(name.clone());
            }
            at = read_inline(tokens, at, &mut paths.inline);
        }
    }
    paths
}

/// Attributes name functions in strings, such as `deserialize_with = "crate::http::flag"`.
fn quoted_path(token: &Lined<Token>) -> Option<NamedPath> {
    let Token::Text(text) = &token.item else { return None };
    let is_path = text.starts_with("crate::") && !text.contains(' ');
    let names = text.split("::").map(str::to_string).collect();
    is_path.then_some(NamedPath { line: token.line, names })
}

fn is_mark(tokens: &[Lined<Token>], at: usize, mark: char) -> bool {
    tokens.get(at).is_some_and(|token| token.item == Token::Mark(mark))
}

fn is_colons(tokens: &[Lined<Token>], at: usize) -> bool {
    is_mark(tokens, at, ':') && is_mark(tokens, at + 1, ':')
}

fn follows_colons(tokens: &[Lined<Token>], at: usize) -> bool {
    at >= 2 && is_colons(tokens, at - 2)
}

fn read_inline(tokens: &[Lined<Token>], start: usize, inline: &mut Vec<NamedPath>) -> usize {
    let (line, mut names, mut at) = (tokens[start].line, Vec::new(), start);
    while let Some(Token::Word(name)) = tokens.get(at).map(|token| &token.item) {
        names.push(name.clone());
        at += 1;
        if !is_colons(tokens, at) {
            break;
        }
        at += 2;
    }
    if names.len() > 1 {
        inline.push(NamedPath { line, names });
    }
    at.max(start + 1)
}

/// Reads a declaration that starts at `use`, and returns the place after its semicolon.
fn read_use(tokens: &[Lined<Token>], start: usize, imports: &mut Vec<Import>) -> usize {
    let end = (start..tokens.len()).find(|&at| is_mark(tokens, at, ';')).unwrap_or(tokens.len());
    let before = start.checked_sub(1).map(|at| &tokens[at].item);
    let is_public = matches!(before, Some(Token::Word(word)) if word == "pub")
        || matches!(before, Some(Token::Mark(')')));
    let tree = UseTree { tokens: &tokens[..end], is_public };
    tree.read(start + 1, &[], imports);
    end + 1
}

struct UseTree<'a> {
    tokens: &'a [Lined<Token>],
    is_public: bool,
}

impl UseTree<'_> {
    /// Reads one branch after a prefix, and returns the place after it.
    fn read(&self, start: usize, prefix: &[String], imports: &mut Vec<Import>) -> usize {
        let (mut names, mut at) = (prefix.to_vec(), start);
        if is_colons(self.tokens, at) {
            at += 2;
        }
        loop {
            match self.tokens.get(at).map(|token| &token.item) {
                Some(Token::Word(name)) => names.push(name.clone()),
                Some(Token::Mark('*')) => {
                    self.push(at, names, "*", imports);
                    return at + 1;
                }
                Some(Token::Mark('{')) => return self.read_group(at + 1, &names, imports),
                _ => return at + 1,
            }
            at += 1;
            if !is_colons(self.tokens, at) {
                break;
            }
            at += 2;
        }
        self.read_alias(at, names, imports)
    }

    fn read_alias(&self, at: usize, mut names: Vec<String>, imports: &mut Vec<Import>) -> usize {
        if names.last().is_some_and(|name| name == "self") {
            names.pop();
        }
        let is_as =
            matches!(self.tokens.get(at), Some(token) if token.item == Token::Word("as".into()));
        let alias = match self.tokens.get(at + 1).map(|token| &token.item) {
            Some(Token::Word(alias)) if is_as => alias.clone(),
            _ => names.last().cloned().unwrap_or_default(),
        };
        self.push(at - 1, names, &alias, imports);
        if is_as { at + 2 } else { at }
    }

    fn read_group(&self, start: usize, names: &[String], imports: &mut Vec<Import>) -> usize {
        let mut at = start;
        while at < self.tokens.len() && !is_mark(self.tokens, at, '}') {
            if is_mark(self.tokens, at, ',') {
                at += 1;
            } else {
                at = self.read(at, names, imports);
            }
        }
        at + 1
    }

    fn push(&self, at: usize, names: Vec<String>, alias: &str, imports: &mut Vec<Import>) {
        let path = NamedPath { line: self.tokens[at].line, names };
        imports.push(Import { path, alias: alias.to_string(), is_public: self.is_public });
    }
}
