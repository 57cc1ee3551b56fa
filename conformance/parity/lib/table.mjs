// The table: rows, and how an observation is judged.
import { isDeepStrictEqual } from "node:util";

/**
 * The rows of one section of the protocol text. A row is `{ id, name, options, run, expect }`:
 * `run` deals with a server that was started with `options` and returns what it saw, `expect` is what
 * must be seen. `slow` rows wait longer than the quick part of the suite can; those of `ours` are about
 * what the official server does not have.
 */
export function rows(section, list) {
  return list.map((row) => ({ options: {}, ...row, section, id: `${section}/${row.id}` }));
}

/**
 * What is to be said of one row. `official` and `ours` are `{ seen }` or `{ error }`.
 * @returns `{ official, ours }`, each `{ verdict, why }` with the verdict `passed`, `failed`, or for
 * ours `differs` (on purpose) or `unsupported` (as listed).
 */
export function judge(row, { official, ours }, { differences, pending }) {
  return {
    official: official && judgeOne(row.expect, official),
    ours: ours && judgeOurs(row, ours, official, differences[row.id], pending(row)),
  };
}

function judgeOne(expected, { seen, error }) {
  if (error) return { verdict: "failed", why: error };
  if (isDeepStrictEqual(seen, expected)) return { verdict: "passed" };
  return { verdict: "failed", why: compared(expected, seen) };
}

function judgeOurs(row, ours, official, difference, feature) {
  const same = judgeOne(row.expect, ours);
  if (feature) {
    if (same.verdict === "failed") return { verdict: "unsupported", why: feature };
    return { verdict: "failed", why: `passes, but is listed as not supported yet: ${feature}` };
  }
  if (!difference) {
    // What the text expects is what the official server does, or the row fails there; still the two
    // are compared with each other, so that no row rests on the text alone.
    if (same.verdict === "passed" && official?.seen !== undefined) {
      if (!isDeepStrictEqual(ours.seen, official.seen)) {
        return { verdict: "failed", why: compared(official.seen, ours.seen) };
      }
    }
    return same;
  }
  if (same.verdict === "passed") {
    return { verdict: "failed", why: `does not differ, but is listed to: ${difference.reason}` };
  }
  const other = judgeOne(difference.ours, ours);
  return other.verdict === "passed" ? { verdict: "differs", why: difference.reason } : other;
}

function compared(expected, seen) {
  return `expected ${JSON.stringify(expected)}\n      but saw ${JSON.stringify(seen)}`;
}
