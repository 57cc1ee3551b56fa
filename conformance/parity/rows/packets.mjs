// §§14 to 16: Socket.IO packets, their decoding, attachments.
import { rows } from "../lib/table.mjs";
import { masked, outcome, sleep } from "../lib/peer.mjs";

const HOLE = '{"_placeholder":true,"num":0}';
const hole = (num) => `{"_placeholder":true,"num":${num}}`;
const bytes = (...values) => Buffer.from(values);
const CLOSED = ["Close", "end"];

/** What comes of these messages on a WebSocket that has joined the root, the Engine.IO `4` left out. */
const vector = (messages, expect, { id = messages.map(String).join(" then "), joins = [] } = {}) => ({
  id,
  name: "a packet and what comes of it",
  async run(peer) {
    const wire = await peer.joined();
    for (const namespace of joins) {
      wire.send(`40${namespace},`);
      await wire.until((what) => what.startsWith(`40${namespace}`));
      if (namespace === "/chat") await wire.next();
    }
    for (const message of messages) {
      wire.send(typeof message === "string" ? `4${message}` : message);
    }
    // Whether to let it in is decided in a while.
    if (messages.some((message) => /^0\//.test(message))) await sleep(80);
    const seen = (await outcome(wire)).map((what) => masked(what.replace(/^4/, "")));
    if (seen.at(-1) === "alive") return seen;
    return [...seen, await peer.reason(wire.id)];
  },
  expect: expect === "bad" ? [...CLOSED, "forced close"] : expect,
});

const seen = (text) => [text, "alive"];
const AS_IT_IS = `["seen","a",${HOLE}]`;

const vectors14 = [
  vector(['2["hello",1,"€"]'], seen('2["seen","hello",1,"€"]')),
  vector(['2/chat,456["project:delete",123]'], seen('3/chat,456["acked","project:delete",123]'), {
    joins: ["/chat"],
  }),
  vector(['2/chat,456["ack"]'], seen("3/chat,456[]"), { joins: ["/chat"] }),
  vector(['0/admin,{"token":"123"}'], seen('4/admin,{"message":"not authorized","data":{"code":"E1"}}')),
  vector(['0/admin,{"token":"plain"}'], seen('4/admin,{"message":"no data"}')),
  vector(['0/admin,{"token":"letmein"}'], seen('0/admin,{"sid":"<id>"}')),
  vector([`51-["hello",${HOLE}]`, bytes(1, 2, 3)], [
    `51-["seen","hello",${HOLE}]`,
    "<01 02 03>",
    "alive",
  ], { id: "one attachment" }),
  vector(
    [
      `53-/chat,7["u",{"a":${HOLE},"b":[${hole(1)},{"c":${hole(2)}}]}]`,
      bytes(1),
      bytes(2, 3),
      bytes(),
    ],
    [
      `63-/chat,7["acked","u",{"a":${HOLE},"b":[${hole(1)},{"c":${hole(2)}}]}]`,
      "<01>",
      "<02 03>",
      "<>",
      "alive",
    ],
    { id: "three attachments", joins: ["/chat"] },
  ),
  vector([`51-1["ack",null,${HOLE}]`, bytes(255)], [`61-1[null,${HOLE}]`, "<ff>", "alive"], {
    id: "ack with binary",
  }),
  {
    id: "frame",
    name: "the frame of an event",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["to",[],[],"hello",1,"€"]');
      await wire.until('42["hello",1,"€"]');
      return wire.frames.at(-1).toString("hex");
    },
    alone: true,
    expect: "811334325b2268656c6c6f222c312c22e282ac225d",
  },
  {
    id: "values",
    name: "values of JavaScript as JSON has them",
    async run(peer) {
      const wire = await peer.joined();
      wire.send('42["values"]');
      return wire.next();
    },
    expect: '42["values",null,null,0,"1970-01-01T00:00:00.000Z",{"b":{}},"\u2028€"]',
  },
  vector(['2["echo","\\ud83d"]'], seen('2["echo","\\ud83d"]')),
  vector(['2["echo","\\u001e\\n\\"\\\\/"]'], seen('2["echo","\\u001e\\n\\"\\\\/"]')),
  vector(['2["echo",{"b":1,"a":[true,null,1.5,-2]}]'], seen('2["echo",{"b":1,"a":[true,null,1.5,-2]}]')),
];

const vectors15 = [
  vector(['2["a"]'], seen('2["seen","a"]')),
  vector(['2/,["a"]'], seen('2["seen","a"]')),
  vector(['20["a"]'], seen('30["acked","a"]')),
  vector(['200["a"]'], seen('30["acked","a"]')),
  vector(['2007["a"]'], seen('37["acked","a"]')),
  vector(['29007199254740991["a"]'], seen('39007199254740991["acked","a"]')),
  vector(['29007199254740993["a"]'], seen('39007199254740992["acked","a"]')),
  vector(['2 ["a"]'], seen('30["acked","a"]')),
  vector(['2'], ["alive"]),
  vector(['21'], ["alive"]),
  vector(['3999[]'], ["alive"]),
  vector(['32'], ["alive"]),
  vector(['3'], ["alive"]),
  vector(['2[1]'], seen('2["seen",1]')),
  vector(['2["a",]'], "bad"),
  ...["2[]", "2{}", '2"a"', '2["connect"]', "2[null]", "2[true]", '2["a"', '2["a"]x'].map((text) =>
    vector([text], "bad"),
  ),
  ...[
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
  ].map((name) => vector([`2["${name}"]`], "bad")),
  ...["connection", "error", "message"].map((name) =>
    vector([`2["${name}"]`], name === "error" ? ["alive"] : seen(`2["seen","${name}"]`)),
  ),
  ...["31{}", "1{}", "1[]", "0[]", "0null", '0"a"', "01[]", "7", "a", ""].map((text) =>
    vector([text], "bad", { id: text === "" ? "empty" : text }),
  ),
  ...['5["a"]', '5-["a"]', '5x-["a"]', '5-1-["a"]', '51.5-["a"]', '511-["a"]', '50-["a"]'].map((text) =>
    vector([text], "bad"),
  ),
  vector(['501-["a"]', bytes(0)], seen('2["seen","a"]'), { id: '501-["a"] then <00>' }),
  vector(['51e0-["a"]', bytes(0)], seen('2["seen","a"]'), { id: '51e0-["a"] then <00>' }),
  vector([`51-["a",${hole(1)}]`, bytes(0)], "bad", { id: "placeholder too large" }),
  vector([`51-["a",${hole(-1)}]`, bytes(0)], "bad", { id: "placeholder negative" }),
  vector(['51-["a",{"_placeholder":true,"num":"0"}]', bytes(0)], "bad", { id: "placeholder a text" }),
  vector(['51-["a",{"_placeholder":true}]', bytes(0)], "bad", { id: "placeholder without number" }),
  vector(['51-["a",{"_placeholder":true,"num":0.5}]', bytes(0)], ['2["seen","a",null]', "alive"], {
    id: "placeholder a fraction",
  }),
  vector([`51-["a",${HOLE},${HOLE}]`, bytes(7)], [
    `52-["seen","a",${HOLE},${hole(1)}]`,
    "<07>",
    "<07>",
    "alive",
  ], { id: "placeholder twice" }),
  vector([`51-["a",{"_placeholder":1,"num":0}]`, bytes(7)], seen('2["seen","a",{"_placeholder":1,"num":0}]'), {
    id: "placeholder not quite",
  }),
  vector([`51-["a",${HOLE}]`, '2["b"]'], "bad"),
  vector(['51-["a"]', bytes(0)], seen('2["seen","a"]'), { id: '51-["a"] then <00>' }),
  vector([`510-["a"]`, ...Array(10).fill(bytes(1))], seen('2["seen","a"]'), { id: "ten attachments" }),
  vector([`51-["a",${HOLE}]`, "bBw=="], "bad", { id: "base64 as a Socket.IO packet" }),
  vector([bytes(0)], "bad", { id: "binary out of place" }),
  vector(['2/a,b,["c"]'], "bad"),
  vector([`2["a",${HOLE}]`], seen(`2${AS_IT_IS}`)),
  vector(['2["a",{"x":1,"x":2}]'], seen('2["seen","a",{"x":2}]')),
  vector([' 2["a"]'], "bad", { id: "space in front" }),
  vector(['2[ "a" , [ ] ]'], seen('2["seen","a",[]]')),
  vector(['2["__proto__"]'], seen('2["seen","__proto__"]')),
  vector(['2["toString"]'], seen('2["seen","toString"]')),
  vector(['2["a",{"__proto__":1}]'], seen('2["seen","a",{"__proto__":1}]')),
  {
    id: "deep",
    name: "JSON as deep as 100 is taken",
    async run(peer) {
      const wire = await peer.joined();
      const value = "[".repeat(100) + "]".repeat(100);
      wire.send(`42["echo",${value}]`);
      return (await wire.next()) === `42["echo",${value}]`;
    },
    expect: true,
  },
  {
    id: "very deep",
    name: "JSON as deep as 5000: the official server dies of it",
    alone: true,
    async run(peer) {
      const wire = await peer.joined();
      const value = "[".repeat(5000) + "]".repeat(5000);
      wire.send(`42["nobody2",${value}]`);
      return outcome(wire);
    },
    expect: ["end"],
  },
];

const vectors16 = [
  {
    id: "order",
    name: "attachments in order of their numbers, depth first, nothing in between",
    async run(peer) {
      const wire = await peer.joined();
      const data = `{"z":${hole(1)},"a":[${hole(0)},${hole(2)}]}`;
      wire.send(`453-["hello",${data}]`, bytes(1), bytes(2), bytes(3), '42["echo"]');
      return wire.take(5);
    },
    expect: [
      `453-["seen","hello",{"z":${hole(0)},"a":[${hole(1)},${hole(2)}]}]`,
      "<02>",
      "<01>",
      "<03>",
      '42["echo"]',
    ],
  },
  {
    id: "polling",
    name: "a packet and its attachments in one payload",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send(`451-["echo",${HOLE}]`, bytes(1, 2, 3));
      return (await session.get()).text;
    },
    expect: `451-["echo",${HOLE}]\x1ebAQID`,
  },
  {
    id: "polling in pieces",
    name: "attachments may come in later POSTs",
    async run(peer) {
      const session = await peer.joined("polling");
      await session.send(`452-["echo",${HOLE},${hole(1)}]`);
      await session.send(bytes(1));
      await session.send(bytes(2));
      return (await session.get()).text;
    },
    expect: `452-["echo",${HOLE},${hole(1)}]\x1ebAQ==\x1ebAg==`,
  },
  {
    id: "one for the connection",
    name: "one packet is pending for the connection, not one for each namespace",
    async run(peer) {
      const wire = await peer.joined();
      wire.send("40/chat,");
      await wire.take(2);
      wire.send(`451-["a",${HOLE}]`, `451-/chat,["b",${HOLE}]`);
      return [await wire.rest(), await peer.reason(wire.id)];
    },
    expect: [CLOSED, "forced close"],
  },
  {
    id: "binary in CONNECT",
    name: "a CONNECT cannot have attachments",
    async run(peer) {
      const wire = await peer.wire();
      wire.send(`40/chat,{"data":${HOLE}}`);
      return (await wire.take(2)).map(masked);
    },
    expect: ['40/chat,{"sid":"<id>"}', `42/chat,["welcome",{"data":${HOLE}}]`],
  },
];

export default [...rows("14", vectors14), ...rows("15", vectors15), ...rows("16", vectors16)];
