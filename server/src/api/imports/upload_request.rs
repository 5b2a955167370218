//! The parameters and headers of an upload.

use std::collections::HashMap;
use std::str::FromStr;

use axum::http::header::{CONTENT_TYPE, HeaderMap};
use mrrow_engine::import::{ImportOptions, OnError};
use mrrow_engine::ingest::Format;
use mrrow_engine::model::ObjectType;
use url::form_urlencoded;
use utoipa::IntoParams;

use crate::error::{ApiError, Result};
use crate::http::extract::parse_flag;

/// The parameters, for the OpenAPI document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub(super) struct ImportQuery {
    /// The type of the records: customers, plans or invoices. A JSON document may contain several
    /// types.
    #[param(example = "invoices")]
    object: Option<String>,
    /// The effect of rejected rows: `abort` stores nothing, `skip` stores the valid ones.
    #[param(example = "abort")]
    on_error: Option<String>,
    /// THEIRS=OURS reads their field as ours; may be repeated.
    #[param(example = "email_address=email")]
    map: Option<Vec<String>>,
    /// Validate and count, store nothing.
    dry_run: Option<bool>,
    /// The format: json, ndjson, csv or parquet; detected from the content by default.
    #[param(example = "csv")]
    format: Option<String>,
}

/// The parsed parameters of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UploadRequest {
    pub(super) object: Option<ObjectType>,
    pub(super) format: Option<Format>,
    pub(super) on_error: OnError,
    pub(super) dry_run: bool,
    pub(super) map: HashMap<String, String>,
}

impl UploadRequest {
    pub(super) fn parse(query: &str, headers: &HeaderMap) -> Result<UploadRequest> {
        let mut request = UploadRequest { format: format_of(headers), ..UploadRequest::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "object" => request.object = Some(parse("object", &value)?),
                "format" => request.format = Some(parse("format", &value)?),
                "on_error" => request.on_error = parse_on_error(&value)?,
                "dry_run" => request.dry_run = flag("dry_run", &value)?,
                "map" => request.add_field_name(&value)?,
                _ => {}
            }
        }
        // Refuse invalid options before the body arrives.
        request.options("").check()?;
        Ok(request)
    }

    /// The options of the import, without files and listeners.
    pub(super) fn options(&self, data_source: &str) -> ImportOptions {
        ImportOptions {
            data_source: data_source.to_string(),
            map: self.map.clone(),
            on_error: self.on_error,
            dry_run: self.dry_run,
            ..ImportOptions::default()
        }
    }

    fn add_field_name(&mut self, pair: &str) -> Result<()> {
        let (theirs, ours) = pair
            .split_once('=')
            .filter(|(theirs, ours)| !theirs.is_empty() && !ours.is_empty())
            .ok_or_else(|| {
                ApiError::invalid(
                    "map",
                    format!("\"{pair}\" is not THEIRS=OURS, such as email_address=email"),
                )
            })?;
        let is_taken = self.map.values().any(|other| other == ours);
        if is_taken || self.map.insert(theirs.to_string(), ours.to_string()).is_some() {
            return Err(ApiError::invalid(
                "map",
                format!("\"{pair}\": one of the two names is mapped already"),
            ));
        }
        Ok(())
    }
}

fn parse<T: FromStr<Err = String>>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|message: String| ApiError::invalid(name, message))
}

fn parse_on_error(value: &str) -> Result<OnError> {
    match value {
        "abort" => Ok(OnError::Abort),
        "skip" => Ok(OnError::Skip),
        _ => Err(ApiError::invalid(
            "on_error",
            format!("\"{value}\" is neither \"abort\" nor \"skip\""),
        )),
    }
}

fn flag(name: &str, value: &str) -> Result<bool> {
    parse_flag(value).ok_or_else(|| {
        ApiError::invalid(name, format!("\"{value}\" is neither \"true\" nor \"false\""))
    })
}

/// The format of a content type. JSON is detected later, because NDJSON is often sent as JSON.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    match content_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "text/csv" => Some(Format::Csv),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::Ndjson),
        "application/vnd.apache.parquet" => Some(Format::Parquet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_field(query: &str) -> Option<String> {
        UploadRequest::parse(query, &HeaderMap::new())
            .err()
            .and_then(|error| error.errors.first().and_then(|one| one.field.clone()))
    }

    #[test]
    fn parameters_are_parsed() {
        let query =
            "object=plans&format=csv&on_error=skip&dry_run=true&map=a%3Dname&map=b=id&else=1";
        let request = UploadRequest::parse(query, &HeaderMap::new()).ok();
        let map = [("a", "name"), ("b", "id")]
            .map(|(theirs, ours)| (theirs.to_string(), ours.to_string()));
        let expected = UploadRequest {
            object: Some(ObjectType::Plans),
            format: Some(Format::Csv),
            on_error: OnError::Skip,
            dry_run: true,
            map: map.into(),
        };
        assert_eq!(request, Some(expected));
    }

    #[test]
    fn invalid_parameter_is_refused_by_name() {
        for (query, field) in [
            ("object=people", "object"),
            ("format=xml", "format"),
            ("on_error=retry", "on_error"),
            ("dry_run=perhaps", "dry_run"),
            ("map=name", "map"),
            ("map=a%3Dname&map=b%3Dname", "map"),
        ] {
            assert_eq!(wrong_field(query).as_deref(), Some(field), "{query}");
        }
        assert!(UploadRequest::parse("map=a%3Dshoe_size", &HeaderMap::new()).is_err());
    }
}
