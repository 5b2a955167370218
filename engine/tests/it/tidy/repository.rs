//! Files that others refer to: SQL, cases, and the machines that a repository must not name.

use super::lexer::Token;
use super::offences::Offence;
use super::prose::sql_comments;
use super::sources::{TextFile, Tree};

const UNUSED: &str = "use it by include_str!, or delete it";
const HEADER: &str = "start with a comment: the question, \"One output row is …\", parameters";
const CASE: &str = "a case is <id>.json with its \"id\"; engine/tests/it/cases.rs runs each one";
const MACHINE: &str = "a checkout works on every machine: leave the address or path out";

/// Paths of one machine, and settings of a package registry.
const MACHINES: [&str; 9] = [
    "/root/",
    "/home/",
    "/Users/",
    "/work/",
    "/tmp/w/",
    "--index-url",
    "index-url =",
    "replace-with",
    "[registries",
];

/// Each SQL file of the engine stands in a string of its source, and starts with a header.
pub(super) fn sql_offences(tree: &Tree) -> Vec<Offence> {
    let engine = tree.crates.iter().filter(|house| house.name == "engine");
    let texts: Vec<&str> = engine
        .flat_map(|engine| &engine.product)
        .flat_map(|file| &file.product)
        .filter_map(|token| match &token.item {
            Token::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let sql = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with("engine/sql/") && file.path.ends_with(".sql"));
    sql.flat_map(|file| {
        let unused = (!is_used(&file.path, &texts)).then(|| {
            Offence::of_file(&file.path, "sql", "no source names this file".into(), UNUSED)
        });
        let headless = (!has_header(&file.text)).then(|| {
            Offence::new(&file.path, 1, "sql", "the header is not complete".into(), HEADER)
        });
        unused.into_iter().chain(headless)
    })
    .collect()
}

/// A step of the rules is named without its number.
fn is_used(path: &str, texts: &[&str]) -> bool {
    let name = path.trim_start_matches("engine/sql/");
    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".sql");
    let step = stem.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    texts.iter().any(|text| text.ends_with(name) || (step != stem && *text == step))
}

fn has_header(text: &str) -> bool {
    let header = sql_comments(text)
        .into_iter()
        .enumerate()
        .take_while(|(at, comment)| comment.line == at + 1)
        .map(|(_, comment)| comment.item)
        .collect::<Vec<_>>()
        .join(" ");
    header.contains('?') && header.contains("One output row is")
}

/// Each case is named by its id. Another file in the folder would be a case that no test runs.
pub(super) fn case_offences(files: &[TextFile]) -> Vec<Offence> {
    let cases = files.iter().filter(|file| file.path.starts_with("engine/tests/cases/"));
    cases
        .filter(|file| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let id = name.trim_end_matches(".json");
            let has_id = file.text.replace(": ", ":").contains(&format!("\"id\":\"{id}\""));
            name != "README.md" && !(name.ends_with(".json") && has_id)
        })
        .map(|file| Offence::of_file(&file.path, "cases", "no test runs this file".into(), CASE))
        .collect()
}

pub(super) fn machine_offences(files: &[TextFile]) -> Vec<Offence> {
    files
        .iter()
        .flat_map(|file| {
            file.text.lines().enumerate().filter_map(|(at, line)| {
                let found = MACHINES.iter().find(|pattern| line.contains(**pattern))?;
                let found = format!("\"{found}\"");
                Some(Offence::new(&file.path, at + 1, "machines", found, MACHINE))
            })
        })
        .collect()
}
