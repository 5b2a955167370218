//! A row of the id index.

/// The last version of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownId {
    pub(crate) sequence: i64,
    pub(crate) hash: [u8; 16],
    /// The id was deleted.
    pub(crate) deleted: bool,
    /// Of an invoice.
    pub(crate) customer_id: Option<String>,
    /// Of a plan.
    pub(crate) currency: Option<String>,
}
