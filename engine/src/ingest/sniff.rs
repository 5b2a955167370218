//! Finds out the format from the first bytes.

use super::Format;
use super::object::is_wrapper;
use super::scan::Extent;

/// The bytes with which a Parquet file begins.
pub(super) const PARQUET_MAGIC: &[u8] = b"PAR1";

/// The format of an input that begins with `head`.
pub(super) fn format(head: &[u8]) -> Format {
    if head.starts_with(PARQUET_MAGIC) {
        return Format::Parquet;
    }
    match text(head).first() {
        Some(b'{' | b'[') => json_or_lines(head),
        _ => Format::Csv,
    }
}

/// Tells lines of JSON from a document: their first line is one whole object, and not the last. It is read line by line
/// then, so that a bad line does not hide the next.
pub(super) fn json_or_lines(head: &[u8]) -> Format {
    let text = text(head);
    let Some(end) = text.iter().position(|&byte| byte == b'\n') else { return Format::Json };
    let (line, rest) = (text[..end].trim_ascii_end(), &text[end..]);
    let is_object = line.first() == Some(&b'{') && Extent::default().advance(line) == (line.len(), true);
    if is_object && !rest.trim_ascii().is_empty() && !is_wrapper(line) { Format::Ndjson } else { Format::Json }
}

fn text(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::format;

    fn check(table: &[(&str, &str)]) {
        for (head, expected) in table {
            assert_eq!(format(head.as_bytes()).to_string(), *expected, "{head}");
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
