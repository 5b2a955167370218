//! The parameters of every read, and the forms of dates and instants.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

/// The snapshot to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadParams {
    /// The day that movements are computed for; today by default.
    #[serde(default, deserialize_with = "date")]
    #[param(value_type = Option<String>, format = Date, example = "2025-12-31")]
    pub(crate) as_of: Option<NaiveDate>,
    /// The number of the snapshot; the newest by default.
    pub(crate) snapshot: Option<i64>,
    /// Read the rows that were known at this instant.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = DateTime, example = "2025-12-31T23:59:59Z")]
    pub(crate) known_at: Option<DateTime<Utc>>,
}

/// Deserializes a date as YYYY-MM-DD.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match parse_date(&text) {
        Some(date) => Ok(Some(date)),
        None => {
            Err(serde::de::Error::custom(format!("\"{text}\" is not a date such as 2025-12-31")))
        }
    }
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let is_expected = |(at, byte): (usize, u8)| {
        if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
    };
    let is_in_form = text.len() == 10 && text.bytes().enumerate().all(is_expected);
    text.parse().ok().filter(|_| is_in_form)
}

/// Deserializes an instant with its zone. A `+` that the client did not encode arrives as a blank.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
        Ok(instant) => Ok(Some(instant.to_utc())),
        Err(_) => Err(serde::de::Error::custom(format!(
            "\"{text}\" is not an instant with a zone, such as 2025-12-31T23:59:59Z"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_date;

    #[test]
    fn dates_are_read_in_one_form() {
        for (text, is_date) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("2024-2-9", false),
            ("+12024-02-29", false),
            ("-024-02-29", false),
            ("20240229", false),
            ("", false),
        ] {
            assert_eq!(parse_date(text).is_some(), is_date, "{text}");
        }
    }
}
