//! JSON documents: objects, arrays of objects, objects of arrays such as `{"invoices": [...]}`, one
//! after another. They are read element by element. A delimited element is at worst one rejection;
//! a broken document ends the reading.

use std::io::{self, BufRead};

use crate::ingest::DecodeOptions;
use crate::ingest::format::scan::Scanner;
use crate::ingest::format::source::MalformedInput;
use crate::ingest::output::Output;
use crate::ingest::rejection::{Code, FieldError, ORIGINAL_BYTES_MAX, Rejection, clip, clip_bytes};
use crate::ingest::row::object;
use crate::ingest::row::object::plural;
use crate::model::ObjectType;

/// The maximum of other fields of a document that are stored until its kind is known.
const OTHERS_MAX: usize = 1000;

pub(in crate::ingest) fn read(
    reader: &mut dyn BufRead,
    options: &DecodeOptions,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let scanner = Scanner::new(reader, options.row_bytes_max);
    let mut documents = Documents { scanner, options, output, counts: [0; ObjectType::ALL.len()] };
    let mut is_empty = true;
    while let Some(byte) = documents.scanner.peek()? {
        is_empty = false;
        match byte {
            b'[' => documents.array(options.object)?,
            b'{' => documents.object()?,
            byte => return Err(documents.unexpected(Some(byte), "an object or an array")),
        }
    }
    if is_empty { Err(MalformedInput::file("the file is empty").into_io()) } else { Ok(()) }
}

struct Documents<'d, 'o> {
    scanner: Scanner<'d>,
    options: &'d DecodeOptions,
    output: &'d mut Output<'o>,
    /// The objects of each type so far: the index of the next.
    counts: [u64; ObjectType::ALL.len()],
}

/// A field of a document that is not an array of objects.
struct OtherField {
    name: String,
    first_byte: u8,
}

impl Documents<'_, '_> {
    fn array(&mut self, object: Option<ObjectType>) -> io::Result<()> {
        self.output.table(object)?;
        self.scanner.take()?;
        if self.scanner.peek()? == Some(b']') {
            return self.scanner.take();
        }
        loop {
            self.scanner.begin();
            self.value()?;
            self.row(object, None)?;
            match self.scanner.peek()? {
                Some(b',') => self.scanner.take()?,
                Some(b']') => return self.scanner.take(),
                byte => return Err(self.unexpected(byte, "\",\" or \"]\"")),
            }
            self.scanner.peek()?;
        }
    }

    /// An object, or one whose fields are arrays of objects; the first array decides.
    fn object(&mut self) -> io::Result<()> {
        self.scanner.begin();
        self.scanner.take()?;
        let mut arrays: Vec<ObjectType> = Vec::new();
        let mut others: Vec<OtherField> = Vec::new();
        let mut start = None;
        let mut next = self.scanner.peek()?;
        if next == Some(b'}') {
            self.scanner.take()?;
            return self.row(self.options.object, None);
        }
        loop {
            if next != Some(b'"') {
                return Err(self.unexpected(next, "a field name in quotes"));
            }
            if self.scanner.is_too_long() || !arrays.is_empty() {
                start.get_or_insert_with(|| clip_bytes(self.scanner.text(), ORIGINAL_BYTES_MAX));
                self.scanner.begin();
            }
            let name = self.name()?;
            match (plural(&name), self.scanner.peek()?) {
                (Some(object), Some(b'[')) => {
                    self.once(object, &mut arrays)?;
                    self.array(Some(object))?;
                    self.scanner.begin();
                }
                (_, first_byte) => {
                    self.value()?;
                    let first_byte = first_byte.unwrap_or_default();
                    others.push(OtherField { name, first_byte });
                    others.truncate(OTHERS_MAX);
                }
            }
            match self.scanner.peek()? {
                Some(b',') => self.scanner.take()?,
                Some(b'}') => break self.scanner.take()?,
                byte => return Err(self.unexpected(byte, "\",\" or \"}\"")),
            }
            next = self.scanner.peek()?;
        }
        match arrays.is_empty() {
            true => self.row(self.options.object, start.as_deref()),
            false => self.beside(&others),
        }
    }

    /// Consumes a value that must begin here.
    fn value(&mut self) -> io::Result<()> {
        match self.scanner.peek()? {
            byte @ (None | Some(b',' | b':' | b']' | b'}')) => {
                Err(self.unexpected(byte, "a value"))
            }
            _ if self.scanner.value()? => Ok(()),
            _ => Err(self.unexpected(None, "")),
        }
    }

    /// Consumes a field's name and colon.
    fn name(&mut self) -> io::Result<String> {
        let from = self.scanner.text().len();
        self.value()?;
        // A name that is not valid JSON names no array; its object is rejected later.
        let name = serde_json::from_slice(&self.scanner.text()[from..]).unwrap_or_default();
        match self.scanner.peek()? {
            Some(b':') => self.scanner.take().map(|()| name),
            byte => Err(self.unexpected(byte, "\":\"")),
        }
    }

    /// Adds the consumed object to its table; of an oversized one, the start.
    fn row(&mut self, object: Option<ObjectType>, long_start: Option<&str>) -> io::Result<()> {
        let table = self.output.table(object)?;
        let count = &mut self.counts[table.object as usize];
        let text = self.scanner.text();
        match long_start {
            Some(start) => table.reject(
                *count,
                FieldError::too_long(self.options.row_bytes_max),
                start.as_bytes(),
            ),
            None if self.scanner.is_too_long() => {
                table.reject(*count, FieldError::too_long(self.options.row_bytes_max), text)
            }
            None => object::add(table, *count, text, self.scanner.start()),
        }
        *count += 1;
        self.output.step(object)
    }

    /// Both arrays are read if a document has two for one type, with a rejection.
    fn once(&mut self, object: ObjectType, arrays: &mut Vec<ObjectType>) -> io::Result<()> {
        if arrays.contains(&object) {
            let message = format!("\"{object}\" is given twice; make one array of the two");
            return self.refuse(object, Code::DuplicateKey, message);
        }
        arrays.push(object);
        Ok(())
    }

    /// The other fields of a document.
    fn beside(&mut self, others: &[OtherField]) -> io::Result<()> {
        for OtherField { name, first_byte } in others {
            match (plural(name), first_byte) {
                (Some(_), b'n') => {}
                (Some(object), _) => {
                    let message = format!("\"{object}\" must be an array of objects");
                    self.refuse(object, Code::WrongType, message)?;
                }
                (None, _) => self.output.ignore(name),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, object: ObjectType, code: Code, message: String) -> io::Result<()> {
        let error = FieldError::new(format!("/{object}"), code, message, None);
        let original = String::new();
        self.output.reject(Rejection {
            line: None,
            index: None,
            object: Some(object),
            id: None,
            errors: vec![error],
            original,
        })
    }

    /// The document is malformed here; nothing after it can be read.
    fn unexpected(&self, byte: Option<u8>, expected: &str) -> io::Error {
        let position = self.scanner.position();
        let place = format!("at line {} column {}", position.line, position.column);
        let message = match byte {
            None => {
                format!("the JSON ends too early, {place}; the file is incomplete, send it again")
            }
            Some(byte) => format!(
                "not valid JSON: expected {expected}, not \"{}\" {place}",
                byte.escape_ascii()
            ),
        };
        let original = clip(&String::from_utf8_lossy(self.scanner.text()), ORIGINAL_BYTES_MAX);
        MalformedInput { original, ..MalformedInput::file(message) }.into_io()
    }
}

#[cfg(test)]
mod tests;
