//! One way to send requests: timeouts, no redirects, failures told apart.
//!
//! [`Http::send`] fails only where no answer came; what an answer's status means is for
//! [`Answer::failure`] to say, so that a caller can look at it first.

mod failure;
mod redaction;
mod retry_after;
mod secure;
mod webhook;
mod wire;

pub use webhook::Receipt;
pub use wire::{Exchange, Wire, recorded, taken};

use super::adapter::{Failure, Reason, WireRequest};
use super::throttle::fields::{self, Told};
use super::throttle::{Heard, Throttle};
use crate::clock::{Clock, Stopwatch};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName};
pub use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Longest time until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time from sending to the last byte of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
const USER_AGENT: &str = concat!("Rollcall/", env!("CARGO_PKG_VERSION"));

/// A request, without its credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Address.
    pub url: Url,
    /// JSON body.
    pub body: Option<Value>,
}

impl Call {
    /// Whether sending it twice does what sending it once does.
    pub fn is_repeatable(&self) -> bool {
        self.method != Method::POST && self.method != Method::PATCH
    }

    /// As people see it.
    pub fn wire(&self) -> WireRequest {
        WireRequest {
            method: self.method.to_string(),
            url: self.url.to_string(),
            body: self.body.clone(),
            note: None,
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body, where it is JSON.
    pub body: Option<Value>,
    /// `Location`, made absolute.
    pub location: Option<Url>,
    /// How long the app asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the request that it answers could be sent twice.
    repeatable: bool,
    /// Whether it was about one object that the app has.
    about_one: bool,
}

/// Sends the requests of one app. Keeps connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    throttle: Option<Arc<Throttle>>,
}

impl Http {
    /// A client that waits so long for an answer; never longer than [`TIMEOUT`].
    ///
    /// # Errors
    /// A reason when this machine's TLS set-up cannot be used.
    pub fn new(timeout: Duration) -> Result<Self, Reason> {
        builder(timeout).build().map(|client| Self { client, throttle: None }).map_err(|error| {
            Reason {
                field: None,
                detail: format!("Secure connections cannot be set up: {}.", root(&error)),
                remedy: "Check the certificates and the proxy settings of this machine.".into(),
            }
        })
    }

    /// The same, sending no faster than the app is to be asked.
    #[must_use]
    pub fn paced(self, throttle: Arc<Throttle>) -> Self {
        Self { throttle: Some(throttle), ..self }
    }

    /// Sends a request and reads the answer, of any status. It is noted where somebody wants to
    /// know, see [`recorded`]. Waits for its turn first, which is no part of the time for the answer.
    ///
    /// # Errors
    /// [`Failure::Throttled`] where its turn is too far away and nothing was sent,
    /// [`Failure::Again`] where nothing was sent or sending again does no harm,
    /// [`Failure::InDoubt`] where the request may have had its effect.
    pub async fn send(
        &self,
        call: &Call,
        bearer: &SecretString,
        content_type: &'static str,
    ) -> Result<Answer, Failure> {
        let turn = match &self.throttle {
            Some(throttle) => Some((throttle, throttle.turn().await?)),
            None => None,
        };
        let watch = Stopwatch::start();
        let sent = self.exchange(call, bearer, content_type, turn).await;
        wire::note(call, &sent, watch.elapsed());
        sent
    }

    async fn exchange(
        &self,
        call: &Call,
        bearer: &SecretString,
        content_type: &'static str,
        turn: Option<(&Arc<Throttle>, i64)>,
    ) -> Result<Answer, Failure> {
        let mut request = self
            .client
            .request(call.method.clone(), call.url.clone())
            .header(reqwest::header::ACCEPT, "application/scim+json, application/json")
            .bearer_auth(bearer.expose_secret());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, content_type).body(body.to_string());
        }
        let mut response = request.send().await.map_err(|error| unanswered(call, &error))?;
        let status = response.status().as_u16();
        let now = now(response.headers());
        let retry_after = header(response.headers(), &reqwest::header::RETRY_AFTER)
            .and_then(|text| retry_after::parse(text, now));
        if let Some((throttle, sent_us)) = turn {
            let told = told(response.headers(), now);
            let is_too_much = status == 429;
            let wait = retry_after.filter(|_| failure::is_throttle(status, retry_after));
            throttle.heard(sent_us, &Heard { told, is_too_much, wait });
        }
        let location = header(response.headers(), &reqwest::header::LOCATION)
            .and_then(|text| call.url.join(text).ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(call, &error))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(too_long(call));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = parse(status, &bytes, bearer);
        let about_one = matches!(call.method, Method::PUT | Method::PATCH | Method::DELETE);
        let repeatable = call.is_repeatable();
        Ok(Answer { status, body, location, retry_after, repeatable, about_one })
    }
}

/// The app's own clock where it shows it: a date that it gives is meant by that one.
fn now(headers: &HeaderMap) -> Timestamp {
    header(headers, &reqwest::header::DATE).and_then(retry_after::date).unwrap_or_else(|| {
        Timestamp::from_microsecond(Clock::System.now_us()).unwrap_or(Timestamp::UNIX_EPOCH)
    })
}

/// What the app says of its limits.
fn told(headers: &HeaderMap, now: Timestamp) -> Told {
    let field = |name: &str| {
        let lines: Vec<&str> =
            headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    fields::read(field, now.as_microsecond())
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    let timeout = timeout.min(TIMEOUT);
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
}

/// The body as JSON. An app that repeats the credential in its complaint is not quoted with it.
fn parse(status: u16, bytes: &[u8], bearer: &SecretString) -> Option<Value> {
    let secret = bearer.expose_secret();
    if (200..300).contains(&status) || secret.is_empty() {
        return serde_json::from_slice(bytes).ok();
    }
    serde_json::from_str(&String::from_utf8_lossy(bytes).replace(secret, "…")).ok()
}

fn unanswered(call: &Call, error: &reqwest::Error) -> Failure {
    let host = call.url.host_str().unwrap_or_default();
    if let Some(why) = secure::refusal(error, host) {
        return Failure::Again { after: None, detail: why };
    }
    let cause = root(error);
    if error.is_connect() || error.is_builder() {
        return Failure::Again {
            after: None,
            detail: format!("No connection to {host}: {cause}."),
        };
    }
    let detail = if error.is_timeout() {
        format!("{host} did not answer in time.")
    } else {
        format!("The connection to {host} broke: {cause}.")
    };
    if call.is_repeatable() {
        Failure::Again { after: None, detail }
    } else {
        Failure::InDoubt { detail }
    }
}

fn too_long(call: &Call) -> Failure {
    let host = call.url.host_str().unwrap_or_default();
    Failure::Misconfigured(Reason {
        field: Some("url".into()),
        detail: format!("{host} answers with more than {} MiB.", MAX_ANSWER / 1024 / 1024),
        remedy: "Check that the address is that of the app's SCIM service.".into(),
    })
}

/// The innermost cause: the others repeat the address.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
