// The example `conformance` on a local port.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "../../lib/waiting.mjs";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));
const program = process.env.SPOLA_CONFORMANCE_SERVER ?? `${target}/debug/examples/conformance`;

/** Settings of a server that soon notices who is gone, also one who was between two polls. */
export const ALERT = ["--sse-resume-ms", 300, "--ping-interval-ms", 3000, "--ping-timeout-ms", 5000];

/** The server. `flags` are words of its command line. */
export class Peer {
  #child;

  static async start(...flags) {
    if (!existsSync(program)) {
      throw new Error(`${program} is missing: cargo build -p spola-tokio --example conformance`);
    }
    const peer = new Peer();
    peer.#child = spawn(program, ["--port", "0", ...flags.map(String)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const first = new Promise((settle, reject) => {
      peer.#child.on("error", reject);
      createInterface({ input: peer.#child.stdout }).once("line", settle);
    });
    peer.port = Number(/:(\d+)$/.exec(await within(10_000, "the server's first line", first))[1]);
    return peer;
  }

  stop() {
    this.#child.kill("SIGKILL");
  }
}
