//! The forms of an answer, and which one a client asked for.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{ApiError, Result};

/// A form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Json,
    Ndjson,
    Csv,
    Arrow,
    Parquet,
}

/// The forms by name, each with its media types; the first is what we answer.
const FORMATS: [(Format, &str, &[&str]); 5] = [
    (Format::Json, "json", &["application/json"]),
    (
        Format::Ndjson,
        "ndjson",
        &["application/x-ndjson", "application/ndjson", "application/jsonl"],
    ),
    (Format::Csv, "csv", &["text/csv"]),
    (Format::Arrow, "arrow", &["application/vnd.apache.arrow.stream"]),
    (
        Format::Parquet,
        "parquet",
        &["application/vnd.apache.parquet", "application/x-parquet", "application/parquet"],
    ),
];

impl Format {
    /// What an answer in this form is called.
    pub(crate) fn media_type(self) -> &'static str {
        FORMATS
            .iter()
            .find(|(format, ..)| *format == self)
            .and_then(|(_, _, types)| types.first())
            .unwrap_or(&"")
    }

    pub(crate) fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }
}

/// The form that a request asks for: by the parameter `format`, else by the header `Accept`; none
/// where any will do.
pub(crate) struct Wanted(Option<Format>);

impl Wanted {
    /// The form, or the one that is answered where any will do.
    pub(crate) fn or(&self, default: Format) -> Format {
        self.0.unwrap_or(default)
    }
}

#[derive(Deserialize)]
struct FormatParameter {
    format: Option<String>,
}

impl FromRequestParts<App> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Wanted> {
        let parameter = axum::extract::Query::<FormatParameter>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::bad_request("invalid_query", error.body_text()))?;
        let Some(named) = &parameter.format else { return accepted(&parts.headers).map(Wanted) };
        match FORMATS.iter().find(|(_, name, _)| name == named) {
            Some((format, ..)) => Ok(Wanted(Some(*format))),
            None => {
                let message = format!("\"{named}\" is not a form of an answer; use {}", names());
                Err(ApiError::invalid("format", message))
            }
        }
    }
}

fn names() -> String {
    FORMATS.map(|(_, name, _)| name).join(", ")
}

/// The best of our forms that a client accepts; what it names first wins among equals (RFC 9110
/// §12.5.1).
fn accepted(headers: &HeaderMap) -> Result<Option<Format>> {
    let texts: Vec<&str> =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let (mut any_range, mut best) = (false, None::<(u16, Option<Format>)>);
    for range in texts
        .iter()
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
    {
        any_range = true;
        let (media, parameters) = range.split_once(';').unwrap_or((range, ""));
        let quality = quality(parameters);
        let Some(format) = format_of(media.trim()).filter(|_| quality > 0) else { continue };
        if best.is_none_or(|(other, _)| quality > other) {
            best = Some((quality, format));
        }
    }
    match best {
        Some((_, format)) => Ok(format),
        None if !any_range => Ok(None),
        None => {
            let types: Vec<&str> =
                FORMATS.iter().filter_map(|(_, _, types)| types.first().copied()).collect();
            let message = format!(
                "no form of the answer is one that Accept names; name one of {}, or ?format=",
                types.join(", ")
            );
            Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message))
        }
    }
}

/// The form of a media range: nothing if we have none, and no certain one if any will do.
fn format_of(media: &str) -> Option<Option<Format>> {
    match media.to_ascii_lowercase().as_str() {
        "*/*" | "application/*" => Some(None),
        "text/*" => Some(Some(Format::Csv)),
        media => FORMATS
            .iter()
            .find(|(.., types)| types.contains(&media))
            .map(|(format, ..)| Some(*format)),
    }
}

/// `q` in thousandths; 1000 unless given.
fn quality(parameters: &str) -> u16 {
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(weight) = weight else { return 1000 };
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u16>(), part.parse::<u16>()) {
        (Ok(0), Ok(part)) => part,
        (Ok(_), Ok(_)) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_form_is_chosen() {
        for (accept, expected) in [
            ("", Ok(None)),
            ("*/*", Ok(None)),
            ("application/json", Ok(Some(Format::Json))),
            ("text/csv, application/json", Ok(Some(Format::Csv))),
            ("text/csv;q=0.5, application/x-ndjson;q=0.9", Ok(Some(Format::Ndjson))),
            ("text/html, application/vnd.apache.parquet;q=0.1", Ok(Some(Format::Parquet))),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Ok(None)),
            ("APPLICATION/JSON; charset=utf-8", Ok(Some(Format::Json))),
            ("text/html", Err(StatusCode::NOT_ACCEPTABLE)),
            ("application/json;q=0", Err(StatusCode::NOT_ACCEPTABLE)),
        ] {
            let mut headers = HeaderMap::new();
            if let (false, Ok(value)) = (accept.is_empty(), accept.parse()) {
                headers.insert(ACCEPT, value);
            }
            assert_eq!(accepted(&headers).map_err(|error| error.status), expected, "{accept}");
        }
    }
}
