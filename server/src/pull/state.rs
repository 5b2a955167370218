//! The state of the room: the parts of the server that syncs use, and the syncs that run.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::address_guard::AddressGuard;
use super::error::{PullError, PullResult};
use super::running_syncs::RunningSyncs;
use super::secret_key::KeyFile;
use crate::config::{AllowedDestination, PullLimits};
use crate::metrics::Metrics;
use crate::random::{self, Random};

/// The operator's configuration of pulls.
#[derive(Debug, Clone)]
pub(crate) struct PullConfig {
    pub(crate) limits: PullLimits,
    /// Destinations outside the public Internet.
    pub(crate) allowed: Vec<AllowedDestination>,
    /// The operator's key file; without one, the server makes a file in the data directory.
    pub(crate) secret_key_file: Option<PathBuf>,
}

/// The state that syncs and their handlers share; cheap to clone.
#[derive(Clone)]
pub(crate) struct PullState {
    pub(crate) engine: Arc<Engine>,
    /// Canceled when the server stops.
    pub(crate) stopping: CancellationToken,
    pub(crate) syncs: Arc<RunningSyncs>,
    pub(super) limits: PullLimits,
    pub(super) guard: AddressGuard,
    pub(super) key_file: KeyFile,
    pub(super) metrics: Arc<Metrics>,
    /// Notified when the next due time of a schedule may have changed.
    pub(super) schedule_changed: Arc<Notify>,
    random: Random,
}

impl PullState {
    pub(crate) fn new(
        engine: Arc<Engine>,
        config: PullConfig,
        metrics: Arc<Metrics>,
        random: Random,
        stopping: CancellationToken,
    ) -> PullState {
        let PullConfig { limits, allowed, secret_key_file } = config;
        let key_file = KeyFile::new(secret_key_file.as_deref(), engine.data_dir());
        PullState {
            engine,
            stopping,
            syncs: Arc::new(RunningSyncs::new(limits.syncs)),
            limits,
            guard: AddressGuard::new(allowed),
            key_file,
            metrics,
            schedule_changed: Arc::default(),
            random,
        }
    }

    /// The engine's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.engine.now()
    }

    /// Bytes that cannot be predicted.
    pub(super) fn random<const N: usize>(&self) -> PullResult<[u8; N]> {
        random::bytes(&self.random)
            .map_err(|error| PullError::internal(format!("read randomness: {error}")))
    }
}
