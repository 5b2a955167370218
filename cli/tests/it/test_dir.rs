//! Runs `mrrow` in a temporary directory.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A temporary directory, in which `mrrow` creates its data directory.
pub(crate) struct TestDir {
    dir: TempDir,
}

/// The exit code and output of a command.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl TestDir {
    pub(crate) fn new() -> TestDir {
        TestDir { dir: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A copy of all files. No process may write to them.
    pub(crate) fn copy(&self) -> TestDir {
        let copy = TestDir::new();
        copy_all(self.path(), copy.path());
        copy
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mrrow"));
        command.current_dir(self.path()).args(args).env_remove("MRROW_DATA").env("NO_COLOR", "1");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> CommandOutput {
        self.run_with_input(args, b"")
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> CommandOutput {
        self.finish(&mut self.command(args), input)
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, command: &mut Command, input: &[u8]) -> CommandOutput {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The write fails if the command reads no input and has ended.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command, expects exit code 0 and returns its standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.code, 0, "{args:?}: {}", output.err);
        output.out
    }

    pub(crate) fn import_sample(&self) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-data");
        self.ok(&["import", sample.to_str().unwrap()]);
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in from.read_dir().unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_all(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}
