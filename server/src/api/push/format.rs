//! In which format a body is sent: its content type tells.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use mrrow_engine::ingest::Format;

use crate::error::{ApiError, Result};

/// The format of a body; JSON when nothing is told.
pub(super) fn format_of(headers: &HeaderMap) -> Result<Format> {
    let Some(told) = headers.get(CONTENT_TYPE) else { return Ok(Format::Json) };
    let told = told.to_str().unwrap_or_default();
    let essence = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "" | "application/json" | "text/json" => Ok(Format::Json),
        // What curl says of its -d, Node's fetch of a text, and others of bytes, unless they are
        // told otherwise.
        "application/x-www-form-urlencoded" | "text/plain" | "application/octet-stream" => {
            Ok(Format::Json)
        }
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines" => Ok(Format::Ndjson),
        "text/csv" | "application/csv" => Ok(Format::Csv),
        "application/vnd.apache.parquet" | "application/x-parquet" | "application/parquet" => {
            Ok(Format::Parquet)
        }
        other if other.starts_with("application/") && other.ends_with("+json") => Ok(Format::Json),
        other => Err(not_taken(
            other,
            "application/json, application/x-ndjson, text/csv and application/vnd.apache.parquet",
        )),
    }
}

/// Refuses everything but JSON.
pub(super) fn only_json(headers: &HeaderMap) -> Result<()> {
    match format_of(headers) {
        Ok(Format::Json) => Ok(()),
        Ok(other) => Err(not_taken(&other.to_string(), "application/json")),
        Err(error) => Err(ApiError { message: error.message.replace(OTHERS, ""), ..error }),
    }
}

const OTHERS: &str = ", application/x-ndjson, text/csv and application/vnd.apache.parquet";

fn not_taken(told: &str, taken: &str) -> ApiError {
    let message = format!(
        "the content type \"{told}\" is not taken here; send the header Content-Type with {taken}"
    );
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(told: &'static str, expected: Option<Format>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(told))]);
        assert_eq!(format_of(&headers).ok(), expected, "{told}");
        assert_eq!(only_json(&headers).is_ok(), expected == Some(Format::Json), "{told}");
    }

    #[test]
    fn the_content_type_tells_the_format() {
        check("application/json", Some(Format::Json));
        check("Application/JSON; charset=utf-8", Some(Format::Json));
        check("application/vnd.api+json", Some(Format::Json));
        check("application/x-ndjson", Some(Format::Ndjson));
        check("text/csv;header=present", Some(Format::Csv));
        check("application/vnd.apache.parquet", Some(Format::Parquet));
        check("application/x-www-form-urlencoded", Some(Format::Json));
        check("text/plain;charset=UTF-8", Some(Format::Json));
        check("application/xml", None);
        assert_eq!(format_of(&HeaderMap::new()).ok(), Some(Format::Json));
    }
}
