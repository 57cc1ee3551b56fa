//! The machine below: cores, CPU time, and how to describe it all in a report.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Failure;

/// Keeps this process on one core.
pub(crate) fn pin(core: usize) -> Result<(), Failure> {
    if core >= CpuSet::MAX_CPU {
        return Err(format!("core {core}: there is no such core").into());
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(|error| format!("core {core}: {error}"))?;
    Ok(())
}

/// The cores this process may run on.
pub(crate) fn cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else {
        return Vec::new();
    };
    (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
}

/// Lets this process have as many open files as it may.
pub(crate) fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where this is refused, opening the connections tells.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Bytes of a process's memory that are in RAM; the kernel's socket buffers are not among them.
pub(crate) fn resident(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes.ok_or("the kernel does not tell the memory in use")?.parse()?;
    Ok(kibibytes << 10)
}

/// What all the threads of a process have had of the processor so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time on it, user's and kernel's.
    pub(crate) cpu: Duration,
    /// Time ready to run while something else ran; nothing if there are several threads, which
    /// wait for each other.
    pub(crate) waited: Duration,
}

impl Usage {
    /// From the scheduler's own nanosecond counts; where the kernel keeps none, from clock ticks,
    /// and nothing about waiting.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task"))?;
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        let mut total = Self::default();
        for task in &tasks {
            let task = task.path();
            let usage = match fs::read_to_string(task.join("schedstat")) {
                Ok(text) => nanoseconds(&text),
                Err(_) => ticks(&fs::read_to_string(task.join("stat"))?),
            };
            let usage = usage.ok_or("the kernel's CPU times have an unknown form")?;
            total.cpu += usage.cpu;
            if tasks.len() == 1 {
                total.waited += usage.waited;
            }
        }
        Ok(total)
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            waited: self.waited.saturating_sub(before.waited),
        }
    }
}

fn nanoseconds(schedstat: &str) -> Option<Usage> {
    let mut fields = schedstat.split_whitespace().map(|field| field.parse().ok());
    let mut next = || fields.next().flatten().map(Duration::from_nanos);
    Some(Usage { cpu: next()?, waited: next()? })
}

fn ticks(stat: &str) -> Option<Usage> {
    // The name in brackets may hold spaces; utime and stime are the 12th and 13th fields after it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let cpu = Duration::from_secs_f64((user + system) as f64 / per_second as f64);
    Some(Usage { cpu, waited: Duration::ZERO })
}

/// One line on processor, kernel and compiler.
pub(crate) fn describe() -> String {
    let uname = rustix::system::uname();
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    // What follows the number is a distribution's own.
    let release = uname.release().to_string_lossy();
    let release = release.split('-').next().unwrap_or_default();
    format!(
        "{} cores of {model}, {} {release}, {}",
        cores().len(),
        uname.sysname().to_string_lossy(),
        first_line("rustc", &["--version"]).unwrap_or_else(|| "unknown rustc".to_owned()),
    )
}

/// Today's date in UTC, and the commit of the sources, where the tools can tell them.
pub(crate) fn provenance() -> String {
    let date = first_line("date", &["-u", "+%Y-%m-%d"]);
    let commit = first_line("git", &["describe", "--always", "--dirty"]);
    [date, commit.map(|commit| format!("commit {commit}"))]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The version of a crate as locked for this build.
pub(crate) fn locked_version(name: &str) -> Option<&'static str> {
    let entry = format!("name = \"{name}\"");
    let mut lines = include_str!("../Cargo.lock").lines();
    lines.find(|line| *line == entry)?;
    lines.next()?.strip_prefix("version = ").map(|version| version.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_times_are_read_in_both_forms() {
        let usage = Usage { cpu: Duration::from_millis(1500), waited: Duration::from_nanos(7) };
        assert_eq!(nanoseconds("1500000000 7 3\n"), Some(usage));
        assert_eq!(nanoseconds(""), None);
        let second = rustix::param::clock_ticks_per_second();
        let stat = format!("7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 {second} {second} 0 0 20 0");
        let usage = Usage { cpu: Duration::from_secs(2), waited: Duration::ZERO };
        assert_eq!(ticks(&stat), Some(usage));
        assert!(Usage::of(std::process::id()).unwrap().cpu > Duration::ZERO);
    }

    #[test]
    fn memory_in_use_grows_with_use() {
        let before = resident(std::process::id()).unwrap();
        let used = vec![1_u8; 64 << 20];
        let after = resident(std::process::id()).unwrap();
        assert!(after >= before + (48 << 20), "{before} {after} {}", used.len());
    }

    #[test]
    fn the_lock_file_knows_the_peers() {
        assert!(
            locked_version("fastwebsockets").is_some_and(|version| version.starts_with("0.10"))
        );
        assert_eq!(locked_version("no-such-crate"), None);
    }
}
