//! Metadata: scalar values under keys, stored as one JSON text that is the same however they came.

use std::borrow::Cow;

use super::object;
use crate::ingest::rejection::Code;
use crate::ingest::row::errors::RowErrors;
use crate::ingest::row::fields::FieldValue;
use crate::ingest::row::values::Value;

/// A value and its key.
struct Entry<'v> {
    key: Cow<'v, str>,
    value: Cow<'v, Value<'v>>,
    /// Whether it came inside the field `metadata`.
    is_inside: bool,
}

/// Reads the field `metadata`, which the sender calls `name`, together with values under names of
/// their own. Keys are sorted, numbers stay as written, an empty object counts as missing.
pub(in crate::ingest) fn parse<'v>(
    field: &'v Value<'v>,
    single: &'v [(Cow<'v, str>, Value<'v>)],
    name: &str,
    errors: &mut RowErrors<'_>,
) -> FieldValue<'v> {
    let mut entries = inside(field, name, errors);
    for (key, value) in single.iter().filter(|(_, value)| !value.is_missing()) {
        entries.push(Entry {
            key: Cow::Borrowed(key),
            value: Cow::Borrowed(value),
            is_inside: false,
        });
    }
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    check(&entries, name, errors);
    if !errors.is_empty() {
        return FieldValue::Invalid;
    }
    if entries.is_empty() {
        return FieldValue::Missing;
    }
    let pairs: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}:{}", quoted(&entry.key), json(&entry.value)))
        .collect();
    FieldValue::Text(format!("{{{}}}", pairs.join(",")).into())
}

fn inside<'v>(field: &'v Value<'v>, name: &str, errors: &mut RowErrors<'_>) -> Vec<Entry<'v>> {
    let mut entries = Vec::new();
    let mut fault = None;
    match field {
        field if field.is_missing() => {}
        Value::Other(text) | Value::Cell(text) if text.trim_ascii_start().starts_with('{') => {
            let read = object::entries(text, |key, raw| {
                entries.push(Entry { key, value: Cow::Owned(object::value(raw)), is_inside: true });
            });
            fault = read.err().map(|_| Code::Malformed);
        }
        _ => fault = Some(Code::WrongType),
    }
    if let Some(code) = fault {
        let message = format!("\"{name}\" must be a JSON object such as {{\"tier\": \"gold\"}}");
        errors.field(name, code, message, field.text().as_deref());
    }
    entries
}

fn check(entries: &[Entry<'_>], name: &str, errors: &mut RowErrors<'_>) {
    let mut before = None;
    for Entry { key, value, is_inside } in entries {
        let fault = match value.as_ref() {
            Value::Other(_) => Some((
                Code::WrongType,
                format!("\"{key}\" must be text, a number, true, false or null"),
            )),
            Value::Broken(_) => Some((
                Code::Malformed,
                format!("\"{key}\" has half of a \\u pair; write the character itself"),
            )),
            _ if before == Some(key) => Some((
                Code::DuplicateKey,
                format!("\"{key}\" is given twice; remove one of the two"),
            )),
            _ => None,
        };
        if let Some((code, message)) = fault {
            errors.metadata(key, is_inside.then_some(name), code, message, value.text().as_deref());
        }
        before = Some(key);
    }
}

fn json(value: &Value<'_>) -> String {
    match value {
        Value::Missing => "null".to_string(),
        Value::Number(text) => text.to_string(),
        Value::Whole(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Text(text) | Value::Cell(text) | Value::Other(text) => quoted(text),
        Value::Broken(text) => quoted(text),
        Value::ParsedTime(moment) => quoted(&moment.text()),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use crate::ingest::testing::{customers, render};
    use crate::ingest::{DecodeOptions, Format};

    fn check(table: &[(&str, &str)]) {
        for (metadata, expected) in table {
            let input = format!(r#"{{"id":"c","name":"C","tier":"t1","metadata":{metadata}}}"#);
            let shown = render(input.as_bytes(), &customers());
            let stored = format!(
                "row 0 {}\nignored tier 1\n",
                serde_json::json!({"id": "c", "metadata": expected, "name": "C"})
            );
            let refused = format!("reject 0 c: {expected}\nignored tier 1\n");
            assert!(
                shown.replace("\"name\":\"C\",", "").replace("}\n", ",\"name\":\"C\"}\n") == stored
                    || shown == refused,
                "{shown}"
            );
        }
    }

    #[test]
    fn values_are_scalars_and_keys_are_sorted() {
        check(&[
            (
                r#"{"b":"x","a":1.50,"c":true,"B":null,"":""}"#,
                r#"{"":"","B":null,"a":1.50,"b":"x","c":true}"#,
            ),
            (r#"{ "a" : "\u00e9\/\n" , "n":-1E400}"#, r#"{"a":"é/\n","n":-1E400}"#),
        ]);
    }

    #[test]
    fn anything_nested_or_doubled_is_refused() {
        check(&[
            (
                r#"{"a":{"b":1}}"#,
                r#"/metadata/a wrong_type "a" must be text, a number, true, false or null [{"b":1}]"#,
            ),
            (
                r#"{"a/b~c":[]}"#,
                r#"/metadata/a~1b~0c wrong_type "a/b~c" must be text, a number, true, false or null [[]]"#,
            ),
            (
                r#"{"a":1,"b":2,"a":1}"#,
                r#"/metadata/a duplicate_key "a" is given twice; remove one of the two [1]"#,
            ),
            (
                r#"{"a":"\udc00"}"#,
                r#"/metadata/a malformed "a" has half of a \u pair; write the character itself ["\udc00"]"#,
            ),
            (
                r#""gold""#,
                r#"/metadata wrong_type "metadata" must be a JSON object such as {"tier": "gold"} [gold]"#,
            ),
            (
                "[1]",
                r#"/metadata wrong_type "metadata" must be a JSON object such as {"tier": "gold"} [[1]]"#,
            ),
            (
                "7",
                r#"/metadata wrong_type "metadata" must be a JSON object such as {"tier": "gold"} [7]"#,
            ),
        ]);
    }

    #[test]
    fn nothing_is_stored_for_no_keys() {
        for metadata in ["{}", "null", "\"\"", " { } "] {
            let input = format!(r#"{{"id":"c","name":"C","metadata":{metadata}}}"#);
            assert_eq!(
                render(input.as_bytes(), &customers()),
                "row 0 {\"id\":\"c\",\"name\":\"C\"}\n"
            );
        }
    }

    #[test]
    fn a_field_may_be_mapped_into_metadata() {
        let map = [("tier".to_string(), "metadata.level".to_string())].into();
        let options = DecodeOptions { map, format: Some(Format::Ndjson), ..customers() };
        let row = r#"{"id":"c","name":"C","tier":7,"metadata":{"a":1}}"#;
        let stored = r#"row 1 {"id":"c","metadata":"{\"a\":1,\"level\":7}","name":"C"}"#;
        let sorted = |text: String| {
            serde_json::from_str::<serde_json::Value>(text.trim_start_matches("row 1 ")).ok()
        };
        assert_eq!(sorted(render(row.as_bytes(), &options)), sorted(stored.to_string()));
        assert_eq!(
            render(row.replace("\"a\":1", "\"level\":1").as_bytes(), &options),
            "reject 1 c: /tier duplicate_key \"level\" is given twice; remove one of the two [7]\n"
        );
    }
}
