//! The fallback of the router: distinguishes operations of GrowPanel's API that are not implemented
//! from unknown paths.

use axum::extract::{FromRequestParts, Request, State};

use super::caller::{Caller, KeyLookup};
use crate::error::{ApiError, Result};

/// Paths of operations that are not implemented: prefix, subject, and the replacement.
const NOT_IMPLEMENTED: [(&str, &str, &str); 11] = [
    ("/reports", "reports", NUMBERS),
    ("/forecast", "forecasts", NUMBERS),
    ("/exports", "exports", NUMBERS),
    ("/customers", "customers with their numbers", RECORDS),
    ("/plans", "plans with their groups", RECORDS),
    ("/data/segments", "segments", FILTERS),
    ("/integrations", "webhooks", NUMBERS),
    ("/profile", "profiles", KEYS),
    ("/account", "accounts", KEYS),
    ("/chat", "chats", NUMBERS),
    ("/settings/notifications", "notifications", NUMBERS),
];

const NUMBERS: &str = "GET /v1/mrr and /v1/movements have the numbers, POST /v1/sql any other";
const RECORDS: &str =
    "GET /data/customers and /data/plans have the records, POST /v1/sql the numbers";
const FILTERS: &str = "POST /v1/sql takes any condition";
const KEYS: &str = "GET /v1/keys lists the API keys";

/// Refuses a request that no route matches. An operation that is not implemented needs a key, like
/// all others.
pub(crate) async fn no_route(State(keys): State<KeyLookup>, request: Request) -> Result<()> {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path();
    let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let operation = NOT_IMPLEMENTED.iter().find(|(prefix, ..)| is_under(path, prefix));
    let Some((_, subject, replacement)) = operation else {
        let message = "there is nothing at this path; GET /openapi.json lists all paths";
        return Err(ApiError::not_found("not_found", message));
    };
    Caller::from_request_parts(&mut parts, &keys).await?;
    let message = format!("{subject} are not served yet; {replacement}");
    Err(ApiError::not_found("not_served_yet", message))
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ends_at_a_segment() {
        assert!(is_under("/reports", "/reports") && is_under("/reports/mrr", "/reports"));
        assert!(!is_under("/reporters", "/reports") && !is_under("/", "/reports"));
    }
}
