//! What all pages of results have in common.

use std::fmt::{Result, Write};

use crate::machine;
use crate::run::Conditions;
use crate::servers::{Server, node};
use crate::stats::{Row, WAITED};

/// Beyond this share, something else ran on the cores.
const MAX_WAITED: f64 = 0.1;

/// The heading, where the page comes from, and whether it is worth reading.
pub(crate) fn heading<'a>(
    page: &mut String,
    title: &str,
    command: &str,
    conditions: &Conditions,
    rows: impl Iterator<Item = &'a Row>,
) -> Result {
    writeln!(page, "# {title}\n")?;
    writeln!(page, "Written by `cargo xtask bench {command}`: {}.\n", machine::provenance())?;
    if conditions.quick {
        writeln!(page, "**A quick look, to see that everything works: no figures to go by.**\n")?;
    }
    let waited = rows.map(|row| row.median(WAITED)).fold(0.0, f64::max);
    if waited > MAX_WAITED {
        writeln!(
            page,
            "**Something else took the cores for up to {:.0} % of the time: these figures are \
             worthless. Repeat on an idle machine.**\n",
            waited * 100.0
        )?;
    }
    Ok(())
}

/// Opens the list of how it was measured: the machine, its cores, the rounds.
pub(crate) fn method(page: &mut String, conditions: &Conditions) -> Result {
    writeln!(page, "## How it was measured\n")?;
    writeln!(page, "- Machine: {}.", machine::describe())?;
    if conditions.server_core == conditions.load_core {
        writeln!(page, "- **Server and load shared one core: do not trust these figures.**")?;
    } else {
        writeln!(page, "- The server has one core, the load another; loopback TCP, no delay.")?;
    }
    writeln!(
        page,
        "- {} interleaved rounds; in each, every server runs afresh once: {} s to warm up, {} s \
         measured. All figures are medians over the rounds.",
        conditions.rounds, conditions.warm_up, conditions.seconds
    )
}

/// Closes the list: the builds, and what was left out.
pub(crate) fn versions(
    page: &mut String,
    conditions: &Conditions,
    servers: impl Iterator<Item = Server>,
) -> Result {
    let servers: Vec<Server> = servers.collect();
    let mut crates: Vec<&str> =
        servers.iter().flat_map(|server| server.crates()).copied().collect();
    crates.sort_unstable();
    crates.dedup();
    let locked = |name: &&str| Some(format!("{name} {}", machine::locked_version(name)?));
    let mut versions: Vec<String> = crates.iter().filter_map(locked).collect();
    let node = servers.iter().find(|server| server.is_node());
    versions.extend(node.and_then(|server| node::version(*server)));
    writeln!(
        page,
        "- Release builds, fat LTO, one codegen unit. Versions: {}.",
        versions.join(", ")
    )?;
    for note in &conditions.notes {
        writeln!(page, "- {note}.")?;
    }
    writeln!(page, "- What each server is, and how to repeat this: `benches/README.md`.")
}
