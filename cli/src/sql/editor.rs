//! The line editor: when Enter ends what is typed, what Tab offers, and a history that outlives the
//! shell.

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::completion::complete;
use super::history::History;
use super::line::is_command;
use super::schema::Table;
use super::statements::is_complete;
use crate::exit::Failure;

const PROMPT: &str = "mrrow> ";
const HISTORY_ENTRIES_MAX: usize = 2_000;

/// What became of the prompt.
pub(super) enum Typed {
    Text(String),
    /// Ctrl-C.
    Dropped,
    /// Ctrl-D.
    Left,
}

/// A prompt with its history.
pub(super) struct Prompt {
    editor: Editor<Typing, FileHistory>,
    history: History,
}

impl Prompt {
    pub(super) fn new(tables: Vec<Table>) -> Result<Prompt, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .max_history_size(HISTORY_ENTRIES_MAX)
            .map_err(cannot_read)?
            .build();
        let mut editor = Editor::with_config(config).map_err(cannot_read)?;
        editor.set_helper(Some(Typing { tables }));
        let history = History::load(&mut editor);
        Ok(Prompt { editor, history })
    }

    /// Waits for a command or for whole statements.
    pub(super) fn read(&mut self) -> Result<Typed, Failure> {
        match self.editor.readline(PROMPT) {
            Ok(text) => {
                self.history.remember(&mut self.editor, &text);
                Ok(Typed::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Dropped),
            Err(ReadlineError::Eof) => Ok(Typed::Left),
            Err(error) => Err(cannot_read(error)),
        }
    }
}

fn cannot_read(error: ReadlineError) -> Failure {
    Failure::other(format!("read from the terminal: {error}"))
}

/// Helps while a line is typed.
pub(super) struct Typing {
    tables: Vec<Table>,
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let ends = is_command(text) || is_complete(text);
        Ok(if ends { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Typing {
    type Candidate = String;

    fn complete(
        &self,
        text: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.tables, text, cursor))
    }
}

impl Hinter for Typing {
    type Hint = String;
}

impl Highlighter for Typing {}

impl Helper for Typing {}
