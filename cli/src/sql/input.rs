//! Input at the prompt: a command of the shell, or SQL.

/// One input: a command of the shell, or SQL statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShellInput<'t> {
    Empty,
    Quit,
    Help,
    Tables,
    Table(&'t str),
    Format(Option<&'t str>),
    Rows(Option<&'t str>),
    Timing(Option<&'t str>),
    Unknown(&'t str),
    Sql(&'t str),
}

/// The help of `\?`.
pub(super) const HELP: &str = r"Input at the prompt:
  SELECT …;          run a query; it may span lines and ends with a semicolon
  \d [TABLE]         list the tables, or the columns of one table (.tables, .schema)
  \format [FORMAT]   set the output format: table, csv, tsv, json, ndjson or markdown (.mode)
  \rows [N|all]      set the maximum number of printed rows of a table (.maxrows)
  \timing [on|off]   show or hide the time of a query (.timer)
  \?                 show this help (help, .help)
  \q                 quit (quit, exit, .quit, Ctrl-D)
Ctrl-C discards the input, or cancels the running query. Tab completes names.
Every query reads the newest snapshot, unless --snapshot or --known-at chose another.";

/// Every command with a backslash, for completion.
pub(super) const COMMANDS: [&str; 6] = [r"\?", r"\d", r"\format", r"\q", r"\rows", r"\timing"];

/// Parses an input.
pub(super) fn parse(text: &str) -> ShellInput<'_> {
    let text = text.trim();
    if !is_command(text) {
        return if text.is_empty() { ShellInput::Empty } else { ShellInput::Sql(text) };
    }
    let (name, argument) =
        text.trim_end_matches(';').split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = Some(argument.trim()).filter(|argument| !argument.is_empty());
    match (name.trim_end_matches(';'), argument) {
        (r"\q" | r"\quit" | r"\exit" | ".quit" | ".exit" | ".q" | "quit" | "exit", None) => {
            ShellInput::Quit
        }
        (r"\?" | r"\h" | r"\help" | ".help" | "help", None) => ShellInput::Help,
        (r"\d" | r"\dt" | ".tables" | ".schema", None) => ShellInput::Tables,
        (r"\d" | ".schema", Some(table)) => ShellInput::Table(table),
        (r"\format" | ".mode", argument) => ShellInput::Format(argument),
        (r"\rows" | ".maxrows", argument) => ShellInput::Rows(argument),
        (r"\timing" | ".timer", argument) => ShellInput::Timing(argument),
        _ => ShellInput::Unknown(text),
    }
}

/// Whether the input is a command of the shell, which needs no semicolon.
pub(super) fn is_command(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('\\')
        || text.starts_with('.')
        || matches!(text.trim_end_matches(';'), "quit" | "exit" | "help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_psql_and_duckdb_are_parsed() {
        for (text, expected) in [
            ("  ", ShellInput::Empty),
            ("select 1;", ShellInput::Sql("select 1;")),
            ("helpful;", ShellInput::Sql("helpful;")),
            (r"\q", ShellInput::Quit),
            ("exit;", ShellInput::Quit),
            (".quit", ShellInput::Quit),
            (r"\?", ShellInput::Help),
            (r"\d", ShellInput::Tables),
            (r"\d  movements ; ", ShellInput::Table("movements")),
            (".tables", ShellInput::Tables),
            (r"\format csv", ShellInput::Format(Some("csv"))),
            (r"\format;", ShellInput::Format(None)),
            (".mode json", ShellInput::Format(Some("json"))),
            (r"\rows all", ShellInput::Rows(Some("all"))),
            (r"\timing off", ShellInput::Timing(Some("off"))),
            (r"\x", ShellInput::Unknown(r"\x")),
            (r"\q now", ShellInput::Unknown(r"\q now")),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
