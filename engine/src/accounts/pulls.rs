//! Pulls: where and how the records of a data source are fetched.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{Pull, micros};
use crate::store::Store;

/// Sets the pull of a data source, in place of the one it has.
pub(crate) async fn set(
    store: &Store,
    data_source: &str,
    settings: Value,
    sealed_credentials: Option<Vec<u8>>,
) -> Result<Pull> {
    let (data_source, updated_at) = (data_source.to_string(), micros(store.now()));
    let pull = Pull { data_source, settings, sealed_credentials, updated_at };
    if store.catalog.set_pull(&pull).await? {
        return Ok(pull);
    }
    Err(Error::Argument(format!(
        "there is no data source \"{}\"; create it first",
        pull.data_source
    )))
}
