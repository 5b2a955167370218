//! Where what was typed is kept, for its owner only; a shell without it works all the same.

use std::ffi::OsString;
use std::path::PathBuf;

use rustyline::history::FileHistory;
use rustyline::{Editor, Helper};

/// The file of the history, if there is a place for one.
pub(super) struct History {
    file: Option<PathBuf>,
}

impl History {
    /// Lets the editor recall what was typed before.
    pub(super) fn load<H: Helper>(editor: &mut Editor<H, FileHistory>) -> History {
        let file = place(|name| std::env::var_os(name));
        if let Some(file) = &file {
            if let Some(dir) = file.parent() {
                let _ = std::fs::create_dir_all(dir);
            }
            // There is none yet, or it cannot be read; both are no reason to stay away.
            let _ = editor.load_history(file);
        }
        History { file }
    }

    /// Adds what was typed, at once: a shell that is killed has forgotten nothing.
    pub(super) fn remember<H: Helper>(&self, editor: &mut Editor<H, FileHistory>, text: &str) {
        let is_new = editor.add_history_entry(text.trim_end()).unwrap_or(false);
        if let Some(file) = &self.file
            && is_new
        {
            let _ = editor.append_history(file);
        }
    }
}

/// `MRROW_HISTORY` (nowhere, if it is empty), else `sql_history` in the directory for the state of
/// programs.
fn place(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
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
        assert_eq!(place(variable), expected.map(PathBuf::from), "{variables:?}");
    }

    #[test]
    fn the_history_has_the_place_that_the_environment_names() {
        let home = ("HOME", "/home/a");
        check(&[home], Some("/home/a/.local/state/mrrow/sql_history"));
        check(&[home, ("XDG_STATE_HOME", "/s")], Some("/s/mrrow/sql_history"));
        check(&[home, ("XDG_STATE_HOME", "s")], Some("/home/a/.local/state/mrrow/sql_history"));
        check(&[home, ("MRROW_HISTORY", "h")], Some("h"));
        check(&[home, ("MRROW_HISTORY", "")], None);
        check(&[], None);
    }
}
