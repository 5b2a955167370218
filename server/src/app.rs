//! The application's state: the states of all rooms, put together once.

use std::sync::Arc;

use axum::extract::FromRef;
use mrrow_engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::api::health::HealthState;
use crate::api::imports::Imports;
use crate::api::keys::KeysState;
use crate::api::metrics::MetricsState;
use crate::api::plan_groups::PlanGroupsState;
use crate::api::push::PushState;
use crate::api::reads::ReadsState;
use crate::api::records::RecordsState;
use crate::api::sources::SourcesState;
use crate::api::sql::SqlState;
use crate::config::ServerConfig;
use crate::http::body::Bodies;
use crate::http::caller::KeyLookup;
use crate::http::min_sequence::{MinSequenceLayer, PublicationWait};
use crate::http::request_id::RequestIdLayer;
use crate::local::LocalState;
use crate::metrics::Metrics;
use crate::pull::{PullConfig, PullState};
use crate::random::Random;
use crate::snapshots::SnapshotReader;
use crate::statements::Statements;

/// The application's state; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: ServerConfig,
    /// Canceled when the server stops.
    pub(crate) stopping: CancellationToken,
    pub(crate) imports: Imports,
    pub(crate) pulls: PullState,
    snapshots: SnapshotReader,
    statements: Statements,
    metrics: Arc<Metrics>,
    random: Random,
    keys: KeyLookup,
    bodies: Bodies,
    publications: PublicationWait,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub(crate) fn new(engine: Arc<Engine>, config: ServerConfig, random: Random) -> App {
        let limits = config.limits;
        let (metrics, stopping) = (Arc::new(Metrics::new()), CancellationToken::new());
        let publications = PublicationWait::new(Arc::clone(&engine), limits.wait_time);
        let pulls = PullConfig {
            limits: limits.pull,
            allowed: config.pull_allowed.clone(),
            secret_key_file: config.secret_key_file.clone(),
        };
        App(Arc::new(Parts {
            imports: Imports::new(
                Arc::clone(&engine),
                Arc::clone(&metrics),
                limits,
                Arc::clone(&random),
                stopping.clone(),
            ),
            pulls: PullState::new(
                Arc::clone(&engine),
                pulls,
                Arc::clone(&metrics),
                Arc::clone(&random),
                stopping.clone(),
            ),
            snapshots: SnapshotReader::new(
                Arc::clone(&engine),
                limits.reads_at_once,
                publications.clone(),
            ),
            statements: Statements::new(config.sql_worker.clone(), config.sql.clone()),
            keys: KeyLookup::new(Arc::clone(&engine)),
            bodies: Bodies::new(&limits),
            publications,
            stopping,
            metrics,
            random,
            config,
            engine,
        }))
    }

    /// The state of the layer `min_sequence`.
    pub(crate) fn min_sequence_layer(&self) -> MinSequenceLayer {
        MinSequenceLayer { wait: self.publications.clone(), keys: self.keys.clone() }
    }

    /// The state of the layer `request_id`.
    pub(crate) fn request_id_layer(&self) -> RequestIdLayer {
        RequestIdLayer { metrics: Arc::clone(&self.metrics), random: Arc::clone(&self.random) }
    }

    /// The state of the local socket's routes.
    pub(crate) fn local_state(&self) -> LocalState {
        LocalState {
            engine: Arc::clone(&self.engine),
            syncs: Arc::clone(&self.pulls.syncs),
            stopping: self.stopping.clone(),
        }
    }
}

/// Implements [`FromRef`] for the states that handlers extract.
macro_rules! states {
    ($($state:ty: $app:ident => $value:expr;)*) => {$(
        impl FromRef<App> for $state {
            fn from_ref($app: &App) -> $state {
                $value
            }
        }
    )*};
}

states! {
    Arc<Engine>: app => Arc::clone(&app.engine);
    KeyLookup: app => app.keys.clone();
    Bodies: app => app.bodies.clone();
    Imports: app => app.imports.clone();
    PullState: app => app.pulls.clone();
    HealthState: app => HealthState {
        engine: Arc::clone(&app.engine),
        stopping: app.stopping.clone(),
    };
    MetricsState: app => MetricsState {
        engine: Arc::clone(&app.engine),
        metrics: Arc::clone(&app.metrics),
        imports: app.imports.clone(),
        bodies: app.bodies.clone(),
    };
    KeysState: app => KeysState {
        engine: Arc::clone(&app.engine),
        random: Arc::clone(&app.random),
    };
    SourcesState: app => SourcesState {
        engine: Arc::clone(&app.engine),
        pulls: app.pulls.clone(),
        random: Arc::clone(&app.random),
    };
    PushState: app => PushState {
        engine: Arc::clone(&app.engine),
        bodies: app.bodies.clone(),
        metrics: Arc::clone(&app.metrics),
    };
    RecordsState: app => RecordsState {
        engine: Arc::clone(&app.engine),
        snapshots: app.snapshots.clone(),
    };
    PlanGroupsState: app => PlanGroupsState {
        engine: Arc::clone(&app.engine),
        snapshots: app.snapshots.clone(),
        random: Arc::clone(&app.random),
    };
    ReadsState: app => ReadsState {
        engine: Arc::clone(&app.engine),
        snapshots: app.snapshots.clone(),
    };
    SqlState: app => SqlState {
        snapshots: app.snapshots.clone(),
        statements: app.statements.clone(),
    };
}
