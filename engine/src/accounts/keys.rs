//! API keys. Only a hash of a key is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::{ApiKey, NewKey, check_name, micros};
use crate::store::Store;

/// The prefix of every key, so that a scanner for leaked secrets can recognize one.
const PREFIX: &str = "mrrow_";

/// Bytes of its hash that make the id of a key.
const ID_BYTES: usize = 6;

/// Creates a key of 32 random bytes, and returns it with its text.
pub(crate) async fn create(
    store: &Store,
    new: &NewKey,
    secret: [u8; 32],
) -> Result<(ApiKey, String)> {
    check_name("key", &new.name)?;
    let created_at = micros(store.now());
    if new.expires_at.is_some_and(|expires_at| expires_at <= created_at) {
        return Err(Error::Argument(
            "the key would have expired already; name an instant to come".to_string(),
        ));
    }
    let data_sources = match &new.data_sources {
        Some(sources) => Some(ids_of(store, sources).await?),
        None => None,
    };
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let hash = Sha256::digest(text.as_bytes());
    let id: String = hash[..ID_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    let key = ApiKey {
        id: format!("key_{id}"),
        name: new.name.clone(),
        role: new.role,
        data_sources,
        created_at,
        expires_at: new.expires_at.map(micros),
        revoked_at: None,
    };
    store.catalog.insert_key(&key, &hash).await?;
    Ok((key, text))
}

/// Revokes the key with this id or name; none when there is no such key.
pub(crate) async fn revoke(store: &Store, id_or_name: &str) -> Result<Option<ApiKey>> {
    let keys = store.catalog.keys().await?;
    match find(&keys, id_or_name)? {
        Some(key) => store.catalog.revoke_key(&key.id, store.now()).await,
        None => Ok(None),
    }
}

/// The key with this text, also when it is expired or revoked.
pub(crate) async fn with_text(store: &Store, text: &str) -> Result<Option<ApiKey>> {
    store.catalog.key_with(&Sha256::digest(text.as_bytes())).await
}

/// The key with this id or, if there is none, the only one with this name that is not revoked, or
/// the newest revoked one.
fn find<'k>(keys: &'k [ApiKey], id_or_name: &str) -> Result<Option<&'k ApiKey>> {
    if let Some(key) = keys.iter().find(|key| key.id == id_or_name) {
        return Ok(Some(key));
    }
    let named: Vec<&ApiKey> = keys.iter().filter(|key| key.name == id_or_name).collect();
    let open: Vec<&ApiKey> = named.iter().copied().filter(|key| key.revoked_at.is_none()).collect();
    if open.len() > 1 {
        let ids: Vec<_> = open.iter().map(|key| key.id.as_str()).collect();
        return Err(Error::Argument(format!(
            "several keys are called \"{id_or_name}\"; name one by its id: {}",
            ids.join(", ")
        )));
    }
    Ok(open.first().or(named.last()).copied())
}

/// The ids of data sources, all of which must exist.
async fn ids_of(store: &Store, sources: &[String]) -> Result<Vec<String>> {
    if sources.is_empty() {
        return Err(Error::Argument(
            "a restricted key needs a data source; name one, or leave it open".to_string(),
        ));
    }
    let (mut ids, mut unknown) = (Vec::with_capacity(sources.len()), Vec::new());
    for source in sources {
        match store.catalog.data_source(source).await? {
            Some(source) if ids.contains(&source.id) => {}
            Some(source) => ids.push(source.id),
            None => unknown.push(format!("\"{source}\"")),
        }
    }
    if unknown.is_empty() {
        return Ok(ids);
    }
    Err(Error::Argument(format!("there is no data source {}; create it first", unknown.join(", "))))
}
