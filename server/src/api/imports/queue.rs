//! The uploads that are not over: how many there may be, whose turn it is, and how each is
//! canceled.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mrrow_engine::jobs::{Job, JobState};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::asked::Asked;
use super::job::{Detail, ImportJob, Now};
use crate::app::App;
use crate::error::{ApiError, Result};

/// When a full queue may have room again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How long it is waited until what could not be saved is saved again.
const SAVE_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How many imports' rejected rows are kept.
const REJECTS_KEPT: usize = 32;

/// The name of the file with the rejected rows.
pub(super) const REJECTS_FILE: &str = "rejects.ndjson";

/// All uploads of a server.
pub(crate) struct Imports {
    /// Room for uploads that are received, wait or are at work.
    room: Arc<Semaphore>,
    /// Held by the one that is at work.
    pub(super) turn: Semaphore,
    open: Mutex<HashMap<String, Arc<Upload>>>,
    rejects: Mutex<VecDeque<(String, TempDir)>>,
    /// What is done beside requests.
    pub(super) tasks: TaskTracker,
}

/// An upload that is not over, or was a moment ago.
pub(super) struct Upload {
    pub(super) asked: Asked,
    /// Ends it, when it was told to end.
    pub(super) canceled: CancellationToken,
    pub(super) now: watch::Sender<Now>,
    _room: OwnedSemaphorePermit,
}

impl Imports {
    /// One at work, and so many that wait.
    pub(crate) fn new(waiting_max: usize) -> Imports {
        let room =
            Arc::new(Semaphore::new(waiting_max.saturating_add(1).min(Semaphore::MAX_PERMITS)));
        Imports {
            room,
            turn: Semaphore::new(1),
            open: Mutex::default(),
            rejects: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// How many are not over.
    pub(crate) fn open(&self) -> usize {
        self.uploads().len()
    }

    /// Begins an upload, if there is room for one more.
    pub(super) async fn begin(
        &self,
        app: &App,
        data_source: String,
        asked: Asked,
    ) -> Result<Arc<Upload>> {
        if app.stopping.is_cancelled() {
            return Err(stopping());
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let message = "too many imports wait; send it again when one of them is over";
            return Err(ApiError::too_many("imports_waiting", message, TRY_AGAIN_AFTER));
        };
        let id = format!("imp_{:032x}", u128::from_be_bytes(app.random()?));
        let now = app.now();
        let detail = Detail::new(&asked);
        let now = Now {
            id: id.clone(),
            data_source,
            state: JobState::Waiting,
            detail,
            created_at: now,
            updated_at: now,
        };
        now.save(app).await?;
        let (now, canceled) = (watch::Sender::new(now), CancellationToken::new());
        let upload = Arc::new(Upload { asked, canceled, now, _room: room });
        self.uploads().insert(id, Arc::clone(&upload));
        Ok(upload)
    }

    /// Ends an upload, and remembers how. Where that cannot be saved, as on a full disk, it is
    /// tried again beside.
    pub(super) async fn end(
        &self,
        app: &App,
        upload: &Upload,
        state: JobState,
        set: impl FnOnce(&mut Detail),
    ) {
        let finished_at = app.now();
        let mut ended = upload.now.borrow().clone();
        set(&mut ended.detail);
        (ended.detail.phase, ended.detail.finished_at) = (None, Some(finished_at));
        (ended.state, ended.updated_at) = (state, finished_at);
        app.metrics.import_ended(state.as_str());
        tracing::info!(
            import = ended.id,
            data_source = ended.data_source,
            state = state.as_str(),
            "an import is over"
        );
        // Who waits for its end finds it saved, if it can be.
        if let Err(error) = ended.save(app).await {
            tracing::error!(
                error = error.message,
                import = ended.id,
                "remember how an import ended; it is tried again"
            );
            self.tasks.spawn(save_until_done(app.clone(), ended.clone()));
        } else {
            self.uploads().remove(&ended.id);
        }
        upload.now.send_replace(ended);
    }

    /// A job that was saved, as it is now.
    pub(super) fn as_it_is(&self, saved: Job) -> Result<ImportJob> {
        let open = self.uploads().get(&saved.id).cloned();
        let now = match open {
            Some(upload) => upload.now.borrow().clone(),
            None => Now::of(saved)?,
        };
        Ok(now.told(self.rejects_of(&now.id).is_some()))
    }

    /// Cancels an upload and waits until it is over; none when it is over already.
    pub(super) async fn cancel(&self, id: &str) -> Option<ImportJob> {
        let upload = self
            .uploads()
            .get(id)
            .cloned()
            .filter(|upload| !upload.now.borrow().state.is_over())?;
        upload.canceled.cancel();
        let mut now = upload.now.subscribe();
        let ended = now.wait_for(|job| job.state.is_over()).await.ok()?.clone();
        Some(ended.told(false))
    }

    /// Keeps the rejected rows of an upload, in the place of those of the oldest.
    pub(super) fn keep_rejects(&self, id: &str, dir: TempDir) {
        let mut kept = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((id.to_string(), dir));
        if kept.len() > REJECTS_KEPT {
            kept.pop_front();
        }
    }

    /// The file with the rejected rows of an upload.
    pub(super) fn rejects_of(&self, id: &str) -> Option<PathBuf> {
        let kept = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(kept, _)| kept == id).map(|(_, dir)| dir.path().join(REJECTS_FILE))
    }

    /// Cancels all of them.
    pub(super) fn cancel_all(&self) {
        for upload in self.uploads().values() {
            upload.canceled.cancel();
        }
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<String, Arc<Upload>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    /// The upload is in another state, or further in it.
    pub(super) fn change(&self, state: JobState, at: DateTime<Utc>, set: impl FnOnce(&mut Detail)) {
        self.now.send_modify(|now| {
            set(&mut now.detail);
            (now.state, now.updated_at) = (state, at);
        });
    }

    /// Remembers it as it is now.
    pub(super) async fn save(&self, app: &App) -> Result<()> {
        let now = self.now.borrow().clone();
        now.save(app).await
    }
}

/// Saves how an upload ended, as soon as that is possible. A server that stops does not wait: the
/// next one finds it interrupted.
async fn save_until_done(app: App, ended: Now) {
    while !app.stopping.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(SAVE_AGAIN_AFTER) => {}
            () = app.stopping.cancelled() => {}
        }
        match ended.save(&app).await {
            Ok(()) => {
                app.imports.uploads().remove(&ended.id);
                return;
            }
            Err(error) => tracing::error!(
                error = error.message,
                import = ended.id,
                "remember how an import ended"
            ),
        }
    }
}

/// The server is told to stop.
pub(super) fn stopping() -> ApiError {
    ApiError::try_again("stopping", "the server is stopping; send it again", TRY_AGAIN_AFTER)
}
