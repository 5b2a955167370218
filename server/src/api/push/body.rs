//! The wrapper of a JSON body: one object, an array of them, or an object with a named array, such
//! as `{"customers": […]}`. The engine parses and validates the records themselves.

use std::borrow::Cow;
use std::fmt;

use mrrow_engine::model::ObjectType;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{ApiError, Result};

/// The records of a body, as text.
#[derive(Debug)]
pub(super) struct PushBody<'b> {
    /// The array, or the single record.
    text: &'b str,
    /// Each record.
    pub(super) rows: Vec<&'b str>,
    /// The JSON pointer to the array; none for a single record.
    pub(super) pointer: Option<String>,
    /// An error if the object has arrays of other types: it may not be meant as a record.
    pub(super) ambiguity: Option<ApiError>,
}

impl<'b> PushBody<'b> {
    /// Finds the records of a type in a body.
    pub(super) fn parse(body: &'b [u8], object: ObjectType) -> Result<PushBody<'b>> {
        records(body, object)
    }

    /// The records as a JSON array.
    pub(super) fn array(&self) -> Vec<u8> {
        match self.pointer {
            Some(_) => self.text.as_bytes().to_vec(),
            None => [b"[", self.text.as_bytes(), b"]"].concat(),
        }
    }
}

/// The schema of a body whose rows have results of their own: any JSON value, since a value that is
/// no object is a rejected row.
pub(super) struct RowsBody;

impl ToSchema for RowsBody {}

impl PartialSchema for RowsBody {
    fn schema() -> RefOr<Schema> {
        let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        any.description(Some("one object, or an array of them")).into()
    }
}

/// The schema of a body whose records are stored all or none.
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

fn records(body: &[u8], object: ObjectType) -> Result<PushBody<'_>> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let message = format!("the body is not UTF-8 text, from byte {} on", error.valid_up_to());
        ApiError::bad_request("invalid_json", message)
    })?;
    // Some programs write a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(not_json(
            "the body is empty; send an object, an array of them, or {\"customers\": […]}",
        ));
    }
    // The first byte selects the reading, so that an array is read once.
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => array(text, String::new()),
        Some(b'{') => wrapped(text, object),
        _ => read::<&RawValue>(text).map(|_| single(text)),
    }
}

fn read<'b, T: Deserialize<'b>>(text: &'b str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| not_json(&format!("the body is not JSON: {error}")))
}

fn single(text: &str) -> PushBody<'_> {
    let text = text.trim_ascii();
    PushBody { text, rows: vec![text], pointer: None, ambiguity: None }
}

fn array(text: &str, pointer: String) -> Result<PushBody<'_>> {
    let ArrayElements(rows) = read(text)?;
    Ok(PushBody { text: text.trim_ascii(), rows, pointer: Some(pointer), ambiguity: None })
}

/// An object is a record unless it has an array under the name of a type.
fn wrapped(whole: &str, object: ObjectType) -> Result<PushBody<'_>> {
    let ObjectFields(fields) = read(whole)?;
    let is_array = |value: &RawValue| value.get().starts_with('[');
    let of_type = |name: &str| ObjectType::ALL.into_iter().find(|object| object.name() == name);
    let mut arrays =
        fields.iter().filter(|(name, value)| of_type(name).is_some() && is_array(value));
    let ambiguity = match (arrays.next(), arrays.next()) {
        (Some((name, value)), None) if name == object.name() => {
            return array(value.get(), format!("/{object}"));
        }
        (None, _) => None,
        (Some((name, _)), None) => Some(other_arrays(object, &format!("it has \"{name}\""))),
        (Some(_), Some(_)) => Some(other_arrays(object, "it has several arrays")),
    };
    Ok(PushBody { ambiguity, ..single(whole) })
}

fn other_arrays(object: ObjectType, found: &str) -> ApiError {
    let message = format!(
        "a body here is {{\"{object}\": […]}} and no other array, but {found}; send each type to \
            its own path"
    );
    ApiError::bad_request("invalid_request", message)
}

fn not_json(message: &str) -> ApiError {
    ApiError::bad_request("invalid_json", message)
}

/// The fields of an object in their order; a name may occur twice.
pub(super) fn object_fields(object: &str) -> serde_json::Result<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str(object).map(|ObjectFields(fields)| fields)
}

struct ObjectFields<'b>(Vec<(Cow<'b, str>, &'b RawValue)>);

struct ArrayElements<'b>(Vec<&'b str>);

impl<'de> Deserialize<'de> for ObjectFields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = ObjectFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<ObjectFields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((FieldName(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(ObjectFields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

impl<'de> Deserialize<'de> for ArrayElements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementsVisitor;
        impl<'de> Visitor<'de> for ElementsVisitor {
            type Value = ArrayElements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut array: A,
            ) -> Result<ArrayElements<'de>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = array.next_element::<&RawValue>()? {
                    rows.push(row.get());
                }
                Ok(ArrayElements(rows))
            }
        }
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

/// A field's name, borrowed if it has no escapes.
struct FieldName<'b>(Cow<'b, str>);

impl<'de> Deserialize<'de> for FieldName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = FieldName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<FieldName<'de>, E> {
                Ok(FieldName(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<FieldName<'de>, E> {
                Ok(FieldName(Cow::Owned(text.to_string())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let shown = match records(body.as_bytes(), ObjectType::Customers) {
            Ok(PushBody { ambiguity: Some(error), .. }) => {
                format!("{}: {}", error.code, error.message)
            }
            Ok(body) => {
                let array = String::from_utf8(body.array()).unwrap_or_default();
                format!("{} rows at {:?} of {array}", body.rows.len(), body.pointer)
            }
            Err(error) => format!("{}: {}", error.code, error.message),
        };
        assert_eq!(shown, expected, "{body}");
    }

    #[test]
    fn body_is_an_object_an_array_or_a_named_array() {
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
    fn array_of_another_type_is_refused() {
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
    fn invalid_json_is_refused_with_its_position() {
        check(
            "",
            "invalid_json: the body is empty; send an object, an array of them, or \
                {\"customers\": […]}",
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
