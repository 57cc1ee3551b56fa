// socket.io-client 2.5: Engine.IO 3, Socket.IO 4.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  Fixture,
  TRANSPORTS,
  connected,
  next,
  sleep,
  upgraded,
  withFixture,
  within,
} from "../lib/fixture.mjs";
import { Polling, Wire, http } from "../lib/raw.mjs";

const OFFICIAL = process.env.SPOLA_CONFORMANCE_SERVER === "official.mjs";
const EIO3 = { eio3: true };
const BEAT = { ...EIO3, pingInterval: 300, pingTimeout: 1000 };

/** The answer to an event. */
function ask(socket, event, ...values) {
  const answer = new Promise((settle) => {
    socket.emit(event, ...values, (...answers) => settle(answers));
  });
  return within(5000, `the answer to ${event}`, answer);
}

/** Numbers that look random, and are the same each time. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 12;
  };
}

async function open(fixture, options, namespace = "/") {
  const socket = fixture.oldClient(namespace, options);
  await connected(socket);
  return socket;
}

/** Waits until the transport is the last one of `options`. */
async function settled(socket, options) {
  if (options.transports.includes("websocket")) await upgraded(socket);
  await ask(socket, "echo-ack", "caught up?");
  await sleep(50);
}

let fixture;
before(async () => (fixture = await Fixture.start(EIO3)));
after(() => fixture.stop());

for (const { name, options } of TRANSPORTS) {
  describe(`version 2 by ${name}`, () => {
    test("it connects, and its id is the one it derives", async () => {
      const socket = fixture.oldClient("/", options);
      const auth = next(socket, "auth");
      await connected(socket);
      assert.deepEqual(await auth, [{}]);
      await settled(socket, options);
      assert.equal(socket.id, socket.io.engine.id);
      assert.deepEqual(await ask(socket, "join", `mine by ${name}`), ["ok"]);
      assert.deepEqual(await ask(socket, "who", `mine by ${name}`), [[socket.id]]);
      const note = next(socket, "note");
      socket.emit("to", [socket.id], [], "note", "to myself");
      assert.deepEqual(await note, ["to myself"]);
    });

    test("events and answers go both ways", async () => {
      const socket = await open(fixture, options);
      const values = ["hällo €😀\u2028", 1, null, { a: [true, "\u001e"] }];
      const echo = next(socket, "echo");
      socket.emit("echo", ...values);
      assert.deepEqual(await echo, values);
      assert.deepEqual(await ask(socket, "echo-ack", ...values), values);
      socket.on("question", (value, answer) => answer(`${value}!`));
      const answered = next(socket, "answered");
      socket.emit("ask", "how");
      assert.deepEqual(await answered, ["how!"]);
    });

    for (const forceBase64 of [false, true]) {
      test(`binary goes both ways, ${forceBase64 ? "in base64" : "as it is"}`, async () => {
        const socket = await open(fixture, { ...options, forceBase64 });
        for (const moment of ["at once", "settled"]) {
          if (moment === "settled") await settled(socket, options);
          const data = Buffer.from(Array.from({ length: 300 }, (_, at) => at & 255));
          const back = next(socket, "binary-back");
          assert.deepEqual(await ask(socket, "binary", data), [{ length: 300, first: 0, last: 43 }]);
          const [bytes] = await back;
          assert.deepEqual(Buffer.from(bytes), data, moment);
        }
        const mixed = next(socket, "echo");
        socket.emit("echo", "€", Buffer.from([1]), { deep: Buffer.alloc(0) });
        const [text, one, { deep }] = await mixed;
        assert.deepEqual([text, Buffer.from(one), deep.length], ["€", Buffer.from([1]), 0]);
      });
    }

    test("values of all kinds come back as they were", async () => {
      const socket = await open(fixture, options);
      const random = numbers(7);
      const pick = (list) => list[random() % list.length];
      const text = () => Array.from({ length: random() % 9 }, () => pick([..."ab:0€é😀\n\\\"\u2028"])).join("");
      const bytes = () => Buffer.from(Array.from({ length: random() % 300 }, () => random() & 255));
      const sent = Array.from({ length: 150 }, () => (random() % 3 === 0 ? bytes() : text()));
      const seen = [];
      const all = new Promise((settle) => {
        socket.on("echo", (value) => {
          seen.push(typeof value === "string" ? value : Buffer.from(value));
          if (seen.length === sent.length) settle();
        });
      });
      for (const [at, value] of sent.entries()) {
        socket.emit("echo", value);
        if (at % 25 === 0) await sleep(10);
      }
      await within(5000, "every echo", all);
      assert.deepEqual(seen, sent);
    });

    test("many events keep their order, through an upgrade too", async () => {
      const socket = fixture.oldClient("/", options);
      const seen = [];
      const all = new Promise((settle) => {
        socket.on("echo", (number) => seen.push(number) === 200 && settle());
      });
      for (let number = 0; number < 100; number += 1) socket.emit("echo", number);
      await connected(socket);
      for (let number = 100; number < 200; number += 1) {
        socket.emit("echo", number);
        if (number % 10 === 0) await sleep(5);
      }
      await within(5000, "200 echoes", all);
      assert.deepEqual(seen, Array.from({ length: 200 }, (_, number) => number));
    });

    test("another namespace takes its credentials from the query", async () => {
      const socket = await open(fixture, options);
      const admin = socket.io.socket("/admin", { query: { token: "letmein", x: " a" } });
      assert.deepEqual(await next(admin, "welcome"), []);
      assert.equal(admin.id, `/admin#${socket.io.engine.id}`);
      const direct = fixture.oldClient("/admin", { ...options, query: "token=letmein" });
      await next(direct, "welcome");
    });

    test("refusals arrive as errors, and the session stays", async () => {
      const socket = await open(fixture, options);
      const admin = socket.io.socket("/admin", { query: { token: "guess" } });
      assert.deepEqual(await next(admin, "error"), [{ code: "E_AUTH" }]);
      const nowhere = socket.io.socket("/nowhere");
      assert.deepEqual(await next(nowhere, "error"), [{ message: "Invalid namespace" }]);
      assert.deepEqual(await ask(socket, "echo-ack", 1), [1]);
      const room = socket.io.socket("/room-chat");
      const echo = next(room, "echo");
      room.emit("echo", "buffered until it is in");
      assert.deepEqual(await echo, ["buffered until it is in"]);
    });

    test("leaving is told with its reason", async () => {
      const observer = await fixture.connect("/", { transports: ["websocket"] });
      const kicked = await open(fixture, options);
      await settled(kicked, options);
      const gone = next(kicked, "disconnect");
      kicked.emit("kick");
      assert.deepEqual(await gone, ["io server disconnect"]);
      const reason = "server namespace disconnect";
      assert.equal(await fixture.departure(observer, reason), reason);
      const socket = await open(fixture, options);
      await settled(socket, options);
      const room = socket.io.socket("/room-chat");
      await connected(room);
      room.disconnect();
      const left = "client namespace disconnect";
      assert.equal(await fixture.departure(observer, left), left);
      assert.deepEqual(await ask(socket, "echo-ack", 1), [1]);
    });

    test("it pings, and lives", () =>
      withFixture(BEAT, async (fixture) => {
        const socket = await open(fixture, options);
        let pongs = 0;
        socket.on("pong", () => (pongs += 1));
        socket.on("disconnect", (reason) => assert.fail(reason));
        await sleep(2500);
        assert.ok(pongs >= 4 && pongs <= 9, `${pongs} pongs in 2.5 s`);
        assert.deepEqual(await ask(socket, "echo-ack", 1), [1]);
        socket.off("disconnect");
      }));

    // The official server forgets the deadline at the upgrade, for good.
    const skip = OFFICIAL && name === "upgrade";
    test("without pings it is given up, whatever else it says", { skip }, () =>
      withFixture(BEAT, async (fixture) => {
        const observer = await fixture.connect("/", { transports: ["websocket"] });
        const socket = await open(fixture, options);
        await settled(socket, options);
        socket.io.engine.ping = () => {};
        const chatter = setInterval(() => socket.emit("echo", "still here"), 100);
        const gone = next(socket, "disconnect");
        assert.equal(await fixture.departure(observer, "ping timeout"), "ping timeout");
        assert.equal((await gone)[0], "transport close");
        clearInterval(chatter);
      }));

    test("it comes back after the server was killed", async () => {
      const eager = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
      const first = await Fixture.start(EIO3);
      let second;
      try {
        const socket = first.oldClient("/", { ...options, ...eager });
        await connected(socket);
        await settled(socket, options);
        const gone = next(socket, "disconnect");
        first.signal("SIGKILL");
        assert.ok(["transport close", "transport error"].includes((await gone)[0]));
        await first.ended;
        const back = next(socket, "connect");
        second = await Fixture.start({ ...EIO3, port: first.port });
        await back;
        assert.deepEqual(await ask(socket, "echo-ack", 1), [1]);
      } finally {
        await first.stop();
        await second?.stop();
      }
    });
  });
}

describe("revision 3 by hand", () => {
  test("new clients are served beside old ones", async () => {
    const socket = await fixture.connect("/", { transports: ["websocket"] });
    assert.equal(await socket.timeout(2000).emitWithAck("echo-ack", 1), 1);
  });

  test("it is refused where it is not allowed", () =>
    withFixture({}, async (fixture) => {
      const { status, body } = await http(fixture, "EIO=3&transport=polling");
      assert.deepEqual([status, body], [400, '{"code":5,"message":"Unsupported protocol version"}']);
    }));

  /** A session by polling; the query goes with each of its requests. */
  async function polling(query) {
    const { body, headers } = await http(fixture, `${query}&transport=polling`);
    const [, sid] = /sid\\?":\\?"([^"\\]+)/.exec(body);
    const session = new Polling(fixture, sid);
    session.query = `${query}&transport=polling&sid=${sid}`;
    return { session, body, headers };
  }

  test("payloads have lengths in UTF-16 units", async () => {
    const { session, body, headers } = await polling("EIO=3");
    const [, length, open] = /^(\d+):(0\{.*\})$/.exec(body);
    assert.equal(open.length, Number(length));
    assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
    assert.match((await session.get()).body, /^2:40/);
    const answer = session.get();
    await session.post('21:420["echo-ack","€😀"]');
    const { body: told } = await answer;
    const { body: rest } = told.includes("430") ? { body: told } : await session.get();
    assert.match(rest, /10:430\["€😀"\]/);
  });

  test("a bad length closes the session, and the POST is answered", async () => {
    for (const payload of ["4:4€", "1:62", ":4", "-1:4", "5:4a", ""]) {
      const { session } = await polling("EIO=3");
      const { status, body } = await session.post(payload);
      assert.deepEqual([status, body], [200, "ok"], payload);
      assert.equal((await session.get()).status, 400, payload);
    }
  });

  test("JSONP has scripts down and forms up", async () => {
    for (const [query, head, form, answer] of [
      ["EIO=3&b64=1&j=0", '___eio[0]("', "d=17%3A420%5B%22echo-ack%22%2C1%5D", '6:430[1]");'],
      ["EIO=4&j=1x2", '___eio[12]("', "d=420%5B%22echo-ack%22%2C1%5D", '430[1]");'],
    ]) {
      const { session, headers } = await polling(query);
      assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
      const type = { "Content-Type": "application/x-www-form-urlencoded" };
      if (query.startsWith("EIO=4")) await session.post("d=40", { headers: type });
      await session.get();
      const { body } = await session.post(form, { headers: type });
      assert.equal(body, "ok");
      let told = "";
      while (!told.includes("430[1]")) {
        const { body, status } = await session.get();
        assert.equal(status, 200);
        assert.ok(body.startsWith(head), body);
        told = body;
      }
      assert.ok(told.endsWith(answer), told);
      assert.equal((await session.post("x=1", { headers: type })).body, "ok");
    }
  });

  test("a pong from the client, and a CONNECT of the root, end the session", async () => {
    for (const message of ["3", "40"]) {
      const wire = new Wire(fixture, "EIO=3&transport=websocket");
      await wire.until("40");
      wire.send(message);
      await wire.end();
    }
  });

  test("namespaces are read as URLs", async () => {
    const wire = new Wire(fixture, "EIO=3&transport=websocket");
    await wire.until('42["auth",{}]');
    wire.send("40/x/../room-chat?a=1,");
    assert.equal(await wire.next(), "40/room-chat,");
    wire.send('42/./room-chat,["echo",1]');
    assert.equal(await wire.next(), '42/room-chat,["echo",1]');
    wire.send("40/é b,");
    assert.equal(await wire.next(), '44/%C3%A9%20b,{"message":"Invalid namespace"}');
    wire.send("40//,");
    await wire.end();
  });

  test("bytes of an unknown type are ignored", async () => {
    const wire = new Wire(fixture, "EIO=3&transport=websocket");
    await wire.until('42["auth",{}]');
    wire.send(Buffer.from([9, 1]), '420["echo-ack",1]');
    assert.equal(await wire.next(), "430[1]");
  });
});
