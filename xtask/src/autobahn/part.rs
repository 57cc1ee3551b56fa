//! One process of the suite, with the example that it speaks to.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::cases::Case;
use super::driver::Example;
use super::environment::Environment;
use super::report::Report;
use crate::process::{self, Failure, Server};

const START_LIMIT: Duration = Duration::from_secs(20);
/// Half of the compressed cases need a quarter of an hour on a quick machine.
const SUITE_LIMIT: Duration = Duration::from_secs(90 * 60);

/// Some of the cases, and where their report goes.
pub(super) struct Part<'a> {
    pub(super) environment: &'a Environment,
    pub(super) cases: &'a [Case],
    /// What the report calls the program under test.
    pub(super) agent: &'a str,
    pub(super) folder: PathBuf,
}

/// Whom the suite speaks to.
pub(super) enum Peer<'a> {
    /// An echo server to be started for each part.
    Server(&'a Example),
    /// A server that runs already, at this URL.
    Running(&'a str),
    /// A client to be started for each part.
    Client(&'a Example),
}

impl Part<'_> {
    /// Runs the cases and reads what became of them.
    ///
    /// # Errors
    /// When a process of either side does not start or does not last, or there is no report.
    pub(super) fn run(&self, peer: &Peer<'_>) -> Result<Report, Failure> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        match peer {
            Peer::Server(example) => self.test_server(example)?,
            Peer::Running(url) => self.fuzz(url)?,
            Peer::Client(example) => self.test_client(example)?,
        }
        Report::read(&self.index().with_extension("json"), self.agent)
    }

    /// The report's first page.
    pub(super) fn index(&self) -> PathBuf {
        self.folder.join("report").join("index.html")
    }

    fn test_server(&self, example: &Example) -> Result<(), Failure> {
        let port = process::free_port()?;
        let mut echo = example.command();
        // It reports each of the violations that the suite commits.
        let log = File::create(self.folder.join("example.log"))?;
        echo.args(["--port", &port.to_string()]).stdout(Stdio::null()).stderr(log);
        let mut server = Server::start(&mut echo, port, START_LIMIT)?;
        self.fuzz(&format!("ws://127.0.0.1:{port}"))?;
        if server.is_alive() {
            Ok(())
        } else {
            Err("the echo server ended during the suite".into())
        }
    }

    /// The suite as a client.
    fn fuzz(&self, url: &str) -> Result<(), Failure> {
        let mut specification = self.specification();
        specification["servers"] = json!([{ "agent": self.agent, "url": url }]);
        let path = self.write(&specification)?;
        process::succeed(&mut self.suite("fuzzingclient", &path), SUITE_LIMIT)?;
        Ok(())
    }

    /// The suite as a server.
    fn test_client(&self, example: &Example) -> Result<(), Failure> {
        let port = process::free_port()?;
        let url = format!("ws://127.0.0.1:{port}");
        let mut specification = self.specification();
        specification["url"] = json!(url);
        let path = self.write(&specification)?;
        let mut suite = self.suite("fuzzingserver", &path);
        let log = File::create(self.folder.join("suite.log"))?;
        // It would serve web pages as well.
        suite.args(["--webport", "0"]).stderr(log.try_clone()?).stdout(log);
        let mut server = Server::start(&mut suite, port, START_LIMIT)?;
        let mut client = example.command();
        client.args(["--url", &url, "--agent", self.agent]);
        process::succeed(&mut client, SUITE_LIMIT)?;
        if server.is_alive() { Ok(()) } else { Err("the suite ended before the client".into()) }
    }

    fn specification(&self) -> serde_json::Value {
        let cases: Vec<_> = self.cases.iter().map(Case::to_string).collect();
        json!({
            "outdir": self.folder.join("report"),
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        })
    }

    fn write(&self, specification: &serde_json::Value) -> Result<PathBuf, Failure> {
        let path = self.folder.join("specification.json");
        fs::write(&path, serde_json::to_vec_pretty(specification)?)?;
        Ok(path)
    }

    fn suite(&self, mode: &str, specification: &Path) -> Command {
        let mut suite = self.environment.suite();
        suite.args(["--mode", mode, "--spec"]).arg(specification).current_dir(&self.folder);
        suite
    }
}
