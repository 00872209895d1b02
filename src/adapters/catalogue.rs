//! Every kind of app that can be connected.

use super::adapter::{Adapter, Reason};
use super::sandbox::Accounts;
use crate::mapping::document::Document;
use crate::mapping::field::AppSchema;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

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
}

/// What an adapter is made from.
pub struct Connection {
    /// Plain settings.
    pub settings: Map<String, Value>,
    /// Unsealed secrets by name.
    pub secrets: BTreeMap<String, SecretString>,
    /// For the sandbox.
    pub accounts: Arc<dyn Accounts>,
}

/// Every kind, in the order people see them.
pub fn entries() -> &'static [Entry] {
    todo!()
}

/// One kind.
pub fn entry(_kind: &str) -> Option<&'static Entry> {
    todo!()
}

/// Checks settings without connecting: unknown names (with the nearest known one), missing ones,
/// malformed URLs. `secrets` lists the names that are set.
///
/// # Errors
/// A reason per setting.
pub fn check_settings(
    _kind: &str,
    _settings: &Map<String, Value>,
    _secrets: &[String],
) -> Result<(), Vec<Reason>> {
    todo!()
}

/// Makes the adapter of a configured app.
///
/// # Errors
/// A reason naming the setting that is wrong.
pub fn connect(_kind: &str, _connection: Connection) -> Result<Arc<dyn Adapter>, Reason> {
    todo!()
}
