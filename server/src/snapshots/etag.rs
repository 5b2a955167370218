//! ETags: a client that has a response already gets 304 instead of its rows.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::SnapshotSelection;
use crate::http::caller::Caller;

/// The snapshot of a response.
const SNAPSHOT: HeaderName = HeaderName::from_static("mrrow-snapshot");

/// The tag of a response: a hash of everything that it depends on.
pub(crate) struct EntityTag {
    /// Everything but the content.
    request: Sha256,
}

impl EntityTag {
    /// The tag of a caller's request, in a response format.
    pub(crate) fn new(caller: &Caller, target: &str, format: &str) -> EntityTag {
        let mut sources = caller.key.data_sources.clone();
        if let Some(sources) = &mut sources {
            sources.sort();
        }
        let is_admin = caller.require_admin().is_ok();
        let mut request = Sha256::new();
        let access = format!("{sources:?} {is_admin}");
        for part in [env!("CARGO_PKG_VERSION"), target, format, &access] {
            request.update((part.len() as u64).to_le_bytes());
            request.update(part.as_bytes());
        }
        EntityTag { request }
    }

    /// The response 304, if the client has the rows of the selection.
    pub(crate) fn not_modified(
        &self,
        selection: &SnapshotSelection,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let tag = self.tag(&selection.version(selection.newest.snapshot));
        matches(&tag, headers).then(|| not_modified(&tag))
    }

    /// A JSON response, or 304 if the client has it.
    pub(crate) fn json(&self, text: String, headers: &HeaderMap) -> Response {
        let tag = self.tag(&text);
        match matches(&tag, headers) {
            true => not_modified(&tag),
            false => {
                (tag_headers(&tag), [(CONTENT_TYPE, "application/json")], text).into_response()
            }
        }
    }

    /// The headers of a response from an opened snapshot.
    pub(crate) fn headers(&self, selection: &SnapshotSelection, snapshot: i64) -> HeaderMap {
        // A newer snapshot than the selected one may have been opened.
        let newest = if selection.past.is_some() { selection.newest.snapshot } else { snapshot };
        let mut headers = tag_headers(&self.tag(&selection.version(newest)));
        headers.insert(SNAPSHOT, HeaderValue::from(snapshot));
        headers
    }

    fn tag(&self, content: &str) -> String {
        let mut hash = self.request.clone();
        hash.update(content.as_bytes());
        let hex: String =
            hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        // Weak, because the response may be compressed.
        format!("W/\"{hex}\"")
    }
}

fn not_modified(tag: &str) -> Response {
    (StatusCode::NOT_MODIFIED, tag_headers(tag)).into_response()
}

fn matches(tag: &str, headers: &HeaderMap) -> bool {
    let sent = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|tags| tags.split(',').map(str::trim))
        .any(|sent| sent == "*" || opaque_tag(sent) == opaque_tag(tag))
}

/// The tag without its mark for weak comparison.
fn opaque_tag(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn tag_headers(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("accept, authorization"));
    headers
}
