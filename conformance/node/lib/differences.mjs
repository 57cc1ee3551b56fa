// Where our codecs differ from the official ones on purpose. Each time ours is stricter: it refuses what no
// official encoder writes.

const RESERVED =
  /^(connect|connect_error|disconnect|disconnecting|newListener|removeListener)$/;

// Our error, what else has to be so (`text`: a message of the case; `last`: what the official decoder read
// where we failed), and the reason.
const TEXT = [
  [/unknown packet type/, ({ text }) => text === "", "an empty text is no CONNECT"],
  [
    /type|attachment count|without id|without payload|invalid payload|wrong kind/,
    ({ text = "" }) => /^[^[{"]*\s/.test(text) || /^[56](?!\d+-)[^-[{"]*-/.test(text),
    "types, counts and ids are digits, not what JavaScript takes for numbers, white space among it",
  ],
  [/without payload/, ({ last }) => last?.type === 2 && !last.data, "an event has a name"],
  [/without id/, ({ last }) => last?.id === undefined, "an answer says to what"],
  [/id out of range/, ({ last }) => last?.id >= 2 ** 53, "ids are counted exactly"],
  [/invalid namespace/, ({ last }) => /\p{Cc}/u.test(last?.nsp), "no name has control characters"],
  [/malformed JSON/, ({ text = "" }) => /[eE]\+?\d{3}/.test(text), "numbers are in a double's range"],
  [/illegal placeholder/, ({ text = "" }) => /"num":[^,}]*\./.test(text), "an attachment's number is digits"],
];

const MESSAGEPACK = [
  [/reserved/, ({ last }) => RESERVED.test(last?.data?.[0]), "reserved names are so everywhere"],
  [/wrong kind/, ({ last }) => last?.type === 2 && !isName(last.data[0]), "an event has a name"],
  [/without id/, ({ last }) => last?.id === undefined, "an answer says to what"],
  [/id out of range/, ({ last }) => !(last?.id >= 0 && last.id < 2 ** 53), "ids are counted exactly"],
  [
    /invalid namespace/,
    ({ last }) => !/^\/[^,\p{Cc}]*$/u.test(last?.nsp),
    "a namespace begins with a slash, and has no comma and no control characters",
  ],
  [
    /malformed/,
    ({ last }) => strings(last).some((text) => /\ufffd|^(null|true|false|undefined|NaN|-?\d*\.\d+)$|,|^\[|GMT|^$/.test(text)),
    "text is UTF-8, and a key is text or an integer",
  ],
  [
    /placeholder/,
    ({ last }) => strings(last).includes("_placeholder"),
    "beside bytes nothing looks like a placeholder",
  ],
];

const ENGINE = [[/base64/, () => true, "base64 is what its standard says"]];

const DIFFERENCES = { text: TEXT, messagepack: MESSAGEPACK, packet: ENGINE, payload: ENGINE };

/** Why our outcome may differ from theirs; `undefined` if it may not. */
export function reason(codec, { messages }, outcome, theirs) {
  const last = theirs.raw?.[outcome.packets.length];
  for (const { text } of messages) {
    const found = DIFFERENCES[codec].find(
      ([error, holds]) => error.test(outcome.error) && holds({ text, last }),
    );
    if (found) return found[2];
  }
  return undefined;
}

const isName = (value) => typeof value === "string" || Number.isFinite(value);

/** All texts in a value, keys included. */
function strings(value) {
  if (typeof value === "string") return [value];
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...strings(member)]);
}
