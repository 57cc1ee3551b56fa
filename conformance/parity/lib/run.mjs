// Runs rows against one server: a process for each set of options, many rows at a time.
import { within } from "../../lib/waiting.mjs";
import { Peer } from "./peer.mjs";
import { Server } from "./server.mjs";

/** Rows under way at a time. Most of them wait. */
const AT_A_TIME = 12;
const ROW_LIMIT = 20_000;

/** Runs all `rows` on the server that `command` starts; a map from a row's id to `{ seen }` or `{ error }`. */
export async function runAll(name, command, rows, mutant) {
  const servers = new Servers(name, command, rows, mutant);
  const results = new Map();
  const waiting = [...rows].sort((a, b) => Number(b.slow ?? false) - Number(a.slow ?? false));
  const worker = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      results.set(row.id, await runOne(servers, row));
      await servers.done(row);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return results;
}

async function runOne(servers, row) {
  let peer;
  try {
    peer = new Peer(await servers.of(row));
    return { seen: plain(await within(row.limit ?? ROW_LIMIT, row.id, row.run(peer))) };
  } catch (error) {
    return { error: error.message };
  } finally {
    peer?.end();
  }
}

/** As it would be written down: what JSON cannot tell apart is the same. */
const plain = (seen) => (seen === undefined ? undefined : JSON.parse(JSON.stringify(seen)));

/** The servers that rows still need. */
class Servers {
  #running = new Map();
  #left = new Map();

  constructor(name, command, rows, mutant) {
    this.start = (options) => Server.start(name, command, options, mutant);
    for (const row of rows) {
      const key = keyOf(row);
      this.#left.set(key, (this.#left.get(key) ?? 0) + 1);
    }
  }

  of(row) {
    const key = keyOf(row);
    if (!this.#running.has(key)) this.#running.set(key, this.start(row.options));
    return this.#running.get(key);
  }

  /** A row is through; its server ends with the last one. */
  async done(row) {
    const key = keyOf(row);
    const left = this.#left.get(key) - 1;
    this.#left.set(key, left);
    if (left > 0) return;
    const server = await this.#running.get(key)?.catch(() => undefined);
    await server?.stop();
  }
}

/** Rows with the same options share a server, but for those that want one to themselves. */
const keyOf = (row) => (row.alone ? row.id : JSON.stringify(row.options));
