//! Detects the format from the first bytes.

use crate::ingest::Format;
use crate::ingest::format::scan::Extent;
use crate::ingest::row::object::is_wrapper;

/// The first bytes of a Parquet file.
pub(in crate::ingest) const PARQUET_MAGIC: &[u8] = b"PAR1";

/// The format of an input that begins with `head`.
pub(in crate::ingest) fn format(head: &[u8]) -> Format {
    if head.starts_with(PARQUET_MAGIC) {
        return Format::Parquet;
    }
    match text(head).first() {
        Some(b'{' | b'[') => json_or_lines(head),
        _ => Format::Csv,
    }
}

/// Whether more of the input would not change the format.
pub(in crate::ingest) fn is_clear(head: &[u8]) -> bool {
    let text = text(head);
    match text.first() {
        None => false,
        Some(b'{') => match text.iter().position(|&byte| byte == b'\n') {
            Some(end) => !is_row(&text[..end]) || !text[end..].trim_ascii().is_empty(),
            None => false,
        },
        Some(_) => head.len() >= PARQUET_MAGIC.len(),
    }
}

/// Distinguishes lines of JSON from a document: their first line is one whole object, and not the
/// last. Lines are read one by one, so that a bad line does not hide the next.
pub(in crate::ingest) fn json_or_lines(head: &[u8]) -> Format {
    let text = text(head);
    let Some(end) = text.iter().position(|&byte| byte == b'\n') else { return Format::Json };
    if is_row(&text[..end]) && !text[end..].trim_ascii().is_empty() {
        Format::Ndjson
    } else {
        Format::Json
    }
}

/// Whether a line is one whole object, and a row rather than a document.
fn is_row(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.first() == Some(&b'{')
        && Extent::default().advance(line) == (line.len(), true)
        && !is_wrapper(line)
}

fn text(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::{format, is_clear};

    fn check(table: &[(&str, &str)]) {
        for (head, expected) in table {
            assert_eq!(format(head.as_bytes()).to_string(), *expected, "{head}");
        }
    }

    #[test]
    fn the_format_is_clear_as_soon_as_nothing_can_change_it() {
        for (head, clear) in [
            ("", false),
            (" \n", false),
            ("PAR", false),
            ("PAR1", true),
            ("id,n", true),
            ("[ {}", true),
            ("{\"id\":\"1\"", false),
            ("{\"id\":\"1\"}\n", false),
            ("{\"id\":\"1\"}\n{", true),
            ("{\"id\":\n", true),
            ("{\"invoices\":[]}\n", true),
        ] {
            assert_eq!(is_clear(head.as_bytes()), clear, "{head}");
        }
    }

    #[test]
    fn the_first_bytes_tell_the_format() {
        check(&[
            ("PAR1\u{15}", "parquet"),
            ("id,name\n1,a\n", "csv"),
            ("\u{feff}id,name\n", "csv"),
            ("", "csv"),
            (" \n[{\"id\":1}\n,{}]", "json"),
            ("{\n\"id\": 1\n}\n{\n\"id\": 2}", "json"),
            ("{\"id\":\"1\"}", "json"),
            ("{\"id\":\"1\"}\n\n", "json"),
            ("{\"invoices\":[]}\n{\"invoices\":[]}", "json"),
            ("{\"customers\":[{\"id\":\"1\"},\n{\"id\":\"2\"}]}", "json"),
            ("\u{feff}\n{\"id\":\"1\"} \r\n{\"id\":\"2\"}\r\n", "ndjson"),
            ("{\"id\": oops}\n{\"id\":\"2\"}\n", "ndjson"),
            ("{\"id\":\"1\"}\noops\n", "ndjson"),
        ]);
    }
}
