//! Other packet formats than the default, at the wire (§21 of the wire text).

use spola_server::parser::{Decode, DecodeError, Encoded, Limits, Packet, Parser};
use spola_server::{Auth, ByteString, Data, Io, MessagePack, Refusal, Reply, Socket, Value};

use crate::harness::{Client, Frame, World, hex};

/// An application that takes no notice of the format.
fn serving(parser: impl Parser + 'static) -> World {
    let io = Io::builder().parser(parser).build();
    io.namespace("/")
        .on("echo", async |Data(value): Data<Value>| Reply(value))
        .on("tell", async |socket: Socket, Data((name, bytes)): Data<(String, bytes::Bytes)>| {
            let _ = socket.namespace().emit("told", (name, bytes.len(), bytes));
        })
        .on("ask", async |socket: Socket| {
            let answer: Result<u32, _> = socket.emit_with_ack("question", "?").await;
            let _ = socket.emit("answered", answer.unwrap_or(0));
        });
    io.namespace("/closed")
        .middleware(async |Auth(_): Auth<Value>| Err::<(), _>(Refusal::new("no").with_data(&7)));
    World::new(io)
}

fn binary(client: &mut Client) -> Vec<u8> {
    match client.try_frame() {
        Some(Frame::Binary(data)) => data,
        other => panic!("{other:?} instead of a binary message"),
    }
}

/// Joins the root as the JavaScript client does.
fn join(world: &World) -> Client {
    let mut client = world.open_websocket();
    client.send_binary(&hex("83 a4 74 79 70 65 00 a4 64 61 74 61 d4 00 00 a3 6e 73 70 a1 2f"));
    let reply = binary(&mut client);
    // `{type: 0, data: {sid: "…"}, nsp: "/"}`
    let start = hex("83 a4 74 79 70 65 00 a4 64 61 74 61 81 a3 73 69 64 b4");
    assert!(
        reply.starts_with(&start) && reply.ends_with(&hex("a3 6e 73 70 a1 2f")),
        "{reply:02x?}"
    );
    assert_eq!(reply.len(), start.len() + 20 + 6);
    client
}

#[test]
fn events_and_acknowledgements_go_both_ways_in_messagepack() {
    let world = serving(MessagePack);
    let mut client = join(&world);
    // `{type: 2, data: ["echo", [1, undefined, Buffer]], id: 0, nsp: "/"}`
    client.send_binary(&hex(
        "84 a4 74 79 70 65 02 a4 64 61 74 61 92 a4 65 63 68 6f 93 01 d4 00 00 c4 02 01 02 \
         a2 69 64 00 a3 6e 73 70 a1 2f",
    ));
    // `{id: 0, type: 3, data: [[1, null, Buffer]], nsp: "/"}`
    let answer = hex(
        "84 a2 69 64 00 a4 74 79 70 65 03 a4 64 61 74 61 91 93 01 c0 c4 02 01 02 a3 6e 73 70 a1 2f",
    );
    assert_eq!(binary(&mut client), answer);

    // `{type: 2, data: ["tell", "x", ArrayBuffer], nsp: "/"}`, told to everybody.
    let mut other = join(&world);
    client.send_binary(&hex(
        "83 a4 74 79 70 65 02 a4 64 61 74 61 93 a4 74 65 6c 6c a1 78 c7 01 00 ff a3 6e 73 70 a1 2f",
    ));
    let told = hex(
        "83 a4 74 79 70 65 02 a4 64 61 74 61 94 a4 74 6f 6c 64 a1 78 01 c4 01 ff a3 6e 73 70 a1 2f",
    );
    assert_eq!(binary(&mut client), told);
    assert_eq!(binary(&mut other), told);

    // A question of the server's, and its answer.
    client
        .send_binary(&hex("83 a4 74 79 70 65 02 a4 64 61 74 61 91 a3 61 73 6b a3 6e 73 70 a1 2f"));
    let question =
        hex("84 a4 74 79 70 65 02 a4 64 61 74 61 92 a8 71 75 65 73 74 69 6f 6e a1 3f a2 69 64 00 \
         a3 6e 73 70 a1 2f");
    assert_eq!(binary(&mut client), question);
    client.send_binary(&hex(
        "84 a2 69 64 00 a4 74 79 70 65 03 a4 64 61 74 61 91 05 a3 6e 73 70 a1 2f",
    ));
    let answered = hex(
        "83 a4 74 79 70 65 02 a4 64 61 74 61 92 a8 61 6e 73 77 65 72 65 64 05 a3 6e 73 70 a1 2f",
    );
    assert_eq!(binary(&mut client), answered);
}

#[test]
fn refusals_and_goodbyes_are_in_messagepack() {
    let world = serving(MessagePack);
    let mut client = join(&world);
    client.send_binary(&hex("82 a4 74 79 70 65 00 a3 6e 73 70 a7 2f 63 6c 6f 73 65 64"));
    let refusal = hex(
        "83 a4 74 79 70 65 04 a4 64 61 74 61 82 a7 6d 65 73 73 61 67 65 a2 6e 6f a4 64 61 74 61 07 \
         a3 6e 73 70 a7 2f 63 6c 6f 73 65 64",
    );
    assert_eq!(binary(&mut client), refusal);
    for socket in world.io().sockets() {
        socket.disconnect();
    }
    assert_eq!(binary(&mut client), hex("82 a4 74 79 70 65 01 a3 6e 73 70 a1 2f"));
    client.expect_silence();
}

#[test]
fn over_polling_messagepack_is_base64() {
    let world = serving(MessagePack);
    let session = world.open_polling();
    // The CONNECT of the JavaScript client.
    let connect = "bg6R0eXBlAKRkYXRh1AAAo25zcKEv";
    assert_eq!(session.post(connect).response().brief(), (200, "ok"));
    let reply = session.get().response();
    assert!(reply.body.starts_with("bg6R0eXBlAKRkYXRhgaNzaWS0"), "{reply:?}");
}

#[test]
fn what_is_no_messagepack_packet_ends_the_session() {
    for message in [
        "",
        "c1",
        "80",
        "ff",
        // An event named `disconnect`.
        "83 a4 74 79 70 65 02 a4 64 61 74 61 91 aa 64 69 73 63 6f 6e 6e 65 63 74 a3 6e 73 70 a1 2f",
        // One byte too many.
        "82 a4 74 79 70 65 01 a3 6e 73 70 a1 2f c0",
        // An array of four thousand million elements.
        "83 a3 6e 73 70 a1 2f a4 74 79 70 65 02 a4 64 61 74 61 dd ff ff ff ff a1 61",
    ] {
        let world = serving(MessagePack);
        let mut client = join(&world);
        let mut bystander = join(&world);
        client.send_binary(&hex(message));
        assert_eq!(client.raw(), hex("88 00"), "{message}");
        assert_eq!(world.io().session_count(), 1);
        bystander.expect_silence();
    }
    // A text, which every default client would send.
    let world = serving(MessagePack);
    let mut client = world.open_websocket();
    client.send("40");
    assert_eq!(client.raw(), hex("88 00"));
}

/// The text format with everything in brackets: what an application could think of.
#[derive(Debug)]
struct Bracketed;

#[derive(Debug)]
struct BracketedDecoder(spola_socketio_packet::Decoder);

impl Parser for Bracketed {
    fn encode(&self, prefix: &str, packet: &Packet) -> Encoded {
        let mut encoded = packet.encode("");
        encoded.text = format!("{prefix}<{}>", encoded.text).into();
        encoded
    }

    fn decoder(&self, limits: Limits) -> Box<dyn Decode> {
        Box::new(BracketedDecoder(spola_socketio_packet::Decoder::new(limits)))
    }
}

impl Decode for BracketedDecoder {
    fn decode_text(&mut self, text: ByteString) -> Result<Option<Packet>, DecodeError> {
        let packet = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        self.0.decode_text(packet.ok_or(DecodeError::Malformed)?.into())
    }

    fn decode_binary(&mut self, data: bytes::Bytes) -> Result<Option<Packet>, DecodeError> {
        self.0.decode_binary(data)
    }
}

#[test]
fn an_application_brings_a_format_of_its_own() {
    let world = serving(Bracketed);
    let mut client = world.open_websocket();
    client.send("4<0>");
    assert!(client.text().starts_with("4<0{\"sid\":\""));
    client.send(r#"4<20["echo",1]>"#);
    assert_eq!(client.text(), "4<30[1]>");
    client.send(r#"4<51-["tell","x",{"_placeholder":true,"num":0}]>"#);
    client.send_binary(&[7]);
    assert_eq!(client.text(), r#"4<51-["told","x",1,{"_placeholder":true,"num":0}]>"#);
    assert_eq!(binary(&mut client), [7]);
    client.send(r#"42["echo",1]"#);
    assert_eq!(client.raw(), hex("88 00"));
}
