//! Whether the heads of HTTP/1 requests say without a doubt where their bodies end (RFC 9112 §6.3).
//!
//! hyper settles doubts by itself: of two equal lengths it keeps one, and a length beside chunks it
//! drops. A proxy in front may have settled them in another way, and what it took for a body would be
//! a request here. So the bytes pass by this machine before hyper has them. It knows lines, lengths and
//! chunks, and only as hyper takes them: wherever it can no longer tell, the next request is refused.

/// Bytes that are kept of a line that comes in pieces: the first, and the last.
const KEPT: usize = 64;

/// Watches the bytes of a connection.
pub(super) struct Framing {
    place: Place,
    /// Requests whose heads have ended.
    heads: u64,
    head: Head,
    /// The line that has begun.
    begun: Vec<u8>,
    refused: Option<u64>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy)]
enum Place {
    Line(Line),
    /// A body or a chunk, of which so much is left.
    Data {
        left: u64,
        then: Line,
    },
    /// Nothing that is looked at.
    Beyond,
}

#[derive(Clone, Copy)]
enum Line {
    Request,
    Field,
    ChunkSize,
    Trailer,
}

/// What a head has said of its body so far.
#[derive(Default)]
struct Head {
    length: Option<u64>,
    chunked: bool,
    doubtful: bool,
}

impl Framing {
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Line(Line::Request),
            heads: 0,
            head: Head { length: None, chunked: false, doubtful: false },
            begun: Vec::new(),
            refused: None,
        }
    }

    /// Which request is to be refused, counted from 1. None of those before.
    pub(super) const fn refused(&self) -> Option<u64> {
        self.refused
    }

    /// Whether it has seen enough: a request to be refused, or what is no HTTP any more.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.place, Place::Beyond)
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Line(kind) => self.read_line(kind, bytes),
                Place::Data { left, then } => {
                    let (rest, left) = skip(bytes, left);
                    self.place =
                        if left == 0 { Place::Line(then) } else { Place::Data { left, then } };
                    rest
                }
                Place::Beyond => return,
            };
        }
    }

    /// Takes the line, or the piece of it, that the bytes begin with; gives the rest.
    fn read_line<'a>(&mut self, kind: Line, bytes: &'a [u8]) -> &'a [u8] {
        if matches!(kind, Line::Request) && self.is_foreign(bytes) {
            self.refuse(self.heads + 1);
            return &[];
        }
        let Some((line, rest)) =
            memchr::memchr(b'\n', bytes).and_then(|end| bytes.split_at_checked(end))
        else {
            self.keep(bytes);
            return &[];
        };
        if self.begun.is_empty() {
            self.end_line(kind, line);
        } else {
            self.keep(line);
            let mut line = std::mem::take(&mut self.begun);
            self.end_line(kind, &line);
            line.clear();
            self.begun = line;
        }
        rest.get(1..).unwrap_or_default()
    }

    /// Whether it is not the beginning of a request: a method has at least a letter and a space behind
    /// it. Of a WebSocket's frame, one of the first two bytes is not ASCII.
    fn is_foreign(&self, bytes: &[u8]) -> bool {
        self.begun.iter().chain(bytes).take(2).any(|byte| !byte.is_ascii())
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = KEPT.saturating_sub(self.begun.len());
        self.begun.extend(piece.iter().take(room));
        if piece.len() > room
            && let Some((kept, last)) = self.begun.last_mut().zip(piece.last())
        {
            *kept = *last;
        }
    }

    fn end_line(&mut self, kind: Line, line: &[u8]) {
        // hyper takes a bare line feed in heads, but not among chunks.
        let whole = line.strip_suffix(b"\r");
        let is_empty = whole.unwrap_or(line).is_empty();
        let next = match kind {
            Line::Request if is_empty => Some(Place::Line(Line::Request)),
            Line::Request => Some(Place::Line(Line::Field)),
            Line::Field if is_empty => return self.end_head(),
            Line::Field => {
                self.head.note(whole.unwrap_or(line));
                Some(Place::Line(Line::Field))
            }
            Line::ChunkSize => whole.and_then(chunk_size).map(|size| match size {
                0 => Place::Line(Line::Trailer),
                // A line's end is behind it.
                _ => Place::Data { left: size.saturating_add(2), then: Line::ChunkSize },
            }),
            Line::Trailer => whole.map(|whole| {
                Place::Line(if whole.is_empty() { Line::Request } else { Line::Trailer })
            }),
        };
        match next {
            Some(next) => self.place = next,
            None => self.refuse(self.heads + 1),
        }
    }

    fn end_head(&mut self) {
        self.heads += 1;
        let Head { length, chunked, doubtful } = std::mem::take(&mut self.head);
        self.place = match length {
            _ if doubtful => return self.refuse(self.heads),
            Some(_) if chunked => return self.refuse(self.heads),
            None if chunked => Place::Line(Line::ChunkSize),
            None | Some(0) => Place::Line(Line::Request),
            Some(left) => Place::Data { left, then: Line::Request },
        };
    }

    fn refuse(&mut self, request: u64) {
        self.refused = Some(request);
        self.place = Place::Beyond;
        self.begun = Vec::new();
    }
}

impl Head {
    fn note(&mut self, field: &[u8]) {
        // Most fields are told by their first byte.
        match field.first().map_or(0, u8::to_ascii_lowercase) {
            b'c' => {
                if let Some(value) = value_of(field, b"content-length:") {
                    let length = number(value);
                    self.doubtful |= is_long(field) || self.length.is_some() || length.is_none();
                    self.length = length;
                }
            }
            b't' => {
                if let Some(value) = value_of(field, b"transfer-encoding:") {
                    let is_chunked = value.eq_ignore_ascii_case(b"chunked");
                    self.doubtful |= is_long(field) || self.chunked || !is_chunked;
                    self.chunked = true;
                }
            }
            _ => {}
        }
    }
}

/// Whether part of it would be missing, had it come in pieces.
const fn is_long(field: &[u8]) -> bool {
    field.len() >= KEPT - 1
}

/// The value of a field, if it has this name.
fn value_of<'a>(field: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = field.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// Digits, and nothing else.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// The hexadecimal digits that a line begins with, 16 at most. Extensions may follow.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let digits = line.get(..digits).filter(|digits| digits.len() <= 16)?;
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// What is behind the next `left` bytes, and how many of these are not there yet.
fn skip(bytes: &[u8], left: u64) -> (&[u8], u64) {
    match usize::try_from(left).ok().and_then(|left| bytes.get(left..)) {
        Some(rest) => (rest, 0),
        None => (&[], left - bytes.len() as u64),
    }
}

#[cfg(test)]
mod tests;
