//! One sync: fetches every page of every type, stores its objects and reports the progress.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mrrow_engine::Error;
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::Format;
use mrrow_engine::jobs::{Job, JobState};
use mrrow_engine::push::{PushOptions, PushResult};
use tokio::sync::watch;

use super::fetch::PageFetcher;
use super::page::{NextPage, Page};
use super::pages::{self, PageDigest};
use super::pull_store::read_pull;
use super::settings::{PullSettings, PullType};
use super::state::PullState;
use super::sync_failure::SyncFailure;
use super::sync_progress::{PagePosition, PullRejection, SyncProgress};

/// The pause between two saves of a running sync's job; pages since the last save are fetched again
/// after a crash.
const SAVE_PAUSE: Duration = Duration::from_secs(1);

/// The pause before a push is repeated that was refused for lack of room.
const OVERLOAD_PAUSE: Duration = Duration::from_millis(200);

/// Repetitions of a push that could not be made durable.
const PUSH_RETRIES: usize = 3;

/// A sync that runs.
pub(super) struct SyncRun {
    pub(super) state: PullState,
    pub(super) job: Job,
    pub(super) progress: SyncProgress,
    /// Takes the job whenever it changes.
    pub(super) updates: watch::Sender<Arc<Job>>,
    pub(super) saved: Instant,
}

impl SyncRun {
    /// Waits for its turn, then fetches everything from the position on.
    pub(super) async fn fetch(&mut self) -> Result<(), SyncFailure> {
        let _turn = self.state.syncs.turn().await?;
        self.job.state = JobState::Running;
        self.progress.started_at = Some(self.state.now());
        self.report().await;
        let limit = self.state.limits.sync_time;
        let fetched = tokio::time::timeout(limit, self.fetch_all()).await;
        let fetched = fetched.unwrap_or_else(|_| {
            Err(SyncFailure::new(
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

    /// Saves the end of the sync; [`SyncRun::show`] reports it.
    pub(super) async fn end(&mut self, state: JobState, error: Option<SyncFailure>) {
        self.job.state = state;
        self.progress.error = error;
        self.update_job();
        self.save().await;
    }

    /// Sends the job to the watchers of the sync.
    pub(super) fn show(&self) {
        self.updates.send_replace(Arc::new(self.job.clone()));
    }

    /// Saves the job in the catalog.
    pub(super) async fn save(&mut self) {
        if let Err(error) = self.state.engine.save_job(&self.job).await {
            tracing::error!(%error, job = self.job.id, "save the progress of a sync");
        }
        self.saved = Instant::now();
    }

    async fn fetch_all(&mut self) -> Result<(), SyncFailure> {
        let source = self.job.data_source.clone();
        let (settings, authentication) = read_pull(&self.state, &source).await?;
        let engine = Arc::clone(&self.state.engine);
        let fetcher = PageFetcher::new(
            &settings.endpoint,
            &authentication,
            self.state.guard.clone(),
            self.state.limits,
            move || engine.now(),
        )?;
        // Resume only if a configured type is left to fetch.
        let resumed = self
            .progress
            .position
            .take()
            .filter(|from| settings.types.iter().any(|object| *object >= from.object));
        for object in settings.types.iter().copied() {
            let position = match &resumed {
                Some(from) if object < from.object => continue,
                Some(from) if object == from.object => from.clone(),
                _ => PagePosition { object, page: 1, url: None },
            };
            self.fetch_type(&settings, &fetcher, position).await?;
        }
        Ok(())
    }

    /// Fetches the pages of a type from a position on.
    async fn fetch_type(
        &mut self,
        settings: &PullSettings,
        fetcher: &PageFetcher,
        from: PagePosition,
    ) -> Result<(), SyncFailure> {
        let limits = self.state.limits;
        let mut position = pages::position_at_endpoint(settings, from);
        let mut last_page: Option<PageDigest> = None;
        for _ in 0..limits.pages {
            self.progress.position = Some(position.clone());
            self.report().await;
            let url = pages::url_of(settings, &position);
            let seed = self
                .state
                .random()
                .map(u64::from_be_bytes)
                .map_err(|error| SyncFailure::new("internal", error.to_string()))?;
            let bytes = fetcher.fetch(&url, seed).await?;
            let (page, digest) =
                pages::parse(bytes, limits.page_rows).await.map_err(|failure| failure.at(&url))?;
            if last_page.replace(digest) == Some(digest) && page.next != NextPage::None {
                let message = "the page is the same as the one before it, and says that there is \
                               more; does the endpoint read the parameter page?";
                return Err(SyncFailure::new("page_repeated", message).at(&url));
            }
            self.store(&position, &page).await?;
            position = match page.next {
                NextPage::None => return Ok(()),
                NextPage::Number => PagePosition { page: position.page + 1, url: None, ..position },
                NextPage::Url(next) => {
                    let url = Some(pages::next_url(settings, &url, &next)?.into());
                    PagePosition { page: position.page + 1, url, ..position }
                }
            };
        }
        self.progress.position = Some(position);
        let message = format!(
            "there are more than {} pages; make the pages larger, or resume the sync if the \
             endpoint really has more",
            limits.pages
        );
        Err(SyncFailure::new("too_many_pages", message))
    }

    /// Pushes the objects of a page. Rejected objects are counted and do not stop the sync.
    async fn store(&mut self, position: &PagePosition, page: &Page) -> Result<(), SyncFailure> {
        let object = position.object;
        for (rows_before, part) in page.parts() {
            let pushed = self.push(object, part).await?;
            for row in &pushed.result {
                self.state.metrics.pushed(object.name(), row.status.as_str(), 1);
            }
            let rejected = pushed.rejections.len() as u64;
            self.state.metrics.pushed(object.name(), "rejected", rejected);
            self.progress.stored += pushed.result.len() as u64;
            self.progress.rejected += rejected;
            let rejections = &mut self.progress.rejections;
            let room = self.state.limits.rejections.saturating_sub(rejections.len());
            rejections.extend(
                pushed
                    .rejections
                    .into_iter()
                    .take(room)
                    .map(|rejection| PullRejection::new(position, rows_before, rejection)),
            );
        }
        self.progress.pages += 1;
        self.progress.fetched += page.rows();
        self.state.metrics.pulled_page(object.name());
        Ok(())
    }

    async fn push(&self, object: PullType, part: Vec<u8>) -> Result<PushResult, SyncFailure> {
        let options = PushOptions {
            format: Some(Format::Json),
            on_error: OnError::Skip,
            ..PushOptions::default()
        };
        let (engine, source) = (&self.state.engine, &self.job.data_source);
        let mut retries = PUSH_RETRIES;
        loop {
            match engine.push(source, Some(object.object()), part.clone(), &options).await {
                Ok(pushed) => return Ok(pushed),
                // Not counted as a retry: a sync waits until there is room.
                Err(Error::Overloaded) => {}
                Err(Error::NotAcknowledged(_)) if retries > 0 => retries -= 1,
                Err(Error::Argument(message)) => {
                    return Err(SyncFailure::new("page_refused", message));
                }
                Err(error) => {
                    tracing::error!(%error, data_source = source, "store a page");
                    return Err(SyncFailure::new(
                        "store_failed",
                        "the page could not be stored; the server's log says why",
                    ));
                }
            }
            tokio::time::sleep(OVERLOAD_PAUSE).await;
        }
    }

    /// Reports the progress, and saves it from time to time.
    async fn report(&mut self) {
        self.update_job();
        self.show();
        if self.saved.elapsed() >= SAVE_PAUSE {
            self.save().await;
        }
    }

    fn update_job(&mut self) {
        self.job.updated_at = self.state.now();
        // Infallible: the progress has only numbers, strings and lists of them.
        self.job.detail = serde_json::to_value(&self.progress).unwrap_or_default();
    }
}
