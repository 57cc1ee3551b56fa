//! What a run tells of itself, as a line of text between two processes.

/// What one run measured within its window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measures {
    /// Replies.
    pub(crate) messages: f64,
    /// Seconds.
    pub(crate) window: f64,
    /// Seconds of CPU time; 0 if the server's process is not known.
    pub(crate) server_cpu: f64,
    /// Seconds of the load's own CPU time.
    pub(crate) load_cpu: f64,
    /// Seconds that server or load, whichever had more of it, was ready to run but had to wait.
    pub(crate) waited: f64,
    /// Seconds.
    pub(crate) p50: f64,
    /// Seconds.
    pub(crate) p99: f64,
    /// The replies of the connection that had the fewest, by the mean of all.
    pub(crate) slowest: f64,
    /// Bytes of replies.
    pub(crate) received: f64,
    /// Bytes of the server's memory in RAM at the window's end; 0 if its process is not known.
    pub(crate) resident: f64,
}

impl Measures {
    const NAMES: [&'static str; 10] = [
        "messages",
        "window",
        "server-cpu",
        "load-cpu",
        "waited",
        "p50",
        "p99",
        "slowest",
        "received",
        "resident",
    ];

    pub(super) fn line(&self) -> String {
        let values = [
            self.messages,
            self.window,
            self.server_cpu,
            self.load_cpu,
            self.waited,
            self.p50,
            self.p99,
            self.slowest,
            self.received,
            self.resident,
        ];
        let pairs = Self::NAMES.iter().zip(values).map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }

    /// Reads the line that a load prints.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut values = line
            .split_whitespace()
            .zip(Self::NAMES)
            .map(|(pair, name)| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok());
        let mut next = || values.next().flatten();
        Some(Self {
            messages: next()?,
            window: next()?,
            server_cpu: next()?,
            load_cpu: next()?,
            waited: next()?,
            p50: next()?,
            p99: next()?,
            slowest: next()?,
            received: next()?,
            resident: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_read_as_they_are_written() {
        let measures = Measures {
            messages: 100_000.0,
            window: 2.000_1,
            server_cpu: 1.9,
            load_cpu: 1.2,
            waited: 0.01,
            p50: 0.000_21,
            p99: 0.000_4,
            slowest: 0.97,
            received: 12_700_000.0,
            resident: 4_096_000.0,
        };
        assert_eq!(Measures::parse(&measures.line()), Some(measures));
        assert_eq!(Measures::parse("messages=1 window=2"), None);
        assert_eq!(Measures::parse(""), None);
    }
}
