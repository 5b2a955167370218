//! Fetches a page of an endpoint: request, redirects, retries, response.

use std::error::Error as _;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode};
use url::{Origin, Url};

use super::address_guard::{AddressGuard, RefusedAddress};
use super::credentials::Authentication;
use super::response_body::{self, ENCODINGS};
use super::sync_failure::{Retry, SyncFailure};
use crate::config::PullLimits;

/// Fetches the pages of one endpoint.
pub(super) struct PageFetcher {
    client: Client,
    guard: AddressGuard,
    /// The only origin that receives the credentials.
    origin: Origin,
    credentials: Option<(HeaderName, HeaderValue)>,
    limits: PullLimits,
    now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl PageFetcher {
    pub(super) fn new(
        endpoint: &Url,
        authentication: &Authentication,
        guard: AddressGuard,
        limits: PullLimits,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Result<PageFetcher, SyncFailure> {
        let client = Client::builder()
            .user_agent(concat!("mrrow/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(guard.clone())
            // The guard checks every destination: a proxy would bypass it, and redirects are
            // followed here, after the check.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect_time)
            .read_timeout(limits.pause_time)
            .timeout(limits.page_time)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|error| {
                let message = format!(
                    "make an HTTP client: {}; are the system's certificates installed?",
                    causes(&error)
                );
                SyncFailure::new("client_failed", message)
            })?;
        let credentials = authentication.header();
        Ok(PageFetcher {
            client,
            guard,
            origin: endpoint.origin(),
            credentials,
            limits,
            now: Box::new(now),
        })
    }

    /// Fetches a page. Retries after temporary errors, with a backoff whose jitter comes from
    /// `seed`.
    pub(super) async fn fetch(&self, url: &Url, seed: u64) -> Result<Vec<u8>, SyncFailure> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.limits.retry_pause)
            .with_max_delay(self.limits.retry_pause_max)
            .with_max_times(self.limits.retries)
            .with_jitter()
            .with_jitter_seed(seed);
        let at_least_retry_after = |failure: &SyncFailure, pause: Option<Duration>| {
            let Retry::After(requested) = failure.retry else { return pause };
            Some(pause?.max(requested.min(self.limits.retry_after_max)))
        };
        let log_retry = |failure: &SyncFailure, pause: Duration| {
            tracing::info!(
                code = failure.code,
                message = failure.message,
                ?pause,
                "a page is requested again"
            );
        };
        (|| self.fetch_once(url))
            .retry(pauses)
            .when(|failure| failure.retry != Retry::Never)
            .adjust(at_least_retry_after)
            .notify(log_retry)
            .await
    }

    /// Requests a page and follows redirects.
    async fn fetch_once(&self, url: &Url) -> Result<Vec<u8>, SyncFailure> {
        let mut at = url.clone();
        for _ in 0..=self.limits.redirects {
            let response = self.request(&at).await?;
            match redirect_target(&response, &at)? {
                Some(target) => at = target,
                None => {
                    self.check_status(&response, url, &at)?;
                    let to_failure = |error: &reqwest::Error| self.transport_failure(error);
                    return response_body::receive(response, &self.limits, to_failure)
                        .await
                        .map_err(|failure| failure.at(&at));
                }
            }
        }
        let message = format!(
            "it redirects more than {} times; configure the address where it ends",
            self.limits.redirects
        );
        Err(SyncFailure::new("too_many_redirects", message).at(url))
    }

    async fn request(&self, url: &Url) -> Result<Response, SyncFailure> {
        self.guard.check(url)?;
        let mut request = self
            .client
            .get(url.clone())
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, ENCODINGS);
        if let Some((name, value)) =
            self.credentials.as_ref().filter(|_| url.origin() == self.origin)
        {
            request = request.header(name, value);
        }
        request.send().await.map_err(|error| self.transport_failure(&error).at(url))
    }

    fn check_status(
        &self,
        response: &Response,
        requested: &Url,
        at: &Url,
    ) -> Result<(), SyncFailure> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let retry = match status {
            StatusCode::TOO_MANY_REQUESTS => retry_after(response.headers(), (self.now)()),
            status if status.is_server_error() => retry_after(response.headers(), (self.now)()),
            _ => Retry::Never,
        };
        let hint = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                if at.origin() != requested.origin() =>
            {
                "it was redirected to another host, where credentials are not sent; configure that \
                 address"
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "does it take the configured credentials?"
            }
            StatusCode::NOT_FOUND => "is the configured address the one under which the types are?",
            _ if retry != Retry::Never => "it was requested several times; try again later",
            _ => "its log may say why",
        };
        let mut failure =
            SyncFailure::new("endpoint_status", format!("the endpoint answered {status}; {hint}"));
        failure.status = Some(status.as_u16());
        Err(failure.with_retry(retry).at(at))
    }

    /// The failure of a request without a response, or with a part of one.
    fn transport_failure(&self, error: &reqwest::Error) -> SyncFailure {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(at) = cause {
            if let Some(refused) = at.downcast_ref::<RefusedAddress>() {
                return refused.failure();
            }
            cause = at.source();
        }
        if error.is_timeout() {
            let (page, pause) = (self.limits.page_time, self.limits.pause_time);
            let message = format!(
                "the page did not arrive within {page:?}, or the endpoint sent nothing for \
                 {pause:?}; send fewer objects on a page"
            );
            return SyncFailure::new("timeout", message).with_retry(Retry::Later);
        }
        if error.is_builder() {
            return SyncFailure::new(
                "url_refused",
                format!("the page cannot be requested: {}", causes(error)),
            );
        }
        let (code, what) = if error.is_connect() {
            ("connect_failed", "connect to the endpoint")
        } else {
            ("connection_lost", "receive the page")
        };
        SyncFailure::new(
            code,
            format!("{what}: {}; is it up, and its address right?", causes(error)),
        )
        .with_retry(Retry::Later)
    }
}

/// The URL to which a response redirects; none if it does not.
fn redirect_target(response: &Response, at: &Url) -> Result<Option<Url>, SyncFailure> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| at.join(location).ok()).ok_or_else(|| {
        SyncFailure::new(
            "redirect_invalid",
            "the endpoint redirects without a Location; configure the address where the types are",
        )
        .at(at)
    })?;
    Ok(Some(target))
}

/// The pause that an endpoint requests, in seconds or until a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Retry {
    let Some(text) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) else {
        return Retry::Later;
    };
    if let Ok(seconds) = text.trim().parse() {
        return Retry::After(Duration::from_secs(seconds));
    }
    match DateTime::parse_from_rfc2822(text.trim()) {
        Ok(at) => Retry::After((at.with_timezone(&Utc) - now).to_std().unwrap_or_default()),
        Err(_) => Retry::Later,
    }
}

/// The causes of an error. The error itself is left out: its URL may contain a secret.
fn causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(at) = cause {
        causes.push(at.to_string());
        cause = at.source();
    }
    causes.dedup();
    if causes.is_empty() { "no reason is known".to_string() } else { causes.join(": ") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now = "2024-11-06T08:49:37Z".parse().unwrap();
        for (text, expected) in [
            ("120", Retry::After(Duration::from_secs(120))),
            ("Wed, 06 Nov 2024 08:50:07 GMT", Retry::After(Duration::from_secs(30))),
            ("Wed, 06 Nov 2024 08:00:00 GMT", Retry::After(Duration::ZERO)),
            ("-1", Retry::Later),
            ("soon", Retry::Later),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), Retry::Later);
    }
}
