//! What is asked for with an upload: its parameters, and what its headers tell.

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

/// The parameters as they are documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub(super) struct ImportQuery {
    /// The type of the records: customers, plans or invoices. A JSON document may name the types
    /// itself.
    #[param(example = "invoices")]
    object: Option<String>,
    /// What to do when rows are rejected: `abort`, store nothing, or `skip`, store the valid ones.
    #[param(example = "abort")]
    on_error: Option<String>,
    /// Read the field THEIRS as OURS; may be repeated.
    #[param(example = "email_address=email")]
    map: Option<Vec<String>>,
    /// Validate and count, store nothing.
    dry_run: Option<bool>,
    /// The format, where the first bytes do not tell: json, ndjson, csv or parquet.
    #[param(example = "csv")]
    format: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) object: Option<ObjectType>,
    pub(super) format: Option<Format>,
    pub(super) on_error: OnError,
    pub(super) dry_run: bool,
    pub(super) map: HashMap<String, String>,
}

impl Asked {
    pub(super) fn parse(query: &str, headers: &HeaderMap) -> Result<Asked> {
        let mut asked = Asked { format: format_of(headers), ..Asked::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "object" => asked.object = Some(parsed("object", &value)?),
                "format" => asked.format = Some(parsed("format", &value)?),
                "on_error" => asked.on_error = on_error(&value)?,
                "dry_run" => asked.dry_run = flag("dry_run", &value)?,
                "map" => asked.rename(&value)?,
                _ => {}
            }
        }
        // What cannot be done is refused before anything is received.
        asked.options("").check()?;
        Ok(asked)
    }

    /// The options of the import, but for its files and listeners.
    pub(super) fn options(&self, data_source: &str) -> ImportOptions {
        ImportOptions {
            data_source: data_source.to_string(),
            map: self.map.clone(),
            on_error: self.on_error,
            dry_run: self.dry_run,
            ..ImportOptions::default()
        }
    }

    fn rename(&mut self, pair: &str) -> Result<()> {
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

fn parsed<T: FromStr<Err = String>>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|message: String| ApiError::invalid(name, message))
}

fn on_error(value: &str) -> Result<OnError> {
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

/// The format that a content type tells. JSON is found out: lines of it are sent under the same
/// name.
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

    fn code(query: &str) -> Option<String> {
        Asked::parse(query, &HeaderMap::new())
            .err()
            .and_then(|error| error.errors.first().and_then(|one| one.field.clone()))
    }

    #[test]
    fn parameters_say_what_is_asked_for() {
        let query =
            "object=plans&format=csv&on_error=skip&dry_run=true&map=a%3Dname&map=b=id&else=1";
        let asked = Asked::parse(query, &HeaderMap::new()).ok();
        let map = [("a", "name"), ("b", "id")]
            .map(|(theirs, ours)| (theirs.to_string(), ours.to_string()));
        let expected = Asked {
            object: Some(ObjectType::Plans),
            format: Some(Format::Csv),
            on_error: OnError::Skip,
            dry_run: true,
            map: map.into(),
        };
        assert_eq!(asked, Some(expected));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (query, field) in [
            ("object=people", "object"),
            ("format=xml", "format"),
            ("on_error=retry", "on_error"),
            ("dry_run=perhaps", "dry_run"),
            ("map=name", "map"),
            ("map=a%3Dname&map=b%3Dname", "map"),
        ] {
            assert_eq!(code(query).as_deref(), Some(field), "{query}");
        }
        assert!(Asked::parse("map=a%3Dshoe_size", &HeaderMap::new()).is_err());
    }
}
