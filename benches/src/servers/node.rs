//! ws on Node.js: `benches/node/echo.mjs`, which this process becomes.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Deflate;
use crate::Failure;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node")
}

/// Goes on as the server; returns only if that fails. The core and the tie to the parent stay.
pub(super) fn serve(port: u16, deflate: Deflate) -> Failure {
    let mut command = Command::new("node");
    command.arg(folder().join("echo.mjs")).arg(port.to_string());
    if let Deflate::On { level } = deflate {
        command.arg("deflate").args(level.map(|level| level.to_string()));
    }
    command.exec().into()
}

/// Installs what the server needs, if that was not done yet.
///
/// # Errors
/// Why it cannot run on this machine.
pub(crate) fn prepare() -> Result<(), Failure> {
    let works = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !works("node") {
        return Err("Node.js is not installed".into());
    }
    let modules = folder().join("node_modules");
    if ["ws", "bufferutil", "utf-8-validate"].iter().all(|name| modules.join(name).is_dir()) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund"]).current_dir(folder());
    // What npm says is not the benchmark's output.
    let output = npm.output().map_err(|error| format!("npm: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("npm install failed: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// `ws 8.x on Node.js v20.x`, as installed.
pub(crate) fn version() -> Option<String> {
    let package = std::fs::read_to_string(folder().join("node_modules/ws/package.json")).ok()?;
    let line = package.lines().find_map(|line| line.trim().strip_prefix("\"version\": \""))?;
    let output = Command::new("node").arg("--version").output().ok()?;
    let node = String::from_utf8(output.stdout).ok()?;
    Some(format!("ws {} on Node.js {}", line.trim_end_matches("\","), node.trim()))
}
