// Where ours differs from the official server on purpose: by the row's id, what ours does and why.
// A difference that is not here fails, and so does one that is here and does not occur. Sections are
// those of the protocol text; "limits" is the text about hostile input.

const CLOSED = ["Close", "end"];
const GONE = '400 {"code":1,"message":"Session ID unknown"}';
const BAD = [...CLOSED, "forced close"];

/** The same for several rows. */
const all = (reason, entries) =>
  Object.fromEntries(Object.entries(entries).map(([id, ours]) => [id, { ours, reason }]));

export const differences = {
  ...all("§3.3, quirks: refused before the 101", {
    "3/upgrade polling": [400, "end"],
    "3/upgrade revision 3": 400,
  }),
  ...all("§3.3, quirk: a session opened by WebSocket counts as upgraded and cannot be taken over", {
    "3/take over": [101, CLOSED],
  }),
  ...all("who does not offer upgrades does not take them", {
    "7/not allowed": CLOSED,
  }),
  ...all("§7.1, quirk: the deadline of a pong is kept through the switch", {
    "8/deadline kept through an upgrade": "ping timeout",
  }),
  ...all("§17.6, quirk: packets that were in flight when the server ended the namespace are ignored", {
    "17/in flight when the server ended the namespace": ["41/chat,", "alive"],
  }),
  ...all("§17.5, quirk: a second CONNECT while the first is pending closes", {
    "17/CONNECT twice during middleware": CLOSED,
  }),
  ...all("limits §4: base64 is strict", {
    "5/base64 without padding": [GONE],
    "5/base64 for URLs": [GONE],
    "5/base64 junk": [GONE],
  }),
  ...all("§4.4: packets before a bad one are delivered, up to the handlers", {
    "5/stops at the first bad piece": ["200 ok", ['42["told",1]', "alive"], GONE, "parse error"],
  }),
  ...all("the first of two POSTs is answered too, where the official server destroys its connection", {
    "5/two POSTs": ["200 1", "400", { status: 400, headers: {}, body: "" }, GONE, "transport error"],
  }),
  ...all("without a service for it, another path is answered 404, for upgrades as well", {
    "1/unmatched upgrade": 404,
  }),
  ...all("without WebSocket the official server does not see upgrade requests as such", {
    "2/polling alone": [
      '0{"sid":"<id>","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
      "400 Transport unknown",
    ],
  }),
  ...all("limits §3: context takeover is declined, so the threshold counts", {
    "6/deflate with a context": ["permessage-deflate", "x", "deflated x"],
  }),
  ...all("§6: a message may opt out of compression, which the official server forgets", {
    "6/deflate opted out": ["permessage-deflate", "x", "x"],
  }),
  ...all("RFC 9110 §8.6: a 204 has no Content-Length", { "12/preflight length": "none" }),
  ...all("§12.5: gzip is preferred among codings that the client likes as well", {
    "12/compression first named": [200, "gzip", true, "text/plain; charset=UTF-8"],
  }),
  ...all("limits §5: a lone surrogate is accepted and replaced", {
    '14/2["echo","\\ud83d"]': ['2["echo","\\ufffd"]', "alive"],
  }),
  ...all("§15, quirk: digits only, white space is none", {
    '15/2 ["a"]': ['2["seen","a"]', "alive"],
    '15/51e0-["a"] then <00>': BAD,
  }),
  ...all("limits §5: an event without data is malformed, and so is an ack without an id", {
    "15/2": BAD,
    "15/21": BAD,
    "15/3": BAD,
  }),
  ...all("§15: a placeholder's number is an index or the packet is bad", {
    "15/placeholder a fraction": BAD,
  }),
  ...all("of a key that comes twice the last one counts where it is read; passed on, both are there", {
    '15/2["a",{"x":1,"x":2}]': ['2["seen","a",{"x":1,"x":2}]', "alive"],
  }),
  ...all("limits §5: JSON is at most 128 deep; the official server's process ends of it", {
    "15/very deep": CLOSED,
  }),
  ...all("the bundle is compressed once, by gzip, and not for each request", {
    "12/bundle br": ["none", true],
    "12/bundle deflate": ["none", true],
  }),
  ...all("§12.6, quirk: 404", {
    "12/bundle socket.io.msgpack.js": 404,
    "12/bundle socket.io.esm.js": 404,
  }),
  ...all("who sends an event that is refused is told, by an event `error`", {
    "18/middleware of a socket": [
      ['42/order,["error",{"event":"blocked","message":"blocked"}]'],
      ["any blocked", "middleware blocked", "outgoing error", "any report", "middleware report"],
      false,
    ],
  }),
  ...all("§15: an id beyond what JavaScript counts in is bad, where the official server answers another", {
    '15/29007199254740993["a"]': BAD,
  }),
  ...all("§11.4, quirk: a packet is all there, and text or binary", {
    "11/binary, truncated": ["200 ok", "parse error"],
    "11/binary, unknown kind": ["200 ok", "parse error"],
  }),
  ...all("§11.4, quirk: a length has decimal digits only", {
    "11/hexadecimal length": ["200 ok", "parse error"],
    "11/fraction": ["200 ok", "parse error"],
  }),
  ...all("§20.3: a client that got no event has missed all since it came", { "20/no offset": true }),
  ...all("§20.3: a volatile event has an offset too, for the client takes its last argument for one", {
    "20/volatile": '42["v","<offset>"]',
    "20/volatile after the others": [true, ['42["missed","<offset>"]']],
  }),
  ...all("§21, quirk: a reserved name is bad in this format too", { "21/reserved name": ["Close"] }),
};
