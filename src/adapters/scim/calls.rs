//! The requests of a SCIM app, as they are sent and as they are shown.

use super::record::known;
use crate::adapters::adapter::{Failure, Key, Reason, RemoteId};
use crate::adapters::http::{Call, Method, Url};
use crate::mapping::field::Kind;
use crate::scim::urn;
use serde_json::{Value, json};

/// Objects asked for at a time.
pub(super) const PAGE: usize = 100;

/// Makes requests to one address.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    base: Url,
}

impl Calls {
    /// Reads the address of a SCIM service.
    pub(super) fn new(text: &str) -> Result<Self, Reason> {
        let wrong = |detail: String| Reason {
            field: Some("url".into()),
            detail,
            remedy: "Enter it as in https://app.example.com/scim/v2.".into(),
        };
        let mut base = Url::parse(text.trim())
            .map_err(|error| wrong(format!("The address cannot be read: {error}.")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("The address must begin with https:// or http://.".into()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("The address must not hold a user name or password.".into()));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("The address must not hold a ? or a #.".into()));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base })
    }

    /// Whether what is sent can be read on the way.
    pub(super) fn is_plain(&self) -> bool {
        let local = matches!(self.base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        self.base.scheme() == "http" && !local
    }

    /// The app's host, for people.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    fn one(&self, kind: Kind, id: &RemoteId) -> Result<Url, Failure> {
        // A URL without its last segment names the whole collection.
        if matches!(id.0.as_str(), "" | "." | "..") {
            return Err(Failure::Refused(Reason {
                field: Some("id".into()),
                detail: format!("The app gave the object the id {:?}.", id.0),
                remedy: "Remove the object in the app, then try again.".into(),
            }));
        }
        Ok(self.at(&[endpoint(kind), &id.0]))
    }

    pub(super) fn service_provider_config(&self) -> Call {
        call(Method::GET, self.at(&["ServiceProviderConfig"]), None)
    }

    /// The first of a list, to see whether the credential is taken.
    pub(super) fn probe(&self) -> Call {
        let mut url = self.at(&[endpoint(Kind::User)]);
        query(&mut url, &[("count", "1")]);
        call(Method::GET, url, None)
    }

    pub(super) fn page(&self, kind: Kind, filter: Option<&str>, start: usize) -> Call {
        let mut url = self.at(&[endpoint(kind)]);
        let (start, count) = (start.to_string(), PAGE.to_string());
        let mut pairs = vec![("startIndex", start.as_str()), ("count", count.as_str())];
        if let Some(filter) = filter {
            pairs.insert(0, ("filter", filter));
        }
        if kind == Kind::Group {
            // A group is looked for by its name, not by its hundred thousand members.
            pairs.push(("excludedAttributes", "members"));
        }
        query(&mut url, &pairs);
        call(Method::GET, url, None)
    }

    /// The filter of a look.
    pub(super) fn filter(kind: Kind, key: &Key) -> Result<String, Failure> {
        Ok(known(kind, &key.field)?.equals(&key.value))
    }

    pub(super) fn read(&self, kind: Kind, id: &RemoteId) -> Result<Call, Failure> {
        Ok(call(Method::GET, self.one(kind, id)?, None))
    }

    pub(super) fn create(&self, kind: Kind, resource: Value) -> Call {
        call(Method::POST, self.at(&[endpoint(kind)]), Some(resource))
    }

    pub(super) fn patch(
        &self,
        kind: Kind,
        id: &RemoteId,
        operations: &[Value],
    ) -> Result<Call, Failure> {
        let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
        Ok(call(Method::PATCH, self.one(kind, id)?, Some(body)))
    }

    pub(super) fn put(&self, kind: Kind, id: &RemoteId, resource: Value) -> Result<Call, Failure> {
        Ok(call(Method::PUT, self.one(kind, id)?, Some(resource)))
    }

    pub(super) fn delete(&self, kind: Kind, id: &RemoteId) -> Result<Call, Failure> {
        Ok(call(Method::DELETE, self.one(kind, id)?, None))
    }
}

/// Path segment of a kind of object.
pub(super) const fn endpoint(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "Users",
        Kind::Group => "Groups",
    }
}

const fn call(method: Method, url: Url, body: Option<Value>) -> Call {
    Call { method, url, body }
}

fn query(url: &mut Url, pairs: &[(&str, &str)]) {
    url.query_pairs_mut().extend_pairs(pairs);
    // Form encoding writes a space as `+`, which not every server reads back as one.
    let text = url.query().unwrap_or_default().replace('+', "%20");
    url.set_query(Some(&text));
}
