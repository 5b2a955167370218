//! API keys: who may do what with which data sources, and until when. Of a key itself only a hash
//! is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::model::check_name;
use crate::model::micros;
use crate::model::{ApiKey, NewKey};

/// What every key begins with, so that a key that got out is known as one of ours.
const PREFIX: &str = "mrrow_";

/// Bytes of its hash by which a key is named.
const ID_BYTES: usize = 6;

impl Engine {
    /// Makes a key of 32 random bytes. The text is the key: it is not stored and can be had here
    /// only.
    ///
    /// # Errors
    /// When the name is empty, a data source is unknown, or the end is not to come.
    pub async fn create_key(&self, new: &NewKey, secret: [u8; 32]) -> Result<(ApiKey, String)> {
        check_name("key", &new.name)?;
        let created_at = micros(self.store.now());
        if new.expires_at.is_some_and(|expires_at| expires_at <= created_at) {
            return Err(Error::Argument(
                "the key would have expired already; name an instant to come".to_string(),
            ));
        }
        let data_sources = match &new.data_sources {
            Some(sources) => Some(self.ids_of(sources).await?),
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
        self.store.catalog.insert_key(&key, &hash).await?;
        Ok((key, text))
    }

    /// All keys, revoked ones too, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.store.catalog.keys().await
    }

    /// Ends a key, which is named by its id or its name; none when there is no such key.
    ///
    /// # Errors
    /// When several keys that are not revoked have the name.
    pub async fn revoke_key(&self, id_or_name: &str) -> Result<Option<ApiKey>> {
        let keys = self.keys().await?;
        let named: Vec<_> = keys.iter().filter(|key| key.name == id_or_name).collect();
        let open: Vec<_> = named.iter().copied().filter(|key| key.revoked_at.is_none()).collect();
        let key = match keys.iter().find(|key| key.id == id_or_name) {
            Some(key) => Some(key),
            None if open.len() > 1 => {
                let ids: Vec<_> = open.iter().map(|key| key.id.as_str()).collect();
                let message = format!(
                    "several keys are called \"{id_or_name}\"; name one by its id: {}",
                    ids.join(", ")
                );
                return Err(Error::Argument(message));
            }
            None => open.first().or(named.last()).copied(),
        };
        match key {
            Some(key) => self.store.catalog.revoke_key(&key.id, self.store.now()).await,
            None => Ok(None),
        }
    }

    /// The key with this text, whatever has become of it: see [`ApiKey::is_valid_at`].
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn key_of(&self, text: &str) -> Result<Option<ApiKey>> {
        self.store.catalog.key_with(&Sha256::digest(text.as_bytes())).await
    }

    /// The key with this text, if it is valid now.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn valid_key(&self, text: &str) -> Result<Option<ApiKey>> {
        let key = self.key_of(text).await?;
        Ok(key.filter(|key| key.is_valid_at(self.store.now())))
    }

    /// The ids of data sources, all of which must be there.
    async fn ids_of(&self, sources: &[String]) -> Result<Vec<String>> {
        if sources.is_empty() {
            return Err(Error::Argument(
                "a restricted key needs a data source; name one, or leave it open".to_string(),
            ));
        }
        let (mut ids, mut unknown) = (Vec::with_capacity(sources.len()), Vec::new());
        for source in sources {
            match self.data_source(source).await? {
                Some(source) if ids.contains(&source.id) => {}
                Some(source) => ids.push(source.id),
                None => unknown.push(format!("\"{source}\"")),
            }
        }
        if unknown.is_empty() {
            return Ok(ids);
        }
        Err(Error::Argument(format!(
            "there is no data source {}; create it first",
            unknown.join(", ")
        )))
    }
}
