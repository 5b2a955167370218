//! From one page to the next: the URL of a page, and the page behind it.

use sha2::{Digest, Sha256};
use url::Url;

use super::page::Page;
use super::settings::{PullSettings, page_url};
use super::sync_failure::SyncFailure;
use super::sync_progress::PagePosition;

/// The SHA-256 of a page's bytes.
pub(super) type PageDigest = [u8; 32];

/// The position in the configured endpoint; if that has moved to another origin, the type starts
/// again.
pub(super) fn position_at_endpoint(settings: &PullSettings, from: PagePosition) -> PagePosition {
    let is_at_endpoint =
        |url: &String| Url::parse(url).is_ok_and(|url| url.origin() == settings.endpoint.origin());
    if from.url.as_ref().is_none_or(is_at_endpoint) {
        return from;
    }
    PagePosition { page: 1, url: None, ..from }
}

/// The URL of a position: the one that the endpoint has sent, else the one with the page's number.
pub(super) fn url_of(settings: &PullSettings, position: &PagePosition) -> Url {
    let sent = position.url.as_ref().and_then(|url| Url::parse(url).ok());
    sent.unwrap_or_else(|| page_url(&settings.endpoint, position.object, position.page))
}

/// The URL of the next page, from the field `next` of a page.
pub(super) fn next_url(
    settings: &PullSettings,
    page: &Url,
    next: &str,
) -> Result<Url, SyncFailure> {
    let url = page.join(next).map_err(|_| {
        let message = "the page's \"next\" is not a URL; make it one, or null";
        SyncFailure::new("page_invalid", message).at(page)
    })?;
    if url.origin() != settings.endpoint.origin() {
        let message = format!(
            "the page's \"next\" is at another origin than the endpoint ({}), which would receive \
             the credentials; make it a URL under {}",
            url.origin().ascii_serialization(),
            settings.endpoint.origin().ascii_serialization()
        );
        return Err(SyncFailure::new("next_refused", message).at(page));
    }
    if url == *page {
        let message = "the page's \"next\" is the page itself; make it null at the end";
        return Err(SyncFailure::new("page_repeated", message).at(page));
    }
    Ok(url)
}

/// Parses a page on a thread that may block, because a page may be large.
pub(super) async fn parse(
    bytes: Vec<u8>,
    rows_max: usize,
) -> Result<(Page, PageDigest), SyncFailure> {
    let parsing = tokio::task::spawn_blocking(move || {
        let page = Page::parse(bytes, rows_max)?;
        let digest = Sha256::digest(page.bytes()).into();
        Ok((page, digest))
    });
    parsing.await.map_err(|error| SyncFailure::new("internal", format!("read a page: {error}")))?
}
