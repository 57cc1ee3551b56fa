//! Packets without a kernel: an event decoded and encoded by each codec.

use std::fmt::Write as _;
use std::hint::black_box;

use serde_json::value::RawValue;
use socketioxide_core::packet::{Packet as TheirPacket, PacketData};
use socketioxide_core::parser::{Parse as _, ParseConfig, ParserState};
use socketioxide_core::{Str, Value};
use socketioxide_parser_common::CommonParser;
use spola_socketio_packet::{Decoder, Limits, Namespace, Packet, encode_event};

use crate::memory::Patience;
use crate::{Failure, cell, frames};

const SIZES: [usize; 4] = [16, 125, 1 << 10, 16 << 10];

/// Nanoseconds for an event with one text.
struct Times {
    size: usize,
    ours: Codec,
    theirs: Codec,
    /// serde_json alone, without a packet around it.
    json: Codec,
}

#[derive(Clone, Copy)]
struct Codec {
    to_raw: f64,
    to_string: f64,
    encode: f64,
}

pub(super) struct Packets(Vec<Times>);

impl Packets {
    pub(super) fn measure(patience: Patience) -> Result<Self, Failure> {
        SIZES.into_iter().map(|size| times(size, patience)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn write(&self, page: &mut String) -> std::fmt::Result {
        writeln!(page, "## In memory, ns an event with one text\n")?;
        writeln!(
            page,
            "| text | decoded to raw JSON: spola | socketioxide | serde_json | decoded to a `String`: \
             spola | socketioxide | serde_json | encoded: spola | socketioxide | serde_json |"
        )?;
        writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for Times { size, ours, theirs, json } in &self.0 {
            write!(page, "| {} |", cell::bytes(*size))?;
            let columns: [fn(&Codec) -> f64; 3] =
                [|of| of.to_raw, |of| of.to_string, |of| of.encode];
            for column in columns {
                for codec in [ours, theirs, json] {
                    write!(page, " {:.0} |", column(codec))?;
                }
            }
            writeln!(page)?;
        }
        writeln!(
            page,
            "\nDecoded from a text that is owned (each time a copy of shared bytes by reference count), to \
             the event's name and its argument. `serde_json` reads or writes the array alone, into a \
             buffer that is used again.\n"
        )
    }
}

fn times(size: usize, patience: Patience) -> Result<Times, Failure> {
    let text = frames::messages(size).into_iter().next().ok_or("no message")?;
    let text = String::from_utf8(text)?;
    let array = serde_json::to_string(&("echo", &text))?;
    let packet = format!("2{array}");
    Ok(Times {
        size,
        ours: ours(&packet, &text, patience)?,
        theirs: theirs(&packet, &text, patience)?,
        json: json(&array, &text, patience)?,
    })
}

fn ours(packet: &str, text: &str, patience: Patience) -> Result<Codec, Failure> {
    let wire = bytestring::ByteString::from(packet);
    let mut decoder = Decoder::new(Limits::default());
    let mut decode = || decoder.decode_text(black_box(&wire).clone());
    let Ok(Some(Packet::Event { data, .. })) = decode() else {
        return Err("no event".into());
    };
    if data.event_name().as_deref() != Some("echo") || data.arg::<String>(0)? != text {
        return Err("decoded to something else".into());
    }
    let to_raw = patience.best(|times| {
        for _ in 0..times {
            let Ok(Some(Packet::Event { data, .. })) = decode() else {
                return Err("no event".into());
            };
            black_box((data.event_name().is_some(), data.json()));
        }
        Ok::<_, Failure>(())
    })?;
    let to_string = patience.best(|times| {
        for _ in 0..times {
            let Ok(Some(Packet::Event { data, .. })) = decode() else {
                return Err("no event".into());
            };
            black_box((data.event_name().is_some(), data.arg::<String>(0)?));
        }
        Ok::<_, Failure>(())
    })?;
    let root = Namespace::root();
    let encode = patience.best(|times| {
        for _ in 0..times {
            black_box(encode_event("4", &root, None, "echo", black_box(text))?);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Codec { to_raw, to_string, encode })
}

fn theirs(packet: &str, text: &str, patience: Patience) -> Result<Codec, Failure> {
    let wire = Str::from(packet.to_owned());
    let (config, state) = (ParseConfig::default(), ParserState::default());
    let decode = || {
        CommonParser
            .decode_str(&config, &state, black_box(&wire).clone())
            .map_err(|error| format!("{error:?}"))
    };
    let to_raw = patience.best(|times| {
        for _ in 0..times {
            let PacketData::Event(value, _) = decode()?.inner else {
                return Err("no event".into());
            };
            let name = CommonParser.read_event(&value).map_err(|error| error.to_string())?;
            black_box(name.len());
        }
        Ok::<_, Failure>(())
    })?;
    let to_string = patience.best(|times| {
        for _ in 0..times {
            let PacketData::Event(mut value, _) = decode()?.inner else {
                return Err("no event".into());
            };
            let name = CommonParser.read_event(&value).map_err(|error| error.to_string())?;
            black_box(name.len());
            let text: String = CommonParser
                .decode_value(&mut value, true)
                .map_err(|error| format!("{error:?}"))?;
            black_box(text);
        }
        Ok::<_, Failure>(())
    })?;
    let encode = patience.best(|times| {
        for _ in 0..times {
            let value = CommonParser
                .encode_value(black_box(text), Some("echo"))
                .map_err(|error| format!("{error:?}"))?;
            black_box::<Value>(CommonParser.encode(TheirPacket::event("/", value)));
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Codec { to_raw, to_string, encode })
}

fn json(array: &str, text: &str, patience: Patience) -> Result<Codec, Failure> {
    let to_raw = patience.best(|times| {
        for _ in 0..times {
            black_box(serde_json::from_str::<(&str, &RawValue)>(black_box(array))?);
        }
        Ok::<_, Failure>(())
    })?;
    let to_string = patience.best(|times| {
        for _ in 0..times {
            black_box(serde_json::from_str::<(&str, String)>(black_box(array))?);
        }
        Ok::<_, Failure>(())
    })?;
    let mut buffer = Vec::new();
    let encode = patience.best(|times| {
        for _ in 0..times {
            buffer.clear();
            serde_json::to_writer(&mut buffer, &("echo", black_box(text)))?;
            black_box(buffer.len());
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Codec { to_raw, to_string, encode })
}
