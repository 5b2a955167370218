//! How a data source is fetched, as it is kept and shown: everything but the credentials.

use mrrow_engine::model::ObjectType;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::credentials::ShownAuthentication;
use super::schedule::Schedule;

/// A type that is fetched.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PullType {
    /// Who is billed.
    Customers,
    /// What they are billed for.
    Plans,
    /// What they were billed.
    Invoices,
}

impl PullType {
    /// All types in the order in which they are fetched: invoices name customers and plans.
    pub(crate) const ALL: [PullType; 3] =
        [PullType::Customers, PullType::Plans, PullType::Invoices];

    pub(crate) fn object(self) -> ObjectType {
        match self {
            PullType::Customers => ObjectType::Customers,
            PullType::Plans => ObjectType::Plans,
            PullType::Invoices => ObjectType::Invoices,
        }
    }
}

/// How a data source is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PullSettings {
    #[serde(with = "as_text")]
    pub(crate) endpoint: Url,
    /// In the order in which they are fetched, each once, at least one.
    pub(crate) types: Vec<PullType>,
    pub(crate) authentication: ShownAuthentication,
    pub(crate) schedule: Schedule,
}

/// A URL as text.
mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use url::Url;

    pub(crate) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        let text = String::deserialize(deserializer)?;
        Url::parse(&text).map_err(D::Error::custom)
    }
}

/// Where the pages of a type are: the endpoint's path with the type after it, its query, and from
/// the second one on `page`.
pub(crate) fn page_url(endpoint: &Url, object: PullType, page: u64) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(object.object().name());
    }
    if page > 1 {
        // The other parameters stay as they are written.
        let others = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !names_page(pair));
        let page = format!("page={page}");
        let query = others.chain([page.as_str()]).collect::<Vec<_>>().join("&");
        url.set_query(Some(&query));
    }
    url
}

fn names_page(pair: &str) -> bool {
    pair.split('=').next() == Some("page")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_under_the_endpoint_with_its_own_parameters_kept() {
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
