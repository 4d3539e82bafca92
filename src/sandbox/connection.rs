//! A connection, as far as a fault may have to end it.

use std::fmt;
use std::time::Duration;

use tokio::net::TcpStream;

/// The call gets no answer: its connection is to be closed.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed without an answer")
    }
}

impl std::error::Error for Dropped {}

/// A second handle on a connection's socket, beside the one that the HTTP server owns.
pub(super) struct Connection(Option<socket2::Socket>);

impl Connection {
    pub(super) fn of(stream: &TcpStream) -> Self {
        Self(socket2::SockRef::from(stream).try_clone().ok())
    }

    /// Makes closing the connection a reset instead of an orderly end.
    pub(super) fn reset_on_close(&self) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.set_linger(Some(Duration::ZERO))
        {
            tracing::debug!(%error, "a connection is closed instead of reset");
        }
    }
}
