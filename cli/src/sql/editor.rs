//! The line editor: multi-line input, completion, and a persistent history.

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::completion::complete;
use super::history::History;
use super::input::is_command;
use super::schema::TableSchema;
use super::statements::is_complete;
use crate::exit::Failure;

const PROMPT: &str = "mrrow> ";
const HISTORY_ENTRIES_MAX: usize = 2_000;

/// The result of one prompt.
pub(super) enum PromptResult {
    Text(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
}

/// A prompt with its history.
pub(super) struct Prompt {
    editor: Editor<EditorHelper, FileHistory>,
    history: History,
}

impl Prompt {
    pub(super) fn new(tables: Vec<TableSchema>) -> Result<Prompt, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .max_history_size(HISTORY_ENTRIES_MAX)
            .map_err(cannot_read)?
            .build();
        let mut editor = Editor::with_config(config).map_err(cannot_read)?;
        editor.set_helper(Some(EditorHelper { tables }));
        let history = History::load(&mut editor);
        Ok(Prompt { editor, history })
    }

    /// Reads a command, or complete statements.
    pub(super) fn read(&mut self) -> Result<PromptResult, Failure> {
        match self.editor.readline(PROMPT) {
            Ok(text) => {
                self.history.append(&mut self.editor, &text);
                Ok(PromptResult::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(PromptResult::Interrupt),
            Err(ReadlineError::Eof) => Ok(PromptResult::EndOfInput),
            Err(error) => Err(cannot_read(error)),
        }
    }
}

fn cannot_read(error: ReadlineError) -> Failure {
    Failure::other(format!("read from the terminal: {error}"))
}

/// Decides whether an input is complete, and completes names.
pub(super) struct EditorHelper {
    tables: Vec<TableSchema>,
}

impl Validator for EditorHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let is_whole = is_command(text) || is_complete(text);
        Ok(if is_whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for EditorHelper {
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

impl Hinter for EditorHelper {
    type Hint = String;
}

impl Highlighter for EditorHelper {}

impl Helper for EditorHelper {}
