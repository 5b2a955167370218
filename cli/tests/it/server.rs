//! A `mrrow serve` on a place, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::run::Place;

/// A server that is killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
    pub(crate) key: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// A first start, which shows its key.
    pub(crate) fn start(place: &Place, args: &[&str]) -> Server {
        let server = Server::again(place, args);
        assert!(server.key.starts_with("mrrow_"), "no key was shown");
        server
    }

    /// A start; the key is empty unless it is the first.
    pub(crate) fn again(place: &Place, args: &[&str]) -> Server {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        Server::run(command.args(args))
    }

    pub(crate) fn run(command: &mut Command) -> Server {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut key, mut seen) = (String::new(), String::new());
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("the server did not start: {seen}")).unwrap();
            if let Some(shown) = line.strip_prefix("admin key, shown this once: ") {
                key = shown.to_string();
            }
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_string();
            }
            seen.push_str(&line);
        };
        let log = Arc::new(Mutex::new(String::new()));
        let writing = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = writing.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Server { process, address, key, log }
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a request as it is written and returns everything that is answered.
    pub(crate) fn say(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request with the key; the answer must have this status.
    pub(crate) fn ask(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let (key, length) = (&self.key, body.len());
        let answer = self.say(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        ));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        answer
    }

    /// Sends a signal, such as TERM.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Waits for its end, and returns its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Stops it as a service manager would, and expects that it ends well.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.ended(), Some(0), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
