// The two servers: started with a row's options, watched by the lines they print.
import { spawn } from "node:child_process";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "../../lib/waiting.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** What starts the official server. */
export const OFFICIAL = [process.execPath, resolve(here, "../official.mjs")];

/** A running server and what it told so far. */
export class Server {
  #process;
  #watchers = new Set();
  #orders = 0;

  /** Starts `command` with these options of the official server, as JSON. */
  static async start(name, command, options, mutant) {
    const server = new Server();
    server.name = name;
    /** Everything the server told, one object a line. */
    server.log = [];
    const [program, ...words] = command;
    words.push("--options", JSON.stringify(options));
    if (mutant) words.push("--mutant", mutant);
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
    server.#process = child;
    let complaint = "";
    child.stderr.on("data", (text) => (complaint = `${complaint}${text}`.slice(-2000)));
    server.ended = new Promise((settle) => child.on("exit", settle));
    const failed = new Promise((_, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`${name} ended with ${code}: ${complaint}`)));
    });
    failed.catch(() => {});
    createInterface({ input: child.stdout }).on("line", (line) => server.#told(JSON.parse(line)));
    const { port } = await Promise.race([server.logged({ at: "listening" }, 10_000), failed]);
    server.port = port;
    return server;
  }

  #told(entry) {
    this.log.push(entry);
    for (const watcher of this.#watchers) watcher(entry);
  }

  /** The first entry, told already or coming, that has all of `wanted`. */
  logged(wanted, limit = 5000) {
    const fits = (entry) => Object.entries(wanted).every(([key, value]) => entry[key] === value);
    const known = this.log.find(fits);
    if (known) return Promise.resolve(known);
    let watcher;
    const coming = new Promise((settle) => {
      watcher = (entry) => fits(entry) && settle(entry);
      this.#watchers.add(watcher);
    });
    const outcome = within(limit, `${JSON.stringify(wanted)} in the log`, coming);
    return outcome.finally(() => this.#watchers.delete(watcher));
  }

  /** Has the server do something that no client asked for; what it says when done. */
  order(what) {
    this.#orders += 1;
    const number = this.#orders;
    this.#process.stdin.write(`${JSON.stringify({ ...what, number })}\n`);
    return this.logged({ at: "done", number });
  }

  async stop() {
    this.#process.kill("SIGKILL");
    await this.ended;
  }
}
