//! Shared parts of the benches: the demo company, a server process, its clients and their load.

mod demo;

mod process;

mod server;

mod client;

mod pushes;

pub use client::Client;
pub use demo::write_demo;
pub use process::{ProcessorClock, ProcessorTime, peak_memory, peak_memory_of};
pub use pushes::{Load, LoadResult, Until, push_one, run_load, setup_load};
pub use server::{Server, sibling_mrrow};
