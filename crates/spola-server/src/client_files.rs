//! The browser's client, served below the server's path (§12.6).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::compression::{Coding, compress_whole};
use crate::response::{Body, empty, plain};

/// The files of a browser client, such as the official one's, which pages load from the server:
/// `<script src="/socket.io/socket.io.js">`.
///
/// With the feature `client-files` the official ones are part of this crate:
///
/// ```
/// # #[cfg(feature = "client-files")] {
/// use spola_server::{ClientFiles, Config};
///
/// let mut config = Config::default();
/// config.client_files = Some(ClientFiles::official());
/// # }
/// ```
///
/// Those of another version are in the directory `dist` of the npm package `socket.io-client`:
///
/// ```
/// use spola_server::{ClientFiles, Config};
///
/// # const SOURCE: &str = "";
/// let mut config = Config::default();
/// // SOURCE is what `include_str!` makes of the file.
/// config.client_files = Some(ClientFiles::new("4.7.5").file("socket.io.min.js", SOURCE));
/// ```
#[derive(Clone)]
pub struct ClientFiles {
    etag: HeaderValue,
    files: BTreeMap<String, Arc<File>>,
}

struct File {
    plain: Bytes,
    gzip: Bytes,
}

impl ClientFiles {
    /// The official client, `socket.io-client` 4.8.4: `socket.io.js`, `socket.io.min.js`,
    /// `socket.io.esm.min.js` and `socket.io.msgpack.min.js`, without source maps. It is under the MIT
    /// licence, which stands beside the files.
    ///
    /// Compresses the files, which takes a moment.
    #[cfg(feature = "client-files")]
    #[must_use]
    pub fn official() -> Self {
        macro_rules! file {
            ($name:literal) => {
                ($name, &include_bytes!(concat!("../client/socket.io-client/", $name))[..])
            };
        }
        let files = [
            file!("socket.io.js"),
            file!("socket.io.min.js"),
            file!("socket.io.esm.min.js"),
            file!("socket.io.msgpack.min.js"),
        ];
        files.into_iter().fold(Self::new("4.8.4"), |all, (name, content)| all.file(name, content))
    }

    /// No files yet, of this version of the client. Browsers keep them until it changes.
    ///
    /// # Panics
    /// If the version has other characters than letters, digits, dots and hyphens.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let is_sound = version.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        match HeaderValue::try_from(format!("\"{version}\"")) {
            Ok(etag) if is_sound => Self { etag, files: BTreeMap::new() },
            _ => panic!("{version:?} is no version"),
        }
    }

    /// Adds a file, which is compressed now and not when it is asked for.
    ///
    /// # Panics
    /// If the name is none of the client's files: `socket.io.js`, perhaps with `.esm` or `.msgpack`
    /// and then `.min` before its `.js`, or with `.map` behind it.
    #[must_use]
    pub fn file(self, name: &str, content: impl Into<Bytes>) -> Self {
        assert!(is_of_client(name), "{name:?} is no file of the client");
        self.add(name, content)
    }

    /// Adds a file of any name.
    pub(crate) fn add(mut self, name: &str, content: impl Into<Bytes>) -> Self {
        let plain = content.into();
        let gzip = compress_whole(&plain, Coding::Gzip, 9).into();
        self.files.insert(name.to_owned(), Arc::new(File { plain, gzip }));
        self
    }

    /// The answer to a request for the file called `name`, if that is one of the client's.
    pub(crate) fn answer(&self, name: &str, request: &HeaderMap) -> Option<Response<Body>> {
        let not_found = || plain(StatusCode::NOT_FOUND, "text/plain", "not found");
        self.find(name, request).or_else(|| is_of_client(name).then(not_found))
    }

    /// The answer to a request for the file called `name`, if there is one.
    pub(crate) fn find(&self, name: &str, request: &HeaderMap) -> Option<Response<Body>> {
        let file = self.files.get(name)?;
        let known = request.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes);
        let is_known =
            known.is_some_and(|known| self.etag == known.strip_prefix(b"W/").unwrap_or(known));
        let mut response = match is_known {
            true => empty(StatusCode::NOT_MODIFIED),
            false => file.response(name, Coding::accepted(request) == Some(Coding::Gzip)),
        };
        let mut insert = |name: HeaderName, value| response.headers_mut().insert(name, value);
        insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
        insert(header::ETAG, self.etag.clone());
        insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        Some(response)
    }
}

impl File {
    fn response(&self, name: &str, gzip: bool) -> Response<Body> {
        let content_type = match name.ends_with(".map") {
            true => "application/json; charset=utf-8",
            false => "application/javascript; charset=utf-8",
        };
        if !gzip {
            return plain(StatusCode::OK, content_type, self.plain.clone());
        }
        let mut response = plain(StatusCode::OK, content_type, self.gzip.clone());
        response.headers_mut().insert(header::CONTENT_ENCODING, Coding::Gzip.name());
        response
    }
}

impl fmt::Debug for ClientFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.files.keys().collect();
        f.debug_struct("ClientFiles").field("etag", &self.etag).field("files", &names).finish()
    }
}

fn is_of_client(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("socket.io") else {
        return false;
    };
    let rest = rest.strip_prefix(".msgpack").or(rest.strip_prefix(".esm")).unwrap_or(rest);
    let rest = rest.strip_prefix(".min").unwrap_or(rest);
    matches!(rest, ".js" | ".js.map")
}
