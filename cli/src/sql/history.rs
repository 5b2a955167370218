//! The history of the shell in a file. The shell works without one.

use std::ffi::OsString;
use std::path::PathBuf;

use rustyline::history::FileHistory;
use rustyline::{Editor, Helper};

/// The history file, if the environment gives it a place.
pub(super) struct History {
    file: Option<PathBuf>,
}

impl History {
    /// Loads the history into the editor.
    pub(super) fn load<H: Helper>(editor: &mut Editor<H, FileHistory>) -> History {
        let file = history_file(|name| std::env::var_os(name));
        if let Some(file) = &file {
            if let Some(dir) = file.parent() {
                let _ = std::fs::create_dir_all(dir);
            }
            // A missing or unreadable history is no error.
            let _ = editor.load_history(file);
        }
        History { file }
    }

    /// Appends an input to the file at once, so that a killed shell loses nothing.
    pub(super) fn append<H: Helper>(&self, editor: &mut Editor<H, FileHistory>, text: &str) {
        let is_new = editor.add_history_entry(text.trim_end()).unwrap_or(false);
        if let Some(file) = &self.file
            && is_new
        {
            let _ = editor.append_history(file);
        }
    }
}

/// `MRROW_HISTORY` (no file if it is empty), else `sql_history` in the directory for program
/// state.
fn history_file(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(file) = variable("MRROW_HISTORY") {
        return Some(PathBuf::from(file)).filter(|file| !file.as_os_str().is_empty());
    }
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"))?;
    Some(state.join("mrrow").join("sql_history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        assert_eq!(history_file(variable), expected.map(PathBuf::from), "{variables:?}");
    }

    #[test]
    fn environment_chooses_the_history_file() {
        let home = ("HOME", "/home/a");
        check(&[home], Some("/home/a/.local/state/mrrow/sql_history"));
        check(&[home, ("XDG_STATE_HOME", "/s")], Some("/s/mrrow/sql_history"));
        check(&[home, ("XDG_STATE_HOME", "s")], Some("/home/a/.local/state/mrrow/sql_history"));
        check(&[home, ("MRROW_HISTORY", "h")], Some("h"));
        check(&[home, ("MRROW_HISTORY", "")], None);
        check(&[], None);
    }
}
