//! Runs `mrrow serve` on a place's data directory.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::run::Place;

/// A server that answers; it is killed when it is dropped.
pub(crate) struct Served {
    process: Child,
    pub(crate) url: String,
    /// The admin key of a first start.
    pub(crate) first_key: Option<String>,
}

impl Served {
    pub(crate) fn start(place: &Place, args: &[&str]) -> Served {
        let args = [&["serve", "--listen", "127.0.0.1:0", "--log", "error"], args].concat();
        let mut process = place.command(&args).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut said, mut first_key) = (Vec::new(), None);
        let url = loop {
            let Some(line) = lines.next() else { panic!("the server did not start: {said:?}") };
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_string();
            }
            first_key = first_key.or(line.strip_prefix("admin key, shown this once: ").map(str::to_string));
            said.push(line);
        };
        // What it says from now on is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Served { process, url, first_key }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
