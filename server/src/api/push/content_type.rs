//! The format of a body, from its content type.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use mrrow_engine::ingest::Format;

use crate::error::{ApiError, Result};

/// The format of a body; JSON without a content type.
pub(super) fn format_of(headers: &HeaderMap) -> Result<Format> {
    let Some(sent) = headers.get(CONTENT_TYPE) else { return Ok(Format::Json) };
    let sent = sent.to_str().unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "" | "application/json" | "text/json" => Ok(Format::Json),
        // The defaults of curl -d, of Node's fetch for a text, and of other clients for bytes.
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
        other => Err(unsupported(
            other,
            "application/json, application/x-ndjson, text/csv and application/vnd.apache.parquet",
        )),
    }
}

/// Refuses other formats than JSON.
pub(super) fn require_json(headers: &HeaderMap) -> Result<()> {
    match format_of(headers) {
        Ok(Format::Json) => Ok(()),
        Ok(other) => Err(unsupported(&other.to_string(), "application/json")),
        Err(error) => Err(ApiError { message: error.message.replace(OTHERS, ""), ..error }),
    }
}

const OTHERS: &str = ", application/x-ndjson, text/csv and application/vnd.apache.parquet";

fn unsupported(sent: &str, supported: &str) -> ApiError {
    let message = format!(
        "the content type \"{sent}\" is not supported here; send the header Content-Type with \
            {supported}"
    );
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(sent: &'static str, expected: Option<Format>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(sent))]);
        assert_eq!(format_of(&headers).ok(), expected, "{sent}");
        assert_eq!(require_json(&headers).is_ok(), expected == Some(Format::Json), "{sent}");
    }

    #[test]
    fn content_type_names_the_format() {
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
