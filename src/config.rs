//! Configuration: `rollcall.toml`, then `ROLLCALL_*`, then flags, each over the one before.
//!
//! Every value is typed, every key of the file is known, and every value knows where it came from.

mod retention;

pub use retention::Retention;

use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::{Figment, Source};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The file that is read when no other is named, if it is there.
pub const DEFAULT_FILE: &str = "rollcall.toml";

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: String,
    /// Connections for reading (SQLite) or for everything (PostgreSQL).
    pub database_connections: u32,
    /// External base URL, with the path prefix if there is one. Never guessed from `Host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// File of the keys that seal credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Largest request body, in bytes.
    pub body_limit: usize,
    /// Largest body of what may hold many members or many operations, in bytes: groups, and bulk
    /// requests.
    pub large_body_limit: usize,
    /// Objects of one app that are worked on at the same time.
    pub app_concurrency: usize,
    /// Seconds that running requests and pushes get when the server stops.
    pub shutdown_seconds: u64,
    /// Which log events are written, as `tracing` directives: `info`, `rollcall=debug`.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// For how many days what happened is kept.
    pub retention: Retention,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for collectors.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: "sqlite:rollcall.db".into(),
            database_connections: 8,
            public_url: None,
            key_file: None,
            body_limit: 1024 * 1024,
            large_body_limit: 16 * 1024 * 1024,
            app_concurrency: 4,
            shutdown_seconds: 20,
            // Requests that are no HTTP are the internet's noise, and never reach our own code.
            log: "info,actix_http=off,actix_server=warn".into(),
            log_format: LogFormat::Text,
            retention: Retention::default(),
        }
    }
}

/// Every key, in the order in which people read them; those of a table after its name and a dot.
const KEYS: [&str; 16] = [
    "listen",
    "database_url",
    "database_connections",
    "public_url",
    "key_file",
    "body_limit",
    "large_body_limit",
    "app_concurrency",
    "shutdown_seconds",
    "log",
    "log_format",
    "retention.attempts",
    "retention.changes",
    "retention.runs",
    "retention.audit",
    "retention.deliveries",
];

/// The environment variable of a key.
fn variable(key: &str) -> String {
    format!("ROLLCALL_{}", key.replace('.', "_").to_uppercase())
}

/// The key of an environment variable, without its prefix.
fn key_of(variable: &str) -> String {
    let name = variable.to_lowercase();
    let key = KEYS.into_iter().find(|key| key.replace('.', "_") == name);
    key.map_or(name, str::to_owned)
}

/// What flags say; unset ones say nothing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flags {
    /// `--listen`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// `--database-url`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named file is not there.
    #[error("the configuration file {0} is not there")]
    NoFile(String),
    /// A key or value is wrong.
    #[error("{0}")]
    Wrong(String),
}

/// A configuration and where each value came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Key, value as text (credentials hidden) and source, in reading order.
    pub origins: Vec<(&'static str, String, String)>,
    /// Environment variables that look like ours and are not.
    pub unknown_variables: Vec<String>,
}

/// Reads the configuration.
///
/// # Errors
/// Names the key, what is wrong with it, where it was found, and the nearest known key.
pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Loaded, Error> {
    if let Some(file) = file
        && !file.is_file()
    {
        return Err(Error::NoFile(file.display().to_string()));
    }
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if path.is_file() {
        figment = figment.merge(Toml::file_exact(path));
    }
    let variables = Env::prefixed("ROLLCALL_").map(|name| key_of(name.as_str()).into()).only(&KEYS);
    let figment = figment.merge(variables).merge(Serialized::defaults(flags));
    let config: Config = figment.extract().map_err(|error| Error::Wrong(sentence(&error)))?;
    check(&config)?;
    let values = serde_json::to_value(&config).unwrap_or_default();
    let origins = KEYS
        .iter()
        .map(|&key| {
            let value = match values.pointer(&format!("/{}", key.replace('.', "/"))) {
                None => "not set".into(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let source = figment.find_metadata(key).map_or("default".into(), |metadata| {
                match &metadata.source {
                    Some(Source::File(path)) => path.display().to_string(),
                    _ if metadata.name.contains("environment") => variable(key),
                    _ if metadata.name.contains("Flags") => "flag".into(),
                    _ => "default".into(),
                }
            });
            (key, without_password(&value), source)
        })
        .collect();
    Ok(Loaded { config, origins, unknown_variables: unknown_variables() })
}

fn check(config: &Config) -> Result<(), Error> {
    let wrong = |key: &str, detail: &str| Err(Error::Wrong(format!("{key}: {detail}")));
    if let Some(base) = &config.public_url {
        match url::Url::parse(base) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() => {}
            _ => return wrong("public_url", "give a URL such as https://rollcall.example/scim"),
        }
    }
    if config.database_connections == 0 {
        return wrong("database_connections", "give at least 1");
    }
    if config.app_concurrency == 0 {
        return wrong("app_concurrency", "give at least 1");
    }
    if config.body_limit < 4096 {
        return wrong("body_limit", "give at least 4096 bytes");
    }
    if config.large_body_limit < config.body_limit {
        return wrong("large_body_limit", "give at least as much as body_limit");
    }
    Ok(())
}

fn sentence(error: &figment::Error) -> String {
    use figment::error::Kind;
    let source = error
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.source.as_ref())
        .map(|source| format!(" in {source}"))
        .unwrap_or_default();
    if let Kind::UnknownField(key, _) = &error.kind {
        let hint = nearest(key).map(|known| format!("; did you mean {known:?}?"));
        return format!("unknown key {key:?}{source}{}", hint.unwrap_or_default());
    }
    let key = error.path.join(".");
    if key.is_empty() {
        format!("{}{source}", error.kind)
    } else {
        format!("{key}: {}{source}", error.kind)
    }
}

/// The known key that resembles this one most, if any does.
fn nearest(key: &str) -> Option<&'static str> {
    KEYS.into_iter()
        .map(|known| {
            // Within its table a key is written without the table's name.
            let short = known.rsplit('.').next().unwrap_or(known);
            (strsim::jaro_winkler(key, known).max(strsim::jaro_winkler(key, short)), known)
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

/// Variables that start like ours, are no key, and resemble one. Orchestrators set others of their
/// own (`ROLLCALL_SERVICE_HOST`), so these are told, not refused.
fn unknown_variables() -> Vec<String> {
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter_map(|name| {
            let key = key_of(name.strip_prefix("ROLLCALL_")?);
            if KEYS.contains(&key.as_str()) || key == "config" {
                return None;
            }
            let nearest = variable(nearest(&key)?);
            Some(format!("{name} is not a setting; did you mean {nearest}?"))
        })
        .collect()
}

/// A value as it may be shown: passwords in URLs are left out, wherever they stand.
fn without_password(value: &str) -> String {
    let Ok(mut url) = url::Url::parse(value) else {
        return if value.contains("password") { "***".into() } else { value.to_owned() };
    };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".into();
    }
    if url.query().is_some_and(|query| query.contains("password")) {
        url.set_query(Some("***"));
    }
    // A URL that was not touched is shown as it was written.
    if url.as_str().contains("***") { url.to_string() } else { value.to_owned() }
}

impl Config {
    /// External base URL without a trailing slash.
    pub fn base_url(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("http://{}", self.reachable()),
            |url| url.trim_end_matches('/').to_owned(),
        )
    }

    /// An address to connect to: who listens everywhere also listens here.
    pub fn reachable(&self) -> SocketAddr {
        let ip = match self.listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.listen.port())
    }

    /// What is allowed and probably not meant.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.public_url.is_none() && self.listen.ip().is_unspecified() {
            doubts.push(format!(
                "public_url is not set: addresses in answers begin with {}, which others cannot reach",
                self.base_url()
            ));
        }
        doubts
    }

    /// The key file: as configured, else beside a SQLite file, else in the working directory.
    pub fn key_path(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| {
            self.database_url.strip_prefix("sqlite:").map_or_else(
                || PathBuf::from("rollcall.key"),
                |path| Path::new(path).with_extension("key"),
            )
        })
    }
}

#[cfg(test)]
mod tests;
