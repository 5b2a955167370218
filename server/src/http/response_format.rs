//! The format of a response: the parameter `format`, else the header Accept.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::error::{ApiError, Result};
use crate::rows::RowFormat;

/// A format that clients can request.
struct ResponseFormat {
    format: RowFormat,
    name: &'static str,
    /// The first one is that of the response.
    media_types: &'static [&'static str],
}

const FORMATS: [ResponseFormat; 5] = [
    ResponseFormat { format: RowFormat::Json, name: "json", media_types: &["application/json"] },
    ResponseFormat {
        format: RowFormat::Ndjson,
        name: "ndjson",
        media_types: &["application/x-ndjson", "application/ndjson", "application/jsonl"],
    },
    ResponseFormat { format: RowFormat::Csv, name: "csv", media_types: &["text/csv"] },
    ResponseFormat {
        format: RowFormat::Arrow,
        name: "arrow",
        media_types: &["application/vnd.apache.arrow.stream"],
    },
    ResponseFormat {
        format: RowFormat::Parquet,
        name: "parquet",
        media_types: &[
            "application/vnd.apache.parquet",
            "application/x-parquet",
            "application/parquet",
        ],
    },
];

/// The media type of a response in a format.
pub(crate) fn media_type(format: RowFormat) -> &'static str {
    let types = FORMATS.iter().find(|entry| entry.format == format).map(|entry| entry.media_types);
    types.and_then(|types| types.first()).unwrap_or(&"")
}

/// The name of a format, as the parameter `format` has it.
pub(crate) fn format_name(format: RowFormat) -> &'static str {
    FORMATS.iter().find(|entry| entry.format == format).map_or("", |entry| entry.name)
}

/// The format that a request names; none if it accepts any.
pub(crate) struct RequestedFormat(Option<RowFormat>);

impl RequestedFormat {
    /// The format, or the default of the route.
    pub(crate) fn or(&self, default: RowFormat) -> RowFormat {
        self.0.unwrap_or(default)
    }
}

#[derive(Deserialize)]
struct FormatParameter {
    format: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestedFormat {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestedFormat> {
        let parameter = axum::extract::Query::<FormatParameter>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::bad_request("invalid_query", error.body_text()))?;
        let Some(name) = &parameter.format else {
            return accepted(&parts.headers).map(RequestedFormat);
        };
        match FORMATS.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(RequestedFormat(Some(entry.format))),
            None => {
                let names = FORMATS.map(|entry| entry.name).join(", ");
                let message = format!("\"{name}\" is not a format of a response; use {names}");
                Err(ApiError::invalid("format", message))
            }
        }
    }
}

/// The format with the highest quality in Accept; among equals, the first one (RFC 9110 §12.5.1).
fn accepted(headers: &HeaderMap) -> Result<Option<RowFormat>> {
    let texts: Vec<&str> =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let (mut any_range, mut best) = (false, None::<(u16, Option<RowFormat>)>);
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
            let types: Vec<&str> = FORMATS.iter().map(|entry| media_type(entry.format)).collect();
            let message = format!(
                "Accept names no format of the response; name one of {}, or use ?format=",
                types.join(", ")
            );
            Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message))
        }
    }
}

/// The format of a media range: `None` if there is none, `Some(None)` if any format matches.
fn format_of(media: &str) -> Option<Option<RowFormat>> {
    match media.to_ascii_lowercase().as_str() {
        "*/*" | "application/*" => Some(None),
        "text/*" => Some(Some(RowFormat::Csv)),
        media => FORMATS
            .iter()
            .find(|entry| entry.media_types.contains(&media))
            .map(|entry| Some(entry.format)),
    }
}

/// The quality `q` in thousandths; 1000 by default.
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
    fn accepted_format_with_the_highest_quality_is_used() {
        for (accept, expected) in [
            ("", Ok(None)),
            ("*/*", Ok(None)),
            ("application/json", Ok(Some(RowFormat::Json))),
            ("text/csv, application/json", Ok(Some(RowFormat::Csv))),
            ("text/csv;q=0.5, application/x-ndjson;q=0.9", Ok(Some(RowFormat::Ndjson))),
            ("text/html, application/vnd.apache.parquet;q=0.1", Ok(Some(RowFormat::Parquet))),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Ok(None)),
            ("APPLICATION/JSON; charset=utf-8", Ok(Some(RowFormat::Json))),
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
