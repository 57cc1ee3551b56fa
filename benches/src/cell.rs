//! One cell of the table: what is sent, and how much of it at once.

use std::fmt;
use std::str::FromStr;

use crate::frames::Kind;

/// Message size × connections × messages in flight on each, written `125x32x16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Payload bytes of a message.
    pub(crate) size: usize,
    pub(crate) connections: usize,
    /// Messages under way on each connection at any time.
    pub(crate) in_flight: usize,
}

impl Cell {
    const MAX_SIZE: usize = 1 << 20;
    const MAX_CONNECTIONS: usize = 10_000;
    const MAX_IN_FLIGHT: usize = 256;
    /// Bounds what the prebuilt frames of one connection's turn take.
    const MAX_BYTES_IN_FLIGHT: usize = 32 << 20;

    /// The cell in words, for a heading.
    pub(crate) fn describe(&self) -> String {
        let kind = match Kind::of_size(self.size) {
            Kind::Text | Kind::Deflated => "text",
            Kind::Binary => "binary",
        };
        let connections = if self.connections == 1 {
            "1 connection".to_owned()
        } else {
            format!("{} connections", self.connections)
        };
        format!("{} {kind}, {connections}, {} in flight on each", bytes(self.size), self.in_flight)
    }
}

/// A number of bytes in words.
pub(crate) fn bytes(size: usize) -> String {
    match size {
        _ if size >= 1 << 20 && size.is_multiple_of(1 << 20) => format!("{} MiB", size >> 20),
        _ if size >= 1 << 10 && size.is_multiple_of(1 << 10) => format!("{} KiB", size >> 10),
        _ => format!("{size} B"),
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.size, self.connections, self.in_flight)
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<usize> = text
            .split('x')
            .map(|part| part.parse().map_err(|_| format!("`{part}` is no number")))
            .collect::<Result<_, _>>()?;
        let &[size, connections, in_flight] = numbers.as_slice() else {
            return Err("expected SIZExCONNECTIONSxIN_FLIGHT, as in 125x32x16".to_owned());
        };
        let within = |what: &str, value: usize, max: usize| {
            if (1..=max).contains(&value) {
                Ok(())
            } else {
                Err(format!("{what} must be 1 to {max}, not {value}"))
            }
        };
        within("the size", size, Self::MAX_SIZE)?;
        within("the number of connections", connections, Self::MAX_CONNECTIONS)?;
        within("the number in flight", in_flight, Self::MAX_IN_FLIGHT)?;
        within("size × in flight", size * in_flight, Self::MAX_BYTES_IN_FLIGHT)?;
        Ok(Self { size, connections, in_flight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_as_they_are_written() {
        for text in ["125x32x1", "1024x32x16", "1048576x1x1"] {
            assert_eq!(text.parse::<Cell>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn cells_in_words() {
        let cases = [
            ("125x1x1", "125 B text, 1 connection, 1 in flight on each"),
            ("16384x32x16", "16 KiB text, 32 connections, 16 in flight on each"),
            ("1048576x1x1", "1 MiB binary, 1 connection, 1 in flight on each"),
        ];
        for (cell, words) in cases {
            assert_eq!(cell.parse::<Cell>().unwrap().describe(), words);
        }
    }

    #[test]
    fn cells_out_of_bounds_are_refused() {
        for text in ["", "125", "125x32", "0x1x1", "1x0x1", "1x1x0", "1x1x1x1", "2000000x1x1"] {
            assert!(text.parse::<Cell>().is_err(), "{text}");
        }
        assert!("1048576x1x256".parse::<Cell>().is_err());
    }
}
