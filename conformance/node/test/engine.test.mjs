// Engine.IO, revision 4, by hand.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fixture, sleep, withFixture } from "../lib/fixture.mjs";
import { Polling, Wire, http } from "../lib/raw.mjs";

const OFFICIAL = process.env.SPOLA_CONFORMANCE_SERVER?.endsWith("official.mjs");
const LIMIT = 1_000_000;

let fixture;
before(async () => (fixture = await Fixture.start()));
after(() => fixture.stop());

const opening = (upgrades) =>
  new RegExp(
    `^0\\{"sid":"[A-Za-z0-9_-]{20}","upgrades":${upgrades},` +
      '"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\\}$',
  );

describe("opening", () => {
  test("by polling", async () => {
    const { status, headers, body } = await http(fixture, "EIO=4&transport=polling");
    assert.equal(status, 200);
    assert.match(body, opening('\\["websocket"\\]'));
    assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
    assert.equal(headers["content-length"], `${body.length}`);
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["access-control-allow-origin"], undefined);
  });

  test("by WebSocket", async () => {
    const wire = new Wire(fixture, "EIO=4&transport=websocket");
    assert.match(await wire.next(), opening("\\[\\]"));
    wire.ws.close();
  });

  test("ids do not repeat", async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => Polling.open(fixture)));
    assert.equal(new Set(sessions.map((session) => session.sid)).size, 50);
  });
});

describe("refusals", () => {
  const ERRORS = [
    [0, "Transport unknown"],
    [1, "Session ID unknown"],
    [2, "Bad handshake method"],
    [3, "Bad request"],
    [4, "Forbidden"],
    [5, "Unsupported protocol version"],
  ];
  const REFUSED = [
    ["GET", "EIO=4&transport=xyz", 0],
    ["GET", "EIO=4", 0],
    ["GET", "EIO=4&transport=", 0],
    ["GET", "EIO=4&transport=webtransport", 0],
    ["GET", "EIO=4&transport=__proto__", 0],
    ["GET", "EIO=4&transport=polling&transport=xyz", 0],
    ["GET", "EIO=4&transport=polling&sid=nope", 1],
    ["POST", "EIO=4&transport=polling&sid=nope", 1],
    ["GET", "EIO=4&transport=polling&sid=__proto__", 1],
    ["GET", "EIO=4&transport=polling&sid=constructor", 1],
    ["POST", "EIO=4&transport=polling", 2],
    ["PUT", "EIO=4&transport=polling", 2],
    ["DELETE", "EIO=4&transport=polling&sid=", 2],
    ["OPTIONS", "EIO=4&transport=polling", 2],
    ["GET", "EIO=4&transport=websocket", 3],
    ["GET", "EIO=3&transport=polling", 5],
    ["GET", "transport=polling", 5],
    ["GET", "EIO=5&transport=polling", 5],
  ];
  for (const [method, query, code] of REFUSED) {
    test(`${method} ${query}`, async () => {
      const { status, headers, body } = await http(fixture, query, { method });
      assert.equal(body, JSON.stringify({ code, message: ERRORS[code][1] }));
      assert.equal(status, 400);
      assert.equal(headers["content-type"], "application/json");
    });
  }

  test("a plain request for a session that polls, as if by WebSocket", async () => {
    const { sid } = await Polling.open(fixture);
    const { status, body } = await http(fixture, `EIO=4&transport=websocket&sid=${sid}`);
    assert.deepEqual([status, JSON.parse(body).code], [400, 3]);
  });

  test("a WebSocket with an unknown id gets no 101", async () => {
    const wire = new Wire(fixture, "EIO=4&transport=websocket&sid=nope");
    await assert.rejects(wire.opened, { status: 400, message: "Session ID unknown" });
  });

  test("an unknown transport gets no 101", async () => {
    const wire = new Wire(fixture, "EIO=4&transport=xyz");
    await assert.rejects(wire.opened, { status: 400, message: "Transport unknown" });
  });
});

describe("polling", () => {
  test("a POST is answered ok", async () => {
    const session = await Polling.open(fixture);
    const { status, headers, body } = await session.post("40");
    assert.deepEqual([status, body], [200, "ok"]);
    assert.equal(headers["content-type"], "text/html");
    assert.equal(headers["cache-control"], "no-store");
  });

  test("a GET waits for the next packet", async () => {
    const session = await Polling.joined(fixture);
    const waiting = session.get();
    const early = await Promise.race([waiting, sleep(200).then(() => "nothing yet")]);
    assert.equal(early, "nothing yet");
    await session.post('42["echo","late"]');
    assert.equal((await waiting).body, '42["echo","late"]');
  });

  test("several packets in one body, in order", async () => {
    const session = await Polling.joined(fixture);
    await session.post('42["echo",1]\x1e42["echo","€"]\x1e4217["echo-ack"]');
    assert.deepEqual(await session.until("4317[]"), ['42["echo",1]', '42["echo","€"]']);
  });

  test("binary travels as base64", async () => {
    const session = await Polling.joined(fixture);
    const packet = '51-["echo",{"_placeholder":true,"num":0}]';
    for (const data of ["bAQIDBA==", "b"]) {
      await session.post(`4${packet}\x1e${data}`);
      assert.deepEqual(await session.until(data), [`4${packet}`]);
    }
  });

  test("a bad packet is answered ok, then the session is gone", async () => {
    const session = await Polling.joined(fixture);
    const { status, body } = await session.post('42["echo",1]\x1e9\x1e42["echo",2]');
    assert.deepEqual([status, body], [200, "ok"]);
    assert.equal(JSON.parse((await session.get()).body).code, 1);
  });

  for (const [title, body] of [
    ["an empty body", ""],
    ["a trailing separator", '42["nobody"]\x1e'],
    ["an unknown packet", "9"],
    ["a ping in the wrong direction", "2"],
  ]) {
    test(`${title} ends the session`, async () => {
      const session = await Polling.joined(fixture);
      await session.post(body);
      assert.equal(await session.lives(), false);
    });
  }

  test("packets that mean nothing here are ignored", async () => {
    const session = await Polling.joined(fixture);
    await session.post("6\x1e5\x1e3\x1e3probe\x1e0{}");
    assert.equal(await session.lives(), true);
  });

  test("a close packet ends the session and answers the waiting GET", async () => {
    const session = await Polling.joined(fixture);
    const waiting = session.get();
    await sleep(50);
    await session.post("1");
    assert.equal((await waiting).body, "6");
    assert.equal(JSON.parse((await session.get()).body).code, 1);
  });

  test("a body of the limit passes, one byte more is refused and costs no session", async () => {
    const session = await Polling.joined(fixture);
    const around = '42["echo-ack",""]'.length;
    const text = "x".repeat(LIMIT - around - 1);
    assert.equal((await session.post(`420["echo-ack","${text}"]`)).status, 200);
    assert.deepEqual(await session.until(`430["${text}"]`), []);
    const refused = await session.post(`420["echo-ack","${text}x"]`).catch((error) => error.code);
    // The refusal may overtake the body: then the client sees its connection end.
    assert.ok(refused.status === 413 || ["EPIPE", "ECONNRESET"].includes(refused), `${refused}`);
    assert.equal(await session.lives(), true);
  });

  test("a second GET at the same time ends the session", async () => {
    const session = await Polling.joined(fixture);
    const first = session.get();
    await sleep(50);
    const second = await session.get();
    assert.equal(second.status, 400);
    assert.deepEqual([(await first).status, (await first).body], [200, "1"]);
    assert.equal(await session.lives(), false);
  });

  test("a client that hangs up on its GET ends the session", async () => {
    const session = await Polling.joined(fixture);
    const abort = new AbortController();
    const waiting = session.get({ signal: abort.signal });
    await sleep(50);
    abort.abort();
    await assert.rejects(waiting);
    await sleep(100);
    assert.equal(await session.lives(), false);
  });

  test("other methods are refused and cost no session", async () => {
    const session = await Polling.joined(fixture);
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      const { status } = await http(fixture, session.query, { method });
      assert.ok(status >= 400, `${method}: ${status}`);
    }
    assert.equal(await session.lives(), true);
  });
});

describe("upgrade", () => {
  /** A probed upgrade, its polling session and its WebSocket. */
  async function probed() {
    const session = await Polling.joined(fixture);
    const wire = new Wire(fixture, `EIO=4&transport=websocket&sid=${session.sid}`);
    await wire.opened;
    wire.send("2probe");
    assert.equal(await wire.next(), "3probe");
    return { session, wire };
  }

  test("events keep to polling until the client says 5", async () => {
    const { session, wire } = await probed();
    await session.post('42["echo","by polling"]');
    await session.until('42["echo","by polling"]');
    wire.send("5", '42["echo","by websocket"]');
    assert.equal(await wire.next(), '42["echo","by websocket"]');
    wire.ws.close();
  });

  test("the waiting GET is answered by a noop, so that the client can move", async () => {
    const { session, wire } = await probed();
    assert.equal((await session.get()).body, "6");
    wire.send("5");
    wire.send('420["echo-ack"]');
    assert.equal(await wire.next(), "430[]");
    wire.ws.close();
  });

  test("what was not collected by polling comes over the WebSocket", async () => {
    const { session, wire } = await probed();
    await session.post('42["echo",1]\x1e42["echo",2]');
    wire.send("5", '42["echo",3]');
    assert.deepEqual([await wire.next(), await wire.next()], ['42["echo",1]', '42["echo",2]']);
    assert.equal(await wire.next(), '42["echo",3]');
    wire.ws.close();
  });

  test("afterwards polling is refused, and so is a second WebSocket", async () => {
    const { session, wire } = await probed();
    wire.send("5", '420["echo-ack"]');
    await wire.until("430[]");
    for (const method of ["GET", "POST"]) {
      const { status, body } = await http(fixture, session.query, { method, body: "3" });
      assert.deepEqual([status, JSON.parse(body).code], [400, 3]);
    }
    const second = new Wire(fixture, `EIO=4&transport=websocket&sid=${session.sid}`);
    await second.end();
    wire.send('421["echo-ack","alive"]');
    assert.equal(await wire.next(), '431["alive"]');
    wire.ws.close();
  });

  for (const [title, messages] of [
    ["a bare ping", ["2"]],
    ["a message", ['42["echo",1]']],
    ["an unknown packet", ["9"]],
    ["garbage after the probe", ["2probe", "x"]],
    ["an empty message", [""]],
  ]) {
    test(`${title} ends the WebSocket, not the session`, async () => {
      const session = await Polling.joined(fixture);
      const wire = new Wire(fixture, `EIO=4&transport=websocket&sid=${session.sid}`);
      await wire.opened;
      wire.send(...messages);
      await wire.end();
      assert.equal(await session.lives(), true);
      const again = new Wire(fixture, `EIO=4&transport=websocket&sid=${session.sid}`);
      await again.opened;
      again.send("2probe", "5", '420["echo-ack"]');
      await again.until("430[]");
      again.ws.close();
    });
  }

  test("a session opened by WebSocket cannot be taken over", { skip: OFFICIAL }, async () => {
    const wire = new Wire(fixture, "EIO=4&transport=websocket");
    const { sid } = JSON.parse((await wire.next()).slice(1));
    const thief = new Wire(fixture, `EIO=4&transport=websocket&sid=${sid}`);
    thief.opened.then(() => thief.send("2probe", "5")).catch(() => {});
    await thief.end();
    wire.send("40");
    assert.match(await wire.next(), /^40\{"sid":/);
    wire.ws.close();
  });
});

describe("WebSocket", () => {
  for (const [title, message, code] of [
    ["an empty text", "", 1005],
    ["an unknown packet", "9", 1005],
    ["a ping in the wrong direction", "2", 1005],
  ]) {
    test(`${title} ends the session`, async () => {
      const wire = await Wire.joined(fixture);
      wire.send(message);
      assert.equal(await wire.end(), code);
    });
  }

  test("a message over the limit is closed with 1009", async () => {
    const wire = await Wire.joined(fixture);
    wire.send(`4${"x".repeat(LIMIT)}`);
    assert.equal(await wire.end(), 1009);
  });

  test("a message of the limit passes", async () => {
    const wire = await Wire.joined(fixture);
    const text = "x".repeat(LIMIT - '42["echo",""]'.length);
    wire.send(`42["echo","${text}"]`);
    assert.equal(await wire.next(), `42["echo","${text}"]`);
    wire.ws.close();
  });

  test("text that is not UTF-8 is closed with 1007", async () => {
    const wire = await Wire.joined(fixture);
    wire.ws.send(Buffer.from([0x34, 0x32, 0xff]), { binary: false });
    assert.equal(await wire.end(), 1007);
  });

  test("a message in fragments is one message", async () => {
    const wire = await Wire.joined(fixture);
    wire.ws.send('42["ec', { fin: false });
    wire.ws.send('ho","fragm', { fin: false });
    wire.ws.send('ents"]', { fin: true });
    assert.equal(await wire.next(), '42["echo","fragments"]');
    wire.ws.close();
  });

  test("a control ping is answered and is no heartbeat", async () => {
    const wire = await Wire.joined(fixture);
    const pong = new Promise((settle) => wire.ws.once("pong", settle));
    wire.ws.ping("are you there");
    assert.equal((await pong).toString(), "are you there");
    wire.ws.close();
  });

  test("a close is answered with its code", async () => {
    const wire = await Wire.joined(fixture);
    wire.ws.close(1000);
    assert.ok([1000, 1005].includes(await wire.end()));
  });
});

describe("heartbeat", () => {
  test("the first ping comes after the interval, the next after the pong", () =>
    withFixture({ pingInterval: 400, pingTimeout: 2000 }, async (own) => {
      const wire = new Wire(own, "EIO=4&transport=websocket");
      await wire.next();
      let since = Date.now();
      for (let beat = 0; beat < 3; beat += 1) {
        assert.equal(await wire.next(), "2");
        assert.ok(Date.now() - since >= 350, `beat ${beat} after ${Date.now() - since} ms`);
        await sleep(100);
        wire.send("3");
        since = Date.now();
      }
      wire.ws.close();
    }));

  test("without a pong the session ends", () =>
    withFixture({ pingInterval: 200, pingTimeout: 200 }, async (own) => {
      const wire = new Wire(own, "EIO=4&transport=websocket");
      await wire.next();
      assert.equal(await wire.next(), "2");
      await wire.end();
    }));
});
