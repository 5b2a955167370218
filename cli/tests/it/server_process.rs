//! Runs `mrrow serve` and sends requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::test_dir::TestDir;

/// A running server. Dropping it kills the process.
pub(crate) struct ServerProcess {
    process: Child,
    pub(crate) url: String,
    /// The admin key that the first start prints.
    pub(crate) first_key: Option<String>,
    log: Arc<Mutex<String>>,
}

impl ServerProcess {
    pub(crate) fn start(dir: &TestDir, args: &[&str]) -> ServerProcess {
        ServerProcess::run(dir.command(&["serve", "--listen", "127.0.0.1:0"]).args(args))
    }

    /// Runs a command that serves. It logs errors only, unless its arguments set another filter.
    pub(crate) fn run(command: &mut Command) -> ServerProcess {
        command.env("MRROW_LOG", "error").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut printed, mut first_key) = (Vec::new(), None);
        let url = loop {
            let Some(line) = lines.next() else { panic!("the server did not start: {printed:?}") };
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_string();
            }
            first_key =
                first_key.or(line.strip_prefix("admin key, shown this once: ").map(str::to_string));
            printed.push(line);
        };
        // Keep reading standard error, so that the server never blocks on a full pipe.
        let log = Arc::new(Mutex::new(String::new()));
        let reading = Arc::clone(&log);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| *reading.lock().unwrap() += &(line + "\n"));
        });
        ServerProcess { process, url, first_key, log }
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends the bytes of a request and returns the whole response.
    pub(crate) fn send_raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        // The write fails if the server rejects the request before its end.
        let _ = stream.write_all(request.as_bytes());
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        String::from_utf8_lossy(&response).into_owned()
    }

    /// Sends a request with the first key, and expects this status.
    pub(crate) fn request(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let (key, length) = (self.first_key.as_deref().unwrap_or_default(), body.len());
        let response = self.send_raw(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: \
             close\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method} {path}: {response}"
        );
        response
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Stops the server with SIGTERM, expects exit code 0 and returns the log.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{}", self.log());
        self.log()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
