//! Connections in memory, on a clock that moves only when told.

pub(crate) mod pipe;
#[path = "../../../../spola-server/tests/wire/harness/runtime.rs"]
#[allow(dead_code, reason = "the server's tests need more of it")]
mod runtime;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spola_driver::{Error, Line, MaskingKeys, Runtime as _, WebSocket};
use spola_websocket::{Config, Connection};

pub(crate) use pipe::{PipeEnd, pipe};
pub(crate) use runtime::VirtualRuntime;

/// More than any test writes.
pub(crate) const WIDE: usize = usize::MAX;

pub(crate) type Socket = WebSocket<PipeEnd, VirtualRuntime>;

/// What a spawned future came to.
pub(crate) struct Task<T>(Arc<Mutex<Option<T>>>);

impl<T> Task<T> {
    pub(crate) fn is_done(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }

    /// # Panics
    /// If it has not come to an end.
    pub(crate) fn done(&self) -> T {
        self.0.lock().unwrap().take().expect("the task is done")
    }
}

pub(crate) fn spawn<T: Send + 'static>(
    runtime: &VirtualRuntime,
    future: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    let task = Arc::new(Mutex::new(None));
    let done = Arc::clone(&task);
    runtime.spawn(Box::pin(async move {
        let output = future.await;
        *done.lock().unwrap() = Some(output);
    }));
    Task(task)
}

/// A server's connection, whose opening handshake is done.
pub(crate) fn server(runtime: &VirtualRuntime, stream: PipeEnd, config: Config) -> Socket {
    let line = Line::new(stream, Connection::server(config), Vec::new(), runtime.now());
    WebSocket::from_line(line, runtime.clone())
}

/// A client's connection, whose opening handshake is done.
pub(crate) fn client(runtime: &VirtualRuntime, stream: PipeEnd, config: Config) -> Socket {
    let connection = Connection::client(config, MaskingKeys::new(runtime.clone()));
    WebSocket::from_line(Line::new(stream, connection, Vec::new(), runtime.now()), runtime.clone())
}

pub(crate) async fn echo(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

/// A client's frame. The masking key is zero, so that the payload can be read.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = unmasked(first, payload);
    frame[1] |= 0x80;
    let header = frame.len() - payload.len();
    frame.splice(header..header, [0; 4]);
    frame
}

/// A server's frame.
pub(crate) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(len as u8),
        len @ 126..=0xffff => {
            frame.push(126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A Close frame's body.
pub(crate) fn status(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
