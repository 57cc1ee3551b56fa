// §1: which requests belong to the engine, and what their query means.
import { rows } from "../lib/table.mjs";
import { masked } from "../lib/peer.mjs";

const QUERY = "EIO=4&transport=polling";

/** Whether a target belongs to the engine: it opens a session. */
const belongs = async (peer, target) => {
  const { status, text } = await peer.at("GET", target);
  return status === 200 && text.startsWith("0{") ? "yes" : `no: ${status}`;
};

const paths = (options, list) =>
  list.map(([target, expect]) => ({
    id: `path ${JSON.stringify(options.path ?? "")}${options.addTrailingSlash ?? ""} ${target}`,
    name: `whether ${target} belongs to the engine`,
    options,
    run: (peer) => belongs(peer, target),
    expect,
  }));

export default rows("1", [
  ...paths({}, [
    [`/socket.io/?${QUERY}`, "yes"],
    [`/socket.io/anything/else?${QUERY}`, "yes"],
    [`/socket.io?${QUERY}`, "no: 404"],
    [`/Socket.IO/?${QUERY}`, "no: 404"],
    [`/socket%2eio/?${QUERY}`, "no: 404"],
    [`/other/socket.io/?${QUERY}`, "no: 404"],
    [`/?${QUERY}`, "no: 404"],
  ]),
  ...paths({ path: "/custom/" }, [
    [`/custom/?${QUERY}`, "yes"],
    [`/custom?${QUERY}`, "no: 404"],
    [`/socket.io/?${QUERY}`, "no: 404"],
  ]),
  ...paths({ addTrailingSlash: false }, [
    [`/socket.io?${QUERY}`, "yes"],
    [`/socket.io/?${QUERY}`, "yes"],
  ]),
  {
    id: "unmatched upgrade",
    name: "an upgrade of another path is closed after destroyUpgradeTimeout",
    options: { destroyUpgradeTimeout: 200 },
    async run(peer) {
      const answer = await peer.upgradeAt("/other/?EIO=4&transport=websocket").response();
      return answer.status ?? answer;
    },
    expect: "no answer",
  },
  ...[
    ["EIO=4&transport=polling&transport=xyz", '400 {"code":0,"message":"Transport unknown"}'],
    ["EIO=4&transport=xyz&transport=polling", "200 open"],
    ["EIO=3&EIO=4&transport=polling", "200 open"],
    ["EIO=4&EIO=3&transport=polling", '400 {"code":5,"message":"Unsupported protocol version"}'],
    ["EIO=%34&transport=polling", "200 open"],
    ["EIO=4&transport=poll%69ng", "200 open"],
    ["EIO=4&transport=polling&sid=", "200 open"],
    ["EIO=4&transport=polling&t=abc&other=1", "200 open"],
    ["transport=polling", '400 {"code":5,"message":"Unsupported protocol version"}'],
    ["EIO=5&transport=polling", '400 {"code":5,"message":"Unsupported protocol version"}'],
    ["EIO=04&transport=polling", '400 {"code":5,"message":"Unsupported protocol version"}'],
    ["EIO=4", '400 {"code":0,"message":"Transport unknown"}'],
    ["EIO=4&transport=", '400 {"code":0,"message":"Transport unknown"}'],
    ["EIO=4&transport=webtransport", '400 {"code":0,"message":"Transport unknown"}'],
    ["EIO=4&transport=__proto__", '400 {"code":0,"message":"Transport unknown"}'],
    ["EIO=4&transport=POLLING", '400 {"code":0,"message":"Transport unknown"}'],
    ["EIO=4&transport=xyz&sid=nope", '400 {"code":0,"message":"Transport unknown"}'],
  ].map(([query, expect]) => ({
    id: `query ${query}`,
    name: "what the query says",
    async run(peer) {
      const { brief } = await peer.get(query);
      return brief.startsWith("200 0{") ? "200 open" : brief;
    },
    expect,
  })),
  {
    id: "query for the application",
    name: "the handshake's query reaches the application, decoded",
    async run(peer) {
      const session = await peer.joined("polling", { query: "&a=1&b=x%20y+z&a=2&t=abc" });
      await session.send('421["handshake"]');
      const [{ query }] = JSON.parse((await session.next()).slice(3));
      return query;
    },
    expect: { EIO: "4", transport: "polling", a: "2", b: "x y z" },
  },
  ...["b64=1", "b64=0"].map((flag) => ({
    id: `b64 websocket ${flag}`,
    name: "a client that cannot take binary gets base64 on WebSocket too",
    async run(peer) {
      const wire = await peer.joined("websocket", { query: `&${flag}` });
      wire.send('451-["echo",{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3, 4]));
      return wire.take(2);
    },
    expect: ['451-["echo",{"_placeholder":true,"num":0}]', "bAQIDBA=="],
  })),
  {
    id: "b64 empty",
    name: "an empty b64 says nothing",
    async run(peer) {
      const wire = await peer.joined("websocket", { query: "&b64=" });
      wire.send('451-["echo",{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3, 4]));
      return wire.take(2);
    },
    expect: ['451-["echo",{"_placeholder":true,"num":0}]', "<01 02 03 04>"],
  },
  {
    id: "j on revision 4",
    name: "JSONP is honoured on revision 4",
    async run(peer) {
      const { text } = await peer.get("EIO=4&transport=polling&j=7");
      return masked(text.replaceAll('\\"', '"'));
    },
    expect:
      '___eio[7]("0{"sid":"<id>","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}");',
  },
]);
