//! The files that the rules read: the Rust sources of each crate, and every text file of the
//! repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::lexer::{Lexed, Lined, Token, lex};

const CRATES: [&str; 4] = ["engine", "server", "cli", "benches"];

/// Folders that hold no source of ours.
const NOT_SOURCE: [&str; 5] = [".git", "target", "mrrow-data", "__pycache__", "node_modules"];

/// The repository's root. `MRROW_TIDY_ROOT` names another checkout to read.
fn root() -> PathBuf {
    match env::var_os("MRROW_TIDY_ROOT") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
    }
}

/// A text file; its path is relative to the repository's root.
#[derive(Debug)]
pub(super) struct TextFile {
    pub(super) path: String,
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) struct RustFile {
    pub(super) path: String,
    pub(super) text: String,
    /// The names of the modules that lead to it; none for `lib.rs` and `main.rs`.
    pub(super) module: Vec<String>,
    pub(super) lexed: Lexed,
    /// Tokens that are not compiled for tests alone.
    pub(super) product: Vec<Lined<Token>>,
}

#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: &'static str,
    /// The files of `src`, without modules that are compiled for tests alone.
    pub(super) product: Vec<RustFile>,
    /// The files of `tests`, `examples`, and the modules of `src` for tests alone.
    pub(super) tests: Vec<RustFile>,
}

impl Crate {
    pub(super) fn all(&self) -> impl Iterator<Item = &RustFile> {
        self.product.iter().chain(&self.tests)
    }
}

#[derive(Debug)]
pub(super) struct Tree {
    pub(super) crates: Vec<Crate>,
    /// Every text file of the repository, sorted by path.
    pub(super) files: Vec<TextFile>,
}

pub(super) fn read_tree() -> Tree {
    let files = text_files();
    Tree { crates: CRATES.into_iter().map(|name| read_crate(name, &files)).collect(), files }
}

fn text_files() -> Vec<TextFile> {
    let (root, mut files) = (root(), Vec::new());
    read_folder(&root, &root, &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn read_folder(root: &Path, folder: &Path, files: &mut Vec<TextFile>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().to_string();
        if NOT_SOURCE.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            read_folder(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            files.push(TextFile { path, text });
        }
    }
}

pub(super) fn read_crate(name: &'static str, files: &[TextFile]) -> Crate {
    let (mut product, mut tests) = (Vec::new(), Vec::new());
    let mut test_modules = Vec::new();
    for file in files {
        let Some(path) = file.path.strip_prefix(&format!("{name}/")) else { continue };
        let Some(stem) = path.strip_suffix(".rs") else { continue };
        let lexed = lex(&file.text);
        let module = module_of(stem);
        let (kept, modules) = without_tests(&lexed.tokens);
        test_modules
            .extend(modules.into_iter().map(|child| [module.clone(), vec![child]].concat()));
        let (path, text) = (file.path.clone(), file.text.clone());
        let rust = RustFile { path, text, module, lexed, product: kept };
        if stem.starts_with("src/") { product.push(rust) } else { tests.push(rust) }
    }
    let is_test = |file: &RustFile| test_modules.iter().any(|test| file.module.starts_with(test));
    tests.extend(product.extract_if(.., |file| is_test(file)));
    Crate { name, product, tests }
}

fn module_of(stem: &str) -> Vec<String> {
    let mut names: Vec<String> = stem.split('/').skip(1).map(str::to_string).collect();
    if matches!(names.last().map(String::as_str), Some("lib" | "main" | "mod")) {
        names.pop();
    }
    names
}

/// The tokens without items under `#[cfg(test)]`, and the names of the modules among those items.
fn without_tests(tokens: &[Lined<Token>]) -> (Vec<Lined<Token>>, Vec<String>) {
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if !is_cfg_test(&tokens[at..]) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = end_of_item(tokens, at);
        let module = tokens[at..end].windows(3).find_map(|window| match window {
            [
                Lined { item: Token::Word(word), .. },
                Lined { item: Token::Word(name), .. },
                last,
            ] if word == "mod" && last.item == Token::Mark(';') => Some(name.clone()),
            _ => None,
        });
        modules.extend(module);
        at = end;
    }
    (kept, modules)
}

fn is_cfg_test(tokens: &[Lined<Token>]) -> bool {
    let starts = |at: usize, token: &Token| tokens.get(at).is_some_and(|t| t.item == *token);
    let word = |text: &str| Token::Word(text.to_string());
    starts(0, &Token::Mark('#'))
        && starts(1, &Token::Mark('['))
        && starts(2, &word("cfg"))
        && tokens
            .iter()
            .take_while(|token| token.item != Token::Mark(']'))
            .zip(tokens.iter().skip(1))
            .any(|(mark, next)| {
                matches!(mark.item, Token::Mark('(' | ',')) && next.item == word("test")
            })
        && !tokens
            .iter()
            .take_while(|token| token.item != Token::Mark(']'))
            .any(|token| token.item == word("not"))
}

/// The first token after an item: after its body in braces, or after its semicolon.
fn end_of_item(tokens: &[Lined<Token>], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.item {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark(')' | ']') => depth -= 1,
            Token::Mark('}') => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            Token::Mark(';' | ',') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}
