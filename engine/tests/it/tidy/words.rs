//! Words that the field does not use, and sentences whose subject is a clause.

use super::lexer::Token;
use super::offences::Offence;
use super::prose::{Paragraph, plain};
use super::sources::Crate;

/// A word, and the word to write for it.
const WORDS: [(&str, &str); 22] = [
    ("desk", "commit loop"),
    ("who", "name the subject: the client, the caller, the writer"),
    ("whoever", "name the subject: the client, the caller, the writer"),
    ("whom", "name the object"),
    ("nobody", "no client, no process, no caller"),
    ("told", "reported, returned"),
    ("tells", "reports, returns, shows"),
    ("tell", "report, return, show"),
    ("asks", "requests, reads, queries"),
    ("asked", "requested"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("speaks", "implements, supports"),
    ("speak", "implement, support"),
    ("hears", "receives"),
    ("beget", "create"),
    ("onlooker", "reader"),
    ("henceforth", "leave it out"),
    ("amiss", "wrong"),
    ("whereupon", "then"),
    ("bygone", "past"),
];

const PHRASES: [(&str, &str); 6] = [
    ("makes no sense", "say what is invalid, and which values are valid"),
    ("looks after", "name the work: compacts, flushes, deletes"),
    ("stands in nobody's way", "does not block"),
    ("does no harm", "has no effect"),
    ("no longer", "say how it is, not how it was"),
    ("used by", "the reader can search for it"),
];

/// A statement does not start like this; a question may.
const STARTS: [&str; 5] = ["What", "Who", "Whoever", "Whatever", "Whom"];

const SUBJECT: &str = "start with a subject that has a name";
const NAME: &str = "rename it by its subject, verb and object, in the field's words";

/// Parts that do not stand in the name of a function, module or constant.
const IN_NAMES: [&str; 12] = [
    "desk", "who", "whoever", "whom", "nobody", "told", "tell", "tells", "asked", "kept", "mend",
    "what",
];

pub(super) fn word_offences(paragraphs: &[Paragraph<'_>]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for paragraph in paragraphs {
        let plain: Vec<String> = paragraph.words.iter().map(|word| plain(&word.item)).collect();
        for at in 0..plain.len() {
            let line = paragraph.words[at].line;
            let mut push = |found: String, remedy| {
                offences.push(Offence::new(paragraph.path, line, "words", found, remedy));
            };
            for (word, remedy) in WORDS.iter().filter(|(word, _)| *word == plain[at]) {
                push(format!("\"{word}\""), remedy);
            }
            for (phrase, remedy) in PHRASES {
                if phrase.split(' ').eq(plain[at..].iter().take(phrase.split(' ').count())) {
                    push(format!("\"{phrase}\""), remedy);
                }
            }
            if starts_with_clause(paragraph, at) {
                push(format!("a sentence starts with \"{}\"", paragraph.words[at].item), SUBJECT);
            }
        }
    }
    offences
}

fn starts_with_clause(paragraph: &Paragraph<'_>, at: usize) -> bool {
    let word = |at: usize| paragraph.words[at].item.as_str();
    let is_start = at == 0 || word(at - 1).ends_with(['.', '!', '?', ':', ';', '|']);
    let ends = |at: usize| word(at).trim_end_matches(['"', ')', '`']).ends_with(['.', '!', '?']);
    let end = (at..paragraph.words.len()).find(|&at| ends(at)).unwrap_or(paragraph.words.len() - 1);
    is_start && STARTS.contains(&word(at)) && !word(end).contains('?')
}

/// Names of functions, modules and constants.
pub(super) fn name_offences(house: &Crate) -> Vec<Offence> {
    house
        .all()
        .flat_map(|file| {
            file.lexed.tokens.windows(2).filter_map(|window| {
                match (&window[0].item, &window[1].item) {
                    (Token::Word(word), Token::Word(name))
                        if matches!(word.as_str(), "fn" | "mod" | "const" | "static") =>
                    {
                        let part = name
                            .split('_')
                            .find(|part| IN_NAMES.contains(&part.to_lowercase().as_str()))?;
                        let found = format!("\"{part}\" in the name \"{name}\"");
                        Some(Offence::new(&file.path, window[0].line, "names", found, NAME))
                    }
                    _ => None,
                }
            })
        })
        .collect()
}
