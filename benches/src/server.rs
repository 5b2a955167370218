//! The measured server: a `mrrow serve` process with its own data directory and port.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::demo::write_demo;

/// The data source of all pushes.
pub(crate) const SOURCE: &str = "load";

/// A running server. Dropping it kills the process.
pub struct Server {
    process: Child,
    pub(crate) address: String,
    pub(crate) key: String,
}

/// The `mrrow` binary in the directory of this program.
pub fn sibling_mrrow() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    Ok(program.with_file_name("mrrow").with_extension(std::env::consts::EXE_EXTENSION))
}

impl Server {
    /// Imports a demo company with about this number of invoices, and serves it.
    pub fn start(mrrow: &Path, data: &Path, invoices: u64) -> Result<Server, Box<dyn Error>> {
        let run = |args: &[&str]| {
            let mut command = Command::new(mrrow);
            command.arg("--data").arg(data).args(args);
            command
        };
        if invoices > 0 {
            let books = data.with_file_name("books");
            write_demo(mrrow, &books, invoices)?;
            let mut import = run(&["import"]);
            succeed(import.arg(&books).stdout(Stdio::null()).stderr(Stdio::null()))?;
            std::fs::remove_dir_all(&books)?;
        }
        succeed(run(&["sources", "create", SOURCE, "--id", SOURCE]).stdout(Stdio::null()))?;
        let created = run(&["keys", "create", "--name", "load", "--role", "admin"]).output()?;
        let key = String::from_utf8(created.stdout)?.trim().to_string();
        let mut process = run(&["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().ok_or("the server has no standard error")?;
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .ok_or(format!("the server did not start: {line}"))?;
        Ok(Server { process, address: address.to_string(), key })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Kills the server.
    pub fn stop(mut self) -> Result<(), Box<dyn Error>> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails after `stop`, when the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn succeed(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
