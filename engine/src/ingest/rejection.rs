//! Rejections of rows and warnings on accepted rows.

use serde::{Deserialize, Serialize};

use crate::model::ObjectType;

/// The maximum bytes of a value in an error.
const VALUE_BYTES_MAX: usize = 200;

/// The maximum bytes of a row in a rejection.
pub(super) const ORIGINAL_BYTES_MAX: usize = 64 << 10;

/// A rejected row, or the rejected rest of a file; serialises to one line of a rejects file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The position of the row: the line on which it starts, counted from 1 (NDJSON, CSV); its
    /// index, counted from 0, among the objects of its type (JSON) or the rows (Parquet). `None` if
    /// the rejection is about the file.
    pub line: Option<u64>,
    /// The index of the row among the rows of its type in the request, counted from 0 in every
    /// format; only for pushes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The row's type.
    pub object: Option<ObjectType>,
    /// The row's id, if it is readable.
    pub id: Option<String>,
    /// All errors of the row.
    pub errors: Vec<FieldError>,
    /// The row as it was received, cut off after 64 KiB; a Parquet row as JSON.
    pub original: String,
}

/// One error of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field in the sender's name: a JSON pointer inside the object such as `/metadata/tier`,
    /// or a column's name. Empty if the error is about the row.
    #[serde(rename = "field")]
    pub pointer: String,
    /// The kind of error.
    pub code: Code,
    /// The cause and the remedy.
    pub message: String,
    /// The value refused.
    pub value: Option<String>,
}

/// The kinds of error (`mrr.md` §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A required field is missing or empty.
    Required,
    /// Text for a number, a number for text, a fraction for a whole number.
    WrongType,
    /// Not one of the allowed words.
    UnknownValue,
    /// Too small or too large.
    OutOfRange,
    /// Not a date.
    BadDate,
    /// Not a currency of ISO 4217.
    BadCurrency,
    /// Not a two-letter country code.
    BadCountry,
    /// A period that does not end after its start.
    BadPeriod,
    /// A subscription invoice without a plan.
    PlanRequired,
    /// A negative subscription invoice that is not a proration.
    NegativeAmount,
    /// An invoice of an unknown customer; the engine finds it, not the decoder.
    CustomerNotFound,
    /// A row that names an unknown data source, or one that the sender may not write.
    DataSourceNotFound,
    /// One field given twice.
    DuplicateKey,
    /// A violation of the format.
    Malformed,
}

/// A warning on an accepted row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The position of the row, as in [`Rejection::line`].
    pub line: u64,
    /// The row's id.
    pub id: String,
    /// The kind of warning.
    pub code: WarningCode,
    /// The effect on the numbers.
    pub message: String,
}

/// The kinds of warning (`mrr.md` §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A proration without both of its period dates.
    ProrationWithoutPeriod,
    /// A cancellation with an amount.
    CancellationAmount,
    /// An invoice on a plan that is not known (yet).
    UnknownPlan,
    /// An invoice in another currency than its plan.
    CurrencyDiffers,
}

impl Code {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Required => "required",
            Code::WrongType => "wrong_type",
            Code::UnknownValue => "unknown_value",
            Code::OutOfRange => "out_of_range",
            Code::BadDate => "bad_date",
            Code::BadCurrency => "bad_currency",
            Code::BadCountry => "bad_country",
            Code::BadPeriod => "bad_period",
            Code::PlanRequired => "plan_required",
            Code::NegativeAmount => "negative_amount",
            Code::CustomerNotFound => "customer_not_found",
            Code::DataSourceNotFound => "data_source_not_found",
            Code::DuplicateKey => "duplicate_key",
            Code::Malformed => "malformed",
        }
    }
}

impl WarningCode {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            WarningCode::ProrationWithoutPeriod => "proration_without_period",
            WarningCode::CancellationAmount => "cancellation_amount",
            WarningCode::UnknownPlan => "unknown_plan",
            WarningCode::CurrencyDiffers => "currency_differs",
        }
    }
}

impl FieldError {
    /// An error about the row as a whole.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        FieldError {
            pointer: String::new(),
            code: Code::Malformed,
            message: message.into(),
            value: None,
        }
    }

    /// A row that exceeds the maximum length.
    pub(super) fn too_long(bytes_max: usize) -> Self {
        FieldError::malformed(format!(
            "the row is longer than {bytes_max} bytes; shorten it or raise the limit"
        ))
    }

    /// An error about one field.
    pub(super) fn new(pointer: String, code: Code, message: String, value: Option<&str>) -> Self {
        FieldError {
            pointer,
            code,
            message,
            value: value.map(|value| clip(value, VALUE_BYTES_MAX)),
        }
    }
}

/// The start of a text, cut between two characters; an ellipsis marks the cut.
pub(super) fn clip(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_string();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

/// The same for bytes that may not be text.
pub(super) fn clip_bytes(bytes: &[u8], bytes_max: usize) -> String {
    clip(&String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max + 1)]), bytes_max)
}

#[cfg(test)]
mod tests {
    use super::{Code, FieldError, Rejection, clip};
    use crate::model::ObjectType;

    fn check(rejection: &Rejection, expected: &str) {
        assert_eq!(serde_json::to_string(rejection).ok().as_deref(), Some(expected));
        assert_eq!(serde_json::from_str(expected).ok().as_ref(), Some(rejection));
    }

    #[test]
    fn a_rejection_is_a_line_of_the_rejects_file() {
        let error = FieldError::new(
            "/amount".to_string(),
            Code::OutOfRange,
            "too much".to_string(),
            Some("1e99"),
        );
        let object = Some(ObjectType::Invoices);
        let id = Some("i1".to_string());
        check(
            &Rejection {
                line: Some(7),
                index: None,
                object,
                id,
                errors: vec![error],
                original: "{}".to_string(),
            },
            r#"{"line":7,"object":"invoices","id":"i1","errors":[{"field":"/amount","code":"out_of_range","message":"too much","value":"1e99"}],"original":"{}"}"#,
        );
        let errors = vec![FieldError::malformed("the file is empty")];
        check(
            &Rejection {
                line: None,
                index: None,
                object: None,
                id: None,
                errors,
                original: String::new(),
            },
            r#"{"line":null,"object":null,"id":null,"errors":[{"field":"","code":"malformed","message":"the file is empty","value":null}],"original":""}"#,
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!((clip("né", 3), clip("né", 2)), ("né".to_string(), "n…".to_string()));
    }
}
