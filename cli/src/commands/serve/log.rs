//! The log of a server, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::exit::Failure;

/// Starts the log with a filter such as `info` or `warn,mrrow=debug`. Without a format it is text
/// on a terminal and JSON elsewhere.
pub(super) fn start(filter: &str, format: Option<LogFormat>) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!(
            "\"{filter}\" is not a log filter: {error}; \
             use a level such as info, or target=level separated by commas"
        ))
    })?;
    let on_terminal = std::io::stderr().is_terminal();
    let format = format.unwrap_or(if on_terminal { LogFormat::Text } else { LogFormat::Json });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.with_ansi(on_terminal).try_init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
    };
    started.map_err(|error| Failure::other(format!("start the log: {error}")))
}
