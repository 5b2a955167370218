//! What is typed at the prompt: a command of the shell, or SQL.

/// One command of the shell, or statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'t> {
    Nothing,
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

/// What `\?` prints.
pub(super) const HELP: &str = r"  SELECT …;          a query, over as many lines as it needs, up to its semicolon
  \d [TABLE]         the tables, or the columns of one (.tables, .schema)
  \format [FORMAT]   how rows are printed: table, csv, tsv, json, ndjson or markdown (.mode)
  \rows [N|all]      how many rows of a table are printed (.maxrows)
  \timing [on|off]   whether the time is printed (.timer)
  \?                 this help (help, .help)
  \q                 leave (quit, exit, .quit, Ctrl-D)
Ctrl-C drops the line, or stops the running query. Tab completes names. Every statement reads the newest snapshot.";

/// Every command with a backslash, for completion.
pub(super) const COMMANDS: [&str; 6] = [r"\?", r"\d", r"\format", r"\q", r"\rows", r"\timing"];

/// Tells what a text is.
pub(super) fn read(text: &str) -> Line<'_> {
    let text = text.trim();
    if !is_command(text) {
        return if text.is_empty() { Line::Nothing } else { Line::Sql(text) };
    }
    let (name, argument) =
        text.trim_end_matches(';').split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = Some(argument.trim()).filter(|argument| !argument.is_empty());
    match (name.trim_end_matches(';'), argument) {
        (r"\q" | r"\quit" | r"\exit" | ".quit" | ".exit" | ".q" | "quit" | "exit", None) => {
            Line::Quit
        }
        (r"\?" | r"\h" | r"\help" | ".help" | "help", None) => Line::Help,
        (r"\d" | r"\dt" | ".tables" | ".schema", None) => Line::Tables,
        (r"\d" | ".schema", Some(table)) => Line::Table(table),
        (r"\format" | ".mode", argument) => Line::Format(argument),
        (r"\rows" | ".maxrows", argument) => Line::Rows(argument),
        (r"\timing" | ".timer", argument) => Line::Timing(argument),
        _ => Line::Unknown(text),
    }
}

/// Whether a text is for the shell itself, so that its line ends it.
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
    fn commands_are_those_of_psql_and_of_duckdb() {
        for (text, expected) in [
            ("  ", Line::Nothing),
            ("select 1;", Line::Sql("select 1;")),
            ("helpful;", Line::Sql("helpful;")),
            (r"\q", Line::Quit),
            ("exit;", Line::Quit),
            (".quit", Line::Quit),
            (r"\?", Line::Help),
            (r"\d", Line::Tables),
            (r"\d  movements ; ", Line::Table("movements")),
            (".tables", Line::Tables),
            (r"\format csv", Line::Format(Some("csv"))),
            (r"\format;", Line::Format(None)),
            (".mode json", Line::Format(Some("json"))),
            (r"\rows all", Line::Rows(Some("all"))),
            (r"\timing off", Line::Timing(Some("off"))),
            (r"\x", Line::Unknown(r"\x")),
            (r"\q now", Line::Unknown(r"\q now")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
