//! Splits Rust source into tokens and comments. It reads only the parts of the grammar that the
//! rules need; a file that rustc accepts gives tokens on their true lines.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Mark(char),
    /// A number, a character or a lifetime: no rule reads them.
    Other,
}

/// A token or the text of a comment, with the line on which it starts.
#[derive(Debug, Clone)]
pub(super) struct Lined<T> {
    pub(super) line: usize,
    pub(super) item: T,
}

#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<Lined<Token>>,
    pub(super) comments: Vec<Lined<String>>,
}

pub(super) fn lex(source: &str) -> Lexed {
    let mut lexer =
        Lexer { characters: source.chars().collect(), at: 0, line: 1, lexed: Lexed::default() };
    while lexer.step() {}
    lexer.lexed
}

struct Lexer {
    characters: Vec<char>,
    at: usize,
    line: usize,
    lexed: Lexed,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.characters.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn take(&mut self) -> char {
        let character = self.peek(0);
        self.at += 1;
        self.line += usize::from(character == '\n');
        character
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while self.at < self.characters.len() && matches(self.peek(0)) {
            text.push(self.take());
        }
        text
    }

    fn push(&mut self, line: usize, token: Token) {
        self.lexed.tokens.push(Lined { line, item: token });
    }

    fn step(&mut self) -> bool {
        if self.at >= self.characters.len() {
            return false;
        }
        let (line, next) = (self.line, self.peek(1));
        match self.peek(0) {
            '/' if next == '/' => self.line_comment(),
            '/' if next == '*' => self.block_comment(),
            '"' => self.text(),
            'r' | 'b' | 'c' if self.starts_text() => self.prefixed_text(),
            '\'' => self.character_or_lifetime(),
            c if c.is_alphabetic() || c == '_' => {
                let word = self.take_while(is_word);
                self.push(line, Token::Word(word));
            }
            c if c.is_ascii_digit() => {
                self.take_while(is_word);
                self.push(line, Token::Other);
            }
            c if c.is_whitespace() => {
                self.take();
            }
            c => {
                self.take();
                self.push(line, Token::Mark(c));
            }
        }
        true
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let text = self.take_while(|c| c != '\n');
        let text = text.trim_start_matches('/').trim_start_matches('!').trim().to_string();
        self.lexed.comments.push(Lined { line, item: text });
    }

    fn block_comment(&mut self) {
        let line = self.line;
        let mut text = String::new();
        while self.at < self.characters.len() && !text.ends_with("*/") {
            text.push(self.take());
        }
        self.lexed.comments.push(Lined { line, item: text });
    }

    /// Whether a string with a prefix starts here, such as `r"`, `br#"` or `b"`.
    fn starts_text(&self) -> bool {
        let mut ahead = 0;
        while matches!(self.peek(ahead), 'r' | 'b' | 'c') && ahead < 2 {
            ahead += 1;
        }
        while self.peek(ahead) == '#' {
            ahead += 1;
        }
        self.peek(ahead) == '"'
    }

    fn prefixed_text(&mut self) {
        let prefix = self.take_while(|c| matches!(c, 'r' | 'b' | 'c'));
        let hashes = self.take_while(|c| c == '#').len();
        if prefix.contains('r') { self.raw_text(hashes) } else { self.text() }
    }

    fn raw_text(&mut self, hashes: usize) {
        let line = self.line;
        let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
        self.take();
        let mut text = String::new();
        while self.at < self.characters.len() && !text.ends_with(&end) {
            text.push(self.take());
        }
        text.truncate(text.len().saturating_sub(end.len()));
        self.push(line, Token::Text(text));
    }

    fn text(&mut self) {
        let line = self.line;
        self.take();
        let mut text = String::new();
        while self.at < self.characters.len() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                self.take();
                // A backslash at the end of a line joins it with the next one.
                if self.peek(0) == '\n' {
                    self.take_while(char::is_whitespace);
                } else {
                    self.take();
                    text.push(' ');
                }
            } else {
                text.push(self.take());
            }
        }
        self.take();
        self.push(line, Token::Text(text));
    }

    fn character_or_lifetime(&mut self) {
        let line = self.line;
        let is_lifetime = is_word(self.peek(1)) && self.peek(2) != '\'';
        self.take();
        if is_lifetime {
            self.take_while(is_word);
        } else {
            if self.take() == '\\' {
                self.take();
            }
            self.take_while(|c| c != '\'');
            self.take();
        }
        self.push(line, Token::Other);
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
