//! Stores and reads the settings of a pull in the catalog; its credentials are encrypted.

use mrrow_engine::sources::Pull;
use url::Url;

use super::credentials::{Authentication, AuthenticationSummary};
use super::error::{PullError, PullResult};
use super::new_pull::NewPull;
use super::settings::PullSettings;
use super::state::PullState;
use super::sync_failure::SyncFailure;

/// Stores valid settings of a data source in place of those before.
pub(crate) async fn store_pull(state: &PullState, source: &str, new: NewPull) -> PullResult<Pull> {
    let NewPull { endpoint, types, authentication, schedule } = new;
    let (authentication, sealed) = match authentication {
        Some(authentication) => {
            (authentication.summary(), seal(state, source, &authentication).await?)
        }
        None => stored_credentials(state, source, &endpoint).await?,
    };
    let settings = PullSettings { endpoint, types, authentication, schedule };
    let settings = serde_json::to_value(&settings)
        .map_err(|error| PullError::internal(format!("write a pull's settings: {error}")))?;
    let pull = state.engine.set_pull(source, settings, sealed).await?;
    state.schedule_changed.notify_one();
    Ok(pull)
}

/// The settings and credentials of a data source, for a sync.
pub(super) async fn read_pull(
    state: &PullState,
    source: &str,
) -> Result<(PullSettings, Authentication), SyncFailure> {
    let unreadable = |cause: String| {
        tracing::error!(error = cause, data_source = source, "read the settings of a pull");
        SyncFailure::new(
            "internal",
            "how the data source is fetched cannot be read; configure its pull again",
        )
    };
    let pull = state.engine.pull(source).await.map_err(|error| unreadable(error.to_string()))?;
    let pull = pull.ok_or_else(|| {
        SyncFailure::new(
            "no_endpoint",
            "the endpoint of the data source was removed; configure its pull",
        )
    })?;
    let settings: PullSettings =
        serde_json::from_value(pull.settings).map_err(|error| unreadable(error.to_string()))?;
    let Some(sealed) = pull.sealed_credentials else {
        return Ok((settings, Authentication::None {}));
    };
    let (file, source) = (state.key_file.clone(), source.to_string());
    let opened = off_runtime(move || file.read()?.open(&source, &sealed)).await?;
    // The message of serde_json would repeat a secret.
    let authentication = serde_json::from_slice(&opened)
        .map_err(|_| unreadable("the credentials have an unknown form".to_string()))?;
    Ok((settings, authentication))
}

/// The stored credentials, still encrypted. They are never sent to another host than the one that
/// they were configured for.
async fn stored_credentials(
    state: &PullState,
    source: &str,
    endpoint: &Url,
) -> PullResult<(AuthenticationSummary, Option<Vec<u8>>)> {
    let stored = state.engine.pull(source).await?;
    let Some(Pull { settings, sealed_credentials: Some(sealed), .. }) = stored else {
        return Ok((AuthenticationSummary::None {}, None));
    };
    match serde_json::from_value::<PullSettings>(settings) {
        Ok(settings) if settings.endpoint.origin() == endpoint.origin() => {
            Ok((settings.authentication, Some(sealed)))
        }
        _ => {
            let message = "the endpoint is at another host than before: send its authentication \
                           too, or {\"type\":\"none\"}";
            Err(PullError::field("authentication", message))
        }
    }
}

/// Encrypts credentials; none when the endpoint needs none.
async fn seal(
    state: &PullState,
    source: &str,
    authentication: &Authentication,
) -> PullResult<Option<Vec<u8>>> {
    if matches!(authentication, Authentication::None {}) {
        return Ok(None);
    }
    let secret = serde_json::to_vec(authentication)
        .map_err(|_| PullError::internal("write credentials as JSON"))?;
    let (file, source) = (state.key_file.clone(), source.to_string());
    let (random, nonce) = (state.random()?, state.random()?);
    let sealed =
        off_runtime(move || file.read_or_create(random)?.seal(&source, &secret, nonce)).await;
    sealed.map(Some).map_err(|failure| {
        tracing::error!(error = failure.message, "encrypt credentials");
        PullError::SecretKey(failure.message)
    })
}

/// Runs work on files on a thread that may block.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncFailure> + Send + 'static,
) -> Result<T, SyncFailure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| SyncFailure::new("internal", format!("read the key file: {error}")))?
}
