//! The arguments of `mrrow sources`.

use clap::{Args, Subcommand};

use super::OutputArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Make a data source and print its id, alone
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
    /// Call a data source something else; its id stays
    Rename {
        /// The data source's id or name
        source: String,
        /// What it is to be called
        name: String,
    },
    /// Delete every record of a data source; it stays, and how it is fetched
    Reset {
        /// The data source's id or name
        source: String,
    },
    /// Delete a data source; what it has sent stays in the numbers unless it is to go too
    Delete {
        /// The data source's id or name
        source: String,
        /// Delete its records too
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
    /// What it is called
    pub(crate) name: String,
    /// Its id, which senders name; made up unless given
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// What feeds it: api, csv, manual, or the name of a billing system [default: api]
    #[arg(long)]
    pub(crate) kind: Option<String>,
}
