//! Proxies that the variables of the environment name.

use super::Proxy;
use crate::client::{Host, Place, Target, TargetError};

const SECURE: [&str; 6] =
    ["wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const INSECURE: [&str; 5] = ["ws_proxy", "WS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"];

impl Proxy {
    /// The proxy that the environment names for a target; `None` if it names none. `variable` looks
    /// one up, such as `|name| std::env::var(name).ok()`.
    ///
    /// Of these, the first that is set and not empty counts: `wss_proxy`, `https_proxy` and
    /// `all_proxy` for a secure target, `ws_proxy`, `http_proxy` and `all_proxy` for another; each
    /// in capitals as well, but for `HTTP_PROXY`, which a request's header can set in a CGI program.
    /// Without a scheme they mean `http://`. `no_proxy` lists the targets that need none, separated
    /// by commas or blanks: names, which stand for those that end in them, too; addresses; each with
    /// an optional port; or `*` for all.
    ///
    /// # Errors
    /// When the variable that counts is no URL of a proxy.
    pub fn from_environment(
        target: &Target,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TargetError> {
        let Place::Tcp { host, port } = target.place() else {
            return Ok(None);
        };
        let names: &[&str] = match target.is_secure() {
            true => &SECURE,
            false => &INSECURE,
        };
        let set = |name: &str| {
            let value = variable(name)?.trim().to_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let Some(url) = names.iter().find_map(|name| set(name)) else {
            return Ok(None);
        };
        let exceptions = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
        if exceptions.split([',', ' ', '\t']).any(|exception| excepts(exception, host, *port)) {
            return Ok(None);
        }
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        Self::parse(&url).map(Some)
    }
}

/// Whether an element of `no_proxy` stands for the host.
fn excepts(exception: &str, host: &Host, port: u16) -> bool {
    if exception == "*" {
        return true;
    }
    let (exception, only_port) = match exception.rsplit_once(':') {
        // The colons of an IPv6 address without brackets are no port's.
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
            match digits.parse() {
                Ok(only_port) => (name, Some(only_port)),
                Err(_) => return false,
            }
        }
        _ => (exception, None),
    };
    if only_port.is_some_and(|only_port: u16| only_port != port) {
        return false;
    }
    match host {
        Host::V4(address) => exception.parse() == Ok(*address),
        Host::V6(address) => exception.trim_matches(['[', ']']).parse() == Ok(*address),
        Host::Name(name) => is_within(name, exception),
    }
}

/// Whether a name is `domain`, or ends in a dot and it.
fn is_within(name: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
    let rest = name.trim_end_matches('.').strip_suffix(&*domain);
    !domain.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, TargetError> {
        let lookup = |name: &str| {
            let mut found = variables.iter().filter(|(key, _)| *key == name);
            found.next().map(|&(_, value)| value.to_owned())
        };
        let target = Target::parse(url).unwrap();
        let proxy = Proxy::from_environment(&target, lookup)?;
        Ok(proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())))
    }

    #[test]
    fn the_most_fitting_variable_counts() {
        for (url, variables, expected) in [
            ("wss://h/", &[][..], None),
            ("wss://h/", &[("https_proxy", "http://p:1")], Some("p:1")),
            ("wss://h/", &[("HTTPS_PROXY", "p:1")], Some("p:1")),
            ("wss://h/", &[("all_proxy", "socks5://p")], Some("p:1080")),
            ("wss://h/", &[("https_proxy", ""), ("ALL_PROXY", "p")], Some("p:80")),
            ("wss://h/", &[("https_proxy", "p"), ("wss_proxy", "q")], Some("q:80")),
            ("wss://h/", &[("http_proxy", "p"), ("ws_proxy", "p")], None),
            ("ws://h/", &[("http_proxy", "p")], Some("p:80")),
            ("ws://h/", &[("HTTP_PROXY", "p"), ("https_proxy", "p")], None),
            ("ws+unix:///a.sock", &[("all_proxy", "p")], None),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(proxy(url, variables), Ok(expected), "{url} {variables:?}");
        }
        let wrong = [("all_proxy", "https://p")];
        assert_eq!(proxy("ws://h/", &wrong), Err(TargetError::Scheme));
    }

    #[test]
    fn exceptions_are_names_domains_and_addresses() {
        for (url, exceptions, excepted) in [
            ("ws://h/", "", false),
            ("ws://h/", "*", true),
            ("ws://h/", "a, h", true),
            ("ws://h/", "a h b", true),
            ("ws://H/", "h", true),
            ("ws://h/", "H", true),
            ("ws://h./", "h", true),
            ("ws://a.example.com/", "example.com", true),
            ("ws://a.example.com/", ".example.com", true),
            ("ws://a.example.com/", "*.example.com", true),
            ("ws://example.com/", ".example.com", true),
            ("ws://badexample.com/", "example.com", false),
            ("ws://example.com.evil/", "example.com", false),
            ("ws://h/", ".", false),
            ("ws://h:81/", "h:81", true),
            ("ws://h/", "h:81", false),
            ("ws://h/", "h:x", false),
            ("ws://1.2.3.4/", "1.2.3.4", true),
            ("ws://1.2.3.4/", "3.4", false),
            ("ws://[::1]/", "::1", true),
            ("ws://[::1]/", "[::1]", true),
            ("ws://[::1]:81/", "[::1]:81", true),
            ("ws://[::1]/", "[::1]:81", false),
        ] {
            let variables = [("all_proxy", "p"), ("no_proxy", exceptions)];
            let found = proxy(url, &variables).unwrap();
            assert_eq!(found.is_none(), excepted, "{url} {exceptions}");
        }
    }
}
