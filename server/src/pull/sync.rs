//! A sync at work: every page of every type, fetched, stored, reported.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mrrow_engine::Error;
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::Format;
use mrrow_engine::jobs::{Job, JobState};
use mrrow_engine::push::{PushOptions, Pushed};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use url::Url;

use super::address::Guard;
use super::failure::Failure;
use super::fetch::Fetcher;
use super::kept::read_pull;
use super::page::{Next, Page};
use super::progress::{Position, Progress, PullRejection};
use super::settings::{PullSettings, PullType, page_url};
use crate::app::App;

/// How often a running sync is written down at most: what is lost of it is fetched again.
const SAVED_EVERY: Duration = Duration::from_secs(1);

/// The pause before a push that found no room is tried again.
const ROOM_PAUSE: Duration = Duration::from_millis(200);

/// How often a push is tried again that could not be made durable.
const PUSH_RETRIES: usize = 3;

/// A sync and whom it tells.
pub(super) struct Sync {
    pub(super) app: App,
    pub(super) job: Job,
    pub(super) progress: Progress,
    pub(super) told: watch::Sender<Arc<Job>>,
    pub(super) saved: Instant,
}

impl Sync {
    /// Fetches everything from the position on.
    pub(super) async fn work(&mut self) -> Result<(), Failure> {
        let app = self.app.clone();
        let _turn = app.pulls.turn().await?;
        self.job.state = JobState::Running;
        self.progress.started_at = Some(app.now());
        self.tell().await;
        let limit = app.config.limits.pull.sync_time;
        let fetched = tokio::time::timeout(limit, self.fetch_all()).await;
        let fetched = fetched.unwrap_or_else(|_| {
            Err(Failure::new(
                "sync_timeout",
                format!("the sync took longer than {limit:?}; resume it, or make the pages larger"),
            ))
        });
        fetched.map_err(|mut failure| {
            if let Some(position) = &self.progress.position {
                (failure.object, failure.page) = (Some(position.object), Some(position.page));
            }
            failure
        })
    }

    /// Writes down how it ended; nobody is told yet.
    pub(super) async fn end(&mut self, state: JobState, error: Option<Failure>) {
        self.job.state = state;
        self.progress.error = error;
        self.note();
        self.save().await;
    }

    /// Tells whoever watches how far it is.
    pub(super) fn show(&self) {
        self.told.send_replace(Arc::new(self.job.clone()));
    }

    async fn fetch_all(&mut self) -> Result<(), Failure> {
        let source = self.job.data_source.clone();
        let (settings, authentication) = read_pull(&self.app, &source).await?;
        let config = &self.app.config;
        let engine = Arc::clone(&self.app.engine);
        let now = move || engine.now();
        let fetcher = Fetcher::new(
            &settings.endpoint,
            &authentication,
            Guard::new(&config.pull_allowed),
            config.limits.pull,
            now,
        )?;
        // Where the last sync stopped, unless nothing is left to fetch from there on.
        let from = self
            .progress
            .position
            .take()
            .filter(|from| settings.types.iter().any(|object| *object >= from.object));
        for object in settings
            .types
            .iter()
            .copied()
            .filter(|object| from.as_ref().is_none_or(|from| *object >= from.object))
        {
            let position = match &from {
                Some(from) if from.object == object => from.clone(),
                _ => Position { object, page: 1, url: None },
            };
            self.fetch_type(&settings, &fetcher, position).await?;
        }
        Ok(())
    }

    /// Fetches the pages of a type from a position on.
    async fn fetch_type(
        &mut self,
        settings: &PullSettings,
        fetcher: &Fetcher,
        from: Position,
    ) -> Result<(), Failure> {
        let limits = self.app.config.limits.pull;
        let mut position = position_here(settings, from);
        let mut last_page: Option<[u8; 32]> = None;
        for _ in 0..limits.pages {
            self.progress.position = Some(position.clone());
            self.tell().await;
            let url = url_of(settings, &position);
            let seed = self
                .app
                .random()
                .map(u64::from_be_bytes)
                .map_err(|error| Failure::new("internal", error.message))?;
            let bytes = fetcher.fetch(&url, seed).await?;
            let (page, digest) =
                read_page(bytes, limits.page_rows).await.map_err(|failure| failure.at(&url))?;
            if last_page.replace(digest) == Some(digest) && page.next != Next::End {
                let message = "the page is the same as the one before it, and says that there is more; does the endpoint read the parameter page?";
                return Err(Failure::new("page_repeated", message).at(&url));
            }
            self.store(&position, &page).await?;
            position = match page.next {
                Next::End => return Ok(()),
                Next::Number => Position { page: position.page + 1, url: None, ..position },
                Next::Url(next) => {
                    let next = next_url(settings, &url, &next)?;
                    Position { page: position.page + 1, url: Some(next.into()), ..position }
                }
            };
        }
        self.progress.position = Some(position);
        let message = format!(
            "there are more than {} pages; make the pages larger, or resume the sync if the endpoint really has more",
            limits.pages
        );
        Err(Failure::new("too_many_pages", message))
    }

    /// Pushes the objects of a page; refused ones are counted, and stop nothing.
    async fn store(&mut self, position: &Position, page: &Page) -> Result<(), Failure> {
        let object = position.object;
        for (before, part) in page.parts() {
            let pushed = self.push(object, part).await?;
            let name = object.object().name();
            for row in &pushed.result {
                self.app.metrics.pushed(name, row.status.as_str(), 1);
            }
            self.app.metrics.pushed(name, "rejected", pushed.rejections.len() as u64);
            self.progress.stored += pushed.result.len() as u64;
            self.progress.rejected += pushed.rejections.len() as u64;
            let room = self
                .app
                .config
                .limits
                .pull
                .rejections
                .saturating_sub(self.progress.rejections.len());
            let kept = pushed.rejections.into_iter().take(room);
            self.progress
                .rejections
                .extend(kept.map(|one| PullRejection::new(object, position.page, before, one)));
        }
        self.progress.pages += 1;
        self.progress.fetched += page.rows();
        self.app.metrics.pulled_page(name_of(object));
        Ok(())
    }

    async fn push(&self, object: PullType, part: Vec<u8>) -> Result<Pushed, Failure> {
        let options = PushOptions {
            format: Some(Format::Json),
            on_error: OnError::Skip,
            ..PushOptions::default()
        };
        let (engine, source) = (&self.app.engine, &self.job.data_source);
        let mut retries = PUSH_RETRIES;
        loop {
            match engine.push(source, Some(object.object()), part.clone(), &options).await {
                Ok(pushed) => return Ok(pushed),
                // A pull waits for its turn.
                Err(Error::Overloaded) => {}
                Err(Error::NotAcknowledged(_)) if retries > 0 => retries -= 1,
                Err(Error::Argument(message)) => return Err(Failure::new("page_refused", message)),
                Err(error) => {
                    tracing::error!(%error, data_source = source, "store a page");
                    return Err(Failure::new(
                        "store_failed",
                        "the page could not be stored; the server's log says why",
                    ));
                }
            }
            tokio::time::sleep(ROOM_PAUSE).await;
        }
    }

    /// Tells whoever watches, and writes it down from time to time.
    async fn tell(&mut self) {
        self.note();
        self.show();
        if self.saved.elapsed() >= SAVED_EVERY {
            self.save().await;
        }
    }

    fn note(&mut self) {
        self.job.updated_at = self.app.now();
        // Numbers, texts and lists of them always become JSON.
        self.job.detail = serde_json::to_value(&self.progress).unwrap_or_default();
    }

    /// Writes down how far it is.
    pub(super) async fn save(&mut self) {
        if let Err(error) = self.app.engine.save_job(&self.job).await {
            tracing::error!(%error, job = self.job.id, "write down how far a sync is");
        }
        self.saved = Instant::now();
    }
}

fn name_of(object: PullType) -> &'static str {
    object.object().name()
}

/// The position in an endpoint; where that has moved since, the type begins again.
fn position_here(settings: &PullSettings, from: Position) -> Position {
    let is_here =
        |url: &String| Url::parse(url).is_ok_and(|url| url.origin() == settings.endpoint.origin());
    if from.url.as_ref().is_none_or(is_here) {
        return from;
    }
    Position { page: 1, url: None, ..from }
}

fn url_of(settings: &PullSettings, position: &Position) -> Url {
    let said = position.url.as_ref().and_then(|url| Url::parse(url).ok());
    said.unwrap_or_else(|| page_url(&settings.endpoint, position.object, position.page))
}

/// The next page's URL as a page says it.
fn next_url(settings: &PullSettings, page: &Url, next: &str) -> Result<Url, Failure> {
    let url = page.join(next).map_err(|_| {
        Failure::new("page_invalid", "the page's \"next\" is not a URL; make it one, or null")
            .at(page)
    })?;
    if url.origin() != settings.endpoint.origin() {
        let message = format!(
            "the page's \"next\" is at another place than the endpoint ({}), where credentials would be told; make it a URL under {}",
            url.origin().ascii_serialization(),
            settings.endpoint.origin().ascii_serialization()
        );
        return Err(Failure::new("next_refused", message).at(page));
    }
    if url == *page {
        return Err(Failure::new(
            "page_repeated",
            "the page's \"next\" is the page itself; make it null at the end",
        )
        .at(page));
    }
    Ok(url)
}

/// Reads a page off the runtime's threads: it may be large.
async fn read_page(bytes: Vec<u8>, rows_max: usize) -> Result<(Page, [u8; 32]), Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let page = Page::parse(bytes, rows_max)?;
        let digest = Sha256::digest(page.bytes()).into();
        Ok((page, digest))
    });
    reading.await.map_err(|error| Failure::new("internal", format!("read a page: {error}")))?
}
