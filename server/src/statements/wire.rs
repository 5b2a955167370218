//! What the server and the child say to each other: one request in, frames out.
//!
//! Out come the word that the request was taken, data, and then exactly one last frame: the end, or
//! a failure. A stream that stops without one comes from a child that died.

use std::io::{self, Read, Write};
use std::time::Duration;

use mrrow_engine::PortableSnapshot;
use serde::{Deserialize, Serialize};

use crate::rows::Format;

/// The longest request: a statement, and the paths of a snapshot's files.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest frame.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A statement and what it may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) format: Format,
    pub(crate) rows_max: Option<u64>,
    pub(crate) time: Duration,
}

/// What the child is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) statement: Statement,
    pub(crate) snapshot: PortableSnapshot,
    pub(crate) memory_bytes: usize,
    pub(crate) threads: usize,
}

/// What the child answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Frame {
    /// The request was read, and what the process must not do cannot be done any more.
    Taken,
    Data(Vec<u8>),
    End(End),
    Failure(Failure),
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) truncated: bool,
}

/// Why there is none, or no whole one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FailureKind {
    Invalid,
    NotAllowed,
    Limit,
    Internal,
}

const DATA: u8 = b'D';
const WORD: u8 = b'W';

/// The request as it is sent.
pub(crate) fn job_bytes(job: &Job) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(job)?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= REQUEST_BYTES_MAX);
    let length = length
        .ok_or_else(|| io::Error::other("the snapshot has too many files for a statement"))?;
    Ok([&length.to_le_bytes()[..], &body].concat())
}

pub(crate) fn read_job(from: &mut impl Read) -> io::Result<Job> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > REQUEST_BYTES_MAX {
        return Err(io::Error::other("the request is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

pub(crate) fn write_frame(to: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let word;
    let (kind, body) = match frame {
        Frame::Data(bytes) => (DATA, bytes.as_slice()),
        frame => {
            word = serde_json::to_vec(frame)?;
            (WORD, word.as_slice())
        }
    };
    for part in body.chunks(FRAME_BYTES_MAX) {
        to.write_all(&[kind])?;
        // A part is no longer than a frame may be.
        to.write_all(&(part.len() as u32).to_le_bytes())?;
        to.write_all(part)?;
    }
    to.flush()
}

/// What a frame's first five bytes say of it: whether it is data or a word, and how long it is.
pub(crate) fn frame_head(head: [u8; 5]) -> io::Result<(bool, usize)> {
    let [kind, length @ ..] = head;
    let length = u32::from_le_bytes(length) as usize;
    if ![DATA, WORD].contains(&kind) || length > FRAME_BYTES_MAX {
        return Err(io::Error::other("the child does not speak as it should"));
    }
    Ok((kind == WORD, length))
}

/// A frame of its body.
pub(crate) fn frame(is_word: bool, body: Vec<u8>) -> io::Result<Frame> {
    match is_word {
        false => Ok(Frame::Data(body)),
        true => Ok(serde_json::from_slice(&body)?),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_as_they_were_sent() {
        let failure = Failure { kind: FailureKind::Limit, message: "too \"much\"".to_string() };
        for sent in [
            Frame::Taken,
            Frame::Data(vec![0, 1, 255]),
            Frame::End(End { truncated: true }),
            Frame::Failure(failure),
        ] {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &sent).unwrap();
            let (is_word, length) = frame_head(bytes[..5].try_into().unwrap()).unwrap();
            assert_eq!(length, bytes.len() - 5);
            assert_eq!(frame(is_word, bytes[5..].to_vec()).unwrap(), sent);
        }
        assert!(frame_head([b'X', 0, 0, 0, 0]).is_err());
        assert!(frame_head([DATA, 255, 255, 255, 255]).is_err());
    }
}
