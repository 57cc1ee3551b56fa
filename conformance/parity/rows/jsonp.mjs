// §11.6: JSONP.
import { rows } from "../lib/table.mjs";
import { masked } from "../lib/peer.mjs";
import { EVENT, HANDSHAKE, OPTIONS, POLLING, joined, payload, polling } from "../lib/revision3.mjs";

export default rows("11", [
  {
    id: "JSONP handshake",
    name: "a payload as a script",
    options: OPTIONS,
    async run(peer) {
      const answer = await peer.get(`${POLLING}&j=0&b64=1`);
      return [answer.header("content-type"), masked(answer.text.replaceAll('\\"', '"'))];
    },
    expect: ["text/plain; charset=UTF-8", `___eio[0]("118:${HANDSHAKE}");`],
  },
  {
    id: "JSONP GET",
    name: "the script of a GET; only digits of j are kept",
    options: OPTIONS,
    async run(peer) {
      const session = await polling(peer, "&b64=1&j=1%3Cx%3E2");
      return (await session.get()).text;
    },
    expect: '___eio[12]("2:40");',
  },
  {
    id: "JSONP refused",
    name: "a refusal is no script",
    options: OPTIONS,
    run: async (peer) => (await peer.get(`${POLLING}&j=0&sid=nope`)).brief,
    expect: '400 {"code":1,"message":"Session ID unknown"}',
  },
  {
    id: "JSONP binary",
    name: "binary in a script is base64",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const body = `d=${encodeURIComponent(payload(EVENT, "b4AQIDBA=="))}`;
      await session.post(body, { headers });
      return (await session.get()).text.replaceAll('\\"', '"');
    },
    expect: `___eio[0]("${payload(EVENT, "b4AQIDBA==")}");`,
  },
  {
    id: "JSONP line separators",
    name: "what scripts cannot carry is escaped",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      const packet = '42["echo","\u2028\u2029"]';
      const body = `d=${encodeURIComponent(payload(packet))}`;
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      await session.post(body, { headers });
      return (await session.get()).text;
    },
    expect: '___eio[0]("15:42[\\"echo\\",\\"\\u2028\\u2029\\"]");',
  },
  {
    id: "JSONP POST",
    name: "the form of a POST, with its escapes",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      // 42["echo","a\nb"] with the JSON escape as the client's form escapes it.
      const packet = '42["echo","a\\nb"]';
      const escaped = payload(packet).replaceAll("\\n", "\\\\n");
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await session.post(`d=${encodeURIComponent(escaped)}`, { headers });
      return [answer.brief, (await session.get()).text];
    },
    expect: ["200 ok", '___eio[0]("17:42[\\"echo\\",\\"a\\\\nb\\"]");'],
  },
  {
    id: "JSONP POST without d",
    name: "a form without the field is ignored",
    options: OPTIONS,
    async run(peer) {
      const session = await joined(peer, "&b64=1&j=0");
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await session.post("x=1", { headers });
      return [answer.brief, await session.state().then((state) => state)];
    },
    expect: ["200 ok", "alive"],
  },
]);
