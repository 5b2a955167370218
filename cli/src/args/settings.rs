//! The arguments of `mrrow settings`.

use clap::Subcommand;

use super::OutputArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Print one setting
    Get {
        /// The setting's name
        name: String,
    },
    /// Change one setting, and recompute the numbers that depend on it
    Set {
        /// The setting's name
        name: String,
        /// Its value; an empty base_currency unsets it
        value: String,
    },
    /// Print all settings
    List(OutputArgs),
}
