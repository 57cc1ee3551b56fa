// Socket.IO packets, protocol 5, by hand over a WebSocket.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, sleep } from "../lib/fixture.mjs";
import { Wire } from "../lib/raw.mjs";

const OFFICIAL = process.env.SPOLA_CONFORMANCE_SERVER?.endsWith("official.mjs");

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

const HOLE = '{"_placeholder":true,"num":0}';
const bytes = (...values) => Buffer.from(values);

describe("packets that are answered", () => {
  for (const [title, sent, answer] of [
    ["an event", ['42["echo",1]'], ['42["echo",1]']],
    ["an event with a written root namespace", ['42/,["echo",1]'], ['42["echo",1]']],
    ["an event with an id", ['4213["echo-ack",1]'], ["4313[1]"]],
    ["leading zeros of an id", ['4200["echo-ack"]'], ["430[]"]],
    ["a large id", ['429007199254740991["echo-ack"]'], ["439007199254740991[]"]],
    ["white space within the data", ['42[ "echo" , { "a" : 1 } ]'], null],
    ["a namespace to join", ["40/room-chat,"], null],
    [
      "an unknown namespace",
      ["40/nope,"],
      ['44/nope,{"message":"Invalid namespace"}'],
    ],
    [
      "a namespace that runs to the end",
      ["40/nope"],
      ['44/nope,{"message":"Invalid namespace"}'],
    ],
    [
      "a query is part of the name",
      ["40/room-chat?a=1,"],
      ['44/room-chat?a=1,{"message":"Invalid namespace"}'],
    ],
    [
      "a refusal by middleware, with data",
      ['40/admin,{"token":"guess"}'],
      ['44/admin,{"message":"not authorized","data":{"code":"E_AUTH"}}'],
    ],
    [
      "binary",
      [`451-["echo",${HOLE}]`, bytes(1, 2, 255)],
      [`451-["echo",${HOLE}]`, bytes(1, 2, 255)],
    ],
    ["an empty attachment", [`451-["echo",${HOLE}]`, bytes()], [`451-["echo",${HOLE}]`, bytes()]],
    [
      "an object that only looks like a placeholder",
      [`42["echo",${HOLE}]`],
      [`42["echo",${HOLE}]`],
    ],
  ]) {
    test(title, async () => {
      const wire = await Wire.joined(fixture);
      wire.send(...sent);
      if (answer === null) {
        await wire.next();
      } else {
        for (const expected of answer) assert.deepEqual(await wire.next(), expected);
      }
      wire.ws.close();
    });
  }
});

describe("packets that are harmless", () => {
  for (const [title, sent] of [
    ["an ack nobody waits for", ["43999[]"]],
    ["an ack without arguments", ["4332"]],
    ["an event that is a number", ["42[1]"]],
    ["an event nobody handles", ['42["nobody",{"a":[1]}]']],
    ["an attachment nobody refers to", ['451-["nobody"]', bytes(0)]],
    ["ten attachments", ['4510-["nobody"]', ...Array(10).fill(bytes(7))]],
  ]) {
    test(title, async () => {
      const wire = await Wire.joined(fixture);
      wire.send(...sent, '427["echo-ack","alive"]');
      await wire.until('437["alive"]');
      wire.ws.close();
    });
  }
});

for (const [title, namespace] of [
  ["the root namespace", ""],
  ["another namespace", "/room-chat,"],
]) {
  test(`leaving and joining again: ${title}`, async () => {
    const wire = await Wire.joined(fixture);
    if (namespace !== "") {
      wire.send(`40${namespace}`);
      await wire.next();
    }
    wire.send(`41${namespace}`);
    await sleep(50);
    wire.send(`40${namespace}`);
    assert.match(await wire.next(), /^40.*"sid":/);
    wire.send(`42${namespace}["echo","back"]`);
    await wire.until(`42${namespace}["echo","back"]`);
    wire.ws.close();
  });
}

describe("packets that end the session", () => {
  const deep = (depth) => `42["echo",${"[".repeat(depth)}${"]".repeat(depth)}]`;
  for (const [title, sent] of [
    ["an unknown type", ["47"]],
    ["a letter", ["4a"]],
    ["no type", ["4"]],
    ["no event name", ["42[]"]],
    ["an event that is an object", ["42{}"]],
    ["an event that is a string", ['42"a"']],
    ["a reserved name", ['42["connect"]']],
    ["another reserved name", ['42["disconnecting"]']],
    ["a name that is null", ["42[null]"]],
    ["a name that is a boolean", ["42[true]"]],
    ["unfinished JSON", ['42["a"']],
    ["something after the JSON", ['42["a"]x']],
    ["JSON that is none", ["42[echo]"]],
    ["an ack that is an object", ["431{}"]],
    ["data after a disconnect", ["41{}"]],
    ["an array for auth", ["40/room-chat,[]"]],
    ["null for auth", ["40/room-chat,null"]],
    ["a namespace with a comma", ['42/a,b,["c"]']],
    ["joining twice", ["40"]],
    ["a connect error from a client", ['44{"message":"no"}']],
    ["an event for a namespace not joined", ['42/room-chat,["echo"]']],
    ["a disconnect from a namespace not joined", ["41/room-chat,"]],
    ["binary without a count", ['45["a"]']],
    ["binary with an empty count", ['45-["a"]']],
    ["binary with a letter for a count", ['45x-["a"]']],
    ["binary with a negative count", ['45-1-["a"]']],
    ["binary with half an attachment", ['451.5-["a"]']],
    ["eleven attachments", ['4511-["a"]']],
    ["a very large count", ['4599999999999999999999-["a"]']],
    ["a placeholder out of range", ['451-["a",{"_placeholder":true,"num":1}]', bytes(0)]],
    ["a negative placeholder", ['451-["a",{"_placeholder":true,"num":-1}]', bytes(0)]],
    ["text instead of the attachment", [`451-["a",${HOLE}]`, '42["b"]']],
    ["an attachment nobody announced", [bytes(0)]],
  ]) {
    test(title, async () => {
      const wire = await Wire.joined(fixture);
      wire.send(...sent);
      assert.equal(await wire.end(), 1005);
    });
  }

  // The official server ends at this.
  test("very deep JSON harms nobody else", { skip: OFFICIAL }, async () => {
    const wire = await Wire.joined(fixture);
    const other = await Wire.joined(fixture);
    wire.send(deep(300_000));
    const ended = wire.end().catch(() => "still open");
    await Promise.race([ended, wire.next().catch(() => {})]);
    other.send('420["echo-ack","alive"]');
    assert.equal(await other.next(), '430["alive"]');
    wire.ws.terminate();
    other.ws.close();
  });
});

test("a session without a namespace may speak of nothing else", async () => {
  const wire = new Wire(fixture, "EIO=4&transport=websocket");
  await wire.next();
  wire.send('42["echo",1]');
  assert.equal(await wire.end(), 1005);
});

test("what a handler emits comes after the reply to CONNECT", async () => {
  const wire = new Wire(fixture, "EIO=4&transport=websocket");
  await wire.next();
  wire.send('40/admin,{"token":"letmein"}');
  assert.match(await wire.next(), /^40\/admin,\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
  assert.equal(await wire.next(), '42/admin,["welcome"]');
  wire.ws.close();
});

test("the server leaves a namespace with its DISCONNECT", async () => {
  const wire = await Wire.joined(fixture);
  wire.send('42["kick"]');
  assert.equal(await wire.next(), "41");
  wire.send("40");
  assert.match(await wire.next(), /^40\{"sid":/);
  wire.ws.close();
});

test("the server ends a session with a DISCONNECT for each namespace", async () => {
  const wire = await Wire.joined(fixture);
  wire.send("40/room-chat,");
  await wire.next();
  wire.send('42["kick-session"]');
  const farewell = [await wire.next(), await wire.next()];
  assert.deepEqual(farewell.sort(), ["41", "41/room-chat,"]);
  assert.equal(await wire.end(), 1005);
});
