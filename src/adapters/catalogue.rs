//! Every kind of app that can be connected.

use super::adapter::{Adapter, Reason};
use super::http::TIMEOUT;
use super::sandbox::{self, Accounts, Sandbox};
use super::scim::{self, Scim};
use super::throttle::Throttle;
use crate::mapping::document::Document;
use crate::mapping::field::{AppSchema, Kind};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// A setting of an adapter, as the catalogue shows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Its name in the app's `settings` or `secrets`.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// Whether the app cannot do without.
    pub required: bool,
    /// Whether it is sealed and never shown again.
    pub secret: bool,
    /// For people.
    pub description: &'static str,
}

/// A kind of app.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `scim`, `sandbox`.
    pub kind: &'static str,
    /// For people.
    pub label: &'static str,
    /// For people.
    pub description: &'static str,
    /// What it needs to be told.
    pub settings: Vec<Setting>,
    /// Its fields.
    pub schema: AppSchema,
    /// The mapping it starts with.
    pub default_mapping: Document,
    /// App fields by which existing accounts are recognised, first match first.
    pub match_users: Vec<&'static str>,
    /// The same for groups.
    pub match_groups: Vec<&'static str>,
    /// App fields by which accounts can be looked for.
    pub find_users: Vec<&'static str>,
    /// The same for groups.
    pub find_groups: Vec<&'static str>,
    /// App fields that no two accounts share.
    pub unique_users: Vec<&'static str>,
    /// The same for groups.
    pub unique_groups: Vec<&'static str>,
}

impl Entry {
    /// Fields by which objects of a kind can be looked for.
    pub fn find_by(&self, kind: Kind) -> &[&'static str] {
        match kind {
            Kind::User => &self.find_users,
            Kind::Group => &self.find_groups,
        }
    }

    /// Whether objects of a kind can be looked for by a field.
    pub fn can_find_by(&self, kind: Kind, field: &str) -> bool {
        self.find_by(kind).contains(&field)
    }
}

/// What an adapter is made from.
pub struct Connection {
    /// Plain settings.
    pub settings: Map<String, Value>,
    /// Unsealed secrets by name.
    pub secrets: BTreeMap<String, SecretString>,
    /// For the sandbox.
    pub accounts: Arc<dyn Accounts>,
    /// How fast the app may be asked; for adapters that ask it over HTTP.
    pub throttle: Arc<Throttle>,
}

const SCIM: &str = "scim";
const SANDBOX: &str = "sandbox";
const URL: &str = "url";
const TOKEN: &str = "token";
const TIMEOUT_SECONDS: &str = "timeoutSeconds";

/// Every kind, in the order people see them.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<[Entry; 2]> = LazyLock::new(|| [scim_entry(), sandbox_entry()]);
    &*ENTRIES
}

/// One kind.
pub fn entry(kind: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.kind == kind)
}

fn scim_entry() -> Entry {
    Entry {
        kind: SCIM,
        label: "SCIM 2.0",
        description: "Any app with a SCIM 2.0 service (RFC 7644): users, groups and members. \
                      Changes go out by PATCH where the app takes it, else by PUT.",
        settings: vec![
            Setting {
                name: URL,
                label: "Address",
                required: true,
                secret: false,
                description: "Where the app's SCIM service is, up to but without /Users: \
                              https://app.example.com/scim/v2.",
            },
            Setting {
                name: TOKEN,
                label: "Token",
                required: true,
                secret: true,
                description: "The bearer token that the app gave for provisioning.",
            },
            Setting {
                name: TIMEOUT_SECONDS,
                label: "Longest wait",
                required: false,
                secret: false,
                description: "Seconds to wait for an answer, from 1 to 30. Without it, 30.",
            },
        ],
        schema: scim::schema(),
        default_mapping: scim::default_mapping(),
        match_users: vec!["userName"],
        match_groups: vec!["displayName"],
        find_users: scim::FIND_USERS.to_vec(),
        find_groups: scim::FIND_GROUPS.to_vec(),
        unique_users: vec!["userName", "externalId"],
        unique_groups: vec!["externalId"],
    }
}

fn sandbox_entry() -> Entry {
    Entry {
        kind: SANDBOX,
        label: "Sandbox",
        description: "A built-in app for trying mappings. Its accounts are kept in Rollcall's own \
                      database; nothing leaves this server.",
        settings: Vec::new(),
        schema: sandbox::schema(),
        default_mapping: sandbox::default_mapping(),
        match_users: vec!["loginName"],
        match_groups: vec!["name"],
        find_users: vec!["loginName"],
        find_groups: vec!["name"],
        unique_users: vec!["loginName"],
        unique_groups: vec!["name"],
    }
}

/// Checks settings without connecting: unknown names (with the nearest known one), missing ones,
/// malformed URLs. `secrets` lists the names that are set.
///
/// # Errors
/// A reason per setting.
pub fn check_settings(
    kind: &str,
    settings: &Map<String, Value>,
    secrets: &[String],
) -> Result<(), Vec<Reason>> {
    let Some(entry) = entry(kind) else { return Err(vec![unknown_kind(kind)]) };
    let mut reasons = Vec::new();
    let named = |name: &str| entry.settings.iter().find(|setting| setting.name == name);
    for name in settings.keys() {
        match named(name) {
            None => reasons.push(unknown_setting(entry, name, false)),
            Some(setting) if setting.secret => reasons.push(reason(
                name,
                &format!("{} is a secret.", setting.label),
                "Give it among the secrets, where it is sealed.",
            )),
            Some(_) => {}
        }
    }
    for name in secrets {
        match named(name) {
            None => reasons.push(unknown_setting(entry, name, true)),
            Some(setting) if !setting.secret => reasons.push(reason(
                name,
                &format!("{} is no secret.", setting.label),
                "Give it among the settings.",
            )),
            Some(_) => {}
        }
    }
    for setting in entry.settings.iter().filter(|setting| setting.required) {
        let given = if setting.secret {
            secrets.iter().any(|name| name == setting.name)
        } else {
            settings.get(setting.name).is_some_and(|value| !value.is_null() && value != "")
        };
        if !given {
            reasons.push(reason(
                setting.name,
                &format!("{} is missing.", setting.label),
                setting.description,
            ));
        }
    }
    if kind == SCIM {
        reasons.extend(url(settings).and_then(|url| url.map(scim::check_url).transpose()).err());
        reasons.extend(timeout(settings).err());
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// Makes the adapter of a configured app.
///
/// # Errors
/// A reason naming the setting that is wrong.
pub fn connect(kind: &str, connection: Connection) -> Result<Arc<dyn Adapter>, Reason> {
    let Connection { settings, mut secrets, accounts, throttle } = connection;
    let names: Vec<String> = secrets.keys().cloned().collect();
    check_settings(kind, &settings, &names)
        .map_err(|reasons| reasons.into_iter().next().unwrap_or_else(|| unknown_kind(kind)))?;
    if kind == SANDBOX {
        return Ok(Arc::new(Sandbox::new(accounts)));
    }
    let address = url(&settings)?.unwrap_or_default();
    let token = secrets.remove(TOKEN).unwrap_or_default();
    Ok(Arc::new(Scim::new(address, token, timeout(&settings)?)?.paced(throttle)))
}

fn url(settings: &Map<String, Value>) -> Result<Option<&str>, Reason> {
    match settings.get(URL) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(_) => Err(reason(
            URL,
            "The address is no text.",
            "Enter it as in https://app.example.com/scim/v2.",
        )),
    }
}

fn timeout(settings: &Map<String, Value>) -> Result<Duration, Reason> {
    let value = match settings.get(TIMEOUT_SECONDS) {
        None | Some(Value::Null) => return Ok(TIMEOUT),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_u64(),
    };
    value
        .map(Duration::from_secs)
        .filter(|wait| *wait >= Duration::from_secs(1) && *wait <= TIMEOUT)
        .ok_or_else(|| {
            reason(
                TIMEOUT_SECONDS,
                "The longest wait is no number of seconds from 1 to 30.",
                "Enter such a number, or leave it out.",
            )
        })
}

fn unknown_kind(kind: &str) -> Reason {
    let known: Vec<&str> = entries().iter().map(|entry| entry.kind).collect();
    reason(
        "adapter",
        &format!("There is no kind of app called {kind:?}."),
        &format!("Choose one of {}.", known.join(", ")),
    )
}

fn unknown_setting(entry: &Entry, name: &str, secret: bool) -> Reason {
    let known = || entry.settings.iter().filter(move |setting| setting.secret == secret);
    let nearest = known()
        .map(|setting| {
            let alike = strsim::jaro_winkler(&name.to_lowercase(), &setting.name.to_lowercase());
            (alike, setting.name)
        })
        .filter(|(alike, _)| *alike > 0.7)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let what = if secret { "secret" } else { "setting" };
    let remedy = match nearest {
        Some((_, near)) => format!("Did you mean {near}?"),
        None if known().next().is_none() => format!("Leave it out: there are no {what}s."),
        None => {
            let names: Vec<&str> = known().map(|setting| setting.name).collect();
            format!("Leave it out; there are {}.", names.join(", "))
        }
    };
    reason(name, &format!("{} has no {what} {name:?}.", entry.label), &remedy)
}

fn reason(field: &str, detail: &str, remedy: &str) -> Reason {
    Reason { field: Some(field.to_owned()), detail: detail.to_owned(), remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests;
