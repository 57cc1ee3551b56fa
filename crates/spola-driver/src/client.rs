//! The client's opening handshake.

use std::io;
use std::time::Duration;

use spola_websocket::handshake::client::{HandshakeError, Request, ResponseReader};
use spola_websocket::{Config, Connection};

use crate::deflation::deflating;
use crate::greeting::{Greeted, read_more, within, write};
use crate::line::WRITE_TIMEOUT;
use crate::{Line, MaskingKeys, Runtime, Transport, WebSocket};

/// Time for the response's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// The server did not take us in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The stream failed, or ended within the response.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The response is no sound acceptance.
    #[error("{0}")]
    Handshake(HandshakeError),
    /// The response did not come in time.
    #[error("the response did not come in time")]
    TimedOut,
}

/// How to open a WebSocket as the client, over a stream that is connected already.
#[derive(Clone, Debug)]
pub struct Open {
    request: Request,
    config: Config,
    head_timeout: Duration,
    write_timeout: Option<Duration>,
}

impl Open {
    /// Sends `request`, which names the host, the path, and what else is asked for, compression
    /// included.
    pub fn new(request: Request) -> Self {
        Self {
            request,
            config: Config::default(),
            head_timeout: HEAD_TIMEOUT,
            write_timeout: Some(WRITE_TIMEOUT),
        }
    }

    /// Settings for the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Time for the response's head to arrive. Default: 20 s.
    #[must_use]
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// How long the server may take nothing while something waits to be written. Default: 30 s;
    /// `None`: no limit.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Does the handshake.
    ///
    /// # Errors
    /// If the stream fails, or no sound acceptance comes in time.
    pub async fn open<S, R>(self, stream: S, runtime: R) -> Result<WebSocket<S, R>, ConnectError>
    where
        S: Transport,
        R: Runtime + Clone,
    {
        self.open_looking(stream, runtime, |_, _| ()).await
    }

    /// Does the handshake, and shows the answer's status and headers.
    pub(crate) async fn open_looking<S, R>(
        self,
        mut stream: S,
        runtime: R,
        look: impl FnOnce(u16, &[(&str, &[u8])]),
    ) -> Result<WebSocket<S, R>, ConnectError>
    where
        S: Transport,
        R: Runtime + Clone,
    {
        let handshake = shake_hands(&mut stream, self.request, runtime.clone(), look);
        let greeted = within(&runtime, self.head_timeout, handshake).await;
        let greeted = greeted.ok_or(ConnectError::TimedOut)??;
        let connection = Connection::client(self.config, MaskingKeys::new(runtime.clone()));
        let connection = deflating(connection, &greeted.deflation);
        let mut line = Line::new(stream, connection, greeted.received, runtime.now());
        line.set_write_timeout(self.write_timeout);
        Ok(WebSocket::from_line(line, runtime).with_protocol(greeted.protocol))
    }
}

/// Sends the request and checks the response.
async fn shake_hands<S: Transport, R: Runtime>(
    stream: &mut S,
    request: Request,
    runtime: R,
    look: impl FnOnce(u16, &[(&str, &[u8])]),
) -> Result<Greeted, ConnectError> {
    let (head, mut handshake) = request.start(&mut |nonce: &mut [u8]| runtime.fill_random(nonce));
    write(stream, &head).await?;
    let mut received = Vec::new();
    loop {
        read_more(stream, &mut received).await?;
        match handshake.read(&received) {
            Ok(None) => {}
            Ok(Some(response)) => {
                look(101, &response.headers);
                let protocol = response.protocol.map(Box::from);
                let head_len = response.head_len;
                #[cfg(feature = "deflate")]
                let deflation = response.deflate;
                #[cfg(not(feature = "deflate"))]
                let deflation = ();
                received.drain(..head_len);
                return Ok(Greeted { received, protocol, deflation });
            }
            Err(error) => {
                if let Ok(Some(head)) = ResponseReader::new().read(&received) {
                    look(head.status, &head.headers);
                }
                return Err(ConnectError::Handshake(error));
            }
        }
    }
}
