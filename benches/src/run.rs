//! What all comparisons share: options, cores, and one run of a server under a load.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::load::{Measures, seconds};
use crate::process::Part;
use crate::servers::{Server, node};
use crate::stats::Row;
use crate::{Failure, machine};

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Rounds; each takes every server once, in turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// How long to measure in each run.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// How long each run goes on before that.
    #[arg(long, default_value_t = 0.5, value_parser = seconds)]
    warm_up: f64,
    /// See whether everything works: one round of 0.3 s after 0.1 s. No figures to go by.
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "warm_up"])]
    quick: bool,
    /// The servers to compare; all that can take part if not given.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Server>,
    /// The servers' core; the first that may be used if not given.
    #[arg(long)]
    server_core: Option<usize>,
    /// The load's core; the second that may be used if not given.
    #[arg(long)]
    load_core: Option<usize>,
    /// Where the page goes; the repository's docs/benchmarks if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How the runs of a comparison are made.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) rounds: u16,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    pub(crate) quick: bool,
    /// Servers that were left out, and why.
    pub(crate) notes: Vec<String>,
    folder: PathBuf,
}

impl Options {
    pub(crate) fn is_quick(&self) -> bool {
        self.quick
    }

    /// The conditions, and those of `able` servers that were asked for and can run here.
    pub(crate) fn prepare(
        &self,
        able: impl Fn(Server) -> bool,
    ) -> Result<(Conditions, Vec<Server>), Failure> {
        let usable = machine::cores();
        let first = *usable.first().ok_or("no core may be used")?;
        let server_core = self.server_core.unwrap_or(first);
        let other = usable.into_iter().find(|&core| core != server_core).unwrap_or(server_core);
        let out = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks");
        let (rounds, seconds, warm_up) = match self.quick {
            true => (1, 0.3, 0.1),
            false => (self.rounds, self.seconds, self.warm_up),
        };
        let mut conditions = Conditions {
            rounds,
            seconds,
            warm_up,
            server_core,
            load_core: self.load_core.unwrap_or(other),
            quick: self.quick,
            notes: Vec::new(),
            folder: self.out.clone().unwrap_or_else(out),
        };
        let asked = match self.servers.as_slice() {
            [] => Server::value_variants().iter().copied().filter(|&server| able(server)).collect(),
            asked => asked.to_vec(),
        };
        let mut servers = Vec::new();
        for server in asked {
            if !able(server) {
                return Err(format!("{} cannot take part in this", server.name()).into());
            }
            if server.is_node()
                && let Err(failure) = node::prepare()
            {
                let note = format!("`{}` is missing: {failure}", server.name());
                eprintln!("{note}");
                conditions.notes.push(note);
            } else {
                servers.push(server);
            }
        }
        Ok((conditions, servers))
    }
}

impl Conditions {
    /// Writes a file of the results.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder)?;
        Ok(fs::write(self.folder.join(name), text)?)
    }

    /// A fresh server on its core, with options of its own.
    pub(crate) fn serve(&self, server: Server, options: &[String]) -> Result<Part, Failure> {
        let mut arguments = strings(&[&"serve", &server.name(), &"--core", &self.server_core]);
        arguments.extend_from_slice(options);
        Part::start(&arguments).map_err(|failure| format!("{}: {failure}", server.name()).into())
    }

    /// One run: a fresh server on one core, a load on the other. `options` are the server's, `load`
    /// is the load's command and its own options.
    pub(crate) fn measure(
        &self,
        server: Server,
        options: &[String],
        load: &[&dyn ToString],
    ) -> Result<Measures, Failure> {
        let described = strings(load).join(" ");
        let failed = |failure: Failure| format!("{}, {described}: {failure}", server.name());
        let mut part = self.serve(server, options)?;
        let address = part.address().map_err(failed)?;
        let mut arguments = strings(load);
        arguments.extend(strings(&[
            &address,
            &"--seconds",
            &self.seconds,
            &"--warm-up",
            &self.warm_up,
            &"--server-pid",
            &part.id(),
            &"--core",
            &self.load_core,
        ]));
        if server.is_raw() {
            arguments.push("--raw".to_owned());
        }
        let limit = Duration::from_secs_f64(self.seconds + self.warm_up + 60.0);
        let line = Part::start(&arguments).and_then(|load| load.output(limit)).map_err(failed)?;
        let measures = Measures::parse(&line);
        let measures = measures.ok_or_else(|| failed("the load printed no measures".into()))?;
        if measures.messages < 1.0 {
            let failure = "no reply came within the window: is the machine idle?";
            return Err(failed(failure.into()).into());
        }
        Ok(measures)
    }

    /// All rounds of all servers under one load.
    pub(crate) fn rounds(
        &self,
        servers: &[Server],
        options: &[String],
        load: &[&dyn ToString],
    ) -> Result<Vec<Row>, Failure> {
        let mut rows: Vec<_> = servers.iter().map(|&server| Row::new(server)).collect();
        for round in 1..=self.rounds {
            for row in &mut rows {
                let measures = self.measure(row.server, options, load)?;
                eprintln!(
                    "  round {round}: {:24} {:>10.0}/s",
                    row.server.name(),
                    measures.messages / measures.window
                );
                row.runs.push(measures);
            }
        }
        Ok(rows)
    }
}

fn strings(parts: &[&dyn ToString]) -> Vec<String> {
    parts.iter().map(|part| part.to_string()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn conditions() -> Conditions {
        Conditions {
            rounds: 3,
            seconds: 2.0,
            warm_up: 0.5,
            server_core: 0,
            load_core: 1,
            quick: false,
            notes: Vec::new(),
            folder: PathBuf::new(),
        }
    }
}
