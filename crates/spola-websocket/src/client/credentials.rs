use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A name and a password, as a URL carries them before the host.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// A name and a password for basic authentication (RFC 7617) or for a SOCKS proxy (RFC 1929).
    /// `None` if the name holds a colon, or either a control character.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Option<Self> {
        let (user, password) = (user.into(), password.into());
        let sound = |text: &str| !text.contains(|c: char| c.is_ascii_control());
        (sound(&user) && sound(&password) && !user.contains(':')).then_some(Self { user, password })
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password; empty if there is none.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The value of `Authorization` or `Proxy-Authorization` that presents them (RFC 7617 §2).
    #[must_use]
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }

    /// What stands before the `@` of a URL, percent-encoded. `None` if it is malformed.
    pub(super) fn parse(userinfo: &str) -> Option<Self> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Self::new(percent_decode(user)?, percent_decode(password)?)
    }
}

/// Without the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1); `None` if it is malformed or gives no UTF-8.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    Some(match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_becomes_the_header_of_rfc_7617() {
        for (userinfo, expected) in [
            ("Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("test:123%C2%A3", "Basic dGVzdDoxMjPCow=="),
            ("token", "Basic dG9rZW46"),
            (":p", "Basic OnA="),
            ("a:b:c", "Basic YTpiOmM="),
        ] {
            let credentials = Credentials::parse(userinfo);
            assert_eq!(credentials.map(|known| known.basic()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn malformed_userinfo_is_refused() {
        for userinfo in ["%", "a%4", "a%zz", "%ff", "a%0d%0aX-Evil: 1", "a%3ab:c", "a:%00"] {
            assert_eq!(Credentials::parse(userinfo), None, "{userinfo}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", Credentials::new("me", "hunter2"));
        assert!(shown.contains("me") && !shown.contains("hunter2"), "{shown}");
    }
}
