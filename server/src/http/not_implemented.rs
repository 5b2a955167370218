//! What GrowPanel's clients ask for that is not served yet: told apart from a path that nobody
//! knows.

use axum::extract::{FromRequestParts, Request, State};

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;

/// Where there are such operations, what they are of, and what serves meanwhile.
const LATER: [(&str, &str, &str); 11] = [
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
const KEYS: &str = "GET /v1/keys tells who has a key";

/// Answers whatever no route is for. Who asks for what is to come needs a key, as everywhere.
pub(crate) async fn nothing_here(State(app): State<App>, request: Request) -> Result<()> {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path();
    let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let Some((_, what, meanwhile)) = LATER.iter().find(|(under, ..)| is_under(path, under)) else {
        let message = "there is nothing at this path; GET /openapi.json lists what there is";
        return Err(ApiError::not_found("not_found", message));
    };
    Caller::from_request_parts(&mut parts, &app).await?;
    Err(ApiError::not_found("not_served_yet", format!("{what} are not served yet; {meanwhile}")))
}

fn is_under(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_under_its_parent_and_not_under_one_that_begins_like_it() {
        assert!(is_under("/reports", "/reports") && is_under("/reports/mrr", "/reports"));
        assert!(!is_under("/reporters", "/reports") && !is_under("/", "/reports"));
    }
}
