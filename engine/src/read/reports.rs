//! The reports: each a fixed SQL file over the public tables, and its parameters.

mod movements;
mod mrr;
mod periods;
mod subscribers;

pub use movements::MovementsQuery;
pub use mrr::MrrQuery;
pub use periods::{Interval, PERIODS_MAX};
pub use subscribers::LivesQuery;

pub(crate) use movements::movements;
pub(crate) use mrr::mrr;
pub(crate) use subscribers::lives;
