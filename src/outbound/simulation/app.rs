//! An app: its accounts, what its administrator decided, and what it does when it is asked.

use super::scene::Scene;
use crate::adapters::adapter::{Change, Failure, MemberChange, Observed, Reason, RemoteId};
use crate::id::{AppId, ResourceId};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use crate::scim::urn::ENTERPRISE_USER;
use crate::scim::value::fold;
use crate::store::pushes::Nesting;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What happens to the account of somebody who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Deactivate,
    Delete,
}

/// Who belongs in an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Everybody,
    Active,
    Department(&'static str),
    Within(ResourceId),
}

/// What an app's administrator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) scope: Scope,
    /// Whether the job title is the nick name: another mapping.
    pub(super) nick: bool,
    pub(super) deactivated: Wish,
    pub(super) deleted: Wish,
    pub(super) out_of_scope: Wish,
    pub(super) groups: bool,
    pub(super) group_deleted: Wish,
    /// Whether everybody below a group is its member, and no group is.
    pub(super) flatten: bool,
}

impl Wish {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
        }
    }
}

impl Terms {
    /// The scope as it is kept.
    pub(super) fn scope(&self) -> Option<String> {
        match &self.scope {
            Scope::Everybody => None,
            Scope::Active => Some("active eq true".into()),
            Scope::Department(name) => Some(format!("{ENTERPRISE_USER}:department eq \"{name}\"")),
            Scope::Within(group) => Some(json!({ "groups": [group.to_string()] }).to_string()),
        }
    }

    /// Who counts as a member of a group.
    pub(super) const fn nesting(&self) -> Nesting {
        if self.flatten { Nesting::Flatten } else { Nesting::Members }
    }

    /// The policy as it is kept.
    pub(super) fn policy(&self) -> Value {
        json!({
            "deactivated": self.deactivated.as_str(),
            "deleted": self.deleted.as_str(),
            "outOfScope": self.out_of_scope.as_str(),
            "groups": self.groups,
            "groupDeleted": self.group_deleted.as_str(),
            "nestedGroups": if self.flatten { "flatten" } else { "members" },
        })
    }

    /// The mapping as it is kept.
    pub(super) fn mapping(&self) -> Value {
        let rule = |field: &str, path: String| json!({ "field": field, "source": { "kind": "profile", "path": path } });
        let title = if self.nick { "nickName" } else { "title" };
        json!({
            "users": [
                rule("loginName", "userName".into()),
                rule("lastName", "name.familyName".into()),
                rule("jobTitle", title.into()),
                rule("department", format!("{ENTERPRISE_USER}:department")),
                {
                    "field": "manager",
                    "source": {
                        "kind": "reference", "path": format!("{ENTERPRISE_USER}:manager.value"),
                    },
                },
                {
                    "field": "source", "apply": "create",
                    "source": { "kind": "constant", "value": "Rollcall" },
                },
            ],
            "groups": [rule("name", "displayName".into()), rule("reference", "id".into())],
        })
    }
}

/// How an account came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was there before.
    There,
    /// Rollcall made it for this resource.
    Made(ResourceId),
}

/// An account or a group of an app.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) active: bool,
    pub(super) record: Record,
    pub(super) members: BTreeSet<String>,
    pub(super) origin: Origin,
    /// What it was like when it came to be, and whether it was switched on.
    pub(super) first: (Record, bool),
}

/// An app.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) id: AppId,
    pub(super) terms: Terms,
    pub(super) accounts: BTreeMap<String, Account>,
    /// What somebody did in the app itself since it was last put right: holders of such accounts.
    pub(super) meddled: BTreeSet<ResourceId>,
    /// Accounts that somebody switched off in the app, with their holders.
    pub(super) switched_off: BTreeMap<String, ResourceId>,
    /// Whether something changed after which only a Quick Sync looks at everybody.
    pub(super) unsynced: bool,
    /// Most members in one request.
    pub(super) chunk: usize,
    /// Whether an unknown member is answered with 404, or with 400.
    pub(super) misses_members: bool,
    next: usize,
}

/// The field that is unique.
pub(super) const fn key_field(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "loginName",
        Kind::Group => "name",
    }
}

impl Account {
    pub(super) fn key(&self) -> String {
        key_of(self.kind, &self.record)
    }

    /// The key under which it came to be, folded.
    fn first_key(&self) -> String {
        key_of(self.kind, &self.first.0)
    }

    /// Whether it is not as it was when it came to be.
    pub(super) fn is_changed(&self) -> bool {
        self.first.0 != self.record || self.first.1 != self.active
    }

    pub(super) fn observed(&self) -> Observed {
        Observed {
            id: RemoteId(self.id.clone()),
            record: self.record.clone(),
            active: (self.kind == Kind::User).then_some(self.active),
        }
    }
}

fn key_of(kind: Kind, record: &Record) -> String {
    record.0.get(key_field(kind)).and_then(Value::as_str).map(fold).unwrap_or_default()
}

impl App {
    pub(super) fn new(id: AppId, terms: Terms, chunk: usize, misses_members: bool) -> Self {
        Self {
            id,
            terms,
            accounts: BTreeMap::new(),
            meddled: BTreeSet::new(),
            switched_off: BTreeMap::new(),
            unsynced: false,
            chunk,
            misses_members,
            next: 0,
        }
    }

    /// Puts an object in; nobody else is asked.
    pub(super) fn put(
        &mut self,
        kind: Kind,
        record: Record,
        active: bool,
        origin: Origin,
    ) -> String {
        let letter = if kind == Kind::User { "u" } else { "g" };
        let id = format!("{letter}{}", self.next);
        self.next += 1;
        let account = Account {
            id: id.clone(),
            kind,
            active,
            first: (record.clone(), active),
            record,
            members: BTreeSet::new(),
            origin,
        };
        self.accounts.insert(id.clone(), account);
        id
    }

    /// Takes an object out, and out of every group.
    pub(super) fn take(&mut self, id: &str) {
        self.accounts.remove(id);
        for account in self.accounts.values_mut() {
            account.members.remove(id);
        }
    }

    /// Objects with a key, in any case.
    pub(super) fn matching(&self, kind: Kind, key: &str) -> Vec<&Account> {
        let key = fold(key);
        let all = self.accounts.values();
        all.filter(|account| account.kind == kind && account.key() == key).collect()
    }

    fn existing(&self, kind: Kind, id: &RemoteId) -> Result<&Account, Failure> {
        self.accounts.get(&id.0).filter(|account| account.kind == kind).ok_or(Failure::Gone)
    }
}

/// What the app does when it is asked: the effect and its answer, at one instant.
impl Scene {
    pub(super) fn find(&self, app: usize, kind: Kind, key: &str) -> Vec<Observed> {
        self.apps[app].matching(kind, key).into_iter().map(Account::observed).collect()
    }

    pub(super) fn read(&self, app: usize, kind: Kind, id: &RemoteId) -> Result<Observed, Failure> {
        self.apps[app].existing(kind, id).map(Account::observed)
    }

    pub(super) fn create(
        &mut self,
        app: usize,
        kind: Kind,
        record: &Record,
        once: &str,
    ) -> Result<Observed, Failure> {
        let key = key_of(kind, record);
        if !self.apps[app].matching(kind, &key).is_empty() {
            return Err(Failure::Conflict { detail: format!("{key} is there") });
        }
        let resource = once.rsplit(':').next().and_then(|id| id.parse().ok());
        let Some(resource) = resource else {
            self.broken(format!("a creation in app {app} does not say for whom: {once}"));
            return Err(Failure::Gone);
        };
        let made = Origin::Made(resource);
        if let Some(other) = self.apps[app].accounts.values().find(|one| one.origin == made) {
            let (label, other) = (self.directory.label(resource), other.id.clone());
            self.broken(format!("app {app} was told to make a second object for {label}: {other}"));
        }
        let id = self.apps[app].put(kind, record.clone(), true, made);
        self.say(&format!("  {id} is made in app {app} for {}", self.directory.label(resource)));
        self.read(app, kind, &RemoteId(id))
    }

    pub(super) fn update(
        &mut self,
        app: usize,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
    ) -> Result<(), Failure> {
        let mut record = self.apps[app].existing(kind, id)?.record.clone();
        record.0.extend(change.set.clone());
        record.0.retain(|name, value| !value.is_null() && !change.cleared.contains(name));
        let key = key_of(kind, &record);
        if self.apps[app].matching(kind, &key).iter().any(|other| other.id != id.0) {
            return Err(Failure::Conflict { detail: format!("{key} is there") });
        }
        self.refuse_strangers(app, id);
        if let Some(account) = self.apps[app].accounts.get_mut(&id.0) {
            account.record = record;
        }
        Ok(())
    }

    pub(super) fn set_active(
        &mut self,
        app: usize,
        kind: Kind,
        id: &RemoteId,
        active: bool,
    ) -> Result<(), Failure> {
        if self.apps[app].existing(kind, id)?.active == active {
            return Ok(());
        }
        self.refuse_strangers(app, id);
        if !active {
            self.refuse_removal(app, id, &[Wish::Deactivate, Wish::Delete]);
        }
        if let Some(account) = self.apps[app].accounts.get_mut(&id.0) {
            account.active = active;
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, app: usize, kind: Kind, id: &RemoteId) -> Result<(), Failure> {
        let account = self.apps[app].existing(kind, id)?;
        if account.origin == Origin::There {
            self.broken(format!("app {app} was told to delete {}, which was there before", id.0));
        }
        self.refuse_strangers(app, id);
        self.refuse_removal(app, id, &[Wish::Delete]);
        self.apps[app].take(&id.0);
        Ok(())
    }

    pub(super) fn members(
        &mut self,
        app: usize,
        id: &RemoteId,
        change: &MemberChange,
    ) -> Result<(), Failure> {
        self.apps[app].existing(Kind::Group, id)?;
        if change.add.len() + change.remove.len() > self.apps[app].chunk {
            self.broken(format!("app {app} was told of too many members at once"));
        }
        let unknown = change.add.iter().find(|one| !self.apps[app].accounts.contains_key(&one.0));
        if let Some(unknown) = unknown {
            return Err(if self.apps[app].misses_members {
                Failure::Gone
            } else {
                Failure::Refused(Reason {
                    field: Some("members".into()),
                    detail: format!("There is no {}.", unknown.0),
                    remedy: "Look for it.".into(),
                })
            });
        }
        self.refuse_strangers(app, id);
        if let Some(group) = self.apps[app].accounts.get_mut(&id.0) {
            group.members.extend(change.add.iter().map(|one| one.0.clone()));
            group.members.retain(|member| !change.remove.iter().any(|one| one.0 == *member));
        }
        Ok(())
    }

    /// Whoever is working may touch only what is theirs: made for them, or with a key of theirs.
    fn refuse_strangers(&mut self, app: usize, id: &RemoteId) {
        let actor = &self.actors[self.actor];
        let (resource, label) = (actor.resource, actor.label.clone());
        let names = self.directory.names(resource);
        let Some(account) = self.apps[app].accounts.get(&id.0) else { return };
        let is_theirs = account.origin == Origin::Made(resource)
            || names.contains(&account.first_key())
            || names.contains(&account.key());
        if !is_theirs {
            self.broken(format!("{label} touched {} of app {app}, which is not theirs", id.0));
        }
    }

    /// Something may be taken away only if policy said so at some moment since the work began.
    fn refuse_removal(&mut self, app: usize, id: &RemoteId, allowed: &[Wish]) {
        let actor = &self.actors[self.actor];
        let (resource, since, label) = (actor.resource, actor.since, actor.label.clone());
        let history = self.wishes.get(&(app, resource));
        let begun = history.and_then(|all| all.iter().rposition(|(step, _)| *step <= since));
        let held = history.into_iter().flat_map(|all| all.iter().skip(begun.unwrap_or(0)));
        let mut held = held.filter_map(|(_, wish)| *wish);
        if !held.any(|wish| allowed.contains(&wish)) {
            self.broken(format!("{label} took {} of app {app} away against the policy", id.0));
        }
    }
}
