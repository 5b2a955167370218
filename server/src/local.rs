//! The local protocol: while a server holds a data directory, it does the writing of the command
//! line.
//!
//! The server listens on a socket in the directory, which only its user can open. A request is one
//! JSON line, followed by the bytes of a stream for some commands; the response is one JSON event a
//! line. Both ends are here. There is no key: a user with access to the socket can open the files
//! too.

mod error;
mod protocol;
mod socket;

mod client;
mod client_connection;

mod commands;
mod event_sender;
mod routes;

pub(crate) use routes::{LocalState, routes};
pub(crate) use socket::LocalSocket;

pub use client::LocalClient;
pub use error::LocalError;
pub use protocol::{DeleteRequest, ImportRequest, InputRequest, PushRequest, ResetRequest};
