//! Rejected records as error details, with pointers into the request's body.

use mrrow_engine::ingest::{FieldError, Rejection};
use mrrow_engine::push::PushResult;

use crate::error::{ApiError, ErrorDetail};

/// The most errors in a response.
const ERRORS_MAX: usize = 10_000;

/// The place of a record in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordPointer {
    /// The body is the record.
    Single,
    /// The record is an element of the array at this pointer.
    Array(String),
    /// The body has lines: NDJSON or CSV.
    Lines,
    /// The body is Parquet.
    None,
}

impl RecordPointer {
    fn of(&self, line: Option<u64>, error: &FieldError) -> Option<String> {
        match (self, line) {
            (RecordPointer::Lines | RecordPointer::None, _) => {
                error.pointer.starts_with('/').then(|| error.pointer.clone())
            }
            (RecordPointer::Single, _) => Some(error.pointer.clone()),
            (RecordPointer::Array(pointer), Some(line)) => {
                Some(format!("{pointer}/{line}{}", error.pointer))
            }
            (RecordPointer::Array(pointer), None) => Some(pointer.clone()),
        }
    }
}

/// The errors of a record.
pub(super) fn details<'r>(
    rejection: &'r Rejection,
    pointer: &'r RecordPointer,
) -> impl Iterator<Item = ErrorDetail> + 'r {
    rejection.errors.iter().map(|error| ErrorDetail {
        index: rejection.index,
        line: rejection.line.filter(|_| *pointer == RecordPointer::Lines),
        id: rejection.id.clone(),
        pointer: pointer.of(rejection.line, error),
        field: field_name(&error.pointer),
        code: error.code.as_str().to_string(),
        message: error.message.clone(),
        value: error.value.clone(),
    })
}

/// The field's name: `metadata.tier` for `/metadata/tier`; none for an error of the whole record.
fn field_name(pointer: &str) -> Option<String> {
    match pointer.strip_prefix('/') {
        None => (!pointer.is_empty()).then(|| pointer.to_string()),
        Some(path) => Some(path.replace('/', ".").replace("~1", "/").replace("~0", "~")),
    }
}

/// The error of a request that is not stored, because it has invalid records.
pub(crate) fn invalid_records(pushed: &PushResult, pointer: &RecordPointer) -> ApiError {
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
            "nothing is stored: {objects} objects are not valid; the first error: {first}{listed}"
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
    fn pointer_leads_into_the_body() {
        let check =
            |pointer: &RecordPointer, field: &str, expected: (Option<&str>, Option<&str>)| {
                let rejection = rejection(3, &[field]);
                let detail = details(&rejection, pointer).next().unwrap_or_default();
                assert_eq!((detail.pointer.as_deref(), detail.field.as_deref()), expected);
            };
        check(&RecordPointer::Single, "/name", (Some("/name"), Some("name")));
        check(&RecordPointer::Array(String::new()), "/name", (Some("/3/name"), Some("name")));
        let wrapped = RecordPointer::Array("/customers".to_string());
        check(
            &wrapped,
            "/metadata/a~1b",
            (Some("/customers/3/metadata/a~1b"), Some("metadata.a/b")),
        );
        check(&wrapped, "", (Some("/customers/3"), None));
        check(&RecordPointer::None, "metadata.tier", (None, Some("metadata.tier")));
    }

    #[test]
    fn only_formats_with_lines_have_a_line() {
        let line = |pointer: &RecordPointer| {
            details(&rejection(3, &["/name"]), pointer).next().and_then(|detail| detail.line)
        };
        assert_eq!(line(&RecordPointer::Lines), Some(3));
        for pointer in
            [RecordPointer::Single, RecordPointer::Array(String::new()), RecordPointer::None]
        {
            assert_eq!(line(&pointer), None, "{pointer:?}");
        }
    }

    #[test]
    fn list_of_errors_is_bounded() {
        let rejections = (0..6000).map(|line| rejection(line, &["/id", "/name"])).collect();
        let pushed = PushResult { rejections, ..PushResult::default() };
        let error = invalid_records(&pushed, &RecordPointer::Array(String::new()));
        assert_eq!(error.errors.len(), ERRORS_MAX);
        assert_eq!(
            error.message,
            "nothing is stored: 6000 objects are not valid; the first error: \"/id\" is required; \
                10000 of 12000 errors are listed"
        );
    }
}
