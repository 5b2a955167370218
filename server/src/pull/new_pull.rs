//! Checks a request to fetch a data source.

use serde_json::Value;
use url::Url;

use super::address_guard::AddressGuard;
use super::credentials::Authentication;
use super::error::{PullError, PullResult};
use super::schedule::PullSchedule;
use super::settings::PullType;
use super::state::PullState;

/// The longest address of an endpoint.
const ENDPOINT_BYTES_MAX: usize = 2048;

/// Valid settings of a pull that are not stored yet.
pub(crate) struct NewPull {
    pub(super) endpoint: Url,
    pub(super) types: Vec<PullType>,
    /// None: the stored credentials stay.
    pub(super) authentication: Option<Authentication>,
    pub(super) schedule: PullSchedule,
}

impl NewPull {
    /// Rejects settings that cannot be carried out.
    pub(crate) fn check(
        state: &PullState,
        endpoint: &str,
        types: Option<Vec<PullType>>,
        authentication: Option<Value>,
        schedule: PullSchedule,
    ) -> PullResult<NewPull> {
        let endpoint = check_endpoint(&state.guard, endpoint)?;
        let types = check_types(types)?;
        schedule.check()?;
        let authentication = authentication.map(check_authentication).transpose()?;
        Ok(NewPull { endpoint, types, authentication, schedule })
    }
}

/// Rejects an endpoint that cannot be fetched. The addresses of a host name are checked later, with
/// each connection.
fn check_endpoint(guard: &AddressGuard, text: &str) -> PullResult<Url> {
    let invalid = |message: &str| PullError::field("endpoint", message);
    if text.len() > ENDPOINT_BYTES_MAX {
        return Err(invalid("the endpoint has more than 2048 bytes; shorten it"));
    }
    let mut url = Url::parse(text).map_err(|_| {
        invalid("the endpoint is not a URL; send one such as https://billing.example.com/export")
    })?;
    url.set_fragment(None);
    guard.check(&url).map_err(|failure| invalid(&failure.message))?;
    Ok(url)
}

/// The types in the order of a sync, each once.
fn check_types(types: Option<Vec<PullType>>) -> PullResult<Vec<PullType>> {
    let Some(types) = types else { return Ok(PullType::ALL.to_vec()) };
    if types.len() > PullType::ALL.len() {
        return Err(PullError::field("types", "there are three types; name each of them once"));
    }
    let ordered: Vec<PullType> =
        PullType::ALL.into_iter().filter(|object| types.contains(object)).collect();
    if ordered.is_empty() {
        let message =
            "the list is empty; name some of customers, plans and invoices, or leave it out";
        return Err(PullError::field("types", message));
    }
    Ok(ordered)
}

fn check_authentication(sent: Value) -> PullResult<Authentication> {
    // The message of serde_json would repeat the secret.
    let authentication: Authentication = serde_json::from_value(sent).map_err(|_| {
        let message = "it must be {\"type\":\"none\"}, {\"type\":\"header\",\"name\",\"value\"}, \
                       {\"type\":\"bearer\",\"token\"} or \
                       {\"type\":\"basic\",\"username\",\"password\"}";
        PullError::field("authentication", message)
    })?;
    authentication.check()?;
    Ok(authentication)
}
