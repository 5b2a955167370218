//! The configuration file `mrrow.toml`. Options and environment variables take precedence over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::Failure;

const FILE_DEFAULT: &str = "mrrow.toml";

/// The content of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// The data directory.
    pub(crate) data: Option<PathBuf>,
    /// Memory budget of computations in MiB.
    pub(crate) memory_mib: Option<u32>,
    pub(crate) serve: ServeSection,
}

/// The section `[serve]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeSection {
    pub(crate) listen: Option<String>,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) pull_allow: Option<Vec<String>>,
    pub(crate) secret_key_file: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) log_format: Option<String>,
    /// Limits by name; the others have their defaults.
    pub(crate) limits: BTreeMap<String, u64>,
}

/// Reads the named file, or `mrrow.toml` of the working directory if it exists.
pub(crate) fn read(named: Option<&Path>) -> Result<ConfigFile, Failure> {
    let path = named.unwrap_or(Path::new(FILE_DEFAULT));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(ConfigFile::default());
        }
        Err(error) => return Err(Failure::usage(format!("read \"{}\": {error}", path.display()))),
    };
    toml::from_str(&text)
        .map_err(|error| Failure::usage(format!("\"{}\": {error}", path.display())))
}
