//! The least that long-polling can do: requests are known by their first bytes, and what a POST brings is the
//! answer to the session's GET. No header but the length is looked at.

use std::cell::RefCell;

use super::epoll::Reach;

const GET: &[u8] = b"GET /socket.io/?EIO=4&transport=polling";
const POST: &[u8] = b"POST /socket.io/?EIO=4&transport=polling";
const SID: &[u8] = b"&sid=";
const LENGTH: &[u8] = b"Content-Length: ";

thread_local! {
    /// The sessions; the number of each is its id.
    static SESSIONS: RefCell<Vec<Session>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Session {
    /// The connection whose GET waits.
    waiting: Option<usize>,
    queue: Vec<u8>,
}

/// A connection with one request after the other.
#[derive(Default)]
pub(super) struct Polling {
    /// A request so far.
    begun: Vec<u8>,
}

impl Polling {
    pub(super) fn is_spoken(input: &[u8]) -> bool {
        input.starts_with(GET) || input.starts_with(POST)
    }

    pub(super) fn answer<'a>(
        &mut self,
        connection: usize,
        input: &'a [u8],
        output: &'a mut [u8],
    ) -> Option<(&'a [u8], Reach)> {
        if self.begun.is_empty() {
            if let Some(body) = body(input) {
                return respond(connection, input, body, output);
            }
            self.begun.extend_from_slice(input);
            return Some((&[], Reach::Own));
        }
        self.begun.extend_from_slice(input);
        let Some(body) = body(&self.begun) else { return Some((&[], Reach::Own)) };
        let answer = respond(connection, &self.begun, body, output);
        self.begun.clear();
        answer
    }
}

/// The body of a request, once it is whole.
fn body(request: &[u8]) -> Option<&[u8]> {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, rest) = request.split_at_checked(end)?;
    let body = rest.get(4..)?;
    let Some(at) = head.windows(LENGTH.len()).rposition(|bytes| bytes == LENGTH) else {
        return Some(body);
    };
    let digits = head.get(at + LENGTH.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
    (body.len() >= digits.fold(0, |len, digit| len * 10 + usize::from(digit - b'0')))
        .then_some(body)
}

fn respond<'a>(
    connection: usize,
    request: &[u8],
    body: &[u8],
    output: &'a mut [u8],
) -> Option<(&'a [u8], Reach)> {
    SESSIONS.with_borrow_mut(|sessions| {
        let posts = request.starts_with(POST);
        let behind = request.get(if posts { POST.len() } else { GET.len() }..)?;
        let Some(id) = behind.strip_prefix(SID) else {
            sessions.push(Session::default());
            let open = format!(
                "0{{\"sid\":\"{:020}\",\"upgrades\":[],\"pingInterval\":25000,\
                 \"pingTimeout\":20000,\"maxPayload\":1000000}}",
                sessions.len() - 1
            );
            let len = put(output, open.as_bytes())?;
            return Some((output.get(..len)?, Reach::Own));
        };
        let id = id.iter().take(20).fold(0, |id, digit| id * 10 + usize::from(digit & 0xf));
        let session = sessions.get_mut(id)?;
        if !posts {
            if session.queue.is_empty() {
                session.waiting = Some(connection);
                return Some((&[], Reach::Own));
            }
            let len = put(output, &session.queue)?;
            session.queue.clear();
            return Some((output.get(..len)?, Reach::Own));
        }
        let packets =
            if body == b"40" { &b"40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}"[..] } else { body };
        let own = put(output, b"ok")?;
        let Some(waiting) = session.waiting.take() else {
            if !session.queue.is_empty() {
                session.queue.push(0x1e);
            }
            session.queue.extend_from_slice(packets);
            return Some((output.get(..own)?, Reach::Own));
        };
        let other = put(output.get_mut(own..)?, packets)?;
        Some((output.get(..own + other)?, Reach::OwnAndOther { own, other: waiting }))
    })
}

/// Writes a response, and gives its length.
fn put(output: &mut [u8], body: &[u8]) -> Option<usize> {
    const HEAD: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: ";
    let mut len = 0;
    for part in [HEAD, body.len().to_string().as_bytes(), b"\r\n\r\n", body] {
        output.get_mut(len..len + part.len())?.copy_from_slice(part);
        len += part.len();
    }
    Some(len)
}
