//! A level-triggered epoll loop for servers without a library: one read into a buffer that all
//! connections share and one write for each readiness event; no allocation but for what a peer does
//! not take in time.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;

use crate::Failure;

const LISTENER: u64 = u64::MAX;
pub(super) const MAX_READ: usize = 256 * 1024;

/// What a server makes of the bytes it reads; a value per connection.
pub(super) trait Answer: Default {
    /// The bytes to send for what connection number `connection` has sent, `input`: in place or in
    /// `output`, which is as long as the longest `input` and 1 KiB more, and to whom; `None` ends the
    /// connection.
    fn answer<'a>(
        &mut self,
        connection: usize,
        input: &'a mut [u8],
        output: &'a mut [u8],
    ) -> Option<(&'a [u8], Reach)>;
}

/// Who is sent an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Own,
    All,
    /// So many bytes are for the connection itself, the rest for another one.
    OwnAndOther {
        own: usize,
        other: usize,
    },
}

struct Connection<A> {
    stream: TcpStream,
    answer: A,
    /// What the peer had no room for. While there is some, nothing more is read.
    rest: Vec<u8>,
}

struct Buffers {
    input: Vec<u8>,
    output: Vec<u8>,
}

enum Fate {
    Kept,
    Ended,
    /// These bytes are for all connections.
    Spread(Vec<u8>),
    /// These bytes are for another connection.
    Passed(usize, Vec<u8>),
}

pub(super) fn serve<A: Answer>(listener: &TcpListener) -> Result<(), Failure> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    listener.set_nonblocking(true)?;
    epoll::add(&epoll, listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
    let mut connections: Vec<Option<Connection<A>>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut buffers = Buffers { input: vec![0; MAX_READ], output: vec![0; MAX_READ + 1024] };
    let mut events = Vec::with_capacity(1024);
    loop {
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            let epoll::Event { flags, data } = event;
            if data.u64() == LISTENER {
                accept(&epoll, listener, &mut connections, &mut free)?;
                continue;
            }
            let index = usize::try_from(data.u64())?;
            let Some(slot) = connections.get_mut(index) else {
                continue;
            };
            let Some(connection) = slot else { continue };
            let fate = if flags.contains(epoll::EventFlags::OUT) {
                connection.write_rest(&epoll, data)?
            } else {
                connection.turn(&epoll, index, &mut buffers)?
            };
            match fate {
                Fate::Kept => {}
                Fate::Ended => {
                    // Closing the socket takes it off epoll's list.
                    *slot = None;
                    free.push(index);
                }
                Fate::Passed(other, bytes) => {
                    if let Some(Some(connection)) = connections.get_mut(other) {
                        let data = epoll::EventData::new_u64(other as u64);
                        connection.write(&epoll, data, &bytes)?;
                    }
                }
                Fate::Spread(bytes) => {
                    for (index, connection) in connections.iter_mut().enumerate() {
                        let data = epoll::EventData::new_u64(index as u64);
                        if let Some(connection) = connection {
                            // One that has failed is found out when it is read.
                            connection.write(&epoll, data, &bytes)?;
                        }
                    }
                }
            }
        }
    }
}

fn accept<A: Answer>(
    epoll: &OwnedFd,
    listener: &TcpListener,
    connections: &mut Vec<Option<Connection<A>>>,
    free: &mut Vec<usize>,
) -> Result<(), Failure> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let index = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(epoll, &stream, data, epoll::EventFlags::IN)?;
        if let Some(slot) = connections.get_mut(index) {
            *slot = Some(Connection { stream, answer: A::default(), rest: Vec::new() });
        }
    }
}

impl<A: Answer> Connection<A> {
    fn turn(
        &mut self,
        epoll: &OwnedFd,
        index: usize,
        buffers: &mut Buffers,
    ) -> Result<Fate, Failure> {
        let count = match self.stream.read(&mut buffers.input) {
            Ok(0) => return Ok(Fate::Ended),
            Ok(count) => count,
            Err(error) if is_transient(error.kind()) => return Ok(Fate::Kept),
            Err(_) => return Ok(Fate::Ended),
        };
        let input = buffers.input.get_mut(..count).unwrap_or_default();
        let Some((bytes, reach)) = self.answer.answer(index, input, &mut buffers.output) else {
            return Ok(Fate::Ended);
        };
        if bytes.is_empty() {
            return Ok(Fate::Kept);
        }
        if reach == Reach::All {
            return Ok(Fate::Spread(bytes.to_vec()));
        }
        let Self { stream, rest, .. } = self;
        let data = epoll::EventData::new_u64(index as u64);
        if let Reach::OwnAndOther { own, other } = reach {
            let (bytes, others) = bytes.split_at(own);
            return Ok(match write(stream, rest, epoll, data, bytes)? {
                Fate::Ended => Fate::Ended,
                Fate::Kept | Fate::Spread(_) | Fate::Passed(..) => {
                    Fate::Passed(other, others.to_vec())
                }
            });
        }
        write(stream, rest, epoll, data, bytes)
    }

    fn write(
        &mut self,
        epoll: &OwnedFd,
        data: epoll::EventData,
        bytes: &[u8],
    ) -> Result<Fate, Failure> {
        write(&mut self.stream, &mut self.rest, epoll, data, bytes)
    }

    fn write_rest(&mut self, epoll: &OwnedFd, data: epoll::EventData) -> Result<Fate, Failure> {
        match self.stream.write(&self.rest) {
            Ok(written) => drop(self.rest.drain(..written)),
            Err(error) if is_transient(error.kind()) => {}
            Err(_) => return Ok(Fate::Ended),
        }
        if self.rest.is_empty() {
            // An idle connection owns nothing.
            self.rest = Vec::new();
            epoll::modify(epoll, &self.stream, data, epoll::EventFlags::IN)?;
        }
        Ok(Fate::Kept)
    }
}

/// Writes what there is room for, and keeps the rest.
fn write(
    stream: &mut TcpStream,
    rest: &mut Vec<u8>,
    epoll: &OwnedFd,
    data: epoll::EventData,
    bytes: &[u8],
) -> Result<Fate, Failure> {
    let blocked = !rest.is_empty();
    let written = match blocked {
        true => 0,
        false => match stream.write(bytes) {
            Ok(written) => written,
            Err(error) if is_transient(error.kind()) => 0,
            Err(_) => return Ok(Fate::Ended),
        },
    };
    if written < bytes.len() {
        rest.extend_from_slice(bytes.get(written..).unwrap_or_default());
        if !blocked {
            epoll::modify(epoll, &*stream, data, epoll::EventFlags::OUT)?;
        }
    }
    Ok(Fate::Kept)
}

fn is_transient(kind: ErrorKind) -> bool {
    kind == ErrorKind::WouldBlock || kind == ErrorKind::Interrupted
}
