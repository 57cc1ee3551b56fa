//! The options of the official server, as far as ours has them.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use spola_engineio::Transports;
use spola_engineio::packet::EncodedMessage;
use spola_server::{
    AllowOrigin, ClientFiles, Config, ConnectionError, ConnectionStateRecovery, Cors, Handshake,
    HttpCompression, Io, IoBuilder, MessagePack, Refusal, SameSite, SessionCookie,
};

use crate::log::tell;

/// An option that is not here fails the start, and so the rows that need it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Options {
    ping_interval: Option<u64>,
    ping_timeout: Option<u64>,
    max_http_buffer_size: Option<usize>,
    connect_timeout: Option<u64>,
    upgrade_timeout: Option<u64>,
    transports: Option<Vec<String>>,
    allow_upgrades: Option<bool>,
    path: Option<String>,
    add_trailing_slash: Option<bool>,
    #[serde(rename = "destroyUpgradeTimeout")]
    _destroy_upgrade_timeout: Option<u64>,
    initial_packet: Option<String>,
    generate_id: Option<String>,
    allow_request: bool,
    pub(crate) engine_middleware: bool,
    hooks: bool,
    cors: Option<CorsOptions>,
    cookie: Option<Value>,
    http_compression: Option<Value>,
    per_message_deflate: bool,
    #[serde(rename = "allowEIO3")]
    allow_eio3: bool,
    cleanup_empty_child_namespaces: bool,
    serve_client: Option<bool>,
    parser: Option<String>,
    connection_state_recovery: Option<RecoveryOptions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecoveryOptions {
    max_disconnection_duration: Option<u64>,
    skip_middlewares: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CorsOptions {
    origin: Option<Value>,
    #[serde(default)]
    credentials: bool,
    exposed_headers: Option<Vec<String>>,
    allowed_headers: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    max_age: Option<u64>,
}

impl Options {
    /// `client` is the directory of the browser's client.
    pub(crate) fn into_server(self, client: Option<&str>) -> Result<Io, Box<dyn Error>> {
        let mut config = self.config()?;
        if let Some(folder) = client.filter(|_| self.serve_client != Some(false)) {
            config.client_files = Some(client_files(folder)?);
        }
        let mut builder = Io::builder().config(config);
        builder = builder.on_connection_error(report);
        if self.parser.as_deref() == Some("msgpack") {
            builder = builder.parser(MessagePack);
        }
        if self.allow_request {
            builder = builder.allow_request(async |handshake: Arc<Handshake>| {
                match handshake.query("refuse") {
                    None => Ok(()),
                    Some(why) if why.is_empty() => Err(Refusal::new("Forbidden")),
                    Some(why) => Err(Refusal::new(why)),
                }
            });
        }
        if let Some(prefix) = self.generate_id {
            let count = AtomicU64::new(0);
            builder = builder.generate_id(move |_| {
                let number = count.fetch_add(1, Ordering::Relaxed);
                format!("{prefix}{number:05}")
            });
        }
        if self.engine_middleware {
            builder = builder.http_middleware(async |request: http::Request<()>| {
                if request.uri().query().is_some_and(|query| query.contains("stop=1")) {
                    return Err("stopped");
                }
                Ok(request)
            });
        }
        if self.hooks {
            builder = hooked(builder);
        }
        Ok(builder.build())
    }

    fn config(&self) -> Result<Config, Box<dyn Error>> {
        let mut config = Config::default();
        set(&mut config.engine.ping_interval, self.ping_interval);
        set(&mut config.engine.ping_timeout, self.ping_timeout);
        set(&mut config.engine.upgrade_timeout, self.upgrade_timeout);
        set(&mut config.sockets.connect_timeout, self.connect_timeout);
        config.engine.max_payload = self.max_http_buffer_size.unwrap_or(config.engine.max_payload);
        config.engine.allow_upgrades = self.allow_upgrades.unwrap_or(true);
        if let Some(enabled) = &self.transports {
            let has = |name: &str| enabled.iter().any(|one| one == name);
            config.engine.transports = match (has("polling"), has("websocket")) {
                (true, false) => Transports::POLLING,
                (false, true) => Transports::WEBSOCKET,
                _ => Transports::ALL,
            };
            config.engine.transports.sse = has("sse");
        }
        if let Some(path) = &self.path {
            config.path.clone_from(path);
        }
        config.add_trailing_slash = self.add_trailing_slash.unwrap_or(true);
        config.engine.initial_packet = self.initial_packet.as_deref().map(EncodedMessage::text);
        config.cors = self.cors.as_ref().map(CorsOptions::policy).transpose()?.flatten();
        config.cookie = self.cookie.as_ref().map(cookie);
        match &self.http_compression {
            Some(Value::Bool(false)) => config.http_compression = None,
            Some(options) => {
                let mut compression = HttpCompression::default();
                let threshold = options.get("threshold").and_then(Value::as_u64);
                compression.threshold = usize::try_from(threshold.unwrap_or(1024))?;
                config.http_compression = Some(compression);
            }
            None => {}
        }
        config.engine.allow_eio3 = self.allow_eio3;
        config.cleanup_empty_children = self.cleanup_empty_child_namespaces;
        if self.per_message_deflate {
            config.per_message_deflate = Some(spola_websocket::deflate::Options::default());
        }
        config.connection_state_recovery = self.connection_state_recovery.as_ref().map(|options| {
            let mut recovery = ConnectionStateRecovery::default();
            let longest = options.max_disconnection_duration;
            set(&mut recovery.max_disconnection_duration, longest);
            recovery.skip_middlewares = options.skip_middlewares.unwrap_or(true);
            recovery
        });
        Ok(config)
    }
}

/// All files of the client in a folder.
fn client_files(folder: &str) -> Result<ClientFiles, Box<dyn Error>> {
    let mut files = ClientFiles::new("4.8.3");
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Compressing them takes a while, so only those that the suite asks for.
        if name.ends_with(".js") || name == "socket.io.js.map" {
            files = files.file(&name, std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

fn set(time: &mut Duration, milliseconds: Option<u64>) {
    if let Some(milliseconds) = milliseconds {
        *time = Duration::from_millis(milliseconds);
    }
}

fn hooked(builder: IoBuilder) -> IoBuilder {
    let one = http::HeaderValue::from_static("1");
    let again = one.clone();
    builder
        .on_initial_headers(move |headers, _| {
            headers.insert("x-initial", one.clone());
        })
        .on_headers(move |headers, _| {
            headers.insert("x-every", again.clone());
        })
}

fn report(error: &ConnectionError<'_>) {
    tell(&json!({
        "at": "connection_error",
        "target": error.request.uri().to_string(),
        "code": error.code(),
        "message": error_message(error.code()),
        "context": error.details(),
    }));
}

/// The official server tells its own word for the code, and the application's message in the context.
fn error_message(code: u8) -> &'static str {
    match code {
        0 => "Transport unknown",
        1 => "Session ID unknown",
        2 => "Bad handshake method",
        3 => "Bad request",
        4 => "Forbidden",
        _ => "Unsupported protocol version",
    }
}

impl CorsOptions {
    fn policy(&self) -> Result<Option<Cors>, Box<dyn Error>> {
        // The official server never blocks: neither does this one, told so.
        let mut cors = Cors::new().allow_credentials(self.credentials).enforce_origin(false);
        cors = cors.allow_origin(match &self.origin {
            Some(Value::Bool(false)) => return Ok(None),
            Some(Value::Bool(true)) => AllowOrigin::mirror_request(),
            Some(Value::String(origin)) if origin != "*" => AllowOrigin::exact(origin),
            Some(Value::Array(list)) => AllowOrigin::list(list.iter().filter_map(Value::as_str)),
            Some(Value::Object(pattern)) => {
                // The suite's patterns are an escaped dot, letters, and the end.
                let pattern = pattern.get("pattern").and_then(Value::as_str).unwrap_or_default();
                let suffix = pattern.trim_end_matches('$').replace("\\.", ".");
                AllowOrigin::predicate(move |origin, _| {
                    origin.to_str().is_ok_and(|origin| origin.ends_with(&suffix))
                })
            }
            _ => AllowOrigin::any(),
        });
        if let Some(methods) = &self.methods {
            let methods: Result<Vec<_>, _> = methods.iter().map(|method| method.parse()).collect();
            cors = cors.allow_methods(methods?);
        }
        if let Some(names) = &self.allowed_headers {
            cors = cors.allow_headers(parsed(names)?);
        }
        if let Some(names) = &self.exposed_headers {
            cors = cors.expose_headers(parsed(names)?);
        }
        if let Some(age) = self.max_age {
            cors = cors.max_age(Duration::from_secs(age));
        }
        Ok(Some(cors))
    }
}

fn parsed(names: &[String]) -> Result<Vec<http::HeaderName>, http::header::InvalidHeaderName> {
    names.iter().map(|name| name.parse()).collect()
}

fn cookie(options: &Value) -> SessionCookie {
    let mut cookie = SessionCookie::new();
    if let Some(name) = options.get("name").and_then(Value::as_str) {
        cookie = cookie.name(name);
    }
    if let Some(path) = options.get("path").and_then(Value::as_str) {
        cookie = cookie.path(Some(path));
    }
    if let Some(hidden) = options.get("httpOnly").and_then(Value::as_bool) {
        cookie = cookie.http_only(hidden);
    }
    if let Some(secure) = options.get("secure").and_then(Value::as_bool) {
        cookie = cookie.secure(secure);
    }
    if let Some(age) = options.get("maxAge").and_then(Value::as_u64) {
        cookie = cookie.max_age(Duration::from_secs(age));
    }
    match options.get("sameSite").and_then(Value::as_str) {
        Some("strict") => cookie = cookie.same_site(Some(SameSite::Strict)),
        Some("none") => cookie = cookie.same_site(Some(SameSite::None)),
        _ => {}
    }
    cookie
}
