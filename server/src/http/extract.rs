//! Extractors: parameters and small JSON bodies, whose errors have the shape of the API.

use axum::extract::{FromRef, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::body::Bodies;
use crate::error::{ApiError, Result};

/// The parameters of the query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Query(query)),
            Err(error) => Err(ApiError::bad_request("invalid_query", error.body_text())),
        }
    }
}

/// Deserializes a parameter that is `true` or `1`, `false` or `0`, or a name without a value.
pub(crate) fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_flag(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("\"{text}\" is neither \"true\" nor \"false\""))
    })
}

/// The value of a flag's text.
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The parameters of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Path(path)),
            Err(error) => Err(ApiError::bad_request("invalid_path", error.body_text())),
        }
    }
}

/// The path and query as the client sent them.
pub(crate) struct RequestTarget(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for RequestTarget {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<RequestTarget> {
        // `parts.uri` has only the rest of the path in a nested router.
        let uri = OriginalUri::from_request_parts(parts, state).await.map(|uri| uri.0);
        let uri = uri.unwrap_or_else(|_| parts.uri.clone());
        Ok(RequestTarget(uri.path_and_query().map_or_else(String::new, ToString::to_string)))
    }
}

/// A JSON object. An empty body and null are an object without fields.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T>
where
    Bodies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>> {
        let body = Bodies::from_ref(state).read(request).await?;
        parse_object(body.bytes()).map(Json)
    }
}

fn parse_object<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    let text: &[u8] = if matches!(text.trim_ascii(), b"" | b"null") { b"{}" } else { text };
    // serde_json also reads the fields of a struct from an array.
    let is_object = text.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice(text) {
        Ok(value) if is_object => Ok(value),
        Ok(_) => Err(ApiError::bad_request("invalid_request", "the body must be a JSON object")),
        Err(error) if error.is_data() => {
            Err(ApiError::bad_request("invalid_request", error.to_string()))
        }
        Err(error) => {
            Err(ApiError::bad_request("invalid_json", format!("the body is not JSON: {error}")))
        }
    }
}
