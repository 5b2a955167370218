//! What every handler shares.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::api::imports::Imports;
use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::http::caller::KnownKeys;
use crate::http::extract::Bodies;
use crate::metrics::Metrics;
use crate::pull::{PullConfig, PullState};
use crate::random::{self, Random};
use crate::snapshots::Reads;
use crate::statements::Statements;

/// The state of the server; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: ServerConfig,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) known_keys: KnownKeys,
    pub(crate) bodies: Bodies,
    pub(crate) imports: Imports,
    pub(crate) reads: Reads,
    pub(crate) statements: Statements,
    /// Canceled when the server is told to stop: what would go on for ever ends.
    pub(crate) stopping: CancellationToken,
    pub(crate) pulls: PullState,
    pub(crate) started: Instant,
    random: Random,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(crate) fn new(engine: Arc<Engine>, config: ServerConfig, random: Random) -> App {
        let bodies = Bodies::new(config.limits.bodies_bytes);
        let imports = Imports::new(config.limits.imports_waiting);
        let metrics = Arc::new(Metrics::new());
        let stopping = CancellationToken::new();
        let pulls = PullState::new(
            Arc::clone(&engine),
            PullConfig {
                limits: config.limits.pull,
                allowed: config.pull_allowed.clone(),
                secret_key_file: config.secret_key_file.clone(),
            },
            Arc::clone(&metrics),
            Arc::clone(&random),
            stopping.clone(),
        );
        let reads = Reads::new(config.limits.reads_at_once);
        let statements = Statements::new(config.sql_worker.clone(), config.sql.clone());
        App(Arc::new(Inner {
            engine,
            config,
            metrics,
            known_keys: KnownKeys::default(),
            bodies,
            imports,
            reads,
            statements,
            stopping,
            pulls,
            started: Instant::now(),
            random,
        }))
    }

    /// What time it is for the engine.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.engine.now()
    }

    /// Bytes that nobody can guess.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], ApiError> {
        random::bytes(&self.random)
            .map_err(|error| ApiError::internal(format!("read randomness: {error}")))
    }
}
