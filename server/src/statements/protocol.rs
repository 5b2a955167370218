//! The protocol between the server and a worker: one request on stdin, frames on stdout.
//!
//! The worker sends `Confined`, the columns, rows, and exactly one last frame: the end or a
//! failure. Frames that stop without a last one come from a worker that died.

use std::io::{self, Read, Write};
use std::time::Duration;

use mrrow_engine::PortableSnapshot;
use serde::{Deserialize, Serialize};

use super::failure::StatementFailure;
use crate::rows::RowFormat;

/// The longest request: a statement, and the paths of a snapshot's files.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest frame.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A statement with its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    /// The encoding of the rows. In JSON each row is an array, with commas between the rows.
    pub(crate) format: RowFormat,
    /// The most rows of the answer; all without.
    pub(crate) rows_max: Option<u64>,
    /// The time without the pauses of the answer's reader.
    pub(crate) time: Duration,
}

/// The request to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WorkerRequest {
    pub(super) statement: Statement,
    pub(super) snapshot: PortableSnapshot,
    pub(super) memory_bytes: usize,
    pub(super) threads: usize,
}

/// A message of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum WorkerFrame {
    /// The request is read, and the process is confined.
    Confined,
    Event(StatementEvent),
    Failure(StatementFailure),
}

/// A part of a statement's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StatementEvent {
    /// The first event.
    Columns(Vec<StatementColumn>),
    /// Encoded rows.
    Rows(Vec<u8>),
    /// The last event.
    End(StatementEnd),
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatementColumn {
    pub(crate) name: String,
    /// The SQL name of its type.
    pub(crate) sql_type: String,
}

/// The summary at the end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatementEnd {
    pub(crate) row_count: u64,
    /// Whether the statement has more rows than the answer.
    pub(crate) truncated: bool,
}

/// The kind of a frame with encoded rows.
const ROWS: u8 = b'R';
/// The kind of every other frame: JSON.
const MESSAGE: u8 = b'M';

/// The first five bytes of a frame: its kind and the length of its body.
pub(super) struct FrameHead {
    is_message: bool,
    pub(super) length: usize,
}

/// The bytes of a request.
pub(super) fn encode_request(request: &WorkerRequest) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(request)?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= REQUEST_BYTES_MAX);
    let length = length
        .ok_or_else(|| io::Error::other("the snapshot has too many files for a statement"))?;
    Ok([&length.to_le_bytes()[..], &body].concat())
}

pub(super) fn read_request(from: &mut impl Read) -> io::Result<WorkerRequest> {
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

/// Writes a frame; rows that are too long for one become several.
pub(super) fn write_frame(to: &mut impl Write, frame: &WorkerFrame) -> io::Result<()> {
    let message;
    let (kind, body) = match frame {
        WorkerFrame::Event(StatementEvent::Rows(bytes)) => (ROWS, bytes.as_slice()),
        frame => {
            message = serde_json::to_vec(frame)?;
            (MESSAGE, message.as_slice())
        }
    };
    for part in body.chunks(FRAME_BYTES_MAX) {
        to.write_all(&[kind])?;
        // The length of a part fits: it is at most FRAME_BYTES_MAX.
        to.write_all(&(part.len() as u32).to_le_bytes())?;
        to.write_all(part)?;
    }
    to.flush()
}

impl FrameHead {
    pub(super) fn decode(head: [u8; 5]) -> io::Result<FrameHead> {
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if ![ROWS, MESSAGE].contains(&kind) || length > FRAME_BYTES_MAX {
            return Err(io::Error::other("invalid frame from the SQL worker"));
        }
        Ok(FrameHead { is_message: kind == MESSAGE, length })
    }

    /// The frame with this head.
    pub(super) fn decode_body(&self, body: Vec<u8>) -> io::Result<WorkerFrame> {
        if self.is_message {
            return Ok(serde_json::from_slice(&body)?);
        }
        Ok(WorkerFrame::Event(StatementEvent::Rows(body)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_decoded_as_they_were_encoded() {
        let column = StatementColumn { name: "a \"b\"".to_string(), sql_type: "text".to_string() };
        let end = StatementEnd { row_count: 7, truncated: true };
        for frame in [
            WorkerFrame::Confined,
            WorkerFrame::Event(StatementEvent::Columns(vec![column])),
            WorkerFrame::Event(StatementEvent::Rows(vec![0, 1, 255])),
            WorkerFrame::Event(StatementEvent::End(end)),
            WorkerFrame::Failure(StatementFailure::Limit("too \"much\"".to_string())),
        ] {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &frame).unwrap();
            let head = FrameHead::decode(bytes[..5].try_into().unwrap()).unwrap();
            assert_eq!(head.length, bytes.len() - 5);
            assert_eq!(head.decode_body(bytes[5..].to_vec()).unwrap(), frame);
        }
    }

    #[test]
    fn invalid_frame_heads_are_rejected() {
        assert!(FrameHead::decode([b'X', 0, 0, 0, 0]).is_err());
        assert!(FrameHead::decode([ROWS, 255, 255, 255, 255]).is_err());
    }
}
