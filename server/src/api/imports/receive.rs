//! An upload is received: its bytes go to a file beside the data, for which there is a limit, and
//! then it waits for its turn.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures::StreamExt;
use mrrow_engine::jobs::JobState;
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::asked::Asked;
use super::job::{ImportJob, Phase};
use super::queue::{Upload, stopping};
use super::run;
use crate::app::App;
use crate::error::{ApiError, Result};

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// The name of the file with what was received.
pub(super) const UPLOAD_FILE: &str = "upload";

/// Receives a body, and starts its import. Also when nobody waits for the answer any more, how it
/// went is remembered.
pub(super) async fn receive(
    app: &App,
    data_source: String,
    asked: Asked,
    body: Body,
) -> Result<ImportJob> {
    let upload = app.imports.begin(app, data_source, asked).await?;
    let (receiving_app, receiving) = (app.clone(), Arc::clone(&upload));
    let received =
        app.imports.tasks.spawn(async move { receive_all(&receiving_app, &receiving, body).await });
    let dir = received
        .await
        .map_err(|error| ApiError::internal(format!("receive an upload: {error}")))??;
    let told = upload.now.borrow().told(false);
    app.imports.tasks.spawn(run::run(app.clone(), upload, dir));
    Ok(told)
}

async fn receive_all(app: &App, upload: &Upload, body: Body) -> Result<TempDir> {
    let received = async {
        let dir = app.engine.new_staging()?;
        let path = dir.path().join(UPLOAD_FILE);
        let bytes = tokio::select! {
            bytes = write(app, upload, body, &path) => bytes?,
            () = upload.canceled.cancelled() => return Err(canceled()),
        };
        app.metrics.import_received(bytes);
        upload.change(JobState::Waiting, app.now(), |detail| {
            (detail.phase, detail.received_bytes) = (Some(Phase::Waiting), bytes);
        });
        upload.save(app).await?;
        Ok(dir)
    };
    match received.await {
        Ok(dir) => Ok(dir),
        Err(error) => {
            app.imports
                .end(app, upload, run::state_after(&error), |detail| detail.fail(&error))
                .await;
            Err(error)
        }
    }
}

/// Writes a body to a file, and counts it.
async fn write(app: &App, upload: &Upload, body: Body, path: &Path) -> Result<u64> {
    let limits = &app.config.limits;
    let file = File::create(path).await.map_err(|error| unwritable(&error))?;
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
    let mut chunks = body.into_data_stream();
    let mut bytes = 0_u64;
    let mut told = 0_u64;
    loop {
        let chunk = tokio::select! {
            chunk = tokio::time::timeout(limits.body_pause, chunks.next()) => chunk,
            () = app.stopping.cancelled() => return Err(stopping()),
        };
        let chunk: Bytes = match chunk {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) => return Err(broken_off(&error, bytes, limits.import_bytes)),
            Ok(None) => break,
            Err(_) => return Err(paused(limits.body_pause.as_secs(), bytes)),
        };
        bytes += chunk.len() as u64;
        if bytes > limits.import_bytes {
            return Err(too_large(limits.import_bytes));
        }
        file.write_all(&chunk).await.map_err(|error| unwritable(&error))?;
        if bytes - told >= BUFFER_BYTES as u64 {
            told = bytes;
            upload.change(JobState::Waiting, app.now(), |detail| detail.received_bytes = bytes);
        }
    }
    file.flush().await.map_err(|error| unwritable(&error))?;
    Ok(bytes)
}

/// It was told to end.
pub(super) fn canceled() -> ApiError {
    ApiError::conflict("import_canceled", "the import was canceled; nothing of it is stored")
}

fn too_large(bytes_max: u64) -> ApiError {
    let message = format!(
        "the upload has more than {bytes_max} bytes (limits.import_bytes); send it in parts"
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

fn paused(seconds: u64, bytes: u64) -> ApiError {
    let message = format!(
        "nothing came for {seconds} seconds after {bytes} bytes; nothing of it is stored, send it again"
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_request", message)
}

/// The body cannot be read on: the other side is gone, or it is not compressed as it says.
fn broken_off(error: &axum::Error, bytes: u64, bytes_max: u64) -> ApiError {
    if crate::http::extract::is_length_limit(error) {
        return too_large(bytes_max);
    }
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(at) = cause {
        reason = at.to_string();
        cause = at.source();
    }
    let message = format!(
        "the upload broke off after {bytes} bytes ({reason}); nothing of it is stored, send it again"
    );
    ApiError::bad_request("upload_broken_off", message)
}

fn unwritable(error: &io::Error) -> ApiError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        tracing::error!(%error, "the disk is full: an upload was not received");
        let message = "the disk of the server is full; nothing of the upload is stored, send it again when there is room";
        return ApiError::try_again("disk_full", message, std::time::Duration::from_secs(60));
    }
    ApiError::internal(format!("write an upload: {error}"))
}
