//! The cells of one CSV record, found as its lines arrive (RFC 4180: comma, double quotes, a quote
//! doubled inside).

use std::borrow::Cow;

/// The record that is being read; its buffers are reused for the next one.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Record {
    /// The lines so far.
    pub(in crate::ingest) text: Vec<u8>,
    cells: Vec<Cell>,
    /// The number of bytes scanned.
    at: usize,
    is_quoted: bool,
    has_doubled: bool,
    start: usize,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    has_doubled: bool,
}

/// The state of the text so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Split {
    /// A whole record.
    Whole,
    /// It ends inside quotes: the record continues on the next line.
    Open,
    /// A cell continues after its closing quote.
    Bad,
}

impl Record {
    pub(in crate::ingest) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        (self.at, self.is_quoted, self.has_doubled, self.start) = (0, false, false, 0);
    }

    /// Continues where the text ended before. The text consists of whole lines.
    pub(in crate::ingest) fn split(&mut self) -> Split {
        loop {
            if !self.is_quoted {
                if self.text.get(self.at) != Some(&b'"') {
                    let end = self.find(|byte| byte == b',' || byte == b'\n');
                    if self.end_cell(self.at, end, end) {
                        return Split::Whole;
                    }
                    continue;
                }
                (self.is_quoted, self.has_doubled, self.start) = (true, false, self.at + 1);
                self.at += 1;
            }
            let quote = self.find(|byte| byte == b'"');
            match &self.text[quote..] {
                [] => {
                    self.at = quote;
                    return Split::Open;
                }
                [_, b'"', ..] => {
                    self.has_doubled = true;
                    self.at = quote + 2;
                }
                [_] | [_, b',' | b'\n', ..] | [_, b'\r'] | [_, b'\r', b'\n', ..] => {
                    self.is_quoted = false;
                    if self.end_cell(self.start, quote, quote + 1) {
                        return Split::Whole;
                    }
                }
                _ => return Split::Bad,
            }
        }
    }

    /// The cells; the text must be UTF-8.
    pub(in crate::ingest) fn cells(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = Cow<'_, str>>, std::str::Utf8Error> {
        let text = std::str::from_utf8(&self.text)?;
        Ok(self.cells.iter().map(move |cell| {
            let plain = &text[cell.start..cell.end];
            if cell.has_doubled {
                Cow::Owned(plain.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(plain)
            }
        }))
    }

    fn find(&self, is_sought: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text[self.at..];
        self.at + rest.iter().position(|&byte| is_sought(byte)).unwrap_or(rest.len())
    }

    /// Stores a cell and moves past its separator; returns whether the record ends with it.
    fn end_cell(&mut self, start: usize, end: usize, separator: usize) -> bool {
        let is_last = self.text.get(separator) != Some(&b',');
        let has_return = is_last && end == separator && end > start && self.text[end - 1] == b'\r';
        self.cells.push(Cell {
            start,
            end: end - usize::from(has_return),
            has_doubled: self.has_doubled,
        });
        self.has_doubled = false;
        self.at = separator + 1;
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, Split};

    /// Splits line by line, and shows the cells of the first record.
    fn check(table: &[(&str, &str)]) {
        for (input, expected) in table {
            let mut record = Record::default();
            let mut split = Split::Open;
            for line in input.split_inclusive('\n') {
                record.text.extend_from_slice(line.as_bytes());
                split = record.split();
                if split != Split::Open {
                    break;
                }
            }
            let cells =
                record.cells().map(|cells| cells.collect::<Vec<_>>().join("|")).unwrap_or_default();
            let shown = if split == Split::Whole { cells } else { format!("{split:?}") };
            assert_eq!(shown, *expected, "{input:?}");
        }
    }

    #[test]
    fn cells_are_separated_by_commas() {
        check(&[
            ("a,b,c\n", "a|b|c"),
            ("a,b,c\r\n", "a|b|c"),
            ("a,b,c", "a|b|c"),
            ("a,,\n", "a||"),
            (",\r\n", "|"),
            (" a , b \n", " a | b "),
            ("a\rb,c\n", "a\rb|c"),
        ]);
    }

    #[test]
    fn quotes_keep_commas_lines_and_quotes() {
        check(&[
            ("\"a,b\",c\n", "a,b|c"),
            ("\"a\nb\r\n\",\"\"\r\n", "a\nb\r\n|"),
            ("\"say \"\"hi\"\"\",\"\"\"\"", "say \"hi\"|\""),
            ("5\" pipe,\"x\"\n", "5\" pipe|x"),
            ("\"\"\n", ""),
        ]);
    }

    #[test]
    fn wrong_quotes_are_told() {
        check(&[
            ("\"a\"b,c\n", "Bad"),
            ("\"a\n b\" ,c\n", "Bad"),
            ("x,\"a\nb\n", "Open"),
            ("\"", "Open"),
            ("\"a\"\rb\n", "Bad"),
        ]);
    }
}
