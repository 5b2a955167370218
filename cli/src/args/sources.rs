//! The arguments of `mrrow sources`.

use clap::{Args, Subcommand};

use super::OutputArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Create a data source and print its id
    Create(CreateSourceArgs),
    /// List the data sources
    List(OutputArgs),
    /// Print one data source
    Show {
        /// The data source's id or name
        source: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Change the name of a data source; its id stays
    Rename {
        /// The data source's id or name
        source: String,
        /// The new name
        name: String,
    },
    /// Delete all records of a data source, but not the data source or its pull
    Reset {
        /// The data source's id or name
        source: String,
    },
    /// Delete a data source; its records stay in the numbers unless --with-data is given
    Delete {
        /// The data source's id or name
        source: String,
        /// Also delete its records
        #[arg(long)]
        with_data: bool,
    },
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  mrrow sources create \"Our shop\"
  mrrow sources create \"Our shop\" --id shop")]
pub(crate) struct CreateSourceArgs {
    /// The name
    pub(crate) name: String,
    /// The id, which senders use [default: a generated id]
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// The kind of system behind it: api, csv, manual, or a billing system's name [default: api]
    #[arg(long)]
    pub(crate) kind: Option<String>,
}
