use std::{error, fmt};

use super::{Place, Target, TargetError};

/// How many redirects are still followed. None, by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirects {
    left: u8,
}

impl Redirects {
    /// Follows up to `most` redirects, one after another.
    #[must_use]
    pub const fn up_to(most: u8) -> Self {
        Self { left: most }
    }

    /// Where a request goes that was answered with `status` and this `Location`; `None` if the
    /// answer is no redirect, or none are followed any more.
    ///
    /// Credentials stay with the server they were meant for. A secure target never leads to an
    /// insecure one, and no server leads to a Unix socket that it is not on itself.
    ///
    /// # Errors
    /// When the redirect must not be followed.
    pub fn follow(
        &mut self,
        from: &Target,
        status: u16,
        location: Option<&[u8]>,
    ) -> Result<Option<Target>, RedirectError> {
        let redirects = matches!(status, 301 | 302 | 303 | 307 | 308);
        let Some(left) = self.left.checked_sub(1).filter(|_| redirects) else {
            return Ok(None);
        };
        self.left = left;
        let location = location.ok_or(RedirectError::NoLocation)?;
        let location = str::from_utf8(location).map_err(|_| TargetError::Character)?;
        // RFC 9110 §10.2.2 allows a fragment there; it is never sent.
        let location = location.split('#').next().unwrap_or_default();
        let to = resolve(from, location)?;
        if from.is_secure() && !to.is_secure() {
            return Err(RedirectError::Insecure);
        }
        if matches!(to.place(), Place::Unix(_)) && from.place() != to.place() {
            return Err(RedirectError::UnixSocket);
        }
        if to.credentials().is_none() && from.same_origin(&to) {
            return Ok(Some(to.with_credentials(from.credentials().cloned())));
        }
        Ok(Some(to))
    }
}

/// Whether a header holds what is meant for one server only: it must not follow a redirect to
/// [another](Target::same_origin).
#[must_use]
pub fn is_secret(header: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization"]
        .iter()
        .any(|secret| header.eq_ignore_ascii_case(secret))
}

/// A redirect that must not be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// The answer has no `Location`.
    NoLocation,
    /// `Location` is no URL of a WebSocket.
    Location(TargetError),
    /// From TLS to a connection without.
    Insecure,
    /// To a Unix socket on the client's machine.
    UnixSocket,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLocation => f.write_str("a redirect without a location"),
            Self::Location(error) => write!(f, "a redirect with {error}"),
            Self::Insecure => f.write_str("a redirect away from TLS"),
            Self::UnixSocket => f.write_str("a redirect to a Unix socket"),
        }
    }
}

impl error::Error for RedirectError {}

impl From<TargetError> for RedirectError {
    fn from(error: TargetError) -> Self {
        Self::Location(error)
    }
}

/// A URL, or a reference relative to where we are (RFC 3986 §5.2).
fn resolve(from: &Target, reference: &str) -> Result<Target, TargetError> {
    if has_scheme(reference) {
        return Target::parse(reference);
    }
    if reference.starts_with("//") {
        let scheme = if from.is_secure() { "wss" } else { "ws" };
        return Target::parse(&format!("{scheme}:{reference}"));
    }
    let (path, query) = from.path().split_once('?').unwrap_or((from.path(), ""));
    let (new_path, new_query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let (path, query) = match new_path {
        "" => (path.to_owned(), new_query.or(Some(query).filter(|query| !query.is_empty()))),
        absolute if absolute.starts_with('/') => (without_dots(absolute), new_query),
        relative => {
            let directory = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            (without_dots(&format!("{directory}{relative}")), new_query)
        }
    };
    let path = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let target = from.with_path(&path);
    // The characters of the reference are checked like those of any URL.
    Target::parse(&target.to_string()).map(|_| target)
}

fn has_scheme(reference: &str) -> bool {
    let end = reference.find([':', '/', '?']).unwrap_or(reference.len());
    end > 0 && reference[end..].starts_with(':')
}

/// Removes `.` and `..` from an absolute path (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(from: &str, location: &str) -> Result<String, RedirectError> {
        let from = Target::parse(from).unwrap();
        let mut redirects = Redirects::up_to(1);
        let to = redirects.follow(&from, 302, Some(location.as_bytes()))?;
        Ok(to.expect("a redirect").to_string())
    }

    #[test]
    fn locations_are_resolved_where_the_request_went() {
        let from = "ws://h:1/b/c/d;p?q";
        for (location, expected) in [
            ("ws://o/x", "ws://o/x"),
            ("https://o/x", "wss://o/x"),
            ("//o:2/x", "ws://o:2/x"),
            ("/g", "ws://h:1/g"),
            ("/a/./g/../i", "ws://h:1/a/i"),
            ("g", "ws://h:1/b/c/g"),
            ("./g", "ws://h:1/b/c/g"),
            ("g/", "ws://h:1/b/c/g/"),
            ("?y", "ws://h:1/b/c/d;p?y"),
            ("g?y", "ws://h:1/b/c/g?y"),
            ("g?y/../x", "ws://h:1/b/c/g?y/../x"),
            ("", "ws://h:1/b/c/d;p?q"),
            (".", "ws://h:1/b/c/"),
            ("..", "ws://h:1/b/"),
            ("../g", "ws://h:1/b/g"),
            ("../../../../g", "ws://h:1/g"),
            ("..g", "ws://h:1/b/c/..g"),
            ("/g#fragment", "ws://h:1/g"),
            ("./a:b", "ws://h:1/b/c/a:b"),
        ] {
            assert_eq!(followed(from, location).as_deref(), Ok(expected), "{location}");
        }
        assert_eq!(followed("wss://h/a", "//o/").as_deref(), Ok("wss://o/"));
        let unix = "ws+unix:///run/a%20%3Ab:/b";
        assert_eq!(followed(unix, "/c").as_deref(), Ok("ws+unix:///run/a%20%3Ab:/c"));
    }

    #[test]
    fn what_would_weaken_the_connection_is_refused() {
        for (from, location, expected) in [
            ("wss://h/", "ws://h/", RedirectError::Insecure),
            ("wss://h/", "http://h/", RedirectError::Insecure),
            ("ws://h/", "ws+unix:///run/docker.sock", RedirectError::UnixSocket),
            ("ws+unix:///a", "ws+unix:///b", RedirectError::UnixSocket),
            ("ws://h/", "ftp://h/", RedirectError::Location(TargetError::Scheme)),
            ("ws://h/", "/a b", RedirectError::Location(TargetError::Character)),
            ("ws://h/", "/a\r\nX: y", RedirectError::Location(TargetError::Character)),
            ("ws://h/", "//", RedirectError::Location(TargetError::Host)),
        ] {
            assert_eq!(followed(from, location), Err(expected), "{location}");
        }
        let from = Target::parse("ws://h/").unwrap();
        let lost = Redirects::up_to(1).follow(&from, 301, None);
        assert_eq!(lost, Err(RedirectError::NoLocation));
    }

    #[test]
    fn redirects_are_followed_as_often_as_allowed_and_not_by_default() {
        let from = Target::parse("ws://h/").unwrap();
        let mut redirects = Redirects::up_to(2);
        for expected in [true, true, false, false] {
            let to = redirects.follow(&from, 307, Some(b"/")).unwrap();
            assert_eq!(to.is_some(), expected);
        }
        assert_eq!(Redirects::default().follow(&from, 301, Some(b"/")), Ok(None));
        for (status, expected) in
            [(200, false), (300, false), (301, true), (303, true), (304, false), (308, true)]
        {
            let to = Redirects::up_to(1).follow(&from, status, Some(b"/")).unwrap();
            assert_eq!(to.is_some(), expected, "{status}");
        }
    }

    #[test]
    fn credentials_stay_with_their_server() {
        for (from, location, expected) in [
            ("ws://u:p@h/", "/x", Some("u")),
            ("ws://u:p@h/", "ws://h:80/x", Some("u")),
            ("ws://u:p@h/", "ws://v@h/x", Some("v")),
            ("ws://u:p@h/", "ws://h:81/", None),
            ("ws://u:p@h/", "wss://h/", None),
            ("ws://u:p@h/", "ws://o/", None),
        ] {
            let from = Target::parse(from).unwrap();
            let to = Redirects::up_to(1).follow(&from, 302, Some(location.as_bytes())).unwrap();
            let to = to.unwrap();
            assert_eq!(to.credentials().map(|known| known.user()), expected, "{location}");
        }
    }
}
