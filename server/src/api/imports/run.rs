//! An upload that was received is imported, when its turn has come.

use std::sync::Arc;

use mrrow_engine::Error;
use mrrow_engine::import::{Content, ImportOptions, ImportSummary, Input, Progress};
use mrrow_engine::jobs::JobState;
use tempfile::TempDir;
use tokio::time::Instant;

use super::job::is_aborted;
use super::queue::{REJECTS_FILE, Upload, stopping};
use super::receive::{UPLOAD_FILE, canceled};
use crate::app::App;
use crate::error::{ApiError, Result};

/// What the upload is called in what is told of it.
const INPUT_NAME: &str = "upload";

/// Waits for the turn, imports, and remembers how it ended.
pub(super) async fn run(app: App, upload: Arc<Upload>, dir: TempDir) {
    match wait_and_import(&app, &upload, &dir).await {
        Ok(summary) => finish(&app, &upload, summary, dir).await,
        Err(error) => {
            app.imports.end(&app, &upload, state_after(&error), |detail| detail.fail(&error)).await
        }
    }
}

/// Why an upload was canceled: a server that stops cancels those that it does not wait for.
fn told_to_end(app: &App) -> ApiError {
    if app.stopping.is_cancelled() { stopping() } else { canceled() }
}

/// The state of an upload that came to nothing.
pub(super) fn state_after(error: &ApiError) -> JobState {
    match error.code {
        "import_canceled" => JobState::Canceled,
        "stopping" => JobState::Interrupted,
        _ => JobState::Failed,
    }
}

async fn wait_and_import(app: &App, upload: &Arc<Upload>, dir: &TempDir) -> Result<ImportSummary> {
    let _turn = tokio::select! {
        turn = app.imports.turn.acquire() => turn.map_err(ApiError::internal)?,
        () = upload.canceled.cancelled() => return Err(told_to_end(app)),
    };
    let started_at = app.now();
    upload.change(JobState::Running, started_at, |detail| {
        detail.progress(Progress::Reading { rows: 0, bytes: 0 });
        detail.started_at = Some(started_at);
    });
    upload.save(app).await?;
    let data_source = upload.now.borrow().data_source.clone();
    if app.engine.data_source(&data_source).await?.is_none() {
        return Err(ApiError::data_source_not_found(&data_source));
    }
    let content = Content::File(dir.path().join(UPLOAD_FILE));
    let input = Input {
        name: INPUT_NAME.to_string(),
        object: upload.asked.object,
        format: upload.asked.format,
        content,
    };
    let imported = app.engine.import(vec![input], &options(app, upload, &data_source, dir)).await;
    imported.map_err(|error| match error {
        Error::Canceled => told_to_end(app),
        error => error.into(),
    })
}

fn options(app: &App, upload: &Arc<Upload>, data_source: &str, dir: &TempDir) -> ImportOptions {
    let (clock, listening) = (app.clone(), Arc::clone(upload));
    let listener = move |progress| {
        let at = clock.now();
        listening.now.send_modify(|now| {
            now.detail.progress(progress);
            now.updated_at = at;
        });
    };
    ImportOptions {
        rejects: Some(dir.path().join(REJECTS_FILE)),
        progress: Some(Arc::new(listener)),
        canceled: upload.canceled.clone(),
        ..upload.asked.options(data_source)
    }
}

async fn finish(app: &App, upload: &Upload, summary: ImportSummary, dir: TempDir) {
    let id = upload.now.borrow().id.clone();
    for (object, counts) in &summary.counts {
        // Counts are named by the types.
        if let Ok(object) = object.parse() {
            app.metrics.imported(object, counts);
        }
    }
    if summary.total().rejected > 0 {
        // What was received is not needed any more, and may be large.
        if let Err(error) = tokio::fs::remove_file(dir.path().join(UPLOAD_FILE)).await {
            tracing::warn!(%error, "remove an upload that was read; it goes with its rejected rows");
        }
        app.imports.keep_rejects(&id, dir);
    }
    let state =
        if is_aborted(&summary, upload.asked.on_error) { JobState::Failed } else { JobState::Done };
    app.imports.end(app, upload, state, |detail| detail.finish(summary)).await;
}

/// Ends them all when the server stops: those that were received may be imported until the
/// deadline.
pub(crate) async fn end(app: &App, deadline: Instant) {
    app.imports.tasks.close();
    if tokio::time::timeout_at(deadline, app.imports.tasks.wait()).await.is_err() {
        app.imports.cancel_all();
        app.imports.tasks.wait().await;
    }
}
