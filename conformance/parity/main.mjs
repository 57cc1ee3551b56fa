// The parity suite: every row of the table on the official server and on ours.
//
//   node main.mjs [--ours PROGRAM] [--server official|ours] [--quick] [--only PATTERN] [--mutants]
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { differences } from "./differences.mjs";
import { judge } from "./lib/table.mjs";
import { OFFICIAL } from "./lib/server.mjs";
import { runAll } from "./lib/run.mjs";
import { MUTANTS } from "./mutants.mjs";
import { pending } from "./pending.mjs";
import { table } from "./rows/table.mjs";

const { values } = parseArgs({
  options: {
    ours: { type: "string" },
    server: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    mutants: { type: "boolean", default: false },
  },
});

const wanted = new RegExp(values.only ?? "");
const rows = table.filter((row) => wanted.test(row.id) && !(values.quick && row.slow));
const clientFiles = resolve(import.meta.dirname, "node_modules/socket.io/client-dist");
const ours = values.ours && [values.ours, "--client-files", clientFiles];

process.exitCode = (values.mutants ? await proveMutants() : await compareServers()) ? 0 : 1;

async function compareServers() {
  const [official, own] = await Promise.all([
    values.server === "ours"
      ? undefined
      : runAll("official", OFFICIAL, rows.filter((row) => !row.ours)),
    values.server === "official" ? undefined : runAll("ours", ours, rows),
  ]);
  const counts = { official: {}, ours: {} };
  const listed = [];
  for (const row of rows) {
    const results = { official: official?.get(row.id), ours: own?.get(row.id) };
    const verdicts = judge(row, results, { differences, pending });
    for (const [server, verdict] of Object.entries(verdicts)) {
      if (!verdict) continue;
      counts[server][verdict.verdict] = (counts[server][verdict.verdict] ?? 0) + 1;
      if (verdict.verdict === "failed") console.log(failure(server, row, verdict.why));
      else if (verdict.verdict !== "passed") listed.push([verdict.verdict, row, verdict.why]);
    }
  }
  const unknown = strangers();
  for (const [title, verdict] of [
    ["Different on purpose", "differs"],
    ["Not supported by ours yet", "unsupported"],
  ]) {
    const these = listed.filter(([one]) => one === verdict);
    if (these.length > 0) console.log(`\n${title}:`);
    for (const [, row, why] of these) console.log(`  ${row.id}: ${why}`);
  }
  for (const id of unknown) console.log(`FAILED ${id}: listed as a difference, but there is no such row`);
  console.log();
  if (official) console.log(line("official", counts.official));
  if (own) console.log(line("ours", counts.ours));
  const failed = (counts.official.failed ?? 0) + (counts.ours.failed ?? 0) + unknown.length;
  const { passed = 0 } = counts.official;
  const held = (counts.ours.passed ?? 0) + (counts.ours.differs ?? 0);
  console.log(`\n${passed + held} passed, ${failed} failed, ${counts.ours.unsupported ?? 0} skipped`);
  return failed === 0 && rows.length > 0;
}

/** Differences listed for rows that do not exist. */
function strangers() {
  const known = new Set(table.map((row) => row.id));
  return Object.keys(differences).filter((id) => !known.has(id));
}

function failure(server, row, why) {
  return `FAILED on ${server}: ${row.id}: ${row.name}\n      ${why}`;
}

function line(server, { passed = 0, failed = 0, differs = 0, unsupported = 0 }) {
  const more = server === "ours" ? `, ${differs} different on purpose, ${unsupported} not supported yet` : "";
  return `${server}: ${passed} passed, ${failed} failed${more}`;
}

/** Each deliberate fault must fail rows that pass without it. */
async function proveMutants() {
  const before = await failuresOf(undefined);
  let caught = 0;
  for (const [mutant, fault] of Object.entries(MUTANTS)) {
    const failed = [...(await failuresOf(mutant))].filter((id) => !before.has(id));
    if (failed.length > 0) caught += 1;
    const verdict = failed.length > 0 ? `caught by ${failed.length} rows` : "NOT CAUGHT";
    console.log(`${mutant} (${fault}): ${verdict}`);
    for (const id of failed.slice(0, 5)) console.log(`  ${id}`);
  }
  const all = Object.keys(MUTANTS).length;
  console.log(`\n${caught} passed, ${all - caught} failed, 0 skipped`);
  return caught === all;
}

async function failuresOf(mutant) {
  const results = await runAll("ours", ours, rows, mutant);
  const failed = rows.filter((row) => {
    const verdict = judge(row, { ours: results.get(row.id) }, { differences, pending });
    return verdict.ours.verdict === "failed";
  });
  return new Set(failed.map((row) => row.id));
}
