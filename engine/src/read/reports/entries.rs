//! The entries of the registry, one report a file.

pub(super) mod movements;
pub(super) mod mrr;
pub(super) mod subscribers;
