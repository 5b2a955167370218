//! The moment that a read is of: found in the catalog, and opened only if the client lacks it.

use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use mrrow_engine::{Newest, Past, Snapshot};
use sha2::{Digest, Sha256};

use super::ReadParams;
use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;

/// Says which snapshot an answer is of.
const SNAPSHOT: HeaderName = HeaderName::from_static("mrrow-snapshot");

/// A moment, not yet opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Moment {
    pub(super) newest: Newest,
    pub(super) past: Option<PastMoment>,
    pub(super) as_of: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PastMoment {
    Snapshot(i64),
    KnownAt(DateTime<Utc>),
}

impl From<PastMoment> for Past {
    fn from(moment: PastMoment) -> Past {
        match moment {
            PastMoment::Snapshot(id) => Past::Snapshot(id),
            PastMoment::KnownAt(instant) => Past::KnownAt(instant),
        }
    }
}

impl Moment {
    /// The moment that parameters name.
    pub(crate) async fn of(app: &App, parameters: &ReadParams) -> Result<Moment> {
        let past = match (parameters.snapshot, parameters.known_at) {
            (Some(_), Some(_)) => {
                let message = "\"snapshot\" and \"known_at\" name two moments; give one of them";
                return Err(ApiError::invalid("known_at", message));
            }
            (Some(id), None) => Some(PastMoment::Snapshot(id)),
            (None, Some(instant)) => Some(PastMoment::KnownAt(instant)),
            (None, None) => None,
        };
        Ok(Moment { newest: app.engine.newest().await?, past, as_of: parameters.as_of })
    }

    /// The snapshot, with the rows that the caller sees.
    pub(crate) async fn open(&self, app: &App, caller: &Caller) -> Result<Arc<Snapshot>> {
        app.reads.opened.open(app, self, caller.key.data_sources.as_deref()).await
    }
}

/// An answer by what it is made from: the same tag stands for the same answer.
pub(crate) struct Entity {
    /// Everything but the moment.
    shape: Sha256,
}

impl Entity {
    /// What a caller asks for, in a form.
    pub(crate) fn new(caller: &Caller, target: &str, form: &str) -> Entity {
        let mut sources = caller.key.data_sources.clone();
        if let Some(sources) = &mut sources {
            sources.sort();
        }
        let role = caller.require_admin().is_ok();
        let mut shape = Sha256::new();
        for part in [env!("CARGO_PKG_VERSION"), target, form, &format!("{sources:?} {role}")] {
            shape.update((part.len() as u64).to_le_bytes());
            shape.update(part.as_bytes());
        }
        Entity { shape }
    }

    /// The tag of the answer that a moment gives.
    fn tag(&self, moment: &str) -> String {
        let mut hash = self.shape.clone();
        hash.update(moment.as_bytes());
        let hex: String =
            hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        // Weak: what is sent may be compressed.
        format!("W/\"{hex}\"")
    }

    /// Says that nothing has changed, if the client has what the moment gives.
    pub(crate) fn unless_known(&self, moment: &Moment, headers: &HeaderMap) -> Option<Response> {
        let tag = self.tag(&told(moment, moment.newest.snapshot));
        is_known(&tag, headers).then(|| (StatusCode::NOT_MODIFIED, cached(&tag)).into_response())
    }

    /// An answer that is made already, unless the client has it.
    pub(crate) fn answer(&self, text: String, headers: &HeaderMap) -> Response {
        let tag = self.tag(&text);
        match is_known(&tag, headers) {
            true => (StatusCode::NOT_MODIFIED, cached(&tag)).into_response(),
            false => (cached(&tag), [(CONTENT_TYPE, "application/json")], text).into_response(),
        }
    }

    /// The headers of the answer that a snapshot gave.
    pub(crate) fn headers(&self, moment: &Moment, snapshot: i64) -> HeaderMap {
        let at = if moment.past.is_some() { moment.newest.snapshot } else { snapshot };
        let mut headers = cached(&self.tag(&told(moment, at)));
        headers.insert(SNAPSHOT, HeaderValue::from(snapshot));
        headers
    }
}

/// A moment in words. What was known at an instant is known for good only once there is a later
/// snapshot, so the newest one is told.
fn told(moment: &Moment, newest: i64) -> String {
    let as_of = moment.as_of.unwrap_or(moment.newest.as_of);
    match moment.past {
        None => format!("newest {newest} as of {as_of}"),
        Some(PastMoment::Snapshot(id)) => format!("snapshot {id} as of {:?}", moment.as_of),
        Some(PastMoment::KnownAt(instant)) => {
            format!("{instant} from {newest} as of {:?}", moment.as_of)
        }
    }
}

fn is_known(tag: &str, headers: &HeaderMap) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|tags| tags.split(',').map(str::trim))
        .any(|known| known == "*" || opaque(known) == opaque(tag))
}

/// What a tag names, weak or not.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn cached(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("accept, authorization"));
    headers
}
