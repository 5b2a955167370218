//! Receives an upload: writes its body to a bounded file in the data directory, then starts its
//! import.

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

use super::import::{import, state_after};
use super::queue::{Imports, UPLOAD_FILE, Upload, canceled, stopping};
use super::status::{ImportJob, UploadPhase};
use super::upload_request::UploadRequest;
use crate::error::{ApiError, Result};
use crate::http::body::is_length_limit;

/// Bytes of a write.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Receives a body and starts its import. Both run in tasks of their own, so that the job is saved
/// also if the client disconnects.
pub(super) async fn receive(
    imports: &Imports,
    data_source: String,
    request: UploadRequest,
    body: Body,
) -> Result<ImportJob> {
    let upload = imports.add(data_source, request).await?;
    let task = {
        let (imports, upload) = (imports.clone(), Arc::clone(&upload));
        async move { receive_all(&imports, &upload, body).await }
    };
    let dir = imports
        .tasks
        .spawn(task)
        .await
        .map_err(|error| ApiError::internal(format!("receive an upload: {error}")))??;
    let job = upload.status.borrow().response(false);
    imports.tasks.spawn(import(imports.clone(), upload, dir));
    Ok(job)
}

async fn receive_all(imports: &Imports, upload: &Upload, body: Body) -> Result<TempDir> {
    let received = async {
        let dir = imports.engine.new_staging()?;
        let path = dir.path().join(UPLOAD_FILE);
        let bytes = tokio::select! {
            bytes = write(imports, upload, body, &path) => bytes?,
            () = upload.canceled.cancelled() => return Err(canceled()),
        };
        imports.metrics.import_received(bytes);
        upload.change(JobState::Waiting, imports.now(), |detail| {
            (detail.phase, detail.received_bytes) = (Some(UploadPhase::Waiting), bytes);
        });
        upload.save(&imports.engine).await?;
        Ok(dir)
    };
    match received.await {
        Ok(dir) => Ok(dir),
        Err(error) => {
            imports.finish(upload, state_after(&error), |detail| detail.set_error(&error)).await;
            Err(error)
        }
    }
}

/// Writes a body to a file; returns its bytes.
async fn write(imports: &Imports, upload: &Upload, body: Body, path: &Path) -> Result<u64> {
    let limits = &imports.limits;
    let file = File::create(path).await.map_err(|error| unwritable(&error))?;
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
    let mut chunks = body.into_data_stream();
    let mut bytes = 0_u64;
    let mut reported_bytes = 0_u64;
    loop {
        let chunk = tokio::select! {
            chunk = tokio::time::timeout(limits.body_pause, chunks.next()) => chunk,
            () = imports.stopping.cancelled() => return Err(stopping()),
        };
        let chunk: Bytes = match chunk {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) => return Err(disconnected(&error, bytes, limits.import_bytes)),
            Ok(None) => break,
            Err(_) => return Err(paused(limits.body_pause.as_secs(), bytes)),
        };
        bytes += chunk.len() as u64;
        if bytes > limits.import_bytes {
            return Err(too_large(limits.import_bytes));
        }
        file.write_all(&chunk).await.map_err(|error| unwritable(&error))?;
        if bytes - reported_bytes >= BUFFER_BYTES as u64 {
            reported_bytes = bytes;
            upload.change(JobState::Waiting, imports.now(), |detail| detail.received_bytes = bytes);
        }
    }
    file.flush().await.map_err(|error| unwritable(&error))?;
    Ok(bytes)
}

fn too_large(bytes_max: u64) -> ApiError {
    let message = format!(
        "the upload has more than {bytes_max} bytes (limits.import_bytes); send it in parts"
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

fn paused(seconds: u64, bytes: u64) -> ApiError {
    let message = format!(
        "no data arrived for {seconds} seconds after {bytes} bytes; nothing of it is stored, send \
            it again"
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_request", message)
}

/// The error of a lost connection, or of a body whose compression is invalid.
fn disconnected(error: &axum::Error, bytes: u64, bytes_max: u64) -> ApiError {
    if is_length_limit(error) {
        return too_large(bytes_max);
    }
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(at) = cause {
        reason = at.to_string();
        cause = at.source();
    }
    let message = format!(
        "the upload broke off after {bytes} bytes ({reason}); nothing of it is stored, send it \
            again"
    );
    ApiError::bad_request("upload_broken_off", message)
}

fn unwritable(error: &io::Error) -> ApiError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        tracing::error!(%error, "the disk is full: an upload was not received");
        let message = "the disk of the server is full; nothing of the upload is stored, send it \
            again when there is space";
        return ApiError::try_again("disk_full", message, std::time::Duration::from_secs(60));
    }
    ApiError::internal(format!("write an upload: {error}"))
}
