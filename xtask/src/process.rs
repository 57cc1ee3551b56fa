//! Child processes: run to the end with a deadline, or kept as a server and always ended.

use std::error::Error;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Any failure, for the one who reads the terminal.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a finished process said and how it ended.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) lines: Vec<String>,
}

/// Runs `command` to its end, passing on what it prints line by line.
///
/// It has no standard input. At `limit` it is ended; away from a terminal all that it started is
/// ended too, then and when the command is through.
///
/// # Errors
/// When the command cannot be started or runs past its limit.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<Finished, Failure> {
    println!("$ {}", described(command));
    let (sender, receiver) = mpsc::channel();
    let mut group =
        Group::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    if let Some(stdout) = group.child.stdout.take() {
        forward(stdout, Stream::Out, sender.clone());
    }
    if let Some(stderr) = group.child.stderr.take() {
        forward(stderr, Stream::Error, sender);
    }
    let deadline = Instant::now() + limit;
    let status = group.wait(deadline)?;
    group.end();
    let Some(status) = status else {
        return Err(format!("ended after {} s: {}", limit.as_secs(), described(command)).into());
    };
    let mut lines = Vec::new();
    // A process left behind may hold the pipes open, so their end is not waited for for ever.
    while let Ok(line) = receiver.recv_timeout(Duration::from_secs(1)) {
        lines.push(line);
    }
    Ok(Finished { success: status.success(), lines })
}

/// Runs `command` like [`run`], and turns an unsuccessful end into an error.
///
/// # Errors
/// As [`run`], and when the command fails.
pub(crate) fn succeed(command: &mut Command, limit: Duration) -> Result<Vec<String>, Failure> {
    let finished = run(command, limit)?;
    if finished.success {
        Ok(finished.lines)
    } else {
        Err(format!("failed: {}", described(command)).into())
    }
}

/// Runs `command` without showing what it prints; its standard output if it succeeded.
pub(crate) fn quiet(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A server that lives as long as this value.
pub(crate) struct Server(Group);

impl Server {
    /// Starts `command` and waits until something accepts connections on the local `port`.
    ///
    /// # Errors
    /// When the process ends early, or nothing listens within `limit`.
    pub(crate) fn start(
        command: &mut Command,
        port: u16,
        limit: Duration,
    ) -> Result<Self, Failure> {
        println!("$ {} &", described(command));
        let mut group = Group::start(command.stdin(Stdio::null()))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = group.child.try_wait()? {
                return Err(format!("ended with {status}: {}", described(command)).into());
            }
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return Ok(Self(group));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!("nothing listens on port {port}: {}", described(command)).into())
    }

    /// Whether the server still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.0.child.try_wait(), Ok(None))
    }
}

/// A local port that was free a moment ago.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A child which ends with this value; away from a terminal, with its whole process group.
///
/// At a terminal the child shares our group, so that an interrupt reaches it as well.
struct Group {
    child: Child,
    ended: bool,
    own_group: bool,
}

impl Group {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let own_group = cfg!(unix) && !io::stdin().is_terminal();
        if own_group {
            lead_own_group(command);
        }
        let child = command.spawn().map_err(|error| format!("{}: {error}", described(command)))?;
        Ok(Self { child, ended: false, own_group })
    }

    fn wait(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        if self.own_group {
            let group = format!("-{}", self.child.id());
            let mut kill = Command::new("kill");
            kill.args(["-KILL", "--", &group]).stdout(Stdio::null()).stderr(Stdio::null());
            // An empty group is what is wished for, so the outcome does not matter.
            let _ = kill.status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
fn lead_own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn lead_own_group(_: &mut Command) {}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Error,
}

fn forward(pipe: impl Read + Send + 'static, stream: Stream, lines: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let _ = match stream {
                Stream::Out => writeln!(io::stdout(), "{line}"),
                Stream::Error => writeln!(io::stderr(), "{line}"),
            };
            if lines.send(line).is_err() {
                break;
            }
            bytes.clear();
        }
    });
}

fn described(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_past_its_limit_is_ended_with_all_it_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let error = run(&mut command, Duration::from_millis(200)).err().unwrap();
        assert!(error.to_string().starts_with("ended after"), "{error}");
    }

    #[test]
    fn both_streams_are_kept_and_a_left_over_process_does_not_hold_us() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo out; echo err >&2; exit 3"]);
        let mut finished = run(&mut command, Duration::from_secs(20)).unwrap();
        finished.lines.sort();
        assert_eq!(finished.lines, ["err", "out"]);
        assert!(!finished.success);
    }
}
