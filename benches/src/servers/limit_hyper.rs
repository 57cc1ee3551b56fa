//! Long-polling on hyper, with nothing behind it: what a POST brings is the answer to the session's GET, as on
//! the epoll loop of `limit_polling`. And sessions that open over WebSocket by hyper's upgrade, and then do no
//! more. What HTTP and the runtime leave to be won.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use spola_websocket::handshake::accept_key;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

/// What the query of a request for a session has before its id.
const QUERY: &str = "EIO=4&transport=polling&sid=";

thread_local! {
    /// The sessions; the number of each is its id.
    static SESSIONS: RefCell<Vec<Session>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Session {
    /// Whose GET waits.
    waiting: Option<Waker>,
    queue: Option<Bytes>,
}

/// A failed connection is not reported here: the load notices what is missing.
pub(super) async fn serve(stream: TcpStream) {
    let http1 = http1::Builder::new();
    let connection = http1.serve_connection(TokioIo::new(stream), service_fn(answer));
    let _ = connection.with_upgrades().await;
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if let Some(upgrade) = request.extensions_mut().remove() {
        return Ok(switch(&request, upgrade));
    }
    let body = match session(request.uri()) {
        None => open(),
        Some(id) if request.method() == Method::POST => {
            let packets = request.into_body().collect().await?.to_bytes();
            pass(id, packets);
            Bytes::from_static(b"ok")
        }
        Some(id) => packets(id).await,
    };
    let mut response = Response::new(Full::new(body));
    let text = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    Ok(response)
}

/// The session that a request is for, unless it opens one.
fn session(uri: &Uri) -> Option<usize> {
    uri.query()?.strip_prefix(QUERY)?.parse().ok()
}

/// Answers a request for a WebSocket, which is sound.
fn switch(request: &Request<Incoming>, upgrade: OnUpgrade) -> Response<Full<Bytes>> {
    tokio::spawn(async { hold(upgrade).await.ok() });
    let key = request.headers().get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let accept = HeaderValue::try_from(accept_key(key.unwrap_or_default()));
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.extend(accept.ok().map(|accept| (SEC_WEBSOCKET_ACCEPT, accept)));
    response
}

/// Opens the session of a WebSocket, lets its client in, and waits for it to go.
async fn hold(upgrade: OnUpgrade) -> Result<(), Failure> {
    let mut stream = TokioIo::new(upgrade.await?);
    let mut open = vec![0x81, 107];
    open.extend_from_slice(&self::open());
    stream.write_all(&open).await?;
    while stream.read(&mut [0; 64]).await? > 0 {
        stream.write_all(b"\x81\x2040{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}").await?;
    }
    Ok(())
}

fn open() -> Bytes {
    let id = SESSIONS.with_borrow_mut(|sessions| {
        sessions.push(Session::default());
        sessions.len() - 1
    });
    let open = format!(
        "0{{\"sid\":\"{id:020}\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\
         \"maxPayload\":1000000}}"
    );
    open.into()
}

/// Hands what a POST has brought to the session's GET. There is never more than one of each.
fn pass(id: usize, packets: Bytes) {
    let packets = match &packets[..] {
        b"40" => Bytes::from_static(b"40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}"),
        _ => packets,
    };
    let waiting = SESSIONS.with_borrow_mut(|sessions| {
        let session = sessions.get_mut(id)?;
        session.queue = Some(packets);
        session.waiting.take()
    });
    waiting.into_iter().for_each(Waker::wake);
}

/// Waits for what the next POST brings.
async fn packets(id: usize) -> Bytes {
    poll_fn(|cx| {
        SESSIONS.with_borrow_mut(|sessions| {
            let Some(session) = sessions.get_mut(id) else { return Poll::Ready(Bytes::new()) };
            if let Some(packets) = session.queue.take() {
                return Poll::Ready(packets);
            }
            session.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
    })
    .await
}
