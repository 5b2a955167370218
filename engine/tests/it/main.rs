//! The engine's integration tests: one binary, one room a subject.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod access;
mod amending;
#[allow(dead_code, unreachable_pub)]
mod books;
mod canceled;
mod cases;
#[allow(dead_code, unreachable_pub)]
mod coverage;
mod crowd;
mod damage;
mod earlier_files;
mod histories;
mod idempotency;
mod imports;
#[allow(dead_code, unreachable_pub)]
mod interpreter;
mod jobs;
mod ledger;
mod left_behind;
mod overload;
mod portable;
mod random_books;
mod records;
mod restricted;
mod routes;
mod rules;
mod snapshots;
mod sources;
mod sql;
mod stories;
mod tidy;
mod together;
mod waiting;
