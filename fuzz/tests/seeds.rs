//! Plays every seed without a fuzzer: what a stable compiler can show.

use std::{fs, path::Path};

use arbitrary::{Arbitrary, Unstructured};
use spola_fuzz::{
    deflate,
    differential::Stream,
    engineio, frame_header, inflate, negotiation, request, response,
    session::{Role, Session},
    socketio, utf8,
};

fn structured<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> T {
    T::arbitrary_take_rest(Unstructured::new(bytes)).unwrap()
}

/// One test, since the bounds on memory are checked by counting what the whole process allocates.
#[test]
fn every_seed_holds() {
    type Check = fn(&[u8]);
    let targets: [(&str, Check); 16] = [
        ("frame_header", frame_header::check),
        ("utf8", utf8::check),
        ("request", request::check),
        ("response", response::check),
        ("negotiation", negotiation::check),
        ("inflate", inflate::check),
        ("deflate", deflate::check),
        ("engineio_packet", engineio::packet::check),
        ("engineio_session", engineio::session::check),
        ("socketio_text", socketio::text::check),
        ("socketio_messagepack", socketio::messagepack::check),
        ("socketio_typed", socketio::typed::check),
        ("socketio_connection", socketio::connection::check),
        ("server", |bytes| {
            let session: Session = structured(bytes);
            assert_eq!(session.to_bytes(), bytes, "not what was written");
            session.check(Role::Server);
        }),
        ("client", |bytes| structured::<Session>(bytes).check(Role::Client)),
        ("differential", |bytes| {
            let stream: Stream = structured(bytes);
            assert_eq!(stream.to_bytes(), bytes, "not what was written");
            stream.check();
        }),
    ];
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let folders = fs::read_dir(&seeds).unwrap().count();
    assert_eq!(folders, targets.len(), "a target without seeds, or seeds without a target");
    for (target, check) in targets {
        for seed in fs::read_dir(seeds.join(target)).unwrap() {
            let path = seed.unwrap().path();
            println!("{}", path.display());
            check(&fs::read(&path).unwrap());
        }
    }
}
