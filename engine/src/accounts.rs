//! Accounts: API keys, data sources, pulls, plan groups, jobs. Each change is one small transaction
//! of the catalog; any process may make it, whichever one writes.

pub(crate) mod data_sources;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod plan_groups;
pub(crate) mod pulls;
