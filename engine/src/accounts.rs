//! Accounts: API keys, data sources, pulls, plan groups, jobs. Each change is one small
//! transaction of the catalog.

mod data_sources;
mod jobs;
mod keys;
mod plan_groups;
mod pulls;
