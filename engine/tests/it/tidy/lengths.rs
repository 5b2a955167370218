//! Lengths of files, functions and lines.

use super::lexer::{Lined, Token};
use super::offences::Offence;
use super::sources::{Crate, RustFile, TextFile};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 100;

const SPLIT_FILE: &str = "split the file by idea; one idea a file, said in its first line";
const SPLIT_FUNCTION: &str = "move a step of it into a function with a name";
const SPLIT_LINE: &str = "break the line; comments wrap at 100 columns too";

pub(super) fn file_offences(files: &[TextFile]) -> Vec<Offence> {
    let lines = |file: &TextFile| file.text.lines().count();
    files
        .iter()
        .filter(|file| is_measured(&file.path) && lines(file) > FILE_LINES_MAX)
        .map(|file| {
            let found = format!("{} lines, {FILE_LINES_MAX} at most", lines(file));
            Offence::of_file(&file.path, "file-length", found, SPLIT_FILE)
        })
        .collect()
}

fn is_measured(path: &str) -> bool {
    path.ends_with(".rs") || path.ends_with(".sql")
}

pub(super) fn line_offences(files: &[TextFile]) -> Vec<Offence> {
    let measured = files.iter().filter(|file| is_measured(&file.path));
    measured
        .flat_map(|file| {
            file.text.lines().enumerate().filter_map(|(at, line)| {
                let columns = line.chars().count();
                let found = format!("{columns} columns, {LINE_COLUMNS_MAX} at most");
                (columns > LINE_COLUMNS_MAX)
                    .then(|| Offence::new(&file.path, at + 1, "line-width", found, SPLIT_LINE))
            })
        })
        .collect()
}

pub(super) fn function_offences(house: &Crate) -> Vec<Offence> {
    house
        .all()
        .flat_map(|file| functions(file).into_iter().map(move |function| (file, function)))
        .filter(|(_, function)| function.lines > FUNCTION_LINES_MAX)
        .map(|(file, Function { name, line, lines })| {
            let found = format!("\"{name}\" has {lines} lines, {FUNCTION_LINES_MAX} at most");
            Offence::new(&file.path, line, "function-length", found, SPLIT_FUNCTION)
        })
        .collect()
}

pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    /// From `fn` to the closing brace.
    pub(super) lines: usize,
}

/// Every function with a body.
pub(super) fn functions(file: &RustFile) -> Vec<Function> {
    let tokens = &file.lexed.tokens;
    tokens
        .windows(2)
        .enumerate()
        .filter_map(|(at, window)| match (&window[0].item, &window[1].item) {
            (Token::Word(word), Token::Word(name)) if word == "fn" => {
                let last = last_line(&tokens[at..])?;
                let line = window[0].line;
                Some(Function { name: name.clone(), line, lines: last + 1 - line })
            }
            _ => None,
        })
        .collect()
}

/// The line of the brace that closes the body; none if a semicolon ends the signature.
fn last_line(tokens: &[Lined<Token>]) -> Option<usize> {
    let (mut parentheses, mut braces) = (0, 0);
    for token in tokens {
        match token.item {
            Token::Mark('(' | '[') => parentheses += 1,
            Token::Mark(')' | ']') => parentheses -= 1,
            Token::Mark(';') if parentheses == 0 && braces == 0 => return None,
            Token::Mark('{') => braces += 1,
            Token::Mark('}') => {
                braces -= 1;
                if braces == 0 {
                    return Some(token.line);
                }
            }
            _ => {}
        }
    }
    None
}
