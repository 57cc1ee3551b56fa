//! Where things are: the checkout, cargo's target directory, programs on the machine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{self, Failure};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A cargo command at the root of the checkout.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()).env("CARGO_TERM_COLOR", "never");
    // Set for this program by `cargo run`; a child cargo finds its own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
        command.env_remove(name);
    }
    command
}

/// What `cargo metadata` says, with all features of the workspace on.
///
/// # Errors
/// When cargo fails or its answer is not JSON.
pub(crate) fn metadata() -> Result<Value, Failure> {
    let mut command = cargo(&["metadata", "--format-version", "1", "--all-features"]);
    let output = process::quiet(&mut command).ok_or("cargo metadata failed")?;
    Ok(serde_json::from_str(&output)?)
}

/// Cargo's target directory.
///
/// # Errors
/// As [`metadata`].
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let metadata = metadata()?;
    let path = metadata["target_directory"].as_str().ok_or("no target directory")?;
    Ok(PathBuf::from(path))
}

/// The first of `names` on the search path.
pub(crate) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names.iter().find_map(|name| {
        env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    })
}
