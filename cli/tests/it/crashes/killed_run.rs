//! A run of `mrrow` that is killed at a given time, unless it ends earlier.

use std::io::{Read, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::test_dir::TestDir;

/// The observable result of a run.
#[derive(Debug)]
pub(super) struct KilledRun {
    /// Whether it ended by itself with exit code 0.
    pub(super) finished: bool,
    /// The printed acknowledgements.
    pub(super) acknowledgements: Vec<Value>,
    /// The time from start to end.
    pub(super) duration: Duration,
}

/// The texts for standard input, each sent after a pause.
pub(super) type Feed = Vec<(Duration, String)>;

/// Runs a command and kills it after `kill_after`, if given.
pub(super) fn run(
    dir: &TestDir,
    args: &[&str],
    feed: Feed,
    kill_after: Option<Duration>,
) -> KilledRun {
    let mut command = dir.command(args);
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
            // The write fails after the kill.
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
    let killed_at = kill_after.map(|after| started + after);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if killed_at.is_some_and(|killed_at| Instant::now() >= killed_at) {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    };
    let duration = started.elapsed();
    let output = reading.join().unwrap();
    feeding.join().unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(status.success() || status.code().is_none(), "{args:?} failed by itself: {errors}");
    KilledRun { finished: status.success(), acknowledgements: whole_lines(&output), duration }
}

/// The complete lines; the last line of a killed run may be cut off.
fn whole_lines(output: &str) -> Vec<Value> {
    let whole = output.rfind('\n').map_or("", |end| &output[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
