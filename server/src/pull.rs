//! Pull mode: fetches the records of a data source from its owner's endpoint, page by page, and
//! pushes them.
//!
//! A sync requests `{endpoint}/customers`, `/plans` and `/invoices` in this order. It is a job:
//! stored records stay however it ends, and a later sync can resume at the page where it stopped.

mod error;
mod sync_failure;

mod address_guard;
mod credentials;
mod schedule;
mod secret_key;
mod settings;

mod fetch;
mod page;
mod response_body;

mod running_syncs;
mod state;

mod new_pull;
mod pull_store;
mod sync_progress;

mod pages;
mod scheduler;
mod start;
mod sync_run;

pub(crate) use credentials::{Authentication, AuthenticationSummary};
pub(crate) use error::PullError;
pub(crate) use new_pull::NewPull;
pub(crate) use pull_store::store_pull;
pub(crate) use running_syncs::RunningSyncs;
pub(crate) use schedule::PullSchedule;
pub(crate) use scheduler::{next_due, run_scheduler};
pub(crate) use settings::{PullSettings, PullType};
pub(crate) use start::{StartAt, StartOutcome, start};
pub(crate) use state::{PullConfig, PullState};
pub(crate) use sync_failure::SyncFailure;
pub(crate) use sync_progress::{JOB_KIND, PullRejection, SyncProgress};
