//! How an endpoint knows us: what is sent with each request, and how it is kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};

/// Bytes of a name, token or password at most.
const BYTES_MAX: usize = 8192;

/// Headers that are not for credentials: they say how the request itself is read.
const NOT_FOR_CREDENTIALS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How the endpoint is to know us. What is secret is never given back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Authentication {
    /// It asks for nothing.
    None {},
    /// A header of its own.
    Header {
        /// The header's name.
        #[schema(
            example = "X-Api-Key",
            min_length = 1,
            max_length = 8192,
            pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
        )]
        name: String,
        /// Its value.
        #[schema(format = Password, min_length = 1, max_length = 8192, pattern = "^[!-~]([ -~]*[!-~])?$")]
        value: String,
    },
    /// `Authorization: Bearer …`.
    Bearer {
        /// The token.
        #[schema(format = Password, min_length = 1, max_length = 8192, pattern = "^[!-~]+$")]
        token: String,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name, without a colon.
        #[schema(max_length = 8192, pattern = "^[^:\\u0000-\\u001f\\u007f]*$")]
        username: String,
        /// The password.
        #[schema(format = Password, max_length = 8192, pattern = "^[^\\u0000-\\u001f\\u007f]*$")]
        password: String,
    },
}

/// What of it may be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ShownAuthentication {
    /// Nothing is sent.
    None {},
    /// A header is sent.
    Header {
        /// The header's name.
        name: String,
    },
    /// A token is sent.
    Bearer {},
    /// A name and a password are sent.
    Basic {},
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl Authentication {
    pub(crate) fn shown(&self) -> ShownAuthentication {
        match self {
            Authentication::None {} => ShownAuthentication::None {},
            Authentication::Header { name, .. } => {
                ShownAuthentication::Header { name: name.clone() }
            }
            Authentication::Bearer { .. } => ShownAuthentication::Bearer {},
            Authentication::Basic { .. } => ShownAuthentication::Basic {},
        }
    }

    /// Refuses what cannot be sent; the message never repeats a secret.
    pub(crate) fn check(&self) -> Result<()> {
        let (field, text) = match self {
            Authentication::None {} => return Ok(()),
            Authentication::Header { name, value } => {
                if NOT_FOR_CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()) {
                    let message =
                        format!("the header \"{name}\" cannot carry a credential; name another");
                    return Err(ApiError::invalid("authentication.name", message));
                }
                if name.len() > BYTES_MAX || HeaderName::try_from(name.as_str()).is_err() {
                    let message =
                        "the header's name must be letters, digits and -, such as X-Api-Key";
                    return Err(ApiError::invalid("authentication.name", message));
                }
                ("authentication.value", value)
            }
            Authentication::Bearer { token } => ("authentication.token", token),
            Authentication::Basic { username, password } => return check_basic(username, password),
        };
        let is_in_place = |text: &str| text.trim() == text && !text.is_empty();
        if !is_in_place(text)
            || text.len() > BYTES_MAX
            || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            let message = "it must be 1 to 8192 visible ASCII characters, without a space at its ends or a line break";
            return Err(ApiError::invalid(field, message));
        }
        if field == "authentication.token" && text.contains(' ') {
            return Err(ApiError::invalid(
                field,
                "a token has no spaces; leave out the word Bearer",
            ));
        }
        Ok(())
    }

    /// The header to send; none when the endpoint asks for nothing.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match self {
            Authentication::None {} => return None,
            Authentication::Header { name, value } => {
                (HeaderName::try_from(name.as_str()).ok()?, value.clone())
            }
            Authentication::Bearer { token } => (AUTHORIZATION, format!("Bearer {token}")),
            Authentication::Basic { username, password } => (
                AUTHORIZATION,
                format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))),
            ),
        };
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

/// RFC 7617: a name has no colon, neither has control characters.
fn check_basic(username: &str, password: &str) -> Result<()> {
    for (field, text) in
        [("authentication.username", username), ("authentication.password", password)]
    {
        if text.chars().count() > BYTES_MAX || text.chars().any(char::is_control) {
            return Err(ApiError::invalid(
                field,
                "it must have at most 8192 characters and no control characters",
            ));
        }
    }
    if username.contains(':') {
        return Err(ApiError::invalid(
            "authentication.username",
            "the user's name must not have a colon",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn authentication(json: &str) -> Authentication {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_kind_is_sent_as_its_header() {
        for (json, expected) in [
            (r#"{"type":"none"}"#, None),
            (
                r#"{"type":"header","name":"X-Api-Key","value":"s3cret value"}"#,
                Some(("x-api-key", "s3cret value")),
            ),
            (r#"{"type":"bearer","token":"abc"}"#, Some(("authorization", "Bearer abc"))),
            (
                r#"{"type":"basic","username":"Aladdin","password":"open sesame"}"#,
                Some(("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ),
        ] {
            let authentication = authentication(json);
            assert!(authentication.check().is_ok(), "{json}");
            let header = authentication.header();
            let header =
                header.as_ref().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
            assert_eq!(header, expected, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_being_repeated() {
        for json in [
            r#"{"type":"header","name":"X Api","value":"s3cret"}"#,
            r#"{"type":"header","name":"Host","value":"s3cret"}"#,
            r#"{"type":"header","name":"X-Api-Key","value":"s3cret\r\nX-Other: 1"}"#,
            r#"{"type":"header","name":"X-Api-Key","value":" "}"#,
            r#"{"type":"bearer","token":""}"#,
            r#"{"type":"bearer","token":"Bearer s3cret"}"#,
            r#"{"type":"bearer","token":"s3crét"}"#,
            r#"{"type":"basic","username":"a:b","password":"s3cret"}"#,
            r#"{"type":"basic","username":"a","password":"s3cret\n"}"#,
        ] {
            let refused = authentication(json).check().unwrap_err();
            assert!(!refused.message.contains("s3c"), "{json}");
        }
        for json in [
            r#"{"type":"none","token":"x"}"#,
            r#"{"type":"bearer","token":"x","more":1}"#,
            r#"{"type":"digest"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Authentication>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        for json in [
            r#"{"type":"header","name":"X-Api-Key","value":"s3cret"}"#,
            r#"{"type":"bearer","token":"s3cret"}"#,
            r#"{"type":"basic","username":"s3cret","password":"s3cret"}"#,
        ] {
            let authentication = authentication(json);
            assert!(
                !format!("{authentication:?} {:?}", authentication.header()).contains("s3cret"),
                "{json}"
            );
            assert!(
                !serde_json::to_string(&authentication.shown()).unwrap().contains("s3cret"),
                "{json}"
            );
        }
    }
}
