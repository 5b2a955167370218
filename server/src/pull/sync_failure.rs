//! Why a sync stopped: an error for users and programs, without secrets.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// Why a sync stopped. It never contains credentials or text from the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SyncFailure {
    /// The kind of error, for programs.
    #[schema(example = "endpoint_status")]
    pub(crate) code: String,
    /// The error and its remedy.
    pub(crate) message: String,
    /// The URL that was requested, without its query and without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// The status of the endpoint's response, if that is the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The type that was being fetched.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<super::settings::PullType>,
    /// The page of it, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<u64>,
    #[serde(skip)]
    pub(super) retry: Retry,
}

/// Whether the request may succeed when it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Retry {
    /// The error is permanent.
    #[default]
    Never,
    /// After a pause of the client's choice.
    Later,
    /// After the pause that the endpoint requests.
    After(Duration),
}

impl SyncFailure {
    pub(super) fn new(code: &str, message: impl Into<String>) -> SyncFailure {
        let (code, message) = (code.to_string(), message.into());
        SyncFailure {
            code,
            message,
            url: None,
            status: None,
            object: None,
            page: None,
            retry: Retry::Never,
        }
    }

    pub(super) fn at(mut self, url: &Url) -> SyncFailure {
        self.url = Some(without_secrets(url));
        self
    }

    pub(super) fn with_retry(mut self, retry: Retry) -> SyncFailure {
        self.retry = retry;
        self
    }
}

/// A URL without the parts that may contain a secret.
fn without_secrets(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for a URL without a host, which has neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn url_of_a_failure_has_no_secrets() {
        let url =
            Url::parse("https://me:secret@example.com:8443/v1/invoices?token=secret&page=2#x")
                .unwrap();
        assert_eq!(
            SyncFailure::new("x", "y").at(&url).url.as_deref(),
            Some("https://example.com:8443/v1/invoices")
        );
    }
}
