//! Connections whose packets have another format than the default.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio::server::{
    CloseReason, Config, Connection, DisconnectReason, Event, SendError, Violation,
};
use spola_socketio_packet::{
    AckId, Data, Decode, DecodeError, Encoded, Format, Limits, MessagePack, Namespace, Packet,
    Parser, RawValue,
};

use crate::peer::namespace;

/// A client in a format of which every packet is one binary message, and a clock.
struct Client {
    connection: Connection,
    parser: Box<dyn Parser>,
    now: Instant,
}

impl Client {
    fn new(parser: impl Parser + Copy + 'static) -> Self {
        // The one look at a clock: where it starts does not matter.
        #[allow(clippy::disallowed_methods)]
        let now = Instant::now();
        let connection = Connection::with_format(Format::of(parser), Config::default(), now);
        Self { connection, parser: Box::new(parser), now }
    }

    fn joined(parser: impl Parser + Copy + 'static) -> Self {
        let mut client = Self::new(parser);
        client.says(&Packet::Connect { namespace: Namespace::root(), auth: None });
        client.connection.accept(&Namespace::root(), "a").unwrap();
        client.hears();
        client
    }

    fn says(&mut self, packet: &Packet) -> Vec<Event> {
        for bytes in self.parser.encode("", packet).attachments {
            self.connection.handle_binary(self.now, bytes);
        }
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.connection.poll_event()).collect()
    }

    fn hears(&mut self) -> Vec<Packet> {
        let mut decoder = self.parser.decoder(Limits::default());
        let sent = std::iter::from_fn(|| self.connection.poll_transmit());
        let messages = sent.flat_map(|packet| {
            assert_eq!(packet.text, "");
            packet.attachments
        });
        messages.filter_map(|message| decoder.decode_binary(message).unwrap()).collect()
    }
}

fn event(ack: Option<AckId>, name: &str) -> Packet {
    let data = Data::event(name, &(1, Bytes::from_static(&[7]))).unwrap();
    Packet::Event { namespace: Namespace::root(), ack, data }
}

#[test]
fn everything_a_connection_sends_has_its_format() {
    let mut client = Client::new(MessagePack);
    let (root, admin) = (Namespace::root(), namespace("/admin"));
    let auth = Some(r#"{"token":"x"}"#.into());
    let events = client.says(&Packet::Connect { namespace: root.clone(), auth: auth.clone() });
    assert_eq!(events, [Event::ConnectRequested { namespace: root.clone(), auth }]);
    client.connection.accept(&root, "a").unwrap();
    let auth = Some(r#"{"sid":"a"}"#.into());
    assert_eq!(client.hears(), [Packet::Connect { namespace: root.clone(), auth }]);

    client.says(&Packet::Connect { namespace: admin.clone(), auth: None });
    let data = RawValue::from_string(r#"{"code":7}"#.into()).unwrap();
    client.connection.refuse(&admin, "no", Some(&data)).unwrap();
    let payload = r#"{"message":"no","data":{"code":7}}"#.into();
    assert_eq!(client.hears(), [Packet::ConnectError { namespace: admin, payload }]);

    // More bytes than the text format has attachments for.
    let bytes = vec![Bytes::from_static(&[1]); 20];
    let data = Data::event("ask", &bytes).unwrap();
    let ack = AckId::from(3);
    let asked = Packet::Event { namespace: root.clone(), ack: Some(ack), data };
    let event = Format::of(MessagePack).encode("", &asked);
    assert_eq!(client.connection.check_emit(&root, 20), Ok(()));
    client.connection.await_ack(client.now, &root, ack, None).unwrap();
    client.connection.emit(&root, event).unwrap();
    assert_eq!(client.hears(), [asked]);
    let data = Data::ack(&bytes).unwrap();
    let events = client.says(&Packet::Ack { namespace: root.clone(), ack, data: data.clone() });
    assert_eq!(events, [Event::Acked { namespace: root.clone(), ack, data }]);

    client.connection.disconnect(&root).unwrap();
    assert_eq!(client.hears(), [Packet::Disconnect { namespace: root }]);
}

#[test]
fn events_are_received_and_answered_in_a_connections_format() {
    let mut client = Client::joined(MessagePack);
    let (root, ack) = (Namespace::root(), AckId::from(3));
    let events = client.says(&event(Some(ack), "e"));
    let [Event::Received { data, ack: Some(asked), .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let (number, bytes): (u32, &[u8]) = data.extract().unwrap();
    assert_eq!((*asked, number, bytes), (ack, 1, &[7][..]));
    let format = Format::of(MessagePack);
    let answer = format.encode_ack("", &root, ack, &"ok").unwrap();
    client.connection.acknowledge(&root, answer).unwrap();
    let data = Data::ack(&"ok").unwrap();
    assert_eq!(client.hears(), [Packet::Ack { namespace: root.clone(), ack, data }]);

    assert_eq!(client.says(&Packet::Disconnect { namespace: root.clone() }).len(), 1);
    let late = format.encode_event("", &root, None, "e", &()).unwrap();
    assert_eq!(client.connection.emit(&root, late), Err(SendError::NotJoined));
}

#[test]
fn a_message_of_the_text_format_closes() {
    let mut client = Client::joined(MessagePack);
    client.connection.handle_text(client.now, ByteString::from_static(r#"2["a"]"#));
    let reason = CloseReason::Malformed(DecodeError::UnexpectedText);
    assert_eq!(client.events().last(), Some(&Event::Closed(reason)));
    let mut client = Client::joined(MessagePack);
    client.connection.handle_binary(client.now, Bytes::from_static(&[0xc1]));
    let reason = CloseReason::Malformed(DecodeError::Malformed);
    assert_eq!(client.events().last(), Some(&Event::Closed(reason)));
}

/// MessagePack behind a message that says where the packet belongs.
#[derive(Clone, Copy, Debug)]
struct Announced;

#[derive(Debug)]
struct AnnouncedDecoder {
    inner: Box<dyn Decode>,
    pending: Option<Namespace>,
}

impl Parser for Announced {
    fn encode(&self, prefix: &str, packet: &Packet) -> Encoded {
        let mut encoded = MessagePack.encode(prefix, packet);
        let name = packet.namespace().clone().into_inner().into_bytes();
        encoded.attachments.insert(0, name);
        encoded
    }

    fn decoder(&self, limits: Limits) -> Box<dyn Decode> {
        Box::new(AnnouncedDecoder { inner: MessagePack.decoder(limits), pending: None })
    }
}

impl Decode for AnnouncedDecoder {
    fn decode_text(&mut self, text: ByteString) -> Result<Option<Packet>, DecodeError> {
        self.inner.decode_text(text)
    }

    fn decode_binary(&mut self, data: Bytes) -> Result<Option<Packet>, DecodeError> {
        if self.pending.take().is_some() {
            return self.inner.decode_binary(data);
        }
        let name = std::str::from_utf8(&data).map_err(|_| DecodeError::Malformed)?;
        self.pending = Some(name.parse()?);
        Ok(None)
    }

    fn pending_namespace(&self) -> Option<&Namespace> {
        // A CONNECT must be let through.
        self.pending.as_ref().filter(|name| name.as_str() != "/")
    }
}

#[test]
fn a_packet_that_goes_on_is_awaited_in_any_format() {
    let mut client = Client::joined(Announced);
    assert_eq!(client.connection.poll_timeout(), None);
    let [Event::Received { .. }] = &client.says(&event(None, "e"))[..] else { panic!("an event") };
    assert_eq!(client.connection.poll_timeout(), None);

    client.connection.handle_binary(client.now, Bytes::from_static(b"/"));
    assert_eq!(client.connection.poll_timeout(), Some(client.now + Duration::from_secs(30)));
    client.connection.handle_timeout(client.now + Duration::from_secs(30));
    let closed = CloseReason::BinaryTimeout;
    assert_eq!(client.events().last(), Some(&Event::Closed(closed)));
    assert_eq!(closed.disconnect_reason(), DisconnectReason::ForcedClose);

    let mut client = Client::joined(Announced);
    client.connection.handle_binary(client.now, Bytes::from_static(b"/other"));
    let reason = CloseReason::Violation(Violation::NotJoined);
    assert_eq!(client.events().last(), Some(&Event::Closed(reason)));
}
