//! Imports a received upload, after those before it.

use std::sync::Arc;

use mrrow_engine::Error;
use mrrow_engine::import::{Content, ImportOptions, ImportSummary, Input, Progress};
use mrrow_engine::jobs::JobState;
use tempfile::TempDir;
use tokio::time::Instant;

use super::queue::{Imports, REJECTS_FILE, UPLOAD_FILE, Upload, canceled, stopping};
use super::status::is_aborted;
use crate::error::{ApiError, Result};

/// The name of the input in errors.
const INPUT_NAME: &str = "upload";

/// Waits for the imports before it, imports, and saves the result.
pub(super) async fn import(imports: Imports, upload: Arc<Upload>, dir: TempDir) {
    match wait_and_import(&imports, &upload, &dir).await {
        Ok(summary) => finish(&imports, &upload, summary, dir).await,
        Err(error) => {
            imports.finish(&upload, state_after(&error), |detail| detail.set_error(&error)).await
        }
    }
}

/// The error of a canceled import: a client canceled it, or the server stops.
fn cancellation(imports: &Imports) -> ApiError {
    if imports.stopping.is_cancelled() { stopping() } else { canceled() }
}

/// The final state of an upload after an error.
pub(super) fn state_after(error: &ApiError) -> JobState {
    match error.code {
        "import_canceled" => JobState::Canceled,
        "stopping" => JobState::Interrupted,
        _ => JobState::Failed,
    }
}

async fn wait_and_import(
    imports: &Imports,
    upload: &Arc<Upload>,
    dir: &TempDir,
) -> Result<ImportSummary> {
    let _running = tokio::select! {
        permit = imports.running.take(1) => permit.map_err(ApiError::internal)?,
        () = upload.canceled.cancelled() => return Err(cancellation(imports)),
    };
    let started_at = imports.now();
    upload.change(JobState::Running, started_at, |detail| {
        detail.set_progress(Progress::Reading { rows: 0, bytes: 0 });
        detail.started_at = Some(started_at);
    });
    upload.save(&imports.engine).await?;
    let data_source = upload.status.borrow().data_source.clone();
    if imports.engine.data_source(&data_source).await?.is_none() {
        return Err(ApiError::data_source_not_found(&data_source));
    }
    let content = Content::File(dir.path().join(UPLOAD_FILE));
    let input = Input {
        name: INPUT_NAME.to_string(),
        object: upload.request.object,
        format: upload.request.format,
        content,
    };
    let options = options(imports, upload, &data_source, dir);
    let imported = imports.engine.import(vec![input], &options).await;
    imported.map_err(|error| match error {
        Error::Canceled => cancellation(imports),
        error => error.into(),
    })
}

fn options(
    imports: &Imports,
    upload: &Arc<Upload>,
    data_source: &str,
    dir: &TempDir,
) -> ImportOptions {
    let (engine, reporting) = (Arc::clone(&imports.engine), Arc::clone(upload));
    let listener = move |progress| {
        let at = engine.now();
        reporting.status.send_modify(|status| {
            status.detail.set_progress(progress);
            status.updated_at = at;
        });
    };
    ImportOptions {
        rejects: Some(dir.path().join(REJECTS_FILE)),
        progress: Some(Arc::new(listener)),
        canceled: upload.canceled.clone(),
        ..upload.request.options(data_source)
    }
}

async fn finish(imports: &Imports, upload: &Upload, summary: ImportSummary, dir: TempDir) {
    let id = upload.status.borrow().id.clone();
    for (object, counts) in &summary.counts {
        // The names are those of the types.
        if let Ok(object) = object.parse() {
            imports.metrics.imported(object, counts);
        }
    }
    if summary.total().rejected > 0 {
        // Only the rejected rows are retained; the received file may be large.
        if let Err(error) = tokio::fs::remove_file(dir.path().join(UPLOAD_FILE)).await {
            tracing::warn!(%error, "remove an imported upload; it is removed with its rejected \
                rows");
        }
        imports.retain_rejects(&id, dir);
    }
    let state = if is_aborted(&summary, upload.request.on_error) {
        JobState::Failed
    } else {
        JobState::Done
    };
    imports.finish(upload, state, |detail| detail.set_result(summary)).await;
}

/// Waits for all imports when the server stops; cancels those that run at the deadline.
pub(crate) async fn stop(imports: &Imports, deadline: Instant) {
    imports.tasks.close();
    if tokio::time::timeout_at(deadline, imports.tasks.wait()).await.is_err() {
        imports.cancel_all();
        imports.tasks.wait().await;
    }
}
