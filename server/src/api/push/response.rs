//! The response to a push of the Custom API.

use mrrow_engine::ingest::Rejection;
use mrrow_engine::push::{PushResult, PushedRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::rejections::{RecordPointer, details};
use crate::error::ErrorDetail;

/// The result of a push.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PushAnswer {
    /// The result of each object, in the order of the request.
    result: Vec<RowAnswer>,
    /// A read with `?min_sequence=` this sees the objects.
    sequence: i64,
    /// The newest published snapshot; the objects are in the next one, within a second.
    snapshot: i64,
}

/// The result of one object.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowAnswer {
    /// Its id; null if a rejected object has none.
    id: Option<String>,
    /// `created`, `updated`, `unchanged` or, with `on_error=skip`, `rejected`.
    #[schema(example = "created")]
    status: String,
    /// Warnings: `unknown_plan`, `currency_differs`, `proration_without_period`,
    /// `cancellation_amount`.
    warnings: Vec<String>,
    /// The errors of a rejected object.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<ErrorDetail>>,
}

impl PushAnswer {
    /// The response to a request whose valid records are stored.
    pub(super) fn of(pushed: PushResult, pointer: &RecordPointer) -> PushAnswer {
        let PushResult { result, rejections, sequence, snapshot, .. } = pushed;
        let mut rows: Vec<(Option<u64>, RowAnswer)> = result.into_iter().map(accepted).collect();
        rows.extend(
            rejections.into_iter().map(|rejection| (rejection.line, rejected(&rejection, pointer))),
        );
        // Errors of the whole body come last.
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

fn rejected(rejection: &Rejection, pointer: &RecordPointer) -> RowAnswer {
    RowAnswer {
        id: rejection.id.clone(),
        status: "rejected".to_string(),
        warnings: Vec::new(),
        errors: Some(details(rejection, pointer).collect()),
    }
}
