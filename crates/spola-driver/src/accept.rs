//! The server's opening handshake.

mod answer;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::server::{Rejection, Request, RequestReader};
use spola_websocket::{Config, Connection};

pub use self::answer::{Answer, Refusal};
use crate::deflation::{Deflation, deflating};
use crate::greeting::{Greeted, drain, read_more, refuse, within, write};

use crate::line::{LINGER, WRITE_TIMEOUT};
use crate::{Line, Runtime, Transport, WebSocket};

/// Time for the request's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A client was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The stream failed, or ended within the request.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The request cannot lead to a WebSocket; it was answered with the status that fits.
    #[error("{0}")]
    Rejected(Rejection),
    /// The application refused the request; the client was told.
    #[error("{0}")]
    Refused(Refusal),
    /// A header or subprotocol of our own answer cannot be sent; the client was told 500.
    #[error("{0}")]
    Answer(HeaderError),
    /// The request did not come in time.
    #[error("the request did not come in time")]
    TimedOut,
}

/// How a server takes clients in. Build it once; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    options: Arc<Options>,
}

type OnRequest = dyn Fn(&Request<'_>) -> Result<Answer, Refusal> + Send + Sync;

#[derive(Clone)]
struct Options {
    config: Config,
    protocols: Vec<Cow<'static, str>>,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    on_request: Option<Arc<OnRequest>>,
    head_timeout: Duration,
    write_timeout: Option<Duration>,
    #[cfg(feature = "deflate")]
    deflate: Option<spola_websocket::deflate::Options>,
}

impl Accept {
    /// The defaults: no subprotocol, every sound request is welcome.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings for the connections.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.edit().config = config;
        self
    }

    /// The subprotocols that are spoken here, in order of preference. The first that the client
    /// offers as well is chosen; if there is none, the connection goes without.
    #[must_use]
    pub fn protocols<P: Into<Cow<'static, str>>>(
        mut self,
        protocols: impl IntoIterator<Item = P>,
    ) -> Self {
        self.edit().protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a header to each answer.
    #[must_use]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.edit().headers.push((name.into(), value.into()));
        self
    }

    /// Looks at each request before it is answered: to check its origin, path or credentials, to
    /// choose the subprotocol, to add headers, or to refuse it.
    #[must_use]
    pub fn on_request(
        mut self,
        look: impl Fn(&Request<'_>) -> Result<Answer, Refusal> + Send + Sync + 'static,
    ) -> Self {
        self.edit().on_request = Some(Arc::new(look));
        self
    }

    /// Time for the request's head to arrive and the answer to leave. Default: 10 s.
    #[must_use]
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.edit().head_timeout = timeout;
        self
    }

    /// How long a client may take nothing while something waits to be written. Default: 30 s;
    /// `None`: no limit.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.edit().write_timeout = timeout;
        self
    }

    /// Agrees to permessage-deflate with clients that offer it. Default: declined.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(
        mut self,
        options: impl Into<Option<spola_websocket::deflate::Options>>,
    ) -> Self {
        self.edit().deflate = options.into();
        self
    }

    fn edit(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }

    /// Reads a client's upgrade request from a stream and answers it. Whoever is refused has 2 s to read
    /// why and to hang up.
    ///
    /// # Errors
    /// If the stream fails, the request is refused, or none comes in time.
    pub async fn accept<S, R>(&self, stream: S, runtime: R) -> Result<WebSocket<S, R>, AcceptError>
    where
        S: Transport,
        R: Runtime,
    {
        // On the heap, so that the connection's task keeps no room for it.
        let (stream, greeted) = Box::pin(self.options.greet(stream, &runtime)).await?;
        let connection = Connection::server(self.options.config.clone());
        let connection = deflating(connection, &greeted.deflation);
        let mut line = Line::new(stream, connection, greeted.received, runtime.now());
        line.set_write_timeout(self.options.write_timeout);
        Ok(WebSocket::from_line(line, runtime).with_protocol(greeted.protocol))
    }
}

impl From<Config> for Accept {
    fn from(config: Config) -> Self {
        Self::new().config(config)
    }
}

/// A head to write, and what it means.
type Verdict<T> = (Vec<u8>, T);

struct Agreed {
    protocol: Option<Box<str>>,
    deflation: Deflation,
}

impl Options {
    /// Shakes hands in time. Whoever is refused may hang up first.
    async fn greet<S: Transport, R: Runtime>(
        &self,
        mut stream: S,
        runtime: &R,
    ) -> Result<(S, Greeted), AcceptError> {
        let greeted = within(runtime, self.head_timeout, self.shake_hands(&mut stream)).await;
        match greeted.ok_or(AcceptError::TimedOut)? {
            Ok(greeted) => Ok((stream, greeted)),
            Err(error) => {
                within(runtime, LINGER, drain(&mut stream)).await;
                Err(error)
            }
        }
    }

    async fn shake_hands<S: Transport>(&self, stream: &mut S) -> Result<Greeted, AcceptError> {
        let mut reader = RequestReader::new();
        let mut received = Vec::new();
        loop {
            read_more(stream, &mut received).await?;
            let verdict = match reader.read(&received) {
                Ok(None) => continue,
                Ok(Some(request)) => {
                    self.answer(&request).map(|(head, agreed)| (head, (request.head_len, agreed)))
                }
                Err(rejection) => Err((rejection.to_bytes(), AcceptError::Rejected(rejection))),
            };
            match verdict {
                Ok((head, (head_len, Agreed { protocol, deflation }))) => {
                    write(stream, &head).await?;
                    received.drain(..head_len);
                    return Ok(Greeted { received, protocol, deflation });
                }
                Err((head, error)) => {
                    refuse(stream, &head).await?;
                    return Err(error);
                }
            }
        }
    }

    fn answer(&self, request: &Request<'_>) -> Result<Verdict<Agreed>, Verdict<AcceptError>> {
        let answer = match &self.on_request {
            Some(look) => look(request)
                .map_err(|refusal| (refusal.to_bytes(), AcceptError::Refused(refusal)))?,
            None => Answer::default(),
        };
        let protocol = answer.protocol.clone().or_else(|| {
            let offered = &request.upgrade.protocols;
            self.protocols.iter().find(|ours| offered.contains(&&***ours)).cloned()
        });
        let head = self.head(request, &answer, protocol.as_deref());
        let (head, deflation) = head.map_err(|error| {
            (Refusal::new(500, "Internal error").to_bytes(), AcceptError::Answer(error))
        })?;
        let protocol = protocol.map(|protocol| protocol.into_owned().into_boxed_str());
        Ok((head, Agreed { protocol, deflation }))
    }

    fn head(
        &self,
        request: &Request<'_>,
        answer: &Answer,
        protocol: Option<&str>,
    ) -> Result<Verdict<Deflation>, HeaderError> {
        let mut response = request.upgrade.accept();
        if let Some(protocol) = protocol {
            response = response.protocol(protocol)?;
        }
        for (name, value) in self.headers.iter().chain(&answer.headers) {
            response = response.header(name, value)?;
        }
        #[cfg(feature = "deflate")]
        let (response, deflation) = match &self.deflate {
            Some(options) => response.deflate(options),
            None => (response, None),
        };
        #[cfg(not(feature = "deflate"))]
        let deflation = ();
        Ok((response.to_bytes(), deflation))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: Config::default(),
            protocols: Vec::new(),
            headers: Vec::new(),
            on_request: None,
            head_timeout: HEAD_TIMEOUT,
            write_timeout: Some(WRITE_TIMEOUT),
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("config", &self.config)
            .field("protocols", &self.protocols)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
