//! The engine's integration tests: one binary, one room a subject.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod api_keys;
#[allow(dead_code, unreachable_pub)]
mod books;
mod canceled_imports;
mod cases;
mod concurrent_use;
#[allow(dead_code, unreachable_pub)]
mod coverage;
mod damage;
mod earlier_files;
mod group_commit;
mod histories;
mod idempotency;
mod imports;
#[allow(dead_code, unreachable_pub)]
mod interpreter;
mod jobs;
mod ledger;
mod overload;
mod portable_snapshots;
mod published_waits;
mod random_books;
mod record_updates;
mod records;
mod reports;
mod restricted_snapshots;
mod routes;
mod rules;
mod snapshots;
mod sources;
mod sql;
mod stores;
mod stories;
mod tidy;
mod unfinished_writes;
