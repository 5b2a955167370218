//! The queue of uploads: bounded in number, imported one at a time, and canceled one by one.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use mrrow_engine::budget::{Budget, Permit};
use mrrow_engine::jobs::{Job, JobState};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::status::{ImportDetail, ImportJob, ImportStatus};
use super::upload_request::UploadRequest;
use crate::config::Limits;
use crate::error::{ApiError, Result};
use crate::http::random::random_bytes;
use crate::metrics::Metrics;
use crate::random::Random;

/// The pause before a client retries at a full queue.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The pause before a status that could not be saved is saved again.
const SAVE_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Imports whose rejected rows are retained.
const RETAINED_REJECTS_MAX: usize = 32;

/// The name of the received file.
pub(super) const UPLOAD_FILE: &str = "upload";

/// The name of the file with the rejected rows.
pub(super) const REJECTS_FILE: &str = "rejects.ndjson";

/// The state of the room; cheap to clone.
#[derive(Clone)]
pub(crate) struct Imports {
    pub(super) engine: Arc<Engine>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    random: Random,
    /// Canceled when the server stops.
    pub(super) stopping: CancellationToken,
    /// Places of uploads that are received, wait or are imported.
    places: Budget,
    /// The place of the import that runs.
    pub(super) running: Budget,
    open: Arc<Mutex<HashMap<String, Arc<Upload>>>>,
    rejects: Arc<Mutex<VecDeque<(String, TempDir)>>>,
    /// Receptions and imports, which outlive their requests.
    pub(super) tasks: TaskTracker,
}

/// An upload in the queue.
pub(super) struct Upload {
    pub(super) request: UploadRequest,
    pub(super) canceled: CancellationToken,
    pub(super) status: watch::Sender<ImportStatus>,
    _place: Permit,
}

impl Imports {
    pub(crate) fn new(
        engine: Arc<Engine>,
        metrics: Arc<Metrics>,
        limits: Limits,
        random: Random,
        stopping: CancellationToken,
    ) -> Imports {
        // One is imported; the others wait.
        let places = Budget::new((limits.imports_waiting as u64).saturating_add(1));
        Imports {
            engine,
            metrics,
            limits,
            random,
            stopping,
            places,
            running: Budget::new(1),
            open: Arc::default(),
            rejects: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// The engine's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.engine.now()
    }

    /// Uploads that are not finished.
    pub(crate) fn open(&self) -> usize {
        self.uploads().len()
    }

    /// Adds an upload, if the queue has a place.
    pub(super) async fn add(
        &self,
        data_source: String,
        request: UploadRequest,
    ) -> Result<Arc<Upload>> {
        if self.stopping.is_cancelled() {
            return Err(stopping());
        }
        let place = self.places.try_take(1).map_err(|_| {
            let message = "too many imports wait; send it again when one of them is finished";
            ApiError::too_many("imports_waiting", message, RETRY_AFTER)
        })?;
        let id = format!("imp_{:032x}", u128::from_be_bytes(random_bytes(&self.random)?));
        let now = self.now();
        let status = ImportStatus {
            id: id.clone(),
            data_source,
            state: JobState::Waiting,
            detail: ImportDetail::new(&request),
            created_at: now,
            updated_at: now,
        };
        status.save(&self.engine).await?;
        let (status, canceled) = (watch::Sender::new(status), CancellationToken::new());
        let upload = Arc::new(Upload { request, canceled, status, _place: place });
        self.uploads().insert(id, Arc::clone(&upload));
        Ok(upload)
    }

    /// Finishes an upload and saves its status. If that fails, as on a full disk, a task retries.
    pub(super) async fn finish(
        &self,
        upload: &Upload,
        state: JobState,
        set: impl FnOnce(&mut ImportDetail),
    ) {
        let finished_at = self.now();
        let mut status = upload.status.borrow().clone();
        set(&mut status.detail);
        (status.detail.phase, status.detail.finished_at) = (None, Some(finished_at));
        (status.state, status.updated_at) = (state, finished_at);
        self.metrics.import_finished(state.as_str());
        tracing::info!(
            import = status.id,
            data_source = status.data_source,
            state = state.as_str(),
            "an import is finished"
        );
        // Save first: a client that waits for the end reads the saved job next.
        if let Err(error) = status.save(&self.engine).await {
            tracing::error!(
                error = error.message,
                import = status.id,
                "save the status of a finished import; it is retried"
            );
            self.tasks.spawn(self.clone().retry_save(status.clone()));
        } else {
            self.uploads().remove(&status.id);
        }
        upload.status.send_replace(status);
    }

    /// The present state of a saved job.
    pub(super) fn present(&self, saved: Job) -> Result<ImportJob> {
        let open = self.uploads().get(&saved.id).cloned();
        let status = match open {
            Some(upload) => upload.status.borrow().clone(),
            None => ImportStatus::of(saved)?,
        };
        Ok(status.response(self.rejects_of(&status.id).is_some()))
    }

    /// Cancels an upload and waits for its end; none if it is finished already.
    pub(super) async fn cancel(&self, id: &str) -> Option<ImportJob> {
        let upload = self
            .uploads()
            .get(id)
            .cloned()
            .filter(|upload| !upload.status.borrow().state.is_over())?;
        upload.canceled.cancel();
        let mut status = upload.status.subscribe();
        let finished = status.wait_for(|status| status.state.is_over()).await.ok()?.clone();
        Some(finished.response(false))
    }

    /// Retains the rejected rows of an upload; drops the oldest ones beyond the limit.
    pub(super) fn retain_rejects(&self, id: &str, dir: TempDir) {
        let mut retained = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        retained.push_back((id.to_string(), dir));
        if retained.len() > RETAINED_REJECTS_MAX {
            retained.pop_front();
        }
    }

    /// The file with the rejected rows of an upload.
    pub(super) fn rejects_of(&self, id: &str) -> Option<PathBuf> {
        let retained = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = retained.iter().find(|(other, _)| other == id).map(|(_, dir)| dir.path());
        dir.map(|dir| dir.join(REJECTS_FILE))
    }

    pub(super) fn cancel_all(&self) {
        for upload in self.uploads().values() {
            upload.canceled.cancel();
        }
    }

    /// Saves the status of a finished upload, until it succeeds or the server stops. The next
    /// server marks an unsaved one as interrupted.
    async fn retry_save(self, status: ImportStatus) {
        while !self.stopping.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(SAVE_RETRY_AFTER) => {}
                () = self.stopping.cancelled() => {}
            }
            match status.save(&self.engine).await {
                Ok(()) => {
                    self.uploads().remove(&status.id);
                    return;
                }
                Err(error) => tracing::error!(
                    error = error.message,
                    import = status.id,
                    "save the status of a finished import"
                ),
            }
        }
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<String, Arc<Upload>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    /// Changes the status in memory.
    pub(super) fn change(
        &self,
        state: JobState,
        at: DateTime<Utc>,
        set: impl FnOnce(&mut ImportDetail),
    ) {
        self.status.send_modify(|status| {
            set(&mut status.detail);
            (status.state, status.updated_at) = (state, at);
        });
    }

    pub(super) async fn save(&self, engine: &Engine) -> Result<()> {
        let status = self.status.borrow().clone();
        status.save(engine).await
    }
}

/// The error of an upload while the server stops.
pub(super) fn stopping() -> ApiError {
    ApiError::try_again("stopping", "the server is stopping; send it again", RETRY_AFTER)
}

/// The error of a canceled upload.
pub(super) fn canceled() -> ApiError {
    ApiError::conflict("import_canceled", "the import was canceled; nothing of it is stored")
}
