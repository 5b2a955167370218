//! Why a sync stopped.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// What went wrong, as far as it is told: never with credentials, nor with what the endpoint said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Failure {
    /// What kind of error, for programs.
    #[schema(example = "endpoint_status")]
    pub(crate) code: String,
    /// What is wrong and what would fix it.
    pub(crate) message: String,
    /// What was asked for, without its query and without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// The status with which the endpoint answered, if that is the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The type that was being fetched.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<super::settings::PullType>,
    /// The page of it, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<u64>,
    /// Whether it may help to ask once more.
    #[serde(skip)]
    pub(super) again: Again,
}

/// Whether it may help to ask once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Again {
    /// It would be the same.
    #[default]
    Never,
    /// After a pause.
    Later,
    /// After the pause that the endpoint asked for.
    After(Duration),
}

impl Failure {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Failure {
        let (code, message) = (code.to_string(), message.into());
        Failure {
            code,
            message,
            url: None,
            status: None,
            object: None,
            page: None,
            again: Again::Never,
        }
    }

    pub(super) fn at(mut self, url: &Url) -> Failure {
        self.url = Some(without_secrets(url));
        self
    }

    pub(super) fn again(mut self, again: Again) -> Failure {
        self.again = again;
        self
    }
}

/// A URL without what could be a secret in it.
fn without_secrets(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither can fail for a URL with a host, and without one there is nothing to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_without_its_secrets() {
        let url =
            Url::parse("https://me:secret@example.com:8443/v1/invoices?token=secret&page=2#x")
                .unwrap();
        assert_eq!(
            Failure::new("x", "y").at(&url).url.as_deref(),
            Some("https://example.com:8443/v1/invoices")
        );
    }
}
