//! The cookie that tells load balancers a session (§12.2).

use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderValue;
use spola_engineio::Sid;

/// A cookie with the session's id, set by the response that opens a session over polling. The server
/// never reads it: it is for load balancers that know their clients by a cookie.
///
/// ```
/// use spola_server::{Config, SessionCookie};
///
/// let mut config = Config::default();
/// config.cookie = Some(SessionCookie::new().name("balancer").secure(true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    name: String,
    path: Option<String>,
    domain: Option<String>,
    max_age: Option<Duration>,
    http_only: bool,
    secure: bool,
    same_site: Option<SameSite>,
}

/// Whether browsers send a cookie with requests from pages of other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only when the user goes there.
    Lax,
    /// Always. Browsers want such a cookie to be [secure](SessionCookie::secure).
    None,
}

impl SessionCookie {
    /// `io=…; Path=/; HttpOnly; SameSite=Lax`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            name: "io".to_owned(),
            path: Some("/".to_owned()),
            domain: None,
            max_age: None,
            http_only: true,
            secure: false,
            same_site: Some(SameSite::Lax),
        }
    }

    /// The cookie's name. Default `io`.
    ///
    /// # Panics
    /// If it is no token of HTTP: empty, or with blanks or separators.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        let is_token = !self.name.is_empty() && self.name.bytes().all(is_token_byte);
        assert!(is_token, "{:?} cannot name a cookie", self.name);
        self
    }

    /// The path below which browsers send it; `None`: below the server's own. Default `/`.
    ///
    /// # Panics
    /// If it has a `;` or control characters.
    #[must_use]
    pub fn path(mut self, path: Option<&str>) -> Self {
        self.path = path.map(attribute);
        self
    }

    /// The domain to whose hosts browsers send it. Default: to the server's host alone.
    ///
    /// # Panics
    /// If it has a `;` or control characters.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = Some(attribute(domain));
        self
    }

    /// How long browsers keep it. Default: as long as they run.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Whether it is kept from the scripts of pages. Default true.
    #[must_use]
    pub const fn http_only(mut self, hidden: bool) -> Self {
        self.http_only = hidden;
        self
    }

    /// Whether it only goes over TLS. Default false.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether browsers send it for other sites; `None`: as they see fit. Default `Lax`.
    #[must_use]
    pub const fn same_site(mut self, same_site: Option<SameSite>) -> Self {
        self.same_site = same_site;
        self
    }

    /// The value of `Set-Cookie`.
    pub(crate) fn of(&self, sid: &Sid) -> Option<HeaderValue> {
        let mut cookie = format!("{}={sid}", self.name);
        // Writing into a `String` cannot fail.
        if let Some(age) = self.max_age {
            let _ = write!(cookie, "; Max-Age={}", age.as_secs());
        }
        if let Some(domain) = &self.domain {
            let _ = write!(cookie, "; Domain={domain}");
        }
        if let Some(path) = &self.path {
            let _ = write!(cookie, "; Path={path}");
        }
        if self.http_only {
            cookie.push_str("; HttpOnly");
        }
        if self.secure {
            cookie.push_str("; Secure");
        }
        cookie.push_str(match self.same_site {
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::None) => "; SameSite=None",
            None => "",
        });
        let value = HeaderValue::try_from(cookie).ok();
        debug_assert!(value.is_some(), "each part was checked");
        value
    }
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self::new()
    }
}

fn attribute(value: &str) -> String {
    let is_sound = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';');
    assert!(is_sound, "{value:?} cannot stand in a cookie");
    value.to_owned()
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_written() {
        let sid = Sid::from_bytes([0; 15]);
        let table = [
            (SessionCookie::new(), "io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Lax"),
            (
                SessionCookie::new().name("n").path(None).http_only(false).same_site(None),
                "n=AAAAAAAAAAAAAAAAAAAA",
            ),
            (
                SessionCookie::new()
                    .path(Some("/a"))
                    .domain("example.com")
                    .max_age(Duration::from_millis(60_500))
                    .secure(true)
                    .same_site(Some(SameSite::None)),
                "io=AAAAAAAAAAAAAAAAAAAA; Max-Age=60; Domain=example.com; Path=/a; HttpOnly; Secure; SameSite=None",
            ),
            (
                SessionCookie::new().same_site(Some(SameSite::Strict)),
                "io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Strict",
            ),
        ];
        for (cookie, text) in table {
            assert_eq!(cookie.of(&sid).unwrap(), text);
        }
    }

    #[test]
    #[should_panic(expected = "cannot name a cookie")]
    fn a_name_with_a_separator_is_refused() {
        let _ = SessionCookie::new().name("a=b");
    }

    #[test]
    #[should_panic(expected = "cannot stand in a cookie")]
    fn a_second_attribute_cannot_be_smuggled_in() {
        let _ = SessionCookie::new().path(Some("/; Domain=evil.example"));
    }
}
