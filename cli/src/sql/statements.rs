//! Splits a text into statements, at semicolons outside of quotes and comments.

use super::tokens::{Token, TokenKind, tokens};

/// One statement, without its semicolon and the spaces and comments around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statement<'t> {
    pub(crate) text: &'t str,
    /// The line number of its start.
    pub(crate) line: usize,
}

/// All statements; the last needs no semicolon.
pub(crate) fn split(text: &str) -> Vec<Statement<'_>> {
    let (mut statements, rest) = split_rest(text);
    statements.extend(rest);
    statements
}

/// Whether every statement ends with a semicolon, and no quote or comment is open.
pub(super) fn is_complete(text: &str) -> bool {
    let is_open =
        tokens(text).last().is_some_and(|token| !token.is_closed && !token.text.starts_with("--"));
    !is_open && split_rest(text).1.is_none()
}

fn split_rest(text: &str) -> (Vec<Statement<'_>>, Option<Statement<'_>>) {
    let mut statements = Vec::new();
    let mut range = None;
    for token in tokens(text).filter(Token::is_significant) {
        if token.kind == TokenKind::Sign && token.text == ";" {
            statements.extend(range.take());
        } else {
            let (start, _) = range.unwrap_or((token.at, 0));
            range = Some((start, token.end()));
        }
    }
    let mut lines = LineCounter { text, at: 0, line: 1 };
    let statements = statements.into_iter().map(|range| lines.statement(range)).collect();
    (statements, range.map(|range| lines.statement(range)))
}

/// Counts lines from statement to statement.
struct LineCounter<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl<'t> LineCounter<'t> {
    fn statement(&mut self, (start, end): (usize, usize)) -> Statement<'t> {
        self.line += self.text[self.at..start].matches('\n').count();
        self.at = start;
        Statement { text: &self.text[start..end], line: self.line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_split() {
        let table: [(&str, &[(usize, &str)]); 7] = [
            ("", &[]),
            (" ;; -- nothing;\n ; /* nor; here */", &[]),
            ("select 1", &[(1, "select 1")]),
            (
                "select 1; select\n2 ;\n\nselect 3",
                &[(1, "select 1"), (1, "select\n2"), (4, "select 3")],
            ),
            ("-- what;\nselect ';' -- so;\n;select 2", &[(2, "select ';'"), (3, "select 2")]),
            (
                "select $$;$$, \"a;b\", e'\\';'; x",
                &[(1, "select $$;$$, \"a;b\", e'\\';'"), (1, "x")],
            ),
            ("select 'a; b", &[(1, "select 'a; b")]),
        ];
        for (text, expected) in table {
            let found: Vec<_> =
                split(text).iter().map(|statement| (statement.line, statement.text)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn input_without_final_semicolon_is_incomplete() {
        for text in ["", "  \n", "select 1;", "select 1; -- done", ";", "select ';'; /* x */"] {
            assert!(is_complete(text), "{text}");
        }
        for text in [
            "select 1",
            "select 1; select",
            "select ';",
            "/* x",
            "select 1; /* x",
            "select 1 -- ;",
            "$a$;$b$",
        ] {
            assert!(!is_complete(text), "{text}");
        }
    }
}
