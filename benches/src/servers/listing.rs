//! Who takes part.

use clap::ValueEnum;

use crate::frames;

/// A server that can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// TCP echo of the same bytes on a bare epoll loop: the bound.
    RawEpoll,
    /// TCP echo of the same bytes on tokio: the bound of all that run there.
    RawTokio,
    /// The epoll loop with frames: unmasks what comes and passes it on, and checks nothing.
    LimitWs,
    /// Spola on tokio, a message in and a message out; it batches by itself.
    Spola,
    /// Spola on tokio, with the chunks of large messages passed on as they come.
    SpolaStream,
    /// The same with Spola's machine in a loop of its own, instead of the driver.
    SpolaMachineStream,
    /// fastwebsockets over hyper, as in its example.
    Fastwebsockets,
    /// tokio-websockets, as in its example.
    TokioWebsockets,
    /// yawc over hyper, as in its example.
    Yawc,
    /// yawc: all that is ready, then one flush.
    YawcBatch,
    /// sockudo-ws, as in its example.
    Sockudo,
    /// sockudo-ws: all that is ready, then one flush.
    SockudoBatch,
    /// tokio-tungstenite, `next` and `send` for each message.
    TokioTungstenite,
    /// tokio-tungstenite, `forward`: all that is ready, then one flush.
    TokioTungsteniteBatch,
    /// ws on Node.js, with its native addons.
    WsNode,
    /// The least a Socket.IO server can do: the epoll loop that frames, and tells packets and requests by
    /// their first bytes.
    LimitSocketio,
    /// An echo by Spola's WebSocket and packet codecs, without sessions and handlers: what these may cost.
    LimitCodecs,
    /// Long-polling on hyper without anything behind it: what HTTP leaves to be won.
    LimitHyper,
    /// Spola's Socket.IO server on tokio.
    SpolaSocketio,
    /// socketioxide over hyper, as in its example.
    Socketioxide,
    /// socket.io on Node.js, with the native addons of ws.
    SocketioNode,
}

impl Server {
    /// The name on the command line and in the table.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it speaks no WebSocket but echoes bytes.
    pub(crate) fn is_raw(self) -> bool {
        matches!(self, Self::RawEpoll | Self::RawTokio)
    }

    /// Whether it runs in Node.js.
    pub(crate) fn is_node(self) -> bool {
        matches!(self, Self::WsNode | Self::SocketioNode)
    }

    /// Whether it speaks Socket.IO.
    pub(crate) fn is_socketio(self) -> bool {
        matches!(
            self,
            Self::LimitSocketio | Self::SpolaSocketio | Self::Socketioxide | Self::SocketioNode
        )
    }

    /// Whether it is there to be compared with those that speak Socket.IO, if only in some of it.
    pub(crate) fn is_for_socketio(self) -> bool {
        self.is_socketio() || matches!(self, Self::LimitCodecs | Self::LimitHyper)
    }

    /// Whether it is the same as another but for the loop around its messages.
    pub(crate) fn is_variant(self) -> bool {
        match self {
            Self::SpolaStream
            | Self::SpolaMachineStream
            | Self::YawcBatch
            | Self::SockudoBatch
            | Self::TokioTungsteniteBatch => true,
            Self::RawEpoll
            | Self::RawTokio
            | Self::LimitWs
            | Self::Spola
            | Self::Fastwebsockets
            | Self::TokioWebsockets
            | Self::Yawc
            | Self::Sockudo
            | Self::TokioTungstenite
            | Self::WsNode
            | Self::LimitSocketio
            | Self::LimitCodecs
            | Self::LimitHyper
            | Self::SpolaSocketio
            | Self::Socketioxide
            | Self::SocketioNode => false,
        }
    }

    /// Whether it takes part where messages have this size.
    pub(crate) fn suits(self, size: usize) -> bool {
        // They may answer in several frames, and are of use with large messages only.
        !matches!(self, Self::SpolaStream | Self::SpolaMachineStream) || size > frames::LARGE
    }

    /// Whether it can compress messages.
    pub(crate) fn compresses(self) -> bool {
        match self {
            Self::Spola
            | Self::Yawc
            | Self::YawcBatch
            | Self::Sockudo
            | Self::SockudoBatch
            | Self::WsNode => true,
            Self::RawEpoll
            | Self::RawTokio
            | Self::LimitWs
            | Self::SpolaStream
            | Self::SpolaMachineStream
            | Self::Fastwebsockets
            | Self::TokioWebsockets
            | Self::TokioTungstenite
            | Self::TokioTungsteniteBatch
            | Self::LimitSocketio
            | Self::LimitCodecs
            | Self::LimitHyper
            | Self::SpolaSocketio
            | Self::Socketioxide
            | Self::SocketioNode => false,
        }
    }

    /// The crates it is made of, as locked.
    pub(crate) fn crates(self) -> &'static [&'static str] {
        match self {
            Self::RawEpoll | Self::WsNode | Self::SocketioNode => &[],
            Self::RawTokio => &["tokio"],
            Self::LimitWs | Self::LimitSocketio => &["spola-frame"],
            Self::LimitCodecs => &["spola-socketio-packet", "spola-tokio", "tokio"],
            Self::LimitHyper => &["hyper", "tokio"],
            Self::SpolaSocketio => &["spola-server", "spola-tokio", "hyper", "tokio"],
            Self::Socketioxide => &["socketioxide", "hyper", "tokio"],
            Self::Spola | Self::SpolaStream => &["spola-tokio", "tokio"],
            Self::SpolaMachineStream => &["spola-websocket", "tokio"],
            Self::Fastwebsockets => &["fastwebsockets", "hyper", "tokio"],
            Self::TokioWebsockets => &["tokio-websockets", "tokio"],
            Self::Yawc | Self::YawcBatch => &["yawc", "hyper", "tokio"],
            Self::Sockudo | Self::SockudoBatch => &["sockudo-ws", "tokio"],
            Self::TokioTungstenite | Self::TokioTungsteniteBatch => {
                &["tokio-tungstenite", "tungstenite", "tokio"]
            }
        }
    }
}
