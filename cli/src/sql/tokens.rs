//! SQL as words, quotes, comments and signs: as much of it as tells where a statement ends and what
//! is being typed.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// Text in quotes, of a string or a name.
    Quoted,
    /// A name, keyword or number.
    Word,
    /// Any other character.
    Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    /// Where it begins.
    pub(super) at: usize,
    /// Whether its end was found: what is typed next does not belong to it.
    pub(super) is_closed: bool,
}

impl Token<'_> {
    /// Whether it says something.
    pub(super) fn is_significant(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }

    pub(super) fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The tokens of a text; together they are the text.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let first = rest.chars().next()?;
        let (kind, length) = measure(rest, first);
        let token = Token {
            kind,
            text: &rest[..length.unwrap_or(rest.len())],
            at,
            is_closed: length.is_some(),
        };
        at = token.end();
        Some(token)
    })
}

/// What the text begins with, and how long that is, if its end is there.
fn measure(text: &str, first: char) -> (Kind, Option<usize>) {
    match first {
        _ if first.is_whitespace() => (Kind::Space, Some(length_while(text, char::is_whitespace))),
        '-' if text.starts_with("--") => (Kind::Comment, text.find('\n')),
        '/' if text.starts_with("/*") => (Kind::Comment, block_comment(text)),
        '\'' | '"' | '`' => (Kind::Quoted, text[1..].find(first).map(|end| end + 2)),
        'e' | 'E' if text[1..].starts_with('\'') => (Kind::Quoted, escaped(text)),
        '$' => dollar(text).unwrap_or((Kind::Sign, Some(1))),
        _ if is_word(first) => (Kind::Word, Some(length_while(text, |c| is_word(c) || c == '$'))),
        _ => (Kind::Sign, Some(first.len_utf8())),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn length_while(text: &str, is_inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_inside(c)).unwrap_or(text.len())
}

/// A comment in a comment ends before it.
fn block_comment(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return Some(at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    None
}

/// E'…': a backslash takes the next character with it.
fn escaped(text: &str) -> Option<usize> {
    let mut is_taken = false;
    text.char_indices().skip(2).find_map(|(at, c)| {
        let ends = c == '\'' && !is_taken;
        is_taken = c == '\\' && !is_taken;
        ends.then_some(at + 1)
    })
}

/// $$…$$ or $tag$…$tag$; not $1, a parameter.
fn dollar(text: &str) -> Option<(Kind, Option<usize>)> {
    let tag = 1 + length_while(&text[1..], is_word);
    let is_quote =
        text[tag..].starts_with('$') && !text[1..].starts_with(|c: char| c.is_ascii_digit());
    let quote = &text[..=tag];
    is_quote
        .then(|| (Kind::Quoted, text[quote.len()..].find(quote).map(|end| end + 2 * quote.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a text as its tokens without the spaces; an open one ends in …
    fn check(table: &[(&str, &str)]) {
        for (text, expected) in table {
            let all: Vec<_> = tokens(text).collect();
            assert_eq!(all.iter().map(|token| token.text).collect::<String>(), *text);
            let shown: Vec<String> = all
                .iter()
                .filter(|token| token.kind != Kind::Space)
                .map(|token| {
                    let open = if token.is_closed { "" } else { "…" };
                    format!("{}{open}", token.text)
                })
                .collect();
            assert_eq!(shown.join(" | "), *expected, "{text}");
        }
    }

    #[test]
    fn quotes_and_comments_are_one_token() {
        check(&[
            ("", ""),
            ("select a.b,1.5;", "select | a | . | b | , | 1 | . | 5 | ;"),
            ("'it''s; 'x", "'it' | 's; ' | x"),
            ("'a\\';", "'a\\' | ;"),
            ("e'a\\';' E'\\\\'; e'", "e'a\\';' | E'\\\\' | ; | e'…"),
            (r#""a;b" `c;d` "e"#, r#""a;b" | `c;d` | "e…"#),
            ("$$ ; $$ $x$ $$ ; $x$ $1 $2$ $x$;", "$$ ; $$ | $x$ $$ ; $x$ | $ | 1 | $ | 2$ | $x$;…"),
            ("a$b;c", "a$b | ; | c"),
            ("1 -- one;\n2 -- two;", "1 | -- one; | 2 | -- two;…"),
            ("/* a /* ; */ b; */ c /* d", "/* a /* ; */ b; */ | c | /* d…"),
            ("größe 'é;", "größe | 'é;…"),
        ]);
    }
}
