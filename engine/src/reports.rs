//! The reports: each a fixed SQL file over the public tables, and its parameters.

mod lives;
mod movements;
mod mrr;
mod periods;

pub use lives::LivesQuery;
pub use movements::MovementsQuery;
pub use mrr::MrrQuery;
pub use periods::{Interval, PERIODS_MAX};

pub(crate) use lives::lives;
pub(crate) use movements::movements;
pub(crate) use mrr::mrr;
