//! Finds the end of a JSON value in a stream, without recursion and in bounded memory. It does not
//! validate the value.

use std::io::{self, BufRead};

/// The state inside a value.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Extent {
    depth: u64,
    in_text: bool,
    escaped: bool,
    in_word: bool,
}

impl Extent {
    /// Scans the next bytes: returns how many belong to the value, and whether it ends with them.
    pub(in crate::ingest) fn advance(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.in_text {
                if self.ends_text(*byte) && self.depth == 0 {
                    return (at + 1, true);
                }
                continue;
            }
            match byte {
                b'"' | b'{' | b'[' if self.in_word => return (at, true),
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b'}' | b']' => return (at + usize::from(self.depth == 1), true),
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return (at, true),
                _ => self.in_word = self.depth == 0,
            }
        }
        (bytes.len(), false)
    }

    fn ends_text(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_text = false,
            _ => {}
        }
        !self.in_text
    }
}

/// A stream of JSON, consumed value by value. `text` holds the consumed bytes since `begin`.
pub(in crate::ingest) struct Scanner<'r> {
    reader: &'r mut dyn BufRead,
    text_max: usize,
    text: Vec<u8>,
    too_long: bool,
    position: Position,
    start: Position,
}

/// A place in the stream; both counts begin with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Position {
    pub(in crate::ingest) line: u64,
    pub(in crate::ingest) column: u64,
}

impl<'r> Scanner<'r> {
    pub(in crate::ingest) fn new(reader: &'r mut dyn BufRead, text_max: usize) -> Self {
        let start = Position { line: 1, column: 1 };
        Scanner { reader, text_max, text: Vec::new(), too_long: false, position: start, start }
    }

    /// Drops the text so far; the next text begins here.
    pub(in crate::ingest) fn begin(&mut self) {
        self.text.clear();
        self.too_long = false;
        self.start = self.position;
    }

    /// The text since `begin`, or its start if it exceeds the limit.
    pub(in crate::ingest) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(in crate::ingest) fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// The position at which the text began.
    pub(in crate::ingest) fn start(&self) -> Position {
        self.start
    }

    /// The current position.
    pub(in crate::ingest) fn position(&self) -> Position {
        self.position
    }

    /// Consumes white space; the byte after it, which is not consumed.
    pub(in crate::ingest) fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = fill(self.reader)?;
            let spaces = bytes
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
                .count();
            let next = bytes.get(spaces).copied();
            let ended = bytes.is_empty();
            self.consume(spaces)?;
            if next.is_some() || ended {
                return Ok(next);
            }
        }
    }

    /// Consumes the byte that `peek` returned.
    pub(in crate::ingest) fn take(&mut self) -> io::Result<()> {
        self.consume(1)
    }

    /// Consumes a value that begins here; false when the input ends inside it.
    pub(in crate::ingest) fn value(&mut self) -> io::Result<bool> {
        let mut value = Extent::default();
        loop {
            let bytes = fill(self.reader)?;
            if bytes.is_empty() {
                return Ok(value.in_word);
            }
            let (count, ended) = value.advance(bytes);
            self.consume(count)?;
            if ended {
                return Ok(true);
            }
        }
    }

    fn consume(&mut self, count: usize) -> io::Result<()> {
        let bytes = &fill(self.reader)?[..count];
        let room = self.text_max - self.text.len();
        self.too_long |= count > room;
        self.text.extend_from_slice(&bytes[..count.min(room)]);
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            None => self.position.column += count as u64,
            Some(last) => {
                self.position.line += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
                self.position.column = (count - last) as u64;
            }
        }
        self.reader.consume(count);
        Ok(())
    }
}

/// The bytes at hand, at least one unless the input has ended.
fn fill(reader: &mut dyn BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    reader.fill_buf()
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::{Position, Scanner};

    /// Shows the first value, whatever the size of the pieces in which the input arrives.
    fn check(input: &str, expected: &str) {
        for piece in 1..input.len() + 2 {
            let mut reader = BufReader::with_capacity(piece, input.as_bytes());
            let mut scanner = Scanner::new(&mut reader, 40);
            let shown = scanner.peek().and_then(|next| {
                scanner.begin();
                let whole = next.is_some() && scanner.value()?;
                let text = String::from_utf8_lossy(scanner.text());
                Ok(if whole { text.to_string() } else { format!("{text}<end>") })
            });
            assert_eq!(shown.ok().as_deref(), Some(expected), "{input} in pieces of {piece}");
        }
    }

    #[test]
    fn a_value_ends_where_its_brackets_and_quotes_close() {
        check(r#"  {"a":"}\"]","b":[{}]} {"#, r#"{"a":"}\"]","b":[{}]}"#);
        check(r#"["\\"],"#, r#"["\\"]"#);
        check(r#""a,b":"#, r#""a,b""#);
        check("12.5e3,", "12.5e3");
        check("true]", "true");
        check("true", "true");
        check("12{", "12");
    }

    #[test]
    fn an_input_that_ends_inside_is_told() {
        check(r#"{"a":"#, r#"{"a":<end>"#);
        check(r#""a\"#, r#""a\<end>"#);
        check("", "<end>");
    }

    #[test]
    fn a_long_value_is_consumed_but_not_kept() {
        let input = format!("[{}]\n\n 7", "1,".repeat(100));
        let mut reader = input.as_bytes();
        let mut scanner = Scanner::new(&mut reader, 40);
        assert_eq!(scanner.value().ok(), Some(true));
        assert_eq!((scanner.text().len(), scanner.is_too_long()), (40, true));
        assert_eq!(scanner.peek().ok(), Some(Some(b'7')));
        assert_eq!(scanner.position(), Position { line: 3, column: 2 });
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let input = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let mut reader = input.as_bytes();
        assert_eq!(Scanner::new(&mut reader, 40).value().ok(), Some(true));
    }
}
