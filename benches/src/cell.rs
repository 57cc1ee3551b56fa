//! One cell of the table: what is sent, and how much of it at once.

use std::fmt;
use std::str::FromStr;

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
        let size = if self.size >= 1024 && self.size.is_multiple_of(1024) {
            format!("{} KiB", self.size / 1024)
        } else {
            format!("{} B", self.size)
        };
        let connections = if self.connections == 1 {
            "1 connection".to_owned()
        } else {
            format!("{} connections", self.connections)
        };
        format!("{size} text, {connections}, {} in flight on each", self.in_flight)
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
    fn cells_out_of_bounds_are_refused() {
        for text in ["", "125", "125x32", "0x1x1", "1x0x1", "1x1x0", "1x1x1x1", "2000000x1x1"] {
            assert!(text.parse::<Cell>().is_err(), "{text}");
        }
        assert!("1048576x1x256".parse::<Cell>().is_err());
    }
}
