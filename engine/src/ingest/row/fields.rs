//! The fields: their types, and how each value is read.

use std::borrow::Cow;

use crate::ingest::rejection::Code;
use crate::ingest::row::dates::ParsedTime;
use crate::ingest::row::dialect::other_spelling;
use crate::ingest::row::numbers::{NotWhole, whole};
use crate::ingest::row::values::Value;
use crate::model::{ObjectType, currency_code};
use crate::tables::{field_names, required_fields};

/// The largest amount, discount and quantity (`mrr.md` §1.2).
const AMOUNT_MAX: i64 = 10_000_000_000_000;

/// The most intervals of a billing cycle.
const INTERVAL_COUNT_MAX: i64 = 10_000;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum FieldType {
    Text,
    Country,
    Currency,
    OneOf { words: &'static [&'static str], listed: &'static str },
    Whole { least: i64, most: i64, what: &'static str },
    Flag,
    Date,
    Metadata,
}

/// A field of a type.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Spec {
    pub(in crate::ingest) name: &'static str,
    /// The name that GrowPanel's clients use, if it differs.
    pub(in crate::ingest) other: Option<&'static str>,
    pub(in crate::ingest) kind: FieldType,
    pub(in crate::ingest) is_required: bool,
    /// The field is newer than stored records: a record without it has the same hash as before.
    pub(in crate::ingest) came_later: bool,
}

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ingest) enum FieldValue<'v> {
    Missing,
    /// Refused, with an error.
    Invalid,
    Text(Cow<'v, str>),
    Whole(i64),
    Flag(bool),
    ParsedTime(ParsedTime),
}

/// Why a value is refused.
type Fault = (Code, String);

/// The fields of a type, in their order.
pub(in crate::ingest) fn specs(object: ObjectType) -> Vec<Spec> {
    let required = required_fields(object);
    let spec = |name: &&'static str| {
        let other = other_spelling(object, name);
        let came_later = matches!(*name, "state" | "product_name");
        Spec { name, other, kind: kind(name), is_required: required.contains(name), came_later }
    };
    field_names(object).iter().map(spec).collect()
}

fn kind(name: &str) -> FieldType {
    let cents = "a whole number of minor units, such as 9900 for $99.00";
    match name {
        "country" => FieldType::Country,
        "currency" => FieldType::Currency,
        "type" => FieldType::OneOf {
            words: &["subscription", "one-time", "refund", "cancellation"],
            listed: "subscription, one-time, refund or cancellation",
        },
        "interval" => FieldType::OneOf {
            words: &["day", "week", "month", "year"],
            listed: "day, week, month or year",
        },
        "interval_count" => FieldType::Whole {
            least: 1,
            most: INTERVAL_COUNT_MAX,
            what: "a whole number, such as 1",
        },
        "quantity" => {
            FieldType::Whole { least: 0, most: AMOUNT_MAX, what: "a whole number, such as 1" }
        }
        "amount" | "discount" => {
            FieldType::Whole { least: -AMOUNT_MAX, most: AMOUNT_MAX, what: cents }
        }
        "proration" => FieldType::Flag,
        "created" | "trial_started" | "invoice_date" | "period_start" | "period_end" => {
            FieldType::Date
        }
        "metadata" => FieldType::Metadata,
        _ => FieldType::Text,
    }
}

/// Reads a value of the field that the sender calls `name`; `metadata` is read elsewhere.
pub(in crate::ingest) fn parse<'v>(
    spec: &Spec,
    name: &str,
    value: &'v Value<'_>,
) -> Result<FieldValue<'v>, Fault> {
    if value.is_missing() {
        return match spec.is_required {
            true => Err((Code::Required, format!("\"{name}\" is required; give it a value"))),
            false => Ok(FieldValue::Missing),
        };
    }
    match spec.kind {
        FieldType::Text | FieldType::Metadata => {
            text(name, value).map(|text| FieldValue::Text(Cow::Borrowed(text)))
        }
        FieldType::Country => country(name, value),
        FieldType::Currency => currency(name, value),
        FieldType::OneOf { words, listed } => one_of(name, value, words, listed),
        FieldType::Whole { least, most, what } => number(name, value, least, most, what),
        FieldType::Flag => flag(name, value),
        FieldType::Date => date(name, value),
    }
}

fn text<'v>(name: &str, value: &'v Value<'_>) -> Result<&'v str, Fault> {
    match value {
        Value::Text(text) | Value::Cell(text) => Ok(text),
        Value::Broken(_) => Err((
            Code::Malformed,
            format!("\"{name}\" has half of a \\u pair; write the character itself"),
        )),
        other => {
            let kind = other.kind();
            Err((
                Code::WrongType,
                format!("\"{name}\" must be text, not {kind}; put it in quotes or cast it to text"),
            ))
        }
    }
}

fn country<'v>(name: &str, value: &'v Value<'_>) -> Result<FieldValue<'v>, Fault> {
    let code = text(name, value)?;
    match code.as_bytes() {
        [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => {
            Ok(FieldValue::Text(Cow::Borrowed(code)))
        }
        [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
            Ok(FieldValue::Text(code.to_ascii_uppercase().into()))
        }
        _ => Err((
            Code::BadCountry,
            format!("\"{name}\" must be a country code of two letters, such as US"),
        )),
    }
}

fn currency<'v>(name: &str, value: &'v Value<'_>) -> Result<FieldValue<'v>, Fault> {
    match currency_code(text(name, value)?) {
        Some(code) => Ok(FieldValue::Text(Cow::Borrowed(code))),
        None => {
            Err((Code::BadCurrency, format!("\"{name}\" must be an ISO 4217 code, such as USD")))
        }
    }
}

fn one_of<'v>(
    name: &str,
    value: &'v Value<'_>,
    words: &[&'static str],
    listed: &str,
) -> Result<FieldValue<'v>, Fault> {
    let text = text(name, value)?;
    match words.iter().find(|word| **word == text) {
        Some(word) => Ok(FieldValue::Text(Cow::Borrowed(word))),
        None => Err((Code::UnknownValue, format!("\"{name}\" must be {listed}"))),
    }
}

fn number<'v>(
    name: &str,
    value: &Value<'_>,
    least: i64,
    most: i64,
    what: &str,
) -> Result<FieldValue<'v>, Fault> {
    let number = match value {
        Value::Number(text) | Value::Cell(text) => whole(text),
        Value::Whole(number) => Ok(*number),
        _ => Err(NotWhole::NotANumber),
    };
    match number {
        Ok(number) if (least..=most).contains(&number) => Ok(FieldValue::Whole(number)),
        Ok(_) | Err(NotWhole::TooLarge) => {
            Err((Code::OutOfRange, format!("\"{name}\" must be between {least} and {most}")))
        }
        Err(NotWhole::NotANumber | NotWhole::Fraction) => {
            Err((Code::WrongType, format!("\"{name}\" must be {what}")))
        }
    }
}

fn flag<'v>(name: &str, value: &Value<'_>) -> Result<FieldValue<'v>, Fault> {
    match value {
        Value::Flag(flag) => Ok(FieldValue::Flag(*flag)),
        Value::Cell(text) if text == "true" => Ok(FieldValue::Flag(true)),
        Value::Cell(text) if text == "false" => Ok(FieldValue::Flag(false)),
        _ => Err((Code::WrongType, format!("\"{name}\" must be true or false"))),
    }
}

fn date<'v>(name: &str, value: &Value<'_>) -> Result<FieldValue<'v>, Fault> {
    let moment = match value {
        Value::ParsedTime(moment) => ParsedTime::new(moment.micros, moment.zoned),
        Value::Text(text) | Value::Cell(text) => ParsedTime::parse(text),
        other => {
            let kind = other.kind();
            return Err((
                Code::WrongType,
                format!("\"{name}\" must be a date such as \"2024-01-15T00:00:00Z\", not {kind}"),
            ));
        }
    };
    moment.map(FieldValue::ParsedTime).ok_or_else(|| {
        let message =
            "must be a date such as 2024-01-15 or 2024-01-15T00:00:00Z, in the years 0001 to 9999";
        (Code::BadDate, format!("\"{name}\" {message}"))
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::{FieldType, specs};
    use crate::ingest::testing::{plans, render};
    use crate::model::ObjectType;
    use crate::tables::record_schema;

    /// Pushes a plan with one field replaced, and shows the stored value or the error.
    fn check(field: &str, table: &[(&str, &str)]) {
        for (value, expected) in table {
            let fields = [
                ("id", "\"p\""),
                ("name", "\"P\""),
                ("interval", "\"month\""),
                ("interval_count", "1"),
                ("currency", "\"USD\""),
            ];
            let fields = fields.map(|(name, usual)| {
                format!("\"{name}\":{}", if name == field { value } else { usual })
            });
            let shown = render(format!("{{{}}}", fields.join(",")).as_bytes(), &plans());
            assert!(shown.contains(expected), "{field} {value}: {shown}");
        }
    }

    #[test]
    fn kinds_are_those_of_the_columns() {
        for object in ObjectType::ALL {
            for spec in specs(object) {
                let schema = record_schema(object);
                let stored =
                    schema.field_with_name(spec.name).map(|field| field.data_type().clone());
                let expected = match spec.kind {
                    FieldType::Whole { .. } => DataType::Int64,
                    FieldType::Flag => DataType::Boolean,
                    FieldType::Date => {
                        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None)
                    }
                    _ => DataType::Utf8,
                };
                assert_eq!(stored.ok(), Some(expected), "{}", spec.name);
            }
        }
    }

    #[test]
    fn text_is_text() {
        check(
            "id",
            &[
                ("\"a\\u0000b\"", "row 0 {\"id\":\"a\\u0000b\""),
                ("\"\\u00e9\\ud83d\\ude00\"", "row 0 {\"id\":\"é😀\""),
                ("\" \"", "row 0 {\"id\":\" \""),
                ("\"\"", "reject 0: /id required \"id\" is required; give it a value"),
                ("null", "/id required"),
                (
                    "7",
                    "/id wrong_type \"id\" must be text, not a number; put it in quotes or cast it to text [7]",
                ),
                ("true", "/id wrong_type \"id\" must be text, not true or false"),
                (
                    "{\"a\":[]}",
                    "/id wrong_type \"id\" must be text, not a list or object; put it in quotes or cast it to text [{\"a\":[]}]",
                ),
                (
                    "\"x\\ud800y\"",
                    "/id malformed \"id\" has half of a \\u pair; write the character itself",
                ),
            ],
        );
    }

    #[test]
    fn words_are_known() {
        check(
            "interval",
            &[
                ("\"week\"", "\"interval\":\"week\""),
                (
                    "\"Month\"",
                    "/interval unknown_value \"interval\" must be day, week, month or year [Month]",
                ),
                ("\"months\"", "/interval unknown_value"),
                ("1", "/interval wrong_type"),
            ],
        );
        check(
            "currency",
            &[
                ("\"usd\"", "\"currency\":\"USD\""),
                (
                    "\"XYZ\"",
                    "/currency bad_currency \"currency\" must be an ISO 4217 code, such as USD [XYZ]",
                ),
                ("\"US\"", "/currency bad_currency"),
                ("840", "/currency wrong_type"),
            ],
        );
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        check(
            "interval_count",
            &[
                ("3.0", "\"interval_count\":3,"),
                ("1e4", "\"interval_count\":10000,"),
                (
                    "10001",
                    "/interval_count out_of_range \"interval_count\" must be between 1 and 10000 [10001]",
                ),
                ("0", "/interval_count out_of_range"),
                ("-1", "/interval_count out_of_range"),
                ("1e999999999", "/interval_count out_of_range"),
                (
                    "1.5",
                    "/interval_count wrong_type \"interval_count\" must be a whole number, such as 1 [1.5]",
                ),
                ("\"1\"", "/interval_count wrong_type"),
                ("\"\"", "/interval_count required"),
                ("[1]", "/interval_count wrong_type"),
                ("true", "/interval_count wrong_type"),
            ],
        );
    }
}
