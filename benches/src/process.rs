//! Children that cannot outlive the run.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use crate::Failure;

/// How a server says that it is ready; its address follows.
pub(crate) const READY: &str = "listening on ";

/// A child process of this same program, killed when dropped.
///
/// The kernel kills it, too, should this process end in any other way.
pub(crate) struct Part {
    child: Child,
}

impl Part {
    /// Starts this program again with other arguments; its output is piped.
    pub(crate) fn start(arguments: &[String]) -> Result<Self, Failure> {
        let child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .args(["--parent", &std::process::id().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server tells its address. Its output ends if it fails before.
    pub(crate) fn address(&mut self) -> Result<SocketAddr, Failure> {
        let stdout = self.child.stdout.take().ok_or("the server's output was taken already")?;
        let mut line = String::new();
        BufReader::new(stdout.take(1024)).read_line(&mut line)?;
        let address = line.trim().strip_prefix(READY).ok_or("the server did not start")?;
        Ok(address.parse()?)
    }

    /// What the child prints until it ends well, within `limit`.
    pub(crate) fn output(mut self, limit: Duration) -> Result<String, Failure> {
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                return Err(format!("a part of the run did not end within {limit:?}").into());
            }
            thread::sleep(Duration::from_millis(20));
        };
        if !status.success() {
            return Err(format!("a part of the run failed ({status})").into());
        }
        let mut text = String::new();
        if let Some(stdout) = self.child.stdout.take() {
            stdout.take(64 * 1024).read_to_string(&mut text)?;
        }
        Ok(text)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Both fail only for a child that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ties this process's life to its parent's.
pub(crate) fn follow(parent: u32) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the call above.
    let still_there = getppid().map(Pid::as_raw_nonzero).map(|pid| i64::from(pid.get()));
    if still_there == Some(i64::from(parent)) {
        Ok(())
    } else {
        Err("the process that started this one is gone".into())
    }
}
