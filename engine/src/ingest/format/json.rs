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
mod tests {
    use crate::ingest::testing::{customers, render};
    use crate::ingest::{DecodeOptions, Format};

    const A: &str = r#"{"id":"a","name":"A"}"#;
    const B: &str = r#"{"id":"b","name":"B"}"#;

    fn check(input: &str, expected: &[&str]) {
        let options =
            DecodeOptions { format: Some(Format::Json), row_bytes_max: 80, ..customers() };
        assert_eq!(
            render(input.as_bytes(), &options).lines().collect::<Vec<_>>(),
            expected,
            "{input}"
        );
    }

    fn row(line: u64, text: &str) -> String {
        format!("row {line} {text}")
    }

    #[test]
    fn a_document_is_an_object_or_an_array_or_several() {
        let (a, b) = (row(0, A), row(1, B));
        check(A, &[&a]);
        check(&format!("\u{feff} [ {A} ,\n{B} ] "), &[&a, &b]);
        check(&format!("{A}{B}"), &[&a, &b]);
        check(&format!("[{A}]\n[{B}]"), &[&a, &b]);
        check(
            "{\n \"id\": \"a\",\n \"name\": \"A\"\n}\n{\n \"id\": \"b\",\n \"name\": \"B\"\n}",
            &[&a, &b],
        );
        check("[]", &[]);
        check("[ ]", &[]);
    }

    #[test]
    fn lines_of_objects_are_read_line_by_line() {
        check(
            &format!("{A}\noops\n{B}\n"),
            &[
                &row(1, A),
                &row(3, B),
                "reject 2: malformed not an object; write one such as {\"id\": \"1\", …}, and read documents and arrays as JSON",
            ],
        );
    }

    #[test]
    fn a_document_may_name_its_types() {
        let plan =
            r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
        check(
            &format!(r#"{{"page":1,"plans":[{plan}],"customers":[{A},{B}],"invoices":[]}}"#),
            &[&row(0, A), &row(1, B), &row(0, plan), "ignored page 1"],
        );
        check(
            &format!(r#"{{"customers":[{A}]}}{{"customers":[{B}],"plans":null}}"#),
            &[&row(0, A), &row(1, B)],
        );
        check(
            &format!(r#"{{"customers":[{A}],"plans":{{}},"customers":[{B}]}}"#),
            &[
                &row(0, A),
                &row(1, B),
                "reject -: /customers duplicate_key \"customers\" is given twice; make one array of the two",
                "reject -: /plans wrong_type \"plans\" must be an array of objects",
            ],
        );
    }

    #[test]
    fn a_type_that_nobody_names_is_asked_for() {
        let unknown = "reject -: malformed the type of the objects is unknown; name it (customers, plans or invoices), or wrap them as {\"invoices\": […]}\n";
        let options = DecodeOptions { object: None, ..customers() };
        for input in [A, "[]", "{}", "id,name\n", &format!("{A}\n{B}")] {
            assert_eq!(render(input.as_bytes(), &options), unknown, "{input}");
        }
        let wrapped = format!(r#"{{"customers":[{A}]}}"#);
        assert_eq!(render(wrapped.as_bytes(), &options), format!("{}\n", row(0, A)));
    }

    #[test]
    fn a_bad_element_hides_no_other() {
        let object = "malformed not an object; write one such as {\"id\": \"1\", …}, and read documents and arrays as JSON";
        check(
            &format!("[{A},7,\n {{\"id\":\"x\",\"name\":tru}},{{\"id\":\"x\",}},[{A}],{B}]"),
            &[
                &row(0, A),
                &row(5, B),
                &format!("reject 1: {object}"),
                "reject 2: malformed not valid JSON: expected ident at line 2 column 22",
                "reject 3: malformed not valid JSON: trailing comma at line 2 column 34",
                &format!("reject 4: {object}"),
            ],
        );
        check(
            &format!("[{{\"id\":\"{}\"}},{A}]", "x".repeat(80)),
            &[
                &row(1, A),
                "reject 0: malformed the row is longer than 80 bytes; shorten it or raise the limit",
            ],
        );
        check(
            &format!(
                "{{\"name\":\"{}\",\"id\":\"1\",\"x\":{}0{}}}{A}",
                "x".repeat(99),
                "[".repeat(999),
                "]".repeat(999)
            ),
            &[
                &row(1, A),
                "reject 0: malformed the row is longer than 80 bytes; shorten it or raise the limit",
            ],
        );
    }

    #[test]
    fn every_field_given_twice_is_told() {
        check(
            r#"{"id":"a","name":"A","id":"b","x":1,"x":2,"email":null,"email":"e"}"#,
            &[
                "reject 0 a: /id duplicate_key \"id\" is given twice; remove one of the two \
             | /email duplicate_key \"email\" is given twice; remove one of the two",
                "ignored x 2",
            ],
        );
    }

    #[test]
    fn where_a_document_breaks_the_reading_ends() {
        let early = |column: u64| {
            format!(
                "the JSON ends too early, at line 1 column {column}; the file is incomplete, send it again"
            )
        };
        for (rest, message) in [
            ("", early(23)),
            (
                " {}]",
                "not valid JSON: expected \",\" or \"]\", not \"{\" at line 1 column 24"
                    .to_string(),
            ),
            (",]", "not valid JSON: expected a value, not \"]\" at line 1 column 24".to_string()),
            (",{\"id\":\"", early(31)),
            (
                "]\n\n oops",
                "not valid JSON: expected an object or an array, not \"o\" at line 3 column 2"
                    .to_string(),
            ),
            (
                "]{\"id\" 1}",
                "not valid JSON: expected \":\", not \"1\" at line 1 column 30".to_string(),
            ),
            (
                "]{\"id\":\"b\" \"name\"}",
                "not valid JSON: expected \",\" or \"}\", not \"\\\"\" at line 1 column 34"
                    .to_string(),
            ),
            (
                "]{id:1}",
                "not valid JSON: expected a field name in quotes, not \"i\" at line 1 column 25"
                    .to_string(),
            ),
            ("]{\"id\":\"b\",", early(34)),
        ] {
            check(&format!("[{A}{rest}"), &[&row(0, A), &format!("reject -: malformed {message}")]);
        }
    }

    #[test]
    fn deep_nesting_is_refused_or_ignored_without_a_stack() {
        let deep = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
        let options = DecodeOptions { row_bytes_max: 10 << 20, ..customers() };
        let shown = render(
            format!(r#"{{"id":"a","name":"A","x":{}}}"#, deep(1_000_000)).as_bytes(),
            &options,
        );
        assert_eq!(shown, format!("{}\nignored x 1\n", row(0, A)));
        let shown =
            render(format!(r#"{{"id":{},"name":"A"}}"#, deep(1_000_000)).as_bytes(), &options);
        assert!(shown.starts_with("reject 0: /id wrong_type"), "{shown}");
        assert!(
            render(deep(1_000_000).as_bytes(), &options)
                .starts_with("reject 0: malformed not an object")
        );
        assert!(
            render("[".repeat(1_000_000).as_bytes(), &options)
                .starts_with("reject -: malformed the JSON ends too early")
        );
    }
}
