//! Runs `mrrow serve` on a place's data directory, and sends requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::run::Place;

/// A server that answers; it is killed when it is dropped.
pub(crate) struct Served {
    process: Child,
    pub(crate) url: String,
    /// The admin key of a first start.
    pub(crate) first_key: Option<String>,
    log: Arc<Mutex<String>>,
}

impl Served {
    pub(crate) fn start(place: &Place, args: &[&str]) -> Served {
        Served::run(place.command(&["serve", "--listen", "127.0.0.1:0"]).args(args))
    }

    /// Runs a command that serves. It logs errors unless it is told otherwise.
    pub(crate) fn run(command: &mut Command) -> Served {
        command.env("MRROW_LOG", "error").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut said, mut first_key) = (Vec::new(), None);
        let url = loop {
            let Some(line) = lines.next() else { panic!("the server did not start: {said:?}") };
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_string();
            }
            first_key =
                first_key.or(line.strip_prefix("admin key, shown this once: ").map(str::to_string));
            said.push(line);
        };
        // What it says from now on is read, so that it never waits for a reader.
        let log = Arc::new(Mutex::new(String::new()));
        let reading = Arc::clone(&log);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| *reading.lock().unwrap() += &(line + "\n"));
        });
        Served { process, url, first_key, log }
    }

    /// Everything that was logged since it answers.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a request as it is written and returns everything that is answered.
    pub(crate) fn say(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        // A server that has heard enough does not read on.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request with the first key; the answer must have this status.
    pub(crate) fn ask(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let (key, length) = (self.first_key.as_deref().unwrap_or_default(), body.len());
        let answer = self.say(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        ));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        answer
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Stops it as a service manager would, and returns what it has logged; it must end well.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{}", self.log());
        self.log()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
