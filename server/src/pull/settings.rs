//! The settings of a pull, as they are stored and shown: everything except the credentials.

use mrrow_engine::model::ObjectType;
use mrrow_engine::sources::Pull;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::credentials::AuthenticationSummary;
use super::error::{PullError, PullResult};
use super::schedule::PullSchedule;

/// An object type that can be fetched.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PullType {
    /// The parties that are billed.
    Customers,
    /// The products and prices that they are billed for.
    Plans,
    /// The invoices that they received.
    Invoices,
}

impl PullType {
    /// All types in the order of a sync: invoices name customers and plans.
    pub(super) const ALL: [PullType; 3] =
        [PullType::Customers, PullType::Plans, PullType::Invoices];

    pub(super) fn object(self) -> ObjectType {
        match self {
            PullType::Customers => ObjectType::Customers,
            PullType::Plans => ObjectType::Plans,
            PullType::Invoices => ObjectType::Invoices,
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.object().name()
    }
}

/// How a data source is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PullSettings {
    #[serde(with = "url_text")]
    pub(crate) endpoint: Url,
    /// In the order of a sync, each once, at least one.
    pub(crate) types: Vec<PullType>,
    pub(crate) authentication: AuthenticationSummary,
    pub(crate) schedule: PullSchedule,
}

impl PullSettings {
    /// The settings of a stored pull.
    pub(crate) fn of(pull: &Pull) -> PullResult<PullSettings> {
        serde_json::from_value(pull.settings.clone()).map_err(|error| {
            let source = &pull.data_source;
            PullError::internal(format!("read how \"{source}\" is fetched: {error}"))
        })
    }
}

/// A URL as a JSON string.
mod url_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use url::Url;

    pub(super) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        let text = String::deserialize(deserializer)?;
        Url::parse(&text).map_err(D::Error::custom)
    }
}

/// The URL of a page: the type is appended to the endpoint's path; the endpoint's query stays, with
/// the parameter `page` from the second page on.
pub(super) fn page_url(endpoint: &Url, object: PullType, page: u64) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(object.name());
    }
    if page > 1 {
        // The query is not parsed: the other parameters keep their spelling.
        let others = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_page_parameter(pair));
        let page = format!("page={page}");
        let query = others.chain([page.as_str()]).collect::<Vec<_>>().join("&");
        url.set_query(Some(&query));
    }
    url
}

fn is_page_parameter(pair: &str) -> bool {
    pair.split('=').next() == Some("page")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn page_url_keeps_the_path_and_parameters_of_the_endpoint() {
        for (endpoint, page, expected) in [
            ("https://a.example", 1, "https://a.example/invoices"),
            ("https://a.example/", 2, "https://a.example/invoices?page=2"),
            ("https://a.example/v1/", 1, "https://a.example/v1/invoices"),
            ("https://a.example/v1", 25, "https://a.example/v1/invoices?page=25"),
            (
                "https://a.example/v1?tenant=a%20b&x",
                1,
                "https://a.example/v1/invoices?tenant=a%20b&x",
            ),
            (
                "https://a.example/v1?tenant=a%20b&x",
                2,
                "https://a.example/v1/invoices?tenant=a%20b&x&page=2",
            ),
            (
                "https://a.example/v1?page=9&pages=1",
                3,
                "https://a.example/v1/invoices?pages=1&page=3",
            ),
        ] {
            let url = page_url(&Url::parse(endpoint).unwrap(), PullType::Invoices, page);
            assert_eq!(url.as_str(), expected);
        }
    }
}
