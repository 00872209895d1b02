//! What a server says of itself, *Test connection*, and ids in answers.

use super::Scim;
use super::calls::endpoint;
use crate::adapters::adapter::{Failure, Reason, RemoteId, Report};
use crate::adapters::http::{Answer, Url};
use crate::mapping::field::Kind;
use serde_json::Value;

/// ServiceProviderConfig, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Discovered {
    /// Whether PATCH works; none where the server does not say.
    pub(super) patch: Option<bool>,
}

impl Scim {
    /// What the server says of itself; asked once.
    pub(super) async fn discovered(&self) -> Result<Discovered, Failure> {
        self.discovered.get_or_try_init(|| self.discover()).await.copied()
    }

    async fn discover(&self) -> Result<Discovered, Failure> {
        let answer = self.send(&self.calls.service_provider_config()).await?;
        match answer.status {
            // About the credential, the address or the moment, not about discovery.
            300..=399 | 401 | 429 | 502..=504 => Err(answer.failure()),
            // Servers without it, or with something else there, show what they can do by doing it.
            _ => Ok(Discovered { patch: answer.body.as_ref().and_then(patch_supported) }),
        }
    }

    /// Whether objects of the kind can be changed only by PUT, as far as is known.
    pub(super) async fn by_put(&self, kind: Kind) -> Result<bool, Failure> {
        Ok(self.quirks.put(kind).is_set() || self.discovered().await?.patch == Some(false))
    }

    /// Whether the server has said that it has no PATCH; asks nothing.
    pub(super) fn denied_patch(&self) -> bool {
        self.discovered.get().is_some_and(|discovered| discovered.patch == Some(false))
    }

    /// Some frameworks answer 404 to a method that they do not know. Whether this 404 is of that
    /// kind: PATCH never worked, nobody promised it, and the object is there.
    pub(super) async fn is_unknown_patch(
        &self,
        kind: Kind,
        id: &RemoteId,
    ) -> Result<bool, Failure> {
        if self.quirks.patched.is_set() || self.discovered().await?.patch.is_some() {
            return Ok(false);
        }
        let answer = self.send(&self.calls.read(kind, id)?).await?;
        Ok(answer.is_success() && answer.body.is_some_and(|body| body.is_object()))
    }

    /// The app has no such collection.
    pub(super) fn no_endpoint(&self, kind: Kind) -> Failure {
        let host = self.calls.host();
        match kind {
            Kind::User => Failure::Misconfigured(Reason {
                field: Some("url".into()),
                detail: format!("{host} has no /Users at this address."),
                remedy: "Check that the address is that of the app's SCIM service.".into(),
            }),
            Kind::Group => Failure::Unsupported(format!("{host} has no /{}.", endpoint(kind))),
        }
    }

    /// *Test connection*: discovery, then a list, which needs the credential.
    pub(super) async fn examine(&self) -> Result<Report, Failure> {
        let discovered = self.discovered().await?;
        let answer = self.send(&self.calls.probe()).await?;
        if matches!(answer.status, 404 | 405 | 410 | 501) {
            return Err(self.no_endpoint(Kind::User));
        }
        let answer = answer.success()?;
        let list = answer.body.as_ref().and_then(super::list::Listed::read);
        let list = list.ok_or_else(|| self.no_scim("a list"))?;
        let host = self.calls.host();
        let mut findings = vec![match discovered.patch {
            Some(true) => "It takes changes by PATCH.".to_owned(),
            Some(false) => {
                "It does not take PATCH: objects are read, changed and written back whole by PUT."
                    .to_owned()
            }
            None => "It does not say whether it takes PATCH: PATCH is tried, then PUT.".to_owned(),
        }];
        findings.push(match list.total {
            Some(1) => "It has 1 user.".to_owned(),
            Some(total) => format!("It has {total} users."),
            None => "It does not say how many users it has.".to_owned(),
        });
        if self.calls.is_plain() {
            findings.push(
                "The connection is not encrypted: the token can be read on the way. Use https."
                    .to_owned(),
            );
        }
        Ok(Report { summary: format!("{host} answers and takes the token."), findings })
    }
}

fn patch_supported(document: &Value) -> Option<bool> {
    match document.get("patch")?.get("supported")? {
        Value::Bool(supported) => Some(*supported),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The id in the address of a new object, where the object itself does not show it.
pub(super) fn id_of(answer: &Answer) -> Option<RemoteId> {
    let in_body = || {
        let text = answer.body.as_ref()?.get("meta")?.get("location")?.as_str()?.to_owned();
        // Only the path matters, and some servers leave out the rest.
        Url::parse("http://relative.invalid").ok()?.join(&text).ok()
    };
    let location = answer.location.clone().or_else(in_body)?;
    let last = location.path_segments()?.rfind(|segment| !segment.is_empty())?;
    if last == endpoint(Kind::User) || last == endpoint(Kind::Group) {
        return None;
    }
    let id = decoded(last)?;
    (!id.is_empty()).then_some(RemoteId(id))
}

/// Percent-decodes a path segment.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
