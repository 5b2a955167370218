//! The input as plain bytes: decompressed by content, counted, with a look at its start before it
//! is read.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use crate::ingest::rejection::{FieldError, Rejection};
use crate::model::ObjectType;

/// Bytes of the start that format detection may read.
const HEAD_BYTES: usize = 64 << 10;

/// Bytes of one read.
const BUFFER_BYTES: usize = 256 << 10;

/// The minimum size of a buffer.
const BUFFER_BYTES_MIN: usize = 4 << 10;

/// The consumed bytes of the input as received.
pub(in crate::ingest) type Counter = Rc<Cell<u64>>;

/// An input whose compression is known and whose start has been read.
pub(in crate::ingest) struct Source {
    head: Vec<u8>,
    head_read: usize,
    rest: Box<dyn Read>,
    /// The error that ended the reading of the head; returned after the head.
    pending: Option<io::Error>,
    bytes: Counter,
    buffer_bytes: usize,
}

impl Source {
    /// Reads the start, no more than `is_enough` requires, so that a slow sender of rows does not
    /// block. `input_bytes` is the approximate size.
    pub(in crate::ingest) fn open(
        input: Box<dyn Read + Send>,
        input_bytes: usize,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Self> {
        let bytes = Counter::default();
        let failed = Rc::new(Cell::new(false));
        let mut input = RawInput { input, bytes: bytes.clone(), failed: failed.clone() };
        let (magic, pending) = read_head(&mut input, 4, &|_| false);
        if let Some(error) = pending {
            return Err(error);
        }
        let compression = compression(&magic);
        let input = io::Cursor::new(magic).chain(input);
        let mut rest: Box<dyn Read> = match compression {
            None => Box::new(input),
            Some("gzip") => Box::new(Decompressed {
                name: "gzip",
                inner: MultiGzDecoder::new(BufReader::new(input)),
                failed,
            }),
            Some(name) => {
                Box::new(Decompressed { name, inner: zstd::Decoder::new(input)?, failed })
            }
        };
        let buffer_bytes = match compression {
            None => input_bytes.clamp(BUFFER_BYTES_MIN, BUFFER_BYTES),
            Some(_) => BUFFER_BYTES,
        };
        let (head, pending) = read_head(&mut rest, buffer_bytes.min(HEAD_BYTES), &is_enough);
        Ok(Source { head, head_read: 0, rest, pending, bytes, buffer_bytes })
    }

    /// The first bytes, none of which are consumed.
    pub(in crate::ingest) fn peek(&self) -> &[u8] {
        &self.head
    }

    /// Skips the mark that some programs write before UTF-8, and buffers.
    pub(in crate::ingest) fn buffered(mut self) -> BufReader<Self> {
        if self.head.starts_with(b"\xEF\xBB\xBF") {
            self.head_read = 3;
        }
        BufReader::with_capacity(self.buffer_bytes, self)
    }

    /// Copies everything to a temporary file, for formats that are read from their end.
    pub(in crate::ingest) fn spooled(mut self) -> io::Result<File> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut self, &mut file)?;
        file.rewind()?;
        Ok(file)
    }

    pub(in crate::ingest) fn bytes_read(&self) -> Counter {
        self.bytes.clone()
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.head_read < self.head.len() {
            let read = (&self.head[self.head_read..]).read(buffer)?;
            self.head_read += read;
            return Ok(read);
        }
        match self.pending.take() {
            Some(error) => Err(error),
            None => self.rest.read(buffer),
        }
    }
}

/// The input as received.
struct RawInput {
    input: Box<dyn Read + Send>,
    bytes: Counter,
    failed: Rc<Cell<bool>>,
}

impl Read for RawInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.input.read(buffer);
        match &result {
            Ok(read) => self.bytes.set(self.bytes.get() + *read as u64),
            Err(error) => self.failed.set(error.kind() != io::ErrorKind::Interrupted),
        }
        result
    }
}

/// A decompressor whose errors are about the content, not about reading.
struct Decompressed<R> {
    name: &'static str,
    inner: R,
    failed: Rc<Cell<bool>>,
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            if self.failed.get() || error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let name = self.name;
            MalformedInput::file(match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    format!(
                        "the {name} stream ends too early; the file is incomplete, send it again"
                    )
                }
                _ => format!("the {name} stream is damaged ({error}); send the file again"),
            })
            .into_io()
        })
    }
}

fn compression(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [0x1F, 0x8B, ..] => Some("gzip"),
        [0x28, 0xB5, 0x2F, 0xFD] => Some("zstd"),
        // A frame that zstd skips; some tools begin with one.
        [0x50..=0x5F, 0x2A, 0x4D, 0x18] => Some("zstd"),
        _ => None,
    }
}

fn read_head(
    input: &mut dyn Read,
    bytes_max: usize,
    is_enough: &dyn Fn(&[u8]) -> bool,
) -> (Vec<u8>, Option<io::Error>) {
    let (mut head, mut length) = (vec![0; bytes_max], 0);
    let mut pending = None;
    while length < bytes_max && !is_enough(&head[..length]) {
        match input.read(&mut head[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                pending = Some(error);
                break;
            }
        }
    }
    head.truncate(length);
    (head, pending)
}

/// Content that cannot be read further. It travels as an IO error, so that `?` ends the reading;
/// the rows before it stand.
#[derive(Debug)]
pub(in crate::ingest) struct MalformedInput {
    pub(in crate::ingest) object: Option<ObjectType>,
    pub(in crate::ingest) line: Option<u64>,
    pub(in crate::ingest) errors: Vec<FieldError>,
    pub(in crate::ingest) original: String,
}

impl MalformedInput {
    /// An error of the file as a whole.
    pub(in crate::ingest) fn file(message: impl Into<String>) -> Self {
        MalformedInput {
            object: None,
            line: None,
            errors: vec![FieldError::malformed(message)],
            original: String::new(),
        }
    }

    pub(in crate::ingest) fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }

    /// Separates content errors from reading errors: returns any error that is not about the
    /// content.
    pub(in crate::ingest) fn from_io(error: io::Error) -> io::Result<Self> {
        error.downcast::<MalformedInput>()
    }

    pub(in crate::ingest) fn rejection(self) -> Rejection {
        Rejection {
            line: self.line,
            index: None,
            object: self.object,
            id: None,
            errors: self.errors,
            original: self.original,
        }
    }
}

impl fmt::Display for MalformedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errors.iter().try_for_each(|error| f.write_str(&error.message))
    }
}

impl std::error::Error for MalformedInput {}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};

    use crate::ingest::testing::{customers, render, render_read};

    const TWO: &str = "{\"id\":\"1\",\"name\":\"a\"}\n{\"id\":\"2\",\"name\":\"b\"}\n";
    const ROWS: &str = "row 1 {\"id\":\"1\",\"name\":\"a\"}\nrow 2 {\"id\":\"2\",\"name\":\"b\"}\n";

    fn check(input: &[u8], expected: &str) {
        assert_eq!(render(input, &customers()), expected);
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    fn zstd(text: &str) -> Vec<u8> {
        zstd::encode_all(text.as_bytes(), 1).unwrap_or_default()
    }

    #[test]
    fn compression_is_found_out() {
        check(TWO.as_bytes(), ROWS);
        check(&gzip(TWO), ROWS);
        check(&zstd(TWO), ROWS);
    }

    #[test]
    fn several_streams_in_one_file_are_one_text() {
        let (first, second) = TWO.split_at(30);
        check(&[gzip(first), gzip(second)].concat(), ROWS);
        check(&[zstd(first), zstd(second)].concat(), ROWS);
        check(&[b"\x50\x2A\x4D\x18\x01\0\0\0x".to_vec(), zstd(TWO)].concat(), ROWS);
    }

    #[test]
    fn rows_before_a_truncation_stand() {
        let early = "ends too early; the file is incomplete, send it again\n";
        let packed = gzip(TWO);
        check(
            &packed[..packed.len() - 4],
            &format!("{ROWS}reject -: malformed the gzip stream {early}"),
        );
        check(&gzip(TWO)[..12], &format!("reject -: malformed the gzip stream {early}"));
        let packed = [zstd(TWO), zstd(TWO)].concat();
        check(
            &packed[..packed.len() - 4],
            &format!("{ROWS}reject -: malformed the zstd stream {early}"),
        );
    }

    #[test]
    fn damage_is_told() {
        let mut packed = gzip(TWO);
        let checksum = packed.len() - 6;
        packed[checksum] ^= 1;
        let damaged =
            "the gzip stream is damaged (corrupt gzip stream does not have a matching checksum)";
        check(&packed, &format!("{ROWS}reject -: malformed {damaged}; send the file again\n"));
    }

    #[test]
    fn an_error_of_reading_is_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the cable is cut"))
            }
        }
        for start in [
            TWO.as_bytes().to_vec(),
            gzip(TWO)[..20].to_vec(),
            zstd(TWO)[..20].to_vec(),
            Vec::new(),
        ] {
            let text = render_read(Box::new(io::Cursor::new(start).chain(Broken)), &customers());
            assert!(text.ends_with("error read the input: the cable is cut\n"), "{text}");
        }
    }
}
