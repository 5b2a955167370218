//! Tests of JSON documents: input and expected rows or rejections.

use crate::ingest::testing::{customers, render};
use crate::ingest::{DecodeOptions, Format};

const A: &str = r#"{"id":"a","name":"A"}"#;
const B: &str = r#"{"id":"b","name":"B"}"#;

fn check(input: &str, expected: &[&str]) {
    let options = DecodeOptions { format: Some(Format::Json), row_bytes_max: 80, ..customers() };
    assert_eq!(render(input.as_bytes(), &options).lines().collect::<Vec<_>>(), expected, "{input}");
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
    let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
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
fn a_missing_type_is_an_error() {
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
fn every_repeated_field_is_rejected() {
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
fn a_malformed_document_ends_the_reading() {
    let early = |column: u64| {
        format!(
            "the JSON ends too early, at line 1 column {column}; the file is incomplete, send it again"
        )
    };
    for (rest, message) in [
        ("", early(23)),
        (
            " {}]",
            "not valid JSON: expected \",\" or \"]\", not \"{\" at line 1 column 24".to_string(),
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
            "not valid JSON: expected \",\" or \"}\", not \"\\\"\" at line 1 column 34".to_string(),
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
    let shown =
        render(format!(r#"{{"id":"a","name":"A","x":{}}}"#, deep(1_000_000)).as_bytes(), &options);
    assert_eq!(shown, format!("{}\nignored x 1\n", row(0, A)));
    let shown = render(format!(r#"{{"id":{},"name":"A"}}"#, deep(1_000_000)).as_bytes(), &options);
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
