//! One JSON object as a row. Values keep their text, so that a number is never seen as a float.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ingest::format::scan::Position;
use crate::ingest::rejection::FieldError;
use crate::ingest::row::table::RowTable;
use crate::ingest::row::values::{FieldTarget, Naming, Row, Value};
use crate::model::ObjectType;

/// Adds a row, or its rejection, to the table. `start` is the position of the object in the text.
pub(in crate::ingest) fn add(table: &mut RowTable, line: u64, bytes: &[u8], start: Position) {
    match read(table, bytes, start) {
        Ok(row) => {
            table.add(line, row, || String::from_utf8_lossy(bytes).into_owned(), bytes.len())
        }
        Err(error) => table.reject(line, error, bytes),
    }
}

/// The type whose plural this key of a document is.
pub(in crate::ingest) fn plural(key: &str) -> Option<ObjectType> {
    ObjectType::ALL.into_iter().find(|object| object.name() == key)
}

/// Whether this is an object such as `{"invoices": [...]}`.
pub(in crate::ingest) fn is_wrapper(bytes: &[u8]) -> bool {
    let mut wraps = false;
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    // A truncated object may still show its kind.
    let _ =
        entries(text, |key, value| wraps |= plural(&key).is_some() && value.get().starts_with('['));
    wraps
}

fn read<'a>(table: &mut RowTable, bytes: &'a [u8], start: Position) -> Result<Row<'a>, FieldError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        FieldError::malformed(format!(
            "not UTF-8 text (from byte {at} of the row); convert the file to UTF-8"
        ))
    })?;
    if !text.trim_ascii_start().starts_with('{') {
        let message = "not an object; write one such as {\"id\": \"1\", …}, and read documents and arrays as JSON";
        return Err(FieldError::malformed(message));
    }
    let (mut row, mut lists) = (Row::empty(Naming::Pointer), Vec::new());
    entries(text, |key, raw| match table.names.target(&key) {
        FieldTarget::Field(field) => row.set(field, value(raw)),
        FieldTarget::Metadata(key) => row.metadata.push((key.into(), value(raw))),
        FieldTarget::Source => row.source = value(raw),
        FieldTarget::Ignored if raw.get().starts_with('[') && plural(&key).is_some() => {
            lists.push(key)
        }
        FieldTarget::Ignored => table.ignore(&key, 1),
    })
    .map_err(|error| {
        FieldError::malformed(format!("not valid JSON: {}", explain(&error, start)))
    })?;
    let is_open = table.takes_other_lists() && !row.values[0].is_missing();
    if lists.iter().any(|key| !is_open || plural(key) == Some(table.object)) {
        let message = "a document of several objects inside a list or line; give it as a JSON document of its own";
        return Err(FieldError::malformed(message));
    }
    lists.iter().for_each(|key| table.ignore(key, 1));
    Ok(row)
}

/// The message of serde_json, with the position in the whole input.
fn explain(error: &serde_json::Error, start: Position) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    let line = start.line + (error.line() as u64).saturating_sub(1);
    let column = error.column() as u64 + if error.line() == 1 { start.column - 1 } else { 0 };
    format!("{what} at line {line} column {column}")
}

/// Passes each key and value of an object to `each`.
pub(in crate::ingest) fn entries<'a>(
    text: &'a str,
    each: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(Entries(each))?;
    deserializer.end()
}

/// The value of a field, nothing converted yet.
pub(in crate::ingest) fn value(raw: &RawValue) -> Value<'_> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => match unescape(text) {
            Some(text) => Value::Text(text),
            None => Value::Broken(text),
        },
        Some(b't') => Value::Flag(true),
        Some(b'f') => Value::Flag(false),
        Some(b'n') => Value::Missing,
        Some(b'{' | b'[') => Value::Other(Cow::Borrowed(text)),
        _ => Value::Number(Cow::Borrowed(text)),
    }
}

/// A JSON string's text; nothing when half of a `\u` pair is missing.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

struct Entries<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((JsonKey(key), value)) = map.next_entry()? {
            (self.0)(key, value);
        }
        Ok(())
    }
}

/// A key, borrowed when it has no escapes.
struct JsonKey<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for JsonKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = JsonKey<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonKey<'de>, E> {
                Ok(JsonKey(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<JsonKey<'de>, E> {
                Ok(JsonKey(Cow::Owned(text.to_string())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
