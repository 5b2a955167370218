//! One page from an endpoint: asked for, redirected, asked for again, received.

use std::error::Error as _;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode};
use url::{Origin, Url};

use super::address::{Guard, Refused};
use super::body::{self, ENCODINGS};
use super::credentials::Authentication;
use super::failure::{Again, Failure};
use crate::config::PullLimits;

/// Fetches the pages of one endpoint.
pub(super) struct Fetcher {
    client: Client,
    guard: Guard,
    /// Where the credentials are sent, and nowhere else.
    origin: Origin,
    credentials: Option<(HeaderName, HeaderValue)>,
    limits: PullLimits,
    now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Fetcher {
    pub(super) fn new(
        endpoint: &Url,
        authentication: &Authentication,
        guard: Guard,
        limits: PullLimits,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Result<Fetcher, Failure> {
        let client = Client::builder()
            .user_agent(concat!("mrrow/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(guard.clone())
            // A proxy would connect where it likes, and a redirect is checked before it is
            // followed.
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
                Failure::new("client_failed", message)
            })?;
        let credentials = authentication.header();
        Ok(Fetcher {
            client,
            guard,
            origin: endpoint.origin(),
            credentials,
            limits,
            now: Box::new(now),
        })
    }

    /// Fetches a page; asks again where that may help, with pauses of which `seed` is the
    /// randomness.
    pub(super) async fn fetch(&self, url: &Url, seed: u64) -> Result<Vec<u8>, Failure> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.limits.retry_pause)
            .with_max_delay(self.limits.retry_pause_max)
            .with_max_times(self.limits.retries)
            .with_jitter()
            .with_jitter_seed(seed);
        let asked_for = |failure: &Failure, pause: Option<Duration>| match (failure.again, pause) {
            (Again::After(asked), Some(pause)) => {
                Some(pause.max(asked.min(self.limits.retry_after_max)))
            }
            (_, pause) => pause,
        };
        let told = |failure: &Failure, pause: Duration| {
            tracing::info!(
                code = failure.code,
                message = failure.message,
                ?pause,
                "a page is asked for again"
            );
        };
        (|| self.once(url))
            .retry(pauses)
            .when(|failure| failure.again != Again::Never)
            .adjust(asked_for)
            .notify(told)
            .await
    }

    /// Asks for a page and follows redirects.
    async fn once(&self, url: &Url) -> Result<Vec<u8>, Failure> {
        let mut at = url.clone();
        for _ in 0..=self.limits.redirects {
            let answer = self.ask(&at).await?;
            match redirect(&answer, &at)? {
                Some(target) => at = target,
                None => {
                    self.check_status(&answer, url, &at)?;
                    let lost = |error: &reqwest::Error| self.not_reached(error);
                    return body::receive(answer, &self.limits, lost)
                        .await
                        .map_err(|failure| failure.at(&at));
                }
            }
        }
        let message = format!(
            "it redirects more than {} times; configure the address where it ends",
            self.limits.redirects
        );
        Err(Failure::new("too_many_redirects", message).at(url))
    }

    async fn ask(&self, url: &Url) -> Result<Response, Failure> {
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
        request.send().await.map_err(|error| self.not_reached(&error).at(url))
    }

    fn check_status(&self, answer: &Response, asked: &Url, at: &Url) -> Result<(), Failure> {
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let again = match status {
            StatusCode::TOO_MANY_REQUESTS => retry_after(answer.headers(), (self.now)()),
            status if status.is_server_error() => retry_after(answer.headers(), (self.now)()),
            _ => Again::Never,
        };
        let hint = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if at.origin() != asked.origin() => {
                "it was redirected to another host, where credentials are not sent; configure that address"
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "does it take the configured credentials?"
            }
            StatusCode::NOT_FOUND => "is the configured address the one under which the types are?",
            _ if again != Again::Never => "it was asked several times; try again later",
            _ => "look into its log",
        };
        let mut failure =
            Failure::new("endpoint_status", format!("the endpoint answered {status}; {hint}"));
        failure.status = Some(status.as_u16());
        Err(failure.again(again).at(at))
    }

    /// What a request says that got no answer, or not all of it.
    fn not_reached(&self, error: &reqwest::Error) -> Failure {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(at) = cause {
            if let Some(refused) = at.downcast_ref::<Refused>() {
                return refused.failure();
            }
            cause = at.source();
        }
        if error.is_timeout() {
            let (page, pause) = (self.limits.page_time, self.limits.pause_time);
            let message = format!(
                "the page did not arrive within {page:?}, or nothing of it for {pause:?}; send fewer objects on a page"
            );
            return Failure::new("timeout", message).again(Again::Later);
        }
        if error.is_builder() {
            return Failure::new(
                "url_refused",
                format!("the page cannot be asked for: {}", causes(error)),
            );
        }
        let (code, what) = if error.is_connect() {
            ("connect_failed", "connect to the endpoint")
        } else {
            ("connection_lost", "receive the page")
        };
        Failure::new(code, format!("{what}: {}; is it up, and its address right?", causes(error)))
            .again(Again::Later)
    }
}

/// Where an answer redirects to, if it does.
fn redirect(answer: &Response, at: &Url) -> Result<Option<Url>, Failure> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| at.join(location).ok()).ok_or_else(|| {
        Failure::new(
            "redirect_invalid",
            "the endpoint redirects without saying whereto; configure the address where the types are",
        )
        .at(at)
    })?;
    Ok(Some(target))
}

/// The pause that an endpoint asks for, in seconds or until a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Again {
    let Some(text) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) else {
        return Again::Later;
    };
    if let Ok(seconds) = text.trim().parse() {
        return Again::After(Duration::from_secs(seconds));
    }
    match DateTime::parse_from_rfc2822(text.trim()) {
        Ok(at) => Again::After((at.with_timezone(&Utc) - now).to_std().unwrap_or_default()),
        Err(_) => Again::Later,
    }
}

/// An error with what caused it; reqwest tells it only when asked, and its URL may have a secret.
fn causes(error: &reqwest::Error) -> String {
    let mut told = Vec::new();
    let mut cause = error.source();
    while let Some(at) = cause {
        told.push(at.to_string());
        cause = at.source();
    }
    told.dedup();
    if told.is_empty() { "no reason is known".to_string() } else { told.join(": ") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_by_a_date() {
        let now = "2024-11-06T08:49:37Z".parse().unwrap();
        for (text, expected) in [
            ("120", Again::After(Duration::from_secs(120))),
            ("Wed, 06 Nov 2024 08:50:07 GMT", Again::After(Duration::from_secs(30))),
            ("Wed, 06 Nov 2024 08:00:00 GMT", Again::After(Duration::ZERO)),
            ("-1", Again::Later),
            ("soon", Again::Later),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), Again::Later);
    }
}
