//! A run of `mrrow` that is killed, unless it ends before.

use std::io::{Read, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run::Place;

/// What a killed run leaves to be seen.
#[derive(Debug)]
pub(super) struct Remains {
    /// It ended by itself, with exit code 0.
    pub(super) finished: bool,
    /// The acknowledgements that it has printed.
    pub(super) acknowledgements: Vec<Value>,
    /// How long it lived.
    pub(super) lived: Duration,
}

/// What standard input gets: each text after a pause.
pub(super) type Feed = Vec<(Duration, String)>;

/// Runs a command and kills it after so long; without a moment it is left alone.
pub(super) fn run(
    place: &Place,
    args: &[&str],
    feed: Feed,
    kill_after: Option<Duration>,
) -> Remains {
    let mut command = place.command(args);
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeding = thread::spawn(move || {
        for (pause, text) in feed {
            thread::sleep(pause);
            // A killed reader reads no more.
            let _ = input.write_all(text.as_bytes());
        }
    });
    let reading = thread::spawn({
        let mut output = child.stdout.take().unwrap();
        move || {
            let mut text = String::new();
            output.read_to_string(&mut text).unwrap();
            text
        }
    });
    let dies_at = kill_after.map(|after| started + after);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if dies_at.is_some_and(|dies_at| Instant::now() >= dies_at) {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    };
    let lived = started.elapsed();
    let output = reading.join().unwrap();
    feeding.join().unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(status.success() || status.code().is_none(), "{args:?} failed by itself: {errors}");
    Remains { finished: status.success(), acknowledgements: whole_lines(&output), lived }
}

/// The lines that have their end; of a killed run the last may not.
fn whole_lines(output: &str) -> Vec<Value> {
    let whole = output.rfind('\n').map_or("", |end| &output[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
