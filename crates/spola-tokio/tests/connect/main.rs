//! Clients that connect by URL: over a network in memory, on a clock that moves by itself only when
//! everybody waits; and over a few real sockets.

#[cfg(feature = "deflate")]
mod deflate;
mod net;
mod proxies;
mod redirects;
mod sockets;
#[cfg(feature = "rustls")]
mod tls;
mod way;
