//! Names of types: nouns, each defined once in a crate.

use std::collections::BTreeMap;

use super::lexer::{Lined, Token};
use super::offences::Offence;
use super::sources::Crate;

/// Words that describe a state without the thing that is in it.
const PARTICIPLES: [&str; 39] = [
    "Told",
    "Kept",
    "Held",
    "Found",
    "Known",
    "Then",
    "Now",
    "Taken",
    "Made",
    "Sent",
    "Given",
    "Gone",
    "Left",
    "Lost",
    "Written",
    "Chosen",
    "Begun",
    "Done",
    "Seen",
    "Shown",
    "Drawn",
    "Broken",
    "Put",
    "Cut",
    "Bound",
    "Built",
    "Caught",
    "Waiting",
    "Running",
    "Pending",
    "Looking",
    "Acknowledging",
    "Refusing",
    "Asking",
    "Incoming",
    "Later",
    "Beside",
    "Once",
    "Newest",
];

/// Nouns that end like a participle.
const NOUNS_IN_ED: [&str; 5] = ["Feed", "Seed", "Speed", "Need", "Embed"];

const RENAME_REPEATED: &str = "put the thing it is of into the name, such as CsvWriter";
const RENAME_PARTICIPLE: &str = "name the thing, such as PendingRequest for Pending";

pub(super) struct TypeDefinition<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a str,
    pub(super) line: usize,
}

pub(super) fn types(house: &Crate) -> Vec<TypeDefinition<'_>> {
    let files = house.product.iter();
    files
        .flat_map(|file| {
            type_names(&file.product).into_iter().map(|(line, name)| TypeDefinition {
                name,
                path: &file.path,
                line,
            })
        })
        .collect()
}

/// Types that are defined outside of `impl` and `trait` blocks.
fn type_names(tokens: &[Lined<Token>]) -> Vec<(usize, &str)> {
    let (mut names, mut depth, mut inside) = (Vec::new(), 0, None);
    let mut is_header = false;
    for (at, token) in tokens.iter().enumerate() {
        match &token.item {
            Token::Mark('{') => {
                depth += 1;
                if is_header && inside.is_none() {
                    inside = Some(depth);
                }
                is_header = false;
            }
            Token::Mark('}') => {
                if inside == Some(depth) {
                    inside = None;
                }
                depth -= 1;
            }
            Token::Word(word) if starts_block(tokens, at, word) => is_header = true,
            Token::Word(word) if is_type(word, inside.is_some()) => {
                if let Some(Token::Word(name)) = tokens.get(at + 1).map(|next| &next.item) {
                    names.push((token.line, name.as_str()));
                }
            }
            _ => {}
        }
        if token.item == Token::Word("trait".to_string())
            && let Some(Token::Word(name)) = tokens.get(at + 1).map(|next| &next.item)
        {
            names.push((token.line, name.as_str()));
        }
    }
    names
}

/// `impl` at the start of an item; `impl Trait` as a type follows a mark such as `:` or `>`.
fn starts_block(tokens: &[Lined<Token>], at: usize, word: &str) -> bool {
    let before = at.checked_sub(1).map(|before| &tokens[before].item);
    let starts_item = matches!(before, None | Some(Token::Mark('}' | '{' | ';' | ']')))
        || matches!(before, Some(Token::Word(before)) if before == "unsafe");
    word == "trait" || (word == "impl" && starts_item)
}

fn is_type(word: &str, in_block: bool) -> bool {
    matches!(word, "struct" | "enum" | "union") || (word == "type" && !in_block)
}

fn places_by_name(house: &Crate) -> BTreeMap<&str, Vec<(&str, usize)>> {
    let mut places: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for TypeDefinition { name, path, line } in types(house) {
        places.entry(name).or_default().push((path, line));
    }
    places
}

pub(super) fn repeated_offences(house: &Crate) -> Vec<Offence> {
    places_by_name(house)
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| {
            let all: Vec<String> =
                places.iter().map(|(path, line)| format!("{path}:{line}")).collect();
            let found =
                format!("type \"{name}\" is defined {} times: {}", all.len(), all.join(", "));
            Offence::new(places[0].0, places[0].1, "type-names", found, RENAME_REPEATED)
        })
        .collect()
}

/// How many names a crate has, and how many of them stand in more than one file.
pub(super) fn repeated_count(house: &Crate) -> (usize, usize) {
    let places = places_by_name(house);
    let repeated =
        places.values().filter(|places| places.iter().any(|(path, _)| *path != places[0].0));
    (places.len(), repeated.count())
}

pub(super) fn participle_offences(house: &Crate) -> Vec<Offence> {
    types(house)
        .into_iter()
        .filter(|of| is_participle(of.name))
        .map(|TypeDefinition { name, path, line }| {
            let found = format!("type \"{name}\" is not a noun");
            Offence::new(path, line, "participles", found, RENAME_PARTICIPLE)
        })
        .collect()
}

/// Whether the last word of a name describes and does not name.
fn is_participle(name: &str) -> bool {
    let start = name.rfind(char::is_uppercase).unwrap_or(0);
    let last = &name[start..];
    PARTICIPLES.contains(&last) || (last.ends_with("ed") && !NOUNS_IN_ED.contains(&last))
}

#[test]
fn type_names_stand_outside_of_blocks() {
    let source = "struct A; trait B { type C; } impl B for A { type C = u8; } enum D { E } \
                  fn f(x: impl B) -> u8 { struct G { a: u8 } 1 } type H = u8;";
    let lexed = super::lexer::lex(source);
    let names: Vec<&str> = type_names(&lexed.tokens).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["A", "B", "D", "G", "H"]);
}
