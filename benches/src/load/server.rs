//! The server that is measured: the sibling binary, on a directory and a port of its own.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::demo;

pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    pub(crate) key: String,
}

/// The data source that is pushed to.
pub(crate) const SOURCE: &str = "load";

impl Server {
    /// Imports a demo company of about so many invoices, and serves it.
    pub(crate) fn start(data: &Path, invoices: u64) -> Result<Server, Box<dyn Error>> {
        if invoices > 0 {
            let books = data.with_file_name("books");
            demo::write(&books, invoices)?;
            succeed(
                mrrow(data)?.arg("import").arg(&books).stdout(Stdio::null()).stderr(Stdio::null()),
            )?;
            std::fs::remove_dir_all(&books)?;
        }
        succeed(
            mrrow(data)?.args(["sources", "create", SOURCE, "--id", SOURCE]).stdout(Stdio::null()),
        )?;
        let created =
            mrrow(data)?.args(["keys", "create", "--name", "load", "--role", "admin"]).output()?;
        let key = String::from_utf8(created.stdout)?.trim().to_string();
        let mut process = mrrow(data)?
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().ok_or("the server has no standard error")?;
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .ok_or(format!("the server said: {line}"))?;
        Ok(Server { process, address: address.to_string(), key })
    }

    /// The most memory the server has had so far.
    pub(crate) fn memory(&self) -> Result<String, Box<dyn Error>> {
        crate::memory::peak_of(self.process.id())
    }

    pub(crate) fn stop(mut self) -> Result<(), Box<dyn Error>> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where the measurement failed; a server that was stopped cannot be killed again.
        let _ = self.process.kill();
    }
}

fn mrrow(data: &Path) -> Result<Command, Box<dyn Error>> {
    let binary: PathBuf = std::env::current_exe()?.with_file_name("mrrow");
    let mut command = Command::new(binary);
    command.arg("--data").arg(data);
    Ok(command)
}

fn succeed(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
