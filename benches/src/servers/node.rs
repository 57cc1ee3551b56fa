//! ws and socket.io on Node.js: programs in `benches/node`, of which this process becomes one.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Deflate, Server};
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

/// As [`serve`], with socket.io.
pub(super) fn serve_socketio(port: u16) -> Failure {
    Command::new("node").arg(folder().join("socketio.mjs")).arg(port.to_string()).exec().into()
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
    if ["ws", "bufferutil", "utf-8-validate", "socket.io"]
        .iter()
        .all(|name| modules.join(name).is_dir())
    {
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

/// `ws 8.x on Node.js v20.x`, as installed; or socket.io.
pub(crate) fn version(server: Server) -> Option<String> {
    let name = if server.is_socketio() { "socket.io" } else { "ws" };
    let package = folder().join(format!("node_modules/{name}/package.json"));
    let package = std::fs::read_to_string(package).ok()?;
    let line = package.lines().find_map(|line| line.trim().strip_prefix("\"version\": \""))?;
    let output = Command::new("node").arg("--version").output().ok()?;
    let node = String::from_utf8(output.stdout).ok()?;
    Some(format!("{name} {} on Node.js {}", line.trim_end_matches("\","), node.trim()))
}
