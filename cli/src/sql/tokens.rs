//! A lexer for SQL: enough to find the end of a statement and the word at the cursor.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Space,
    Comment,
    /// A string or a name in quotes.
    Quoted,
    /// A name, keyword or number.
    Word,
    /// Any other character.
    Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    pub(super) text: &'t str,
    /// The byte offset of its start.
    pub(super) at: usize,
    /// Whether its end is in the text; an open token continues with the next input.
    pub(super) is_closed: bool,
}

impl Token<'_> {
    /// Whether it is neither space nor comment.
    pub(super) fn is_significant(&self) -> bool {
        !matches!(self.kind, TokenKind::Space | TokenKind::Comment)
    }

    pub(super) fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The tokens of a text. Concatenated, they are the text.
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

/// The kind and length of the first token; no length if it is open.
fn measure(text: &str, first: char) -> (TokenKind, Option<usize>) {
    match first {
        _ if first.is_whitespace() => {
            (TokenKind::Space, Some(length_while(text, char::is_whitespace)))
        }
        '-' if text.starts_with("--") => (TokenKind::Comment, text.find('\n')),
        '/' if text.starts_with("/*") => (TokenKind::Comment, block_comment(text)),
        '\'' | '"' | '`' => (TokenKind::Quoted, text[1..].find(first).map(|end| end + 2)),
        'e' | 'E' if text[1..].starts_with('\'') => (TokenKind::Quoted, escaped(text)),
        '$' => dollar(text).unwrap_or((TokenKind::Sign, Some(1))),
        _ if is_word(first) => {
            (TokenKind::Word, Some(length_while(text, |c| is_word(c) || c == '$')))
        }
        _ => (TokenKind::Sign, Some(first.len_utf8())),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn length_while(text: &str, is_inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_inside(c)).unwrap_or(text.len())
}

/// Block comments nest.
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

/// E'…': a backslash escapes the next character.
fn escaped(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().skip(2).find_map(|(at, c)| {
        let ends = c == '\'' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends.then_some(at + 1)
    })
}

/// $$…$$ or $tag$…$tag$, but not $1, which is a parameter.
fn dollar(text: &str) -> Option<(TokenKind, Option<usize>)> {
    let tag = 1 + length_while(&text[1..], is_word);
    let is_quote =
        text[tag..].starts_with('$') && !text[1..].starts_with(|c: char| c.is_ascii_digit());
    let quote = &text[..=tag];
    is_quote.then(|| {
        (TokenKind::Quoted, text[quote.len()..].find(quote).map(|end| end + 2 * quote.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expects tokens separated by bars, without spaces; an open token ends in `…`.
    fn check(table: &[(&str, &str)]) {
        for (text, expected) in table {
            let all: Vec<_> = tokens(text).collect();
            assert_eq!(all.iter().map(|token| token.text).collect::<String>(), *text);
            let shown: Vec<String> = all
                .iter()
                .filter(|token| token.kind != TokenKind::Space)
                .map(|token| {
                    let open = if token.is_closed { "" } else { "…" };
                    format!("{}{open}", token.text)
                })
                .collect();
            assert_eq!(shown.join(" | "), *expected, "{text}");
        }
    }

    #[test]
    fn quotes_and_comments_are_single_tokens() {
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
