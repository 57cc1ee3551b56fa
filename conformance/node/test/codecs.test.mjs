// Our packet codecs against the official ones, over inputs that a seed gives: what one side reads, the
// other reads alike, and what we write anew, the official side reads as before.
//
// SEED and CASES choose other inputs, and more of them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import * as differences from "../lib/differences.mjs";
import { Generator } from "../lib/generator.mjs";
import { engine, sockets, ours } from "../lib/readings.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? resolve(here, "../../../target");
const program = process.env.SPOLA_CODECS ?? resolve(target, "debug/examples/codecs");
const official = process.env.SPOLA_CONFORMANCE_SERVER?.endsWith(".mjs");
const seed = Number(process.env.SEED ?? 1);
const count = Number(process.env.CASES ?? 5_000);

/** What our codecs make of each case. */
async function outcomes(cases) {
  if (!existsSync(program)) {
    const help = "cargo build -p spola-server --example codecs --features spola-server/msgpack";
    throw new Error(`${program} is missing: ${help}`);
  }
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const chunks = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  const ended = new Promise((settle) => child.on("close", settle));
  child.stdin.on("error", () => {});
  for (const one of cases) {
    if (!child.stdin.write(`${JSON.stringify(one)}\n`)) await once(child.stdin, "drain");
  }
  child.stdin.end();
  assert.equal(await ended, 0, "the codecs failed");
  const lines = Buffer.concat(chunks).toString().trimEnd().split("\n");
  assert.equal(lines.length, cases.length);
  return lines.map((line) => JSON.parse(line));
}

function compare(codec, one, outcome, theirs) {
  const mine = { packets: outcome.packets.map(ours), error: outcome.error !== null };
  const alike = { packets: theirs.packets, error: theirs.error };
  if (isDeepStrictEqual(mine, alike)) return undefined;
  const reason = differences.reason(codec, one, outcome, theirs);
  if (reason) return reason;
  console.log(`${JSON.stringify(one)}\nours: ${outcome.error}\ntheirs: ${theirs.why}`);
  return assert.deepEqual(mine, alike);
}

for (const codec of ["text", "messagepack", "packet", "payload"]) {
  test(`${codec}: ${count} inputs of seed ${seed}`, { skip: official }, async () => {
    const generator = new Generator(seed);
    const cases = Array.from({ length: count }, () => generator.next(codec));
    const results = await outcomes(cases);
    const read = codec === "text" || codec === "messagepack" ? sockets : engine;
    const reasons = new Map();
    let packets = 0;
    for (const [index, one] of cases.entries()) {
      const outcome = results[index];
      const reason = compare(codec, one, outcome, read(codec, one.messages));
      if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      packets += outcome.packets.length;
      // What we write of what we read, the official decoder reads as before.
      const again = read(codec, outcome.again.flat());
      assert.deepEqual(again.packets, outcome.packets.map(ours), JSON.stringify(one));
      assert.equal(again.error, false, `${JSON.stringify(one)}: ${again.why}`);
    }
    for (const [reason, times] of reasons) console.log(`  ${times} times: ${reason}`);
    assert.ok(packets > count / 4, `only ${packets} packets were read`);
    const different = [...reasons.values()].reduce((sum, times) => sum + times, 0);
    assert.ok(different < count / 4, `${different} inputs were read differently`);
  });
}
