//! Exit codes, and the one place that prints errors.

use std::io::Write;
use std::process::ExitCode;

/// The exit codes, as `--help` lists them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  success
  1  failure
  2  wrong usage
  3  rows were rejected (with --on-error abort their import or request stored nothing)
  7  verification found a difference";

/// The result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Success.
    Done,
    /// Rows were rejected.
    Rejected,
    /// Verification found a difference.
    Mismatch,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> ExitCode {
        ExitCode::from(match code {
            Code::Done => 0,
            Code::Rejected => 3,
            Code::Mismatch => 7,
        })
    }
}

/// The error of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of standard output is gone, as in `mrrow ... | head`: no error to the user.
    BrokenPipe,
    /// Invalid arguments.
    Usage(String),
    /// Any other error.
    Other(String),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::Usage(message.into())
    }

    pub(crate) fn other(message: impl Into<String>) -> Failure {
        Failure::Other(message.into())
    }

    /// Adds the place of the error.
    pub(crate) fn within(self, place: &str) -> Failure {
        match self {
            Failure::BrokenPipe => Failure::BrokenPipe,
            Failure::Usage(message) => Failure::Usage(format!("{place}: {message}")),
            Failure::Other(message) => Failure::Other(format!("{place}: {message}")),
        }
    }
}

impl From<mrrow_engine::Error> for Failure {
    fn from(error: mrrow_engine::Error) -> Failure {
        match error {
            mrrow_engine::Error::Argument(_)
            | mrrow_engine::Error::TooLarge(_)
            | mrrow_engine::Error::Setting(_) => Failure::Usage(error.to_string()),
            _ => Failure::Other(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::BrokenPipe;
        }
        Failure::Other(format!("write the output: {error}"))
    }
}

/// Prints a failure and turns it into its exit code.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    let (code, message) = match failure {
        Failure::BrokenPipe => return ExitCode::SUCCESS,
        Failure::Usage(message) => (2, message),
        Failure::Other(message) => (1, message),
    };
    // Without a standard error only the exit code remains.
    let _ = writeln!(std::io::stderr(), "mrrow: {message}");
    ExitCode::from(code)
}
