// §6: the WebSocket transport.
import { constants, deflateRawSync } from "node:zlib";
import { rows } from "../lib/table.mjs";
import { frame, hex } from "../lib/websocket.mjs";
import { outcome } from "../lib/peer.mjs";

const HOLE = '{"_placeholder":true,"num":0}';
const EVENT = `451-["echo",${HOLE}]`;
const bytes = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** What comes of these messages, and what the server says of it. */
const fate = (id, name, messages, expect, options = {}) => ({
  id,
  name,
  options,
  async run(peer) {
    const wire = await peer.joined();
    for (const message of messages) {
      if (message.raw) wire.raw(message.raw);
      else wire.send(message);
    }
    const seen = await outcome(wire);
    return seen.at(-1) === "alive" ? seen : [...seen, await peer.reason(wire.id)];
  },
  expect,
});

/** The frame that answers a frame of the client, byte by byte. */
const bytewise = (id, sent, expect) => ({
  id,
  name: "a frame, byte by byte",
  async run(peer) {
    const wire = await peer.joined();
    const before = wire.frames.length;
    for (const one of sent) wire.raw(bytes(one));
    const count = expect.length;
    await wire.take(count);
    return wire.frames.slice(before, before + count).map((one) => hex(one));
  },
  expect,
});

export default rows("6", [
  bytewise(
    "text frame",
    // 42["echo","€"]
    ["81 90 37 fa 21 3d 03 c8 7a 1f 52 99 49 52 15 d6 03 df b5 56 03 60"],
    ["81 10 34 32 5b 22 65 63 68 6f 22 2c 22 e2 82 ac 22 5d"],
  ),
  {
    id: "binary frame",
    name: "a binary message has no prefix",
    async run(peer) {
      const wire = await peer.joined();
      wire.send(EVENT).raw(bytes("82 84 37 fa 21 3d 36 f8 22 39"));
      await wire.take(2);
      return hex(wire.frames.at(-1));
    },
    expect: "82 04 01 02 03 04",
  },
  {
    id: "ping and pong frames",
    name: "a ping of the server and the pong of a client",
    options: { pingInterval: 150, pingTimeout: 300 },
    async run(peer) {
      const wire = await peer.wire();
      const seen = [];
      for (let beat = 0; beat < 3; beat += 1) {
        await wire.next();
        seen.push(hex(wire.frames.at(-1)));
        wire.raw(bytes("81 81 37 fa 21 3d 04"));
      }
      return seen;
    },
    expect: ["81 01 32", "81 01 32", "81 01 32"],
  },
  {
    id: "b64 frame",
    name: "with b64 binary is text",
    async run(peer) {
      const wire = await peer.joined("websocket", { query: "&b64=1" });
      wire.send(EVENT, Buffer.from([1, 2, 3, 4]));
      await wire.take(2);
      return hex(wire.frames.at(-1));
    },
    expect: "81 09 62 41 51 49 44 42 41 3d 3d",
  },
  fate("base64 from the client", "base64 is accepted in text", [EVENT, "bAQIDBA=="], [
    EVENT,
    "<01 02 03 04>",
    "alive",
  ]),
  fate("empty binary", "an empty binary message", [EVENT, Buffer.alloc(0)], [EVENT, "<>", "alive"]),
  fate("empty text", "an empty text", [""], ["Close", "end", "parse error"]),
  fate("type 7", "an unknown packet", ["7"], ["Close", "end", "parse error"]),
  fate("type x", "a letter for a type", ["x"], ["Close", "end", "parse error"]),
  fate("multi-byte", "a character of several bytes, six in all", ["€€"], ["Close", "end", "parse error"]),
  fate("ping", "a ping in the wrong direction", ["2"], ["Close", "end", "transport error"]),
  fate("pong", "a pong that nobody asked for", ["3"], ["alive"]),
  fate("close", "a close packet is ignored", ["1"], ["alive"]),
  fate("others", "open, upgrade, noop are ignored", ["0", "0{}", "5", "6"], ["alive"]),
  fate(
    "not UTF-8",
    "text that is not UTF-8",
    [{ raw: frame(1, Buffer.from("4\xff", "latin1")) }],
    ["Close 1007", "end", "transport error"],
  ),
  fate(
    "limit",
    "a message of the limit passes",
    [`42["echo","${"x".repeat(200 - 13)}"]`],
    [`42["echo","${"x".repeat(200 - 13)}"]`, "alive"],
    { maxHttpBufferSize: 200 },
  ),
  fate(
    "limit exceeded",
    "one byte more",
    [`42["echo","${"x".repeat(201 - 13)}"]`],
    ["Close 1009", "end", "transport error"],
    { maxHttpBufferSize: 200 },
  ),
  fate(
    "limit exceeded in fragments",
    "the limit counts the whole message",
    [{ raw: Buffer.concat([frame(1, "4".repeat(150), { fin: false }), frame(0, "4".repeat(51))]) }],
    ["Close 1009", "end", "transport error"],
    { maxHttpBufferSize: 200 },
  ),
  fate(
    "fragments",
    "a message in fragments with a ping between",
    [
      {
        raw: Buffer.concat([
          frame(1, '42["ec', { fin: false }),
          frame(9, "between"),
          frame(0, 'ho","frag', { fin: false }),
          frame(0, 'ments"]'),
        ]),
      },
    ],
    ["Pong between", '42["echo","fragments"]', "alive"],
  ),
  fate("control ping", "a ping frame is answered", [{ raw: frame(9, "hi") }], ["Pong hi", "alive"]),
  fate("control pong", "a pong frame is ignored", [{ raw: frame(10, "hi") }], ["alive"]),
  fate("unmasked", "a frame without a mask", [{ raw: frame(1, "3", { masked: false }) }], [
    "Close 1002",
    "end",
    "transport error",
  ]),
  fate("reserved bit", "a compressed frame where nothing was agreed", [{ raw: frame(1, "3", { rsv1: true }) }], [
    "Close 1002",
    "end",
    "transport error",
  ]),
  fate("reserved opcode", "an unknown opcode", [{ raw: frame(3, "") }], [
    "Close 1002",
    "end",
    "transport error",
  ]),
  ...[
    ["Close", undefined, ["Close", "end"]],
    ["Close 1000", 1000, ["Close 1000", "end"]],
    ["Close 4000", 4000, ["Close 4000", "end"]],
  ].map(([id, code, expect]) => ({
    id,
    name: "a Close of the client is echoed",
    async run(peer) {
      const wire = await peer.joined();
      const seen = await wire.close(code);
      return [...seen, await peer.reason(wire.id)];
    },
    expect: [...expect, "transport close"],
  })),
  {
    id: "lost",
    name: "a connection that is lost",
    async run(peer) {
      const wire = await peer.joined();
      wire.abort();
      return peer.reason(wire.id);
    },
    expect: "transport close",
  },
  {
    id: "deflate off",
    name: "permessage-deflate is off by default",
    async run(peer) {
      const headers = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
      const answer = await peer.upgrade("EIO=4&transport=websocket", { headers }).response();
      return answer.header("sec-websocket-extensions") ?? "none";
    },
    expect: "none",
  },
  ...[
    ["by the client", "permessage-deflate; server_no_context_takeover", true, ["x", "deflated x"]],
    ["opted out", "permessage-deflate; server_no_context_takeover", false, ["x", "deflated x"]],
    ["with a context", "permessage-deflate", true, ["deflated x", "deflated x"]],
  ].map(([id, offer, compress, expect]) => ({
    id: `deflate ${id}`,
    name: "which messages permessage-deflate compresses: one of 100 bytes, one of 2000",
    options: { perMessageDeflate: true },
    async run(peer) {
      const wire = await peer.joined("websocket", {
        headers: { "Sec-WebSocket-Extensions": offer },
      });
      wire.send(`42["big",100,${compress}]`, `42["big",2000,${compress}]`);
      const agreed = (await wire.response()).header("sec-websocket-extensions").split(";")[0];
      return [agreed, ...(await wire.take(2)).map((text) => text.replace(/42\["big","x+"\]/, "x"))];
    },
    expect: ["permessage-deflate", ...expect],
  })),
  {
    id: "deflate limit",
    name: "the limit counts a message after inflation",
    options: { perMessageDeflate: true, maxHttpBufferSize: 5000 },
    async run(peer) {
      const headers = {
        "Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover",
      };
      const wire = await peer.joined("websocket", { headers });
      const packed = (text) =>
        deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
      wire.raw(frame(1, packed('42["echo","ok"]'), { rsv1: true }));
      const first = await wire.next();
      wire.raw(frame(1, packed(`42["echo","${"x".repeat(5000)}"]`), { rsv1: true }));
      return [first, ...(await wire.rest()), await peer.reason(wire.id)];
    },
    expect: ['42["echo","ok"]', "Close 1009", "end", "transport error"],
  },
]);
