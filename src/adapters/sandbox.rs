//! The built-in app for trying mappings: its accounts live in Rollcall's own database.
//!
//! Adapters never see the store; the engine lends this one an [`Accounts`]. It refuses what a real
//! app would refuse: unknown fields, missing mandatory ones, text that is too long, values that are
//! not among the choices.

mod fields;

use super::adapter::{
    AccountPage, Adapter, Capabilities, Change, Failure, Key, MemberChange, Observed, Reason,
    RemoteId, Report, Step, Told, WireRequest,
};
use crate::clock::Clock;
use crate::id;
use crate::mapping::field::{AppField, AppSchema, FieldType, Kind};
use crate::mapping::record::Record;
use crate::scim::value::fold;
use async_trait::async_trait;
pub use fields::{default_mapping, schema};
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

/// An account of the sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its id in the sandbox.
    pub remote_id: String,
    /// Folded `userName` or `displayName`: unique.
    pub match_key: String,
    /// Whether it is switched on.
    pub active: bool,
    /// Its fields.
    pub record: Record,
    /// Remote ids of its members, sorted, for groups.
    pub members: Vec<String>,
}

/// Where the sandbox keeps its accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// By the sandbox's id.
    async fn get(&self, kind: Kind, remote_id: &str) -> Result<Option<Account>, Failure>;
    /// By match key.
    async fn find(&self, kind: Kind, match_key: &str) -> Result<Option<Account>, Failure>;
    /// Inserts; [`Failure::Conflict`] when the match key is taken.
    async fn insert(&self, kind: Kind, account: Account) -> Result<(), Failure>;
    /// Replaces; [`Failure::Gone`] when it is not there, [`Failure::Conflict`] when the match key
    /// belongs to another.
    async fn replace(&self, kind: Kind, account: Account) -> Result<(), Failure>;
    /// Removes; whether it was there does not matter.
    async fn remove(&self, kind: Kind, remote_id: &str) -> Result<(), Failure>;
    /// In id order, after an id.
    async fn page(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, Failure>;
}

/// Accounts on one page of a list.
const PAGE: usize = 100;
const MEMBERS_PER_REQUEST: usize = 1_000;

/// The sandbox as an app.
pub struct Sandbox {
    accounts: Arc<dyn Accounts>,
}

impl Sandbox {
    /// An app that keeps its accounts there.
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts }
    }

    async fn existing(&self, kind: Kind, id: &RemoteId) -> Result<Account, Failure> {
        self.accounts.get(kind, &id.0).await?.ok_or(Failure::Gone)
    }
}

/// The field that is unique.
const fn key_field(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "loginName",
        Kind::Group => "name",
    }
}

fn known_fields(kind: Kind) -> &'static [AppField] {
    static SCHEMA: LazyLock<AppSchema> = LazyLock::new(schema);
    SCHEMA.fields(kind)
}

fn match_key(kind: Kind, record: &Record) -> String {
    record.0.get(key_field(kind)).and_then(Value::as_str).map(fold).unwrap_or_default()
}

/// Half of a group of fields that go together.
fn half(kind: Kind, record: &Record) -> Option<&'static AppField> {
    let has = |field: &AppField| record.0.contains_key(&field.name);
    known_fields(kind).iter().find(|field| {
        let group = field.depends.as_ref();
        group.is_some()
            && !has(field)
            && known_fields(kind).iter().any(|other| other.depends.as_ref() == group && has(other))
    })
}

/// A field whose value does not go with another one's, and that other one.
fn contradiction(kind: Kind, record: &Record) -> Option<(&'static AppField, &'static str)> {
    let text = |name: &str| record.0.get(name).and_then(Value::as_str);
    known_fields(kind).iter().find_map(|field| {
        let allowed = field.allowed.as_ref()?;
        let fitting = allowed.values.get(text(&allowed.by)?)?;
        let own = text(&field.name)?;
        (!fitting.iter().any(|one| one == own)).then_some((field, allowed.by.as_str()))
    })
}

/// Refuses what the app would not take.
fn check(kind: Kind, record: &Record) -> Result<(), Failure> {
    for (name, value) in &record.0 {
        let field = known_fields(kind).iter().find(|field| &field.name == name);
        let Some(field) = field else {
            return Err(refused(
                name,
                "The sandbox has no such field.",
                "Remove it from the field mapping.",
            ));
        };
        check_value(field, value)?;
    }
    if let Some(field) = half(kind, record) {
        return Err(refused(
            &field.name,
            &format!("{} is missing: it goes together with other fields.", field.name),
            "Give all of them, or none.",
        ));
    }
    if let Some((field, other)) = contradiction(kind, record) {
        return Err(refused(
            &field.name,
            &format!("{} does not go with {other}.", field.name),
            "Map both so that they fit.",
        ));
    }
    let missing = known_fields(kind).iter().find(|field| {
        let value = record.0.get(&field.name);
        // Who is a contractor is nothing that an account says.
        field.mandatory.create
            && field.mandatory.when.is_none()
            && value.is_none_or(|value| value.as_str().is_none_or(str::is_empty))
    });
    missing.map_or(Ok(()), |field| {
        Err(refused(
            &field.name,
            &format!("{} is mandatory and has no value.", field.name),
            "Map it to a profile field that everybody has.",
        ))
    })
}

fn check_value(field: &AppField, value: &Value) -> Result<(), Failure> {
    match value {
        Value::Array(elements) if field.multi_valued => {
            elements.iter().try_for_each(|element| check_one(field, element))
        }
        _ if field.multi_valued => Err(wrong_type(&field.name)),
        value => check_one(field, value),
    }
}

fn wrong_type(name: &str) -> Failure {
    refused(
        name,
        &format!("{name} has a value of the wrong type."),
        "Map a field of the right type.",
    )
}

fn check_one(field: &AppField, value: &Value) -> Result<(), Failure> {
    let name = &field.name;
    let right = match field.kind {
        FieldType::Text | FieldType::DateTime | FieldType::Date => value.is_string(),
        FieldType::Boolean => value.is_boolean(),
        FieldType::Integer => value.is_i64() || value.is_u64(),
        FieldType::Decimal => value.is_number(),
    };
    if !right {
        return Err(wrong_type(name));
    }
    let Some(text) = value.as_str() else { return Ok(()) };
    if let Some(longest) = field.max_length.filter(|longest| text.chars().count() > *longest) {
        return Err(refused(
            name,
            &format!("{name} takes at most {longest} characters."),
            "Shorten the value, or map another field.",
        ));
    }
    if !field.choices.is_empty() && !field.choices.iter().any(|choice| choice == text) {
        return Err(refused(
            name,
            &format!("{name} takes only {}.", field.choices.join(", ")),
            "Translate the value with a table.",
        ));
    }
    Ok(())
}

fn refused(field: &str, detail: &str, remedy: &str) -> Failure {
    Failure::Refused(Reason {
        field: Some(field.to_owned()),
        detail: detail.to_owned(),
        remedy: remedy.to_owned(),
    })
}

fn observed(kind: Kind, account: Account) -> Observed {
    Observed {
        id: RemoteId(account.remote_id),
        record: account.record,
        active: (kind == Kind::User).then_some(account.active),
    }
}

#[async_trait]
impl Adapter for Sandbox {
    async fn capabilities(&self) -> Result<Capabilities, Failure> {
        Ok(Capabilities {
            deactivate: true,
            delete: true,
            groups: true,
            list: true,
            find_by: [Kind::User, Kind::Group].map(|kind| key_field(kind).to_owned()).into(),
            members_per_request: MEMBERS_PER_REQUEST,
        })
    }

    async fn find(&self, kind: Kind, key: &Key) -> Result<Vec<Observed>, Failure> {
        if key.field != key_field(kind) {
            return Err(Failure::Unsupported(format!("The sandbox cannot look by {}.", key.field)));
        }
        let Some(text) = key.value.as_str() else { return Ok(Vec::new()) };
        let found = self.accounts.find(kind, &fold(text)).await?;
        Ok(found.into_iter().map(|account| observed(kind, account)).collect())
    }

    async fn read(&self, kind: Kind, id: &RemoteId) -> Result<Observed, Failure> {
        self.existing(kind, id).await.map(|account| observed(kind, account))
    }

    async fn create(&self, kind: Kind, record: &Record, _once: &str) -> Result<Observed, Failure> {
        let mut record = record.clone();
        record.0.retain(|_, value| !value.is_null());
        check(kind, &record)?;
        let account = Account {
            remote_id: id::new_uuid(Clock::System.now_us()).to_string(),
            match_key: match_key(kind, &record),
            active: true,
            record,
            members: Vec::new(),
        };
        self.accounts.insert(kind, account.clone()).await?;
        Ok(observed(kind, account))
    }

    async fn update(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        _whole: &Record,
    ) -> Result<(), Failure> {
        let before = self.existing(kind, id).await?;
        let mut after = before.clone();
        after.record.0.extend(change.set.clone());
        after.record.0.retain(|name, value| !value.is_null() && !change.cleared.contains(name));
        check(kind, &after.record)?;
        after.match_key = match_key(kind, &after.record);
        if after == before {
            return Ok(());
        }
        self.accounts.replace(kind, after).await
    }

    async fn set_active(&self, kind: Kind, id: &RemoteId, active: bool) -> Result<(), Failure> {
        if kind == Kind::Group {
            return Err(Failure::Unsupported(
                "Groups of the sandbox cannot be switched off.".into(),
            ));
        }
        let mut account = self.existing(kind, id).await?;
        if account.active == active {
            return Ok(());
        }
        account.active = active;
        self.accounts.replace(kind, account).await
    }

    async fn delete(&self, kind: Kind, id: &RemoteId) -> Result<(), Failure> {
        self.accounts.remove(kind, &id.0).await
    }

    async fn members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        _told: &dyn Told,
    ) -> Result<(), Failure> {
        let mut account = self.existing(Kind::Group, group).await?;
        let before = account.members.clone();
        account.members.extend(change.add.iter().map(|id| id.0.clone()));
        account.members.retain(|member| !change.remove.iter().any(|id| id.0 == *member));
        account.members.sort_unstable();
        account.members.dedup();
        if account.members == before {
            return Ok(());
        }
        self.accounts.replace(Kind::Group, account).await
    }

    async fn list(&self, kind: Kind, from: Option<&str>) -> Result<AccountPage, Failure> {
        let accounts = self.accounts.page(kind, from, PAGE).await?;
        let next = (accounts.len() == PAGE)
            .then(|| accounts.last().map(|account| account.remote_id.clone()))
            .flatten();
        let accounts = accounts.into_iter().map(|account| observed(kind, account)).collect();
        Ok(AccountPage { accounts, next, total: None })
    }

    async fn requests(&self, kind: Kind, steps: &[Step]) -> Result<Vec<WireRequest>, Failure> {
        Ok(steps.iter().map(|step| request(kind, step)).collect())
    }

    async fn check(&self) -> Result<Report, Failure> {
        self.accounts.page(Kind::User, None, 1).await?;
        Ok(Report {
            summary: "The sandbox is ready.".into(),
            findings: vec![
                "Its accounts are kept in Rollcall's own database; nothing leaves this server."
                    .into(),
            ],
        })
    }
}

/// A step in the sandbox's own words.
fn request(kind: Kind, step: &Step) -> WireRequest {
    let collection = match kind {
        Kind::User => "sandbox:users",
        Kind::Group => "sandbox:groups",
    };
    let one = |id: &RemoteId| format!("{collection}/{}", id.0);
    let (method, url, body) = match step {
        Step::Find(key) => {
            ("find", collection.to_owned(), Some(json!({ key.field.clone(): key.value })))
        }
        Step::Create(record) => ("create", collection.to_owned(), Some(json!(record))),
        Step::Update(id, change, _) => {
            let cleared = change.cleared.iter().map(|name| (name, &Value::Null));
            let body: Map<String, Value> = change
                .set
                .iter()
                .chain(cleared)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            ("update", one(id), Some(Value::Object(body)))
        }
        Step::Deactivate(id) => ("deactivate", one(id), None),
        Step::Reactivate(id) => ("reactivate", one(id), None),
        Step::Delete(id) => ("delete", one(id), None),
        Step::Members(id, change) => {
            ("members", one(id), Some(json!({ "add": change.add, "remove": change.remove })))
        }
    };
    WireRequest { method: method.to_owned(), url, body, note: None }
}

#[cfg(test)]
pub(in crate::adapters) mod tests;
