//! The credentials of an endpoint: their kinds, checks, and the header that carries them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{PullError, PullResult};

/// The longest name, token or password.
const BYTES_MAX: usize = 8192;

/// Headers that control the request itself and cannot carry credentials.
const RESERVED_HEADERS: [&str; 12] = [
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

/// How requests are authenticated at the endpoint. Secrets are never returned.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Authentication {
    /// No credentials.
    None {},
    /// A custom header.
    Header {
        /// The header's name.
        #[schema(
            example = "X-Api-Key",
            min_length = 1,
            max_length = 8192,
            pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
        )]
        name: String,
        /// The header's value.
        #[schema(
            format = Password,
            min_length = 1,
            max_length = 8192,
            pattern = "^[!-~]([ -~]*[!-~])?$"
        )]
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

/// The kind of authentication, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum AuthenticationSummary {
    /// Requests carry no credentials.
    None {},
    /// Requests carry a custom header.
    Header {
        /// The header's name.
        name: String,
    },
    /// Requests carry a bearer token.
    Bearer {},
    /// Requests carry a user name and a password.
    Basic {},
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}

impl Authentication {
    pub(super) fn summary(&self) -> AuthenticationSummary {
        match self {
            Authentication::None {} => AuthenticationSummary::None {},
            Authentication::Header { name, .. } => {
                AuthenticationSummary::Header { name: name.clone() }
            }
            Authentication::Bearer { .. } => AuthenticationSummary::Bearer {},
            Authentication::Basic { .. } => AuthenticationSummary::Basic {},
        }
    }

    /// Rejects credentials that a header cannot carry; the message never repeats a secret.
    pub(super) fn check(&self) -> PullResult<()> {
        let (field, text) = match self {
            Authentication::None {} => return Ok(()),
            Authentication::Header { name, value } => {
                if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                    let message =
                        format!("the header \"{name}\" cannot carry a credential; name another");
                    return Err(PullError::field("authentication.name", message));
                }
                if name.len() > BYTES_MAX || HeaderName::try_from(name.as_str()).is_err() {
                    let message =
                        "the header's name must be letters, digits and -, such as X-Api-Key";
                    return Err(PullError::field("authentication.name", message));
                }
                ("authentication.value", value)
            }
            Authentication::Bearer { token } => ("authentication.token", token),
            Authentication::Basic { username, password } => return check_basic(username, password),
        };
        let is_trimmed = |text: &str| text.trim() == text && !text.is_empty();
        if !is_trimmed(text)
            || text.len() > BYTES_MAX
            || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            let message = "it must be 1 to 8192 visible ASCII characters, without a space at its \
                           ends or a line break";
            return Err(PullError::field(field, message));
        }
        if field == "authentication.token" && text.contains(' ') {
            return Err(PullError::field(
                field,
                "a token has no spaces; leave out the word Bearer",
            ));
        }
        Ok(())
    }

    /// The header that carries the credentials; none without credentials.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
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

/// RFC 7617: the name has no colon; neither has control characters.
fn check_basic(username: &str, password: &str) -> PullResult<()> {
    for (field, text) in
        [("authentication.username", username), ("authentication.password", password)]
    {
        if text.chars().count() > BYTES_MAX || text.chars().any(char::is_control) {
            return Err(PullError::field(
                field,
                "it must have at most 8192 characters and no control characters",
            ));
        }
    }
    if username.contains(':') {
        return Err(PullError::field(
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
    fn each_kind_has_its_header() {
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
    fn invalid_credentials_are_rejected_without_repeating_them() {
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
            let error = authentication(json).check().unwrap_err().to_string();
            assert!(!error.contains("s3c"), "{json}");
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
    fn debug_shows_no_secret() {
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
                !serde_json::to_string(&authentication.summary()).unwrap().contains("s3cret"),
                "{json}"
            );
        }
    }
}
