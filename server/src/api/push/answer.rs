//! What became of the records of a request, as it is told.

use mrrow_engine::ingest::{FieldError, Rejection};
use mrrow_engine::push::{Pushed, PushedRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorDetail};

/// The most errors that an answer lists.
const ERRORS_MAX: usize = 10_000;

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PushAnswer {
    /// What became of each object, in the order in which they were sent.
    result: Vec<RowAnswer>,
    /// A read with `?min_sequence=` this sees the objects.
    sequence: i64,
    /// The newest published snapshot; the objects are in the next one, within a second.
    snapshot: i64,
}

/// What became of one object.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowAnswer {
    /// Its id; null where a rejected object has none.
    id: Option<String>,
    /// `created`, `updated`, `unchanged` or, with `on_error=skip`, `rejected`.
    #[schema(example = "created")]
    status: String,
    /// What is odd about it: `unknown_plan`, `currency_differs`, `proration_without_period`,
    /// `cancellation_amount`.
    warnings: Vec<String>,
    /// What is wrong with a rejected object.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<ErrorDetail>>,
}

impl PushAnswer {
    /// The answer to a request of which the valid records are stored.
    pub(super) fn of(pushed: Pushed, pointer: &Pointer) -> PushAnswer {
        let Pushed { result, rejections, sequence, snapshot, .. } = pushed;
        let mut rows: Vec<(Option<u64>, RowAnswer)> = result.into_iter().map(accepted).collect();
        rows.extend(
            rejections.into_iter().map(|rejection| (rejection.line, rejected(&rejection, pointer))),
        );
        // What is about the whole body comes last.
        rows.sort_by_key(|(line, _)| line.unwrap_or(u64::MAX));
        PushAnswer { result: rows.into_iter().map(|(_, row)| row).collect(), sequence, snapshot }
    }
}

fn accepted(row: PushedRow) -> (Option<u64>, RowAnswer) {
    let warnings = row.warnings.iter().map(|code| code.as_str().to_string()).collect();
    (
        row.line,
        RowAnswer {
            id: Some(row.id),
            status: row.status.as_str().to_string(),
            warnings,
            errors: None,
        },
    )
}

fn rejected(rejection: &Rejection, pointer: &Pointer) -> RowAnswer {
    RowAnswer {
        id: rejection.id.clone(),
        status: "rejected".to_string(),
        warnings: Vec::new(),
        errors: Some(details(rejection, pointer).collect()),
    }
}

/// Where the fields of a record are in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pointer {
    /// The body is the record.
    Single,
    /// The record is an element of the array at this pointer.
    Array(String),
    /// The body is lines, each of which begins or goes on with a record: NDJSON or CSV.
    Lines,
    /// The body is Parquet.
    None,
}

impl Pointer {
    fn of(&self, line: Option<u64>, error: &FieldError) -> Option<String> {
        match (self, line) {
            (Pointer::Lines | Pointer::None, _) => {
                error.pointer.starts_with('/').then(|| error.pointer.clone())
            }
            (Pointer::Single, _) => Some(error.pointer.clone()),
            (Pointer::Array(pointer), Some(line)) => {
                Some(format!("{pointer}/{line}{}", error.pointer))
            }
            (Pointer::Array(pointer), None) => Some(pointer.clone()),
        }
    }
}

/// Each thing that is wrong with a record.
pub(super) fn details<'r>(
    rejection: &'r Rejection,
    pointer: &'r Pointer,
) -> impl Iterator<Item = ErrorDetail> + 'r {
    rejection.errors.iter().map(|error| ErrorDetail {
        index: rejection.index,
        line: rejection.line.filter(|_| *pointer == Pointer::Lines),
        id: rejection.id.clone(),
        pointer: pointer.of(rejection.line, error),
        field: field(&error.pointer),
        code: error.code.as_str().to_string(),
        message: error.message.clone(),
        value: error.value.clone(),
    })
}

/// The name of the field: `metadata.tier` of `/metadata/tier`; none of an error about the whole
/// record.
fn field(pointer: &str) -> Option<String> {
    match pointer.strip_prefix('/') {
        None => (!pointer.is_empty()).then(|| pointer.to_string()),
        Some(path) => Some(path.replace('/', ".").replace("~1", "/").replace("~0", "~")),
    }
}

/// Refuses a request of which nothing is stored since some of its records are not valid.
pub(crate) fn invalid_records(pushed: &Pushed, pointer: &Pointer) -> ApiError {
    let count = pushed.rejections.iter().map(|rejection| rejection.errors.len()).sum::<usize>();
    let objects = pushed.rejections.len();
    let errors: Vec<ErrorDetail> = pushed
        .rejections
        .iter()
        .flat_map(|rejection| details(rejection, pointer))
        .take(ERRORS_MAX)
        .collect();
    let first = errors.first().map(|error| error.message.clone()).unwrap_or_default();
    let listed = match count > errors.len() {
        true => format!("; {} of {count} errors are listed", errors.len()),
        false => String::new(),
    };
    let message = match (objects, count) {
        (1, 1) => format!("nothing is stored: {first}"),
        _ => format!(
            "nothing is stored: {objects} objects are not valid, the first since {first}{listed}"
        ),
    };
    ApiError::bad_request("invalid_records", message).with_errors(errors)
}

#[cfg(test)]
mod tests {
    use mrrow_engine::ingest::Code;

    use super::*;

    fn rejection(line: u64, fields: &[&str]) -> Rejection {
        let error = |field: &&str| FieldError {
            pointer: field.to_string(),
            code: Code::Required,
            message: format!("\"{field}\" is required"),
            value: None,
        };
        let errors = fields.iter().map(error).collect();
        Rejection {
            line: Some(line),
            index: Some(line),
            object: None,
            id: None,
            errors,
            original: String::new(),
        }
    }

    #[test]
    fn an_error_is_pointed_at_in_the_body() {
        let check = |pointer: &Pointer, field: &str, expected: (Option<&str>, Option<&str>)| {
            let rejection = rejection(3, &[field]);
            let told = details(&rejection, pointer).next();
            let told = told.map(|told| (told.pointer, told.field)).unwrap_or_default();
            assert_eq!((told.0.as_deref(), told.1.as_deref()), expected);
        };
        check(&Pointer::Single, "/name", (Some("/name"), Some("name")));
        check(&Pointer::Array(String::new()), "/name", (Some("/3/name"), Some("name")));
        let wrapped = Pointer::Array("/customers".to_string());
        check(
            &wrapped,
            "/metadata/a~1b",
            (Some("/customers/3/metadata/a~1b"), Some("metadata.a/b")),
        );
        check(&wrapped, "", (Some("/customers/3"), None));
        check(&Pointer::None, "metadata.tier", (None, Some("metadata.tier")));
    }

    #[test]
    fn only_what_is_lines_has_a_line() {
        let line = |pointer: &Pointer| {
            details(&rejection(3, &["/name"]), pointer).next().and_then(|told| told.line)
        };
        assert_eq!(line(&Pointer::Lines), Some(3));
        for pointer in [Pointer::Single, Pointer::Array(String::new()), Pointer::None] {
            assert_eq!(line(&pointer), None, "{pointer:?}");
        }
    }

    #[test]
    fn the_list_of_errors_is_bounded_and_says_so() {
        let rejections = (0..6000).map(|line| rejection(line, &["/id", "/name"])).collect();
        let pushed = Pushed { rejections, ..Pushed::default() };
        let error = invalid_records(&pushed, &Pointer::Array(String::new()));
        assert_eq!(error.errors.len(), ERRORS_MAX);
        assert_eq!(
            error.message,
            "nothing is stored: 6000 objects are not valid, the first since \"/id\" is required; 10000 of 12000 errors are listed"
        );
    }
}
