//! The lines of a text, one at a time, each no longer than a limit; lines can be put back.

use std::io::{self, BufRead, Read};

/// A line reader that counts.
pub(in crate::ingest) struct Lines<'r> {
    reader: &'r mut dyn BufRead,
    line_max: usize,
    /// Text put back, and how much of it has been read again.
    back: Vec<u8>,
    back_read: usize,
    number: u64,
}

/// The result of reading a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Line {
    /// The whole line.
    Whole,
    /// The start of a line that exceeds the limit.
    TooLong,
}

impl<'r> Lines<'r> {
    pub(in crate::ingest) fn new(reader: &'r mut dyn BufRead, line_max: usize) -> Self {
        Lines { reader, line_max, back: Vec::new(), back_read: 0, number: 0 }
    }

    /// Appends the next line with its end to `text`; nothing at the end of the input.
    pub(in crate::ingest) fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Option<Line>> {
        let before = text.len();
        let mut back = &self.back[self.back_read..];
        let again = back.read_until(b'\n', text)?;
        self.back_read += again;
        if again == 0 {
            let limit = self.line_max as u64 + 1;
            (&mut *self.reader).take(limit).read_until(b'\n', text)?;
        }
        if text.len() == before {
            return Ok(None);
        }
        self.number += 1;
        if text.last() == Some(&b'\n') || text.len() - before <= self.line_max {
            return Ok(Some(Line::Whole));
        }
        // Of a long line that was put back, the rest is skipped already.
        if again == 0 {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(Line::TooLong))
    }

    /// Puts the last lines back, to be read again.
    pub(in crate::ingest) fn put_back(&mut self, text: &[u8]) {
        self.back.drain(..self.back_read);
        self.back_read = 0;
        self.number -= text.split_inclusive(|&byte| byte == b'\n').count() as u64;
        self.back.splice(..0, text.iter().copied());
    }

    /// The number of the line read last, counted from 1.
    pub(in crate::ingest) fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    fn check(input: &str, expected: &[&str]) {
        let mut reader = input.as_bytes();
        let mut lines = Lines::new(&mut reader, 4);
        let (mut text, mut shown) = (Vec::new(), Vec::new());
        while let Ok(Some(line)) = lines.next(&mut text) {
            shown.push(format!(
                "{} {:?} {}",
                lines.number(),
                line,
                String::from_utf8_lossy(&text).escape_default()
            ));
            text.clear();
        }
        assert_eq!(shown, expected, "{input}");
    }

    #[test]
    fn lines_are_counted_and_limited() {
        check("", &[]);
        check("a\n\nb", &["1 Whole a\\n", "2 Whole \\n", "3 Whole b"]);
        check("1234\n12345\nx\n", &["1 Whole 1234\\n", "2 TooLong 12345", "3 Whole x\\n"]);
        check("12345", &["1 TooLong 12345"]);
    }

    #[test]
    fn lines_put_back_are_read_again() {
        let mut reader = "a\nb\nc\n".as_bytes();
        let mut lines = Lines::new(&mut reader, 9);
        let mut text = Vec::new();
        while let (Ok(Some(_)), 1..3) = (lines.next(&mut text), lines.number()) {}
        lines.put_back(b"b\nc\n");
        let mut again = Vec::new();
        assert!(lines.next(&mut again).is_ok());
        assert_eq!((lines.number(), again), (2, b"b\n".to_vec()));
        lines.put_back(b"b\n");
        let mut rest = Vec::new();
        while let Ok(Some(_)) = lines.next(&mut rest) {}
        assert_eq!((lines.number(), rest), (3, b"b\nc\n".to_vec()));
    }
}
