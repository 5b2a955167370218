//! The local face: while a server holds a data directory, what the command line wants written is
//! written by it.
//!
//! A socket in the directory, which only the server's user can open, takes the work: one request is
//! one JSON line, then for some the bytes of a stream; the answer is one JSON object a line. Both
//! ends are here. There is no key: who may open the socket may as well open the files.

mod client;
mod connection;
mod routes;
mod socket;
mod wire;
mod work;

pub(crate) use routes::routes;
pub(crate) use socket::LocalSocket;

pub use client::{LocalClient, LocalError};
pub use wire::{DeleteRequest, ImportRequest, InputRequest, PushRequest, ResetRequest};
