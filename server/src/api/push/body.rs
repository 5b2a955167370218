//! A JSON body: one object, an array of them, or an object that names its array, such as
//! `{"customers": […]}`. It is only told apart here; the engine reads the records, and says what is
//! wrong with what is none.

use std::borrow::Cow;
use std::fmt;

use mrrow_engine::model::ObjectType;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{ApiError, Result};

/// The records of a body as they were written.
#[derive(Debug)]
pub(super) struct Records<'b> {
    /// The array, or the single record.
    text: &'b str,
    /// Each of them.
    pub(super) rows: Vec<&'b RawValue>,
    /// Where the array is in the body: an index and a field's pointer go after it. None of a single
    /// record.
    pub(super) pointer: Option<String>,
    /// Why a single record seems to be none: it has arrays under the names of other types.
    pub(super) mixed: Option<ApiError>,
}

impl Records<'_> {
    /// The text that the engine reads: an array, also of a single record.
    pub(super) fn array(&self) -> Vec<u8> {
        match self.pointer {
            Some(_) => self.text.as_bytes().to_vec(),
            None => [b"[", self.text.as_bytes(), b"]"].concat(),
        }
    }
}

/// A body whose records are answered one by one, for the document: whatever else is JSON is a
/// record too, though a bad one.
pub(super) struct RowsBody;

impl ToSchema for RowsBody {}

impl PartialSchema for RowsBody {
    fn schema() -> RefOr<Schema> {
        let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        any.description(Some("one object, or an array of them")).into()
    }
}

/// A body of records that are stored all or none, for the document.
pub(super) struct RecordsBody;

impl ToSchema for RecordsBody {}

impl PartialSchema for RecordsBody {
    fn schema() -> RefOr<Schema> {
        let object_or_array = SchemaType::Array(vec![Type::Object, Type::Array]);
        ObjectBuilder::new()
            .schema_type(object_or_array)
            .description(Some("one object, or an array of them"))
            .into()
    }
}

/// Finds the records of a type in a body.
pub(super) fn records(body: &[u8], object: ObjectType) -> Result<Records<'_>> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let message = format!("the body is not UTF-8 text, from byte {} on", error.valid_up_to());
        ApiError::bad_request("invalid_json", message)
    })?;
    // Some programs write a mark before UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(not_json(
            "the body is empty; send an object, an array of them, or {\"customers\": […]}",
        ));
    }
    let whole: &RawValue = serde_json::from_str(text)
        .map_err(|error| not_json(&format!("the body is not JSON: {error}")))?;
    match whole.get().as_bytes().first() {
        Some(b'[') => array(whole, String::new()),
        Some(b'{') => wrapped(whole, object),
        _ => Ok(single(whole)),
    }
}

fn single(text: &RawValue) -> Records<'_> {
    Records { text: text.get(), rows: vec![text], pointer: None, mixed: None }
}

fn array(text: &RawValue, pointer: String) -> Result<Records<'_>> {
    let Rows(rows) = serde_json::from_str(text.get())
        .map_err(|error| not_json(&format!("the body is not JSON: {error}")))?;
    Ok(Records { text: text.get(), rows, pointer: Some(pointer), mixed: None })
}

/// An object is a record unless it has an array under the name of a type.
fn wrapped(whole: &RawValue, object: ObjectType) -> Result<Records<'_>> {
    let Fields(fields) =
        fields(whole).map_err(|error| not_json(&format!("the body is not JSON: {error}")))?;
    let is_array = |value: &RawValue| value.get().starts_with('[');
    let of_type = |name: &str| ObjectType::ALL.into_iter().find(|object| object.name() == name);
    let mut arrays =
        fields.iter().filter(|(name, value)| of_type(name).is_some() && is_array(value));
    let mixed = match (arrays.next(), arrays.next()) {
        (Some((name, value)), None) if name == object.name() => {
            return array(value, format!("/{object}"));
        }
        (None, _) => None,
        (Some((name, _)), None) => Some(mixed(object, &format!("it has \"{name}\""))),
        (Some(_), Some(_)) => Some(mixed(object, "it has several arrays")),
    };
    Ok(Records { mixed, ..single(whole) })
}

fn mixed(object: ObjectType, what: &str) -> ApiError {
    let message = format!(
        "a body here is {{\"{object}\": […]}} and no other array, but {what}; send each type to its own path"
    );
    ApiError::bad_request("invalid_request", message)
}

fn not_json(message: &str) -> ApiError {
    ApiError::bad_request("invalid_json", message)
}

/// The fields of an object, in their order; a name may come twice.
pub(super) fn fields(object: &RawValue) -> serde_json::Result<Fields<'_>> {
    serde_json::from_str(object.get())
}

pub(super) struct Fields<'b>(pub(super) Vec<(Cow<'b, str>, &'b RawValue)>);

struct Rows<'b>(Vec<&'b RawValue>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap;
        impl<'de> Visitor<'de> for OfMap {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(OfMap)
    }
}

impl<'de> Deserialize<'de> for Rows<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfArray;
        impl<'de> Visitor<'de> for OfArray {
            type Value = Rows<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Rows<'de>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = array.next_element()? {
                    rows.push(row);
                }
                Ok(Rows(rows))
            }
        }
        deserializer.deserialize_seq(OfArray)
    }
}

/// A name, borrowed when it has no escapes.
struct Name<'b>(Cow<'b, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfText;
        impl<'de> Visitor<'de> for OfText {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_string())))
            }
        }
        deserializer.deserialize_str(OfText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let shown = match records(body.as_bytes(), ObjectType::Customers) {
            Ok(Records { mixed: Some(error), .. }) => format!("{}: {}", error.code, error.message),
            Ok(records) => {
                let array = String::from_utf8(records.array()).unwrap_or_default();
                format!("{} rows at {:?} of {array}", records.rows.len(), records.pointer)
            }
            Err(error) => format!("{}: {}", error.code, error.message),
        };
        assert_eq!(shown, expected, "{body}");
    }

    #[test]
    fn a_body_is_one_object_or_an_array_or_names_its_array() {
        check(r#" {"id":"a"} "#, r#"1 rows at None of [{"id":"a"}]"#);
        check(
            r#"{"id":"run-7","name":"nightly","customers":[{}]}"#,
            r#"1 rows at Some("/customers") of [{}]"#,
        );
        check("7", "1 rows at None of [7]");
        check("\u{feff}[{},7]", r#"2 rows at Some("") of [{},7]"#);
        check(r#"{"page":1,"customers":[{}]}"#, r#"1 rows at Some("/customers") of [{}]"#);
        check("[]", r#"0 rows at Some("") of []"#);
        check(r#"{"customers":{}}"#, r#"1 rows at None of [{"customers":{}}]"#);
    }

    #[test]
    fn another_type_has_another_path() {
        let message = "a body here is {\"customers\": […]} and no other array, but";
        check(
            r#"{"plans":[]}"#,
            &format!("invalid_request: {message} it has \"plans\"; send each type to its own path"),
        );
        check(
            r#"{"customers":[],"plans":[]}"#,
            &format!(
                "invalid_request: {message} it has several arrays; send each type to its own path"
            ),
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        check(
            "",
            "invalid_json: the body is empty; send an object, an array of them, or {\"customers\": […]}",
        );
        check(
            "{",
            "invalid_json: the body is not JSON: EOF while parsing an object at line 1 column 1",
        );
        check(
            "[{}\n oops]",
            "invalid_json: the body is not JSON: expected `,` or `]` at line 2 column 2",
        );
        check("{}{}", "invalid_json: the body is not JSON: trailing characters at line 1 column 3");
        let deep = "[".repeat(100_000);
        assert!(records(deep.as_bytes(), ObjectType::Customers).is_err());
    }
}
