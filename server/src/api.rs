//! The handlers, by noun.

pub(crate) mod keys;
pub(crate) mod pulls;
pub(crate) mod sources;

pub(crate) mod imports;
pub(crate) mod push;

pub(crate) mod plan_groups;
pub(crate) mod records;

pub(crate) mod reads;
pub(crate) mod sql;

pub(crate) mod settings;
pub(crate) mod status;

pub(crate) mod health;
pub(crate) mod metrics;
