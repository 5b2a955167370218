//! How a pull is kept: its settings to be seen, its credentials encrypted.

use axum::http::StatusCode;
use mrrow_engine::sources::Pull;
use url::Url;

use super::credentials::{Authentication, ShownAuthentication};
use super::failure::Failure;
use super::secret_key::KeyFile;
use super::settings::PullSettings;
use crate::app::App;
use crate::error::{ApiError, Result};

/// How a data source is fetched, with its credentials, for a sync.
pub(crate) async fn read_pull(
    app: &App,
    source: &str,
) -> Result<(PullSettings, Authentication), Failure> {
    let unreadable = |told: String| {
        tracing::error!(error = told, data_source = source, "read how a data source is fetched");
        Failure::new(
            "internal",
            "how the data source is fetched cannot be read; configure its pull again",
        )
    };
    let pull = app.engine.pull(source).await.map_err(|error| unreadable(error.to_string()))?;
    let pull = pull.ok_or_else(|| {
        Failure::new(
            "no_endpoint",
            "the data source has no endpoint to fetch from any more; configure its pull",
        )
    })?;
    let settings: PullSettings =
        serde_json::from_value(pull.settings).map_err(|error| unreadable(error.to_string()))?;
    let Some(sealed) = pull.sealed_credentials else {
        return Ok((settings, Authentication::None {}));
    };
    let (file, source) = (key_file(app), source.to_string());
    let opened = on_disk(move || file.read()?.open(&source, &sealed)).await?;
    // The library's own words would repeat what is secret.
    let authentication = serde_json::from_slice(&opened)
        .map_err(|_| unreadable("the credentials are of another version".to_string()))?;
    Ok((settings, authentication))
}

/// The credentials that are set, as they are kept; they are told to no other host than the one for
/// which they were set.
pub(crate) async fn keep(
    app: &App,
    source: &str,
    endpoint: &Url,
) -> Result<(ShownAuthentication, Option<Vec<u8>>)> {
    let before = app.engine.pull(source).await?;
    let Some(Pull { settings, sealed_credentials: Some(sealed), .. }) = before else {
        return Ok((ShownAuthentication::None {}, None));
    };
    match serde_json::from_value::<PullSettings>(settings) {
        Ok(settings) if settings.endpoint.origin() == endpoint.origin() => {
            Ok((settings.authentication, Some(sealed)))
        }
        _ => {
            let message = "the endpoint is at another host than before: send its authentication too, or {\"type\":\"none\"}";
            Err(ApiError::invalid("authentication", message))
        }
    }
}

/// Encrypts credentials to be kept; none where none are needed.
pub(crate) async fn seal(
    app: &App,
    source: &str,
    authentication: &Authentication,
) -> Result<Option<Vec<u8>>> {
    if matches!(authentication, Authentication::None {}) {
        return Ok(None);
    }
    let secret = serde_json::to_vec(authentication)
        .map_err(|_| ApiError::internal("write credentials as JSON"))?;
    let (file, source) = (key_file(app), source.to_string());
    let (random, nonce) = (app.random()?, app.random()?);
    let sealed = on_disk(move || file.read_or_make(random)?.seal(&source, &secret, nonce)).await;
    sealed.map(Some).map_err(|failure| {
        tracing::error!(error = failure.message, "encrypt credentials");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "secret_key", failure.message)
    })
}

fn key_file(app: &App) -> KeyFile {
    KeyFile::new(app.config.secret_key_file.as_deref(), app.engine.data_dir())
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new("internal", format!("read the key file: {error}")))?
}
