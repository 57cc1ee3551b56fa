//! Instructions per echoed message, counted by valgrind's callgrind: the same on a busy machine.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::memory::{self, Case, Echo, Library};
use crate::{Failure, machine};

/// Reads of which the instructions are counted, beyond those of a shorter run.
const READS: usize = 200;

#[derive(Args)]
pub(crate) struct Options {
    /// The libraries to compare.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "spola-websocket,spola-tokio,fastwebsockets,tungstenite"
    )]
    libraries: Vec<Library>,
    /// What is echoed: kind, size, and frames a read (one, or full for 64 KiB).
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "text-125-one,text-125-full,text-1024-one,text-1024-full,text-16384-one,\
                         binary-125-one,binary-125-full"
    )]
    cases: Vec<Case>,
    /// Where `instructions.md` goes; the repository's docs/benchmarks if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut page = String::new();
    writeln!(page, "# Instructions per echoed message\n")?;
    writeln!(page, "Written by `cargo xtask bench instructions`: {}.\n", machine::provenance())?;
    write!(page, "| |")?;
    options.libraries.iter().try_for_each(|library| write!(page, " {} |", library.name()))?;
    write!(page, "\n|---|")?;
    options.libraries.iter().try_for_each(|_| write!(page, "--:|"))?;
    writeln!(page)?;
    for &case in &options.cases {
        write!(page, "| {} |", case.describe())?;
        for &library in &options.libraries {
            let count = per_message(library, case)?;
            eprintln!("  {}: {} {count:.0}", case.describe(), library.name());
            write!(page, " {count:.0} |")?;
        }
        writeln!(page)?;
    }
    writeln!(page, "\n## How it was counted\n")?;
    writeln!(
        page,
        "- By callgrind ({}): a run of the echo of `bench memory` less a run that is {READS} reads \
         shorter, by the messages of those reads; so start and end cancel out. On a processor as \
         valgrind shows it: AVX2, no AVX-512.",
        version().unwrap_or_else(|| "unknown valgrind".to_owned())
    )?;
    writeln!(
        page,
        "- `spola-websocket` is the machine alone on bytes in place; the others read from and write \
         to a stream in memory, with a copy for each read."
    )?;
    writeln!(page, "- Instructions are not time: see `memory.md` for that.")?;
    memory::save(options.out.clone(), "instructions.md", &page)?;
    println!("{page}");
    Ok(())
}

fn per_message(library: Library, case: Case) -> Result<f64, Failure> {
    let a_read = Echo::new(case).count();
    let few = count(library, case, READS / 4 * a_read)?;
    let many = count(library, case, (READS / 4 + READS) * a_read)?;
    Ok(many.saturating_sub(few) as f64 / (READS * a_read) as f64)
}

/// The instructions of a process that echoes so many messages.
fn count(library: Library, case: Case, messages: usize) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["echo-in-memory", &library.name(), &case.to_string(), &messages.to_string()])
        .output()
        .map_err(|error| format!("valgrind, which must be installed: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} under valgrind: {report}", library.name()).into());
    }
    collected(&report).ok_or_else(|| format!("valgrind tells no count: {report}").into())
}

/// The count in `==7== Collected : 1234`.
fn collected(report: &str) -> Option<u64> {
    let line = report.lines().find_map(|line| line.split_once("Collected : "))?.1;
    line.split_whitespace().next()?.parse().ok()
}

fn version() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_the_report() {
        let report = "==7== Events    : Ir\n==7== Collected : 1234567\n==7==\n";
        assert_eq!(collected(report), Some(1_234_567));
        assert_eq!(collected("==7== \n"), None);
    }
}
