//! JSON, an object on each line: a bad line is one rejection and hides no other.

use std::io::{self, BufRead};

use crate::ingest::DecodeOptions;
use crate::ingest::format::lines::{Line, Lines};
use crate::ingest::format::scan::Position;
use crate::ingest::format::source::MalformedInput;
use crate::ingest::output::Output;
use crate::ingest::rejection::FieldError;
use crate::ingest::row::object;

pub(in crate::ingest) fn read(
    reader: &mut dyn BufRead,
    options: &DecodeOptions,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let mut lines = Lines::new(reader, options.row_bytes_max);
    let mut text = Vec::new();
    let mut is_empty = true;
    loop {
        text.clear();
        let Some(line) = lines.next(&mut text)? else { break };
        let row = text.trim_ascii();
        if row.is_empty() {
            continue;
        }
        is_empty = false;
        let table = output.table(options.object)?;
        let start = Position { line: lines.number(), column: 1 };
        match line {
            Line::Whole => object::add(table, lines.number(), row, start),
            Line::TooLong => {
                table.reject(lines.number(), FieldError::too_long(options.row_bytes_max), row)
            }
        }
        output.step(options.object)?;
    }
    if is_empty { Err(MalformedInput::file("the file is empty").into_io()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use crate::ingest::testing::{customers, render};
    use crate::ingest::{DecodeOptions, Format};

    fn check(input: &[u8], expected: &str) {
        let options =
            DecodeOptions { format: Some(Format::Ndjson), row_bytes_max: 60, ..customers() };
        assert_eq!(render(input, &options), expected);
    }

    #[test]
    fn blank_lines_and_line_ends_do_not_matter() {
        check(
            b"\xEF\xBB\xBF{\"id\":\"1\",\"name\":\"a\"}\r\n\n \t\n{\"id\":\"4\",\"name\":\"b\"}",
            "row 1 {\"id\":\"1\",\"name\":\"a\"}\nrow 4 {\"id\":\"4\",\"name\":\"b\"}\n",
        );
    }

    #[test]
    fn a_bad_line_hides_no_other() {
        check(
            b"{\"id\":\"1\",\"name\":\"a\"}\n{\"id\":\"2\",\"name\":\n{\"id\":\"3\",\"name\":\"\xFF\"}\n{\"id\":\"4\",\"name\":\"b\"}\n",
            "row 1 {\"id\":\"1\",\"name\":\"a\"}\n\
             row 4 {\"id\":\"4\",\"name\":\"b\"}\n\
             reject 2: malformed not valid JSON: EOF while parsing a value at line 2 column 17\n\
             reject 3: malformed not UTF-8 text (from byte 18 of the row); convert the file to UTF-8\n",
        );
    }

    #[test]
    fn a_long_line_hides_no_other() {
        let name = "n".repeat(40);
        let row = format!("{{\"id\":\"1\",\"name\":\"{name}\"}}");
        check(
            format!("{row}\n{}\n{row}\n", row.replace("n\"}", "nx\"}")).as_bytes(),
            &format!(
                "row 1 {row}\nrow 3 {row}\n\
                 reject 2: malformed the row is longer than 60 bytes; shorten it or raise the limit\n"
            ),
        );
    }

    #[test]
    fn a_line_must_be_an_object() {
        let object = "not an object; write one such as {\"id\": \"1\", …}, and read documents and arrays as JSON";
        let document = "a document of several objects inside a list or line; give it as a JSON document of its own";
        check(
            b"[{\"id\":\"1\"}]\n7\nnull\n{\"customers\":[]}\n{\"id\":\"5\"} {}\n",
            &format!(
                "reject 1: malformed {object}\nreject 2: malformed {object}\nreject 3: malformed {object}\n\
                 reject 4: malformed {document}\n\
                 reject 5: malformed not valid JSON: trailing characters at line 5 column 12\n"
            ),
        );
    }

    #[test]
    fn a_file_of_white_space_is_empty() {
        check(b"", "reject -: malformed the file is empty\n");
        check(b"\xEF\xBB\xBF \n\r\n\n", "reject -: malformed the file is empty\n");
    }
}
