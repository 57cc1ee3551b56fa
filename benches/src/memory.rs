//! Figures without a kernel: echoes by each library, masking, UTF-8.

mod case;
pub(crate) mod echo;
mod kernels;
mod timing;
mod wire;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{Failure, machine};
pub(crate) use case::Case;
pub(crate) use echo::{Echo, Library};
pub(crate) use timing::Patience;

#[derive(Args)]
pub(crate) struct Options {
    /// The libraries to compare; all if not given.
    #[arg(long, value_delimiter = ',')]
    libraries: Vec<Library>,
    /// See whether everything works. No figures to go by.
    #[arg(long)]
    quick: bool,
    /// Run on this core alone; the last that may be used if not given.
    #[arg(long)]
    core: Option<usize>,
    /// Where `memory.md` goes; the repository's docs/benchmarks if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    // Told before the pinning, after which there is one core.
    let machine = machine::describe();
    let core = options.core.or_else(|| machine::cores().last().copied());
    machine::pin(core.ok_or("no core may be used")?)?;
    let patience = if options.quick { Patience::QUICK } else { Patience::FULL };
    let libraries = match options.libraries.as_slice() {
        [] => Library::value_variants(),
        some => some,
    };
    let mut rows = Vec::new();
    for case in Case::all() {
        eprintln!("  {}", case.describe());
        rows.push((case, times(case, libraries, patience)?));
    }
    let mut page = String::new();
    write(&mut page, &rows, libraries, options.quick, patience, &machine)?;
    save(options.out.clone(), "memory.md", &page)?;
    println!("{page}");
    Ok(())
}

/// Writes a page into a folder, or else into the repository's docs/benchmarks.
pub(crate) fn save(folder: Option<PathBuf>, name: &str, page: &str) -> Result<(), Failure> {
    let published = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks");
    let folder = folder.unwrap_or_else(published);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), page)?)
}

/// Nanoseconds per message of each library.
fn times(case: Case, libraries: &[Library], patience: Patience) -> Result<Vec<f64>, Failure> {
    let echo = Echo::new(case);
    let time = |&library: &Library| {
        echo.check(library)?;
        let reads = patience.best(|reads| echo.run(library, reads * echo.count()))?;
        Ok(reads / echo.count() as f64)
    };
    libraries.iter().map(time).collect()
}

fn write(
    page: &mut String,
    rows: &[(Case, Vec<f64>)],
    libraries: &[Library],
    quick: bool,
    patience: Patience,
    machine: &str,
) -> Result<(), std::fmt::Error> {
    writeln!(page, "# In memory\n")?;
    writeln!(page, "Written by `cargo xtask bench memory`: {}.\n", machine::provenance())?;
    if quick {
        writeln!(page, "**A quick look, to see that everything works: no figures to go by.**\n")?;
    }
    writeln!(page, "## Echo, ns per message\n")?;
    write!(page, "| |")?;
    libraries.iter().try_for_each(|library| write!(page, " {} |", library.name()))?;
    write!(page, "\n|---|")?;
    libraries.iter().try_for_each(|_| write!(page, "--:|"))?;
    writeln!(page)?;
    for (case, times) in rows {
        write!(page, "| {} |", case.describe())?;
        times.iter().try_for_each(|time| write!(page, " {time:.0} |"))?;
        writeln!(page)?;
    }
    writeln!(page)?;
    kernels::masking(page, patience)?;
    kernels::utf8(page, patience)?;
    writeln!(page, "## How it was measured\n")?;
    writeln!(page, "- Machine: {machine}; one of them.")?;
    writeln!(
        page,
        "- A server decodes, unmasks, validates (text), hands the message to a loop, takes it back, \
         encodes and writes it. Each figure is the best of {} runs of at least {} ms; nothing is \
         subtracted.",
        patience.runs,
        patience.run.as_millis()
    )?;
    writeln!(
        page,
        "- `spola-websocket` is the machine alone, as a driver would use it after a read: it unmasks \
         the read's buffer in place, and gets the same buffer again. Masking keys leave the upper \
         bits of each byte alone, so that the ASCII text stays one: no copy of the harness is in \
         the figure. All others read from a stream in memory, whose reads are copies, as a library \
         that owns its buffers asks for; writes cost nothing. `spola-tokio` does the same, to \
         compare with. All wait on tokio's current-thread runtime, but for `tungstenite`, which is \
         used without one."
    )?;
    writeln!(
        page,
        "- Masking and UTF-8: payloads {} bytes into a buffer, in place unless the name says copy; \
         small ones stay in the nearest cache. GB are 10⁹ bytes.",
        kernels::OFFSET
    )?;
    let versions: Vec<String> = libraries
        .iter()
        .filter_map(|library| {
            let name = library.package();
            Some(format!("{name} {}", machine::locked_version(name)?))
        })
        .collect();
    writeln!(
        page,
        "- Release builds, fat LTO, one codegen unit. Versions: {}.",
        versions.join(", ")
    )
}
