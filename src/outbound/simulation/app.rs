//! An app: its accounts, what its administrator decided, and what it does when it is asked.

use super::scene::{Held, Scene};
use super::terms::{Terms, Wish};
use crate::adapters::adapter::{Change, Failure, MemberChange, Observed, Reason, RemoteId};
use crate::id::{AppId, ResourceId};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use crate::scim::value::fold;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Names that were protected, with the step since when.
    pub(super) protected: Vec<(usize, BTreeSet<String>)>,
    /// Most members in one request.
    pub(super) chunk: usize,
    /// Whether an unknown member is answered with 404, or with 400.
    pub(super) misses_members: bool,
    next: usize,
}

/// A day.
pub(super) const DAY_US: i64 = 86_400_000_000;
/// How far clocks may have gone back between a departure and the end of its grace.
const TOLERANCE_US: i64 = 600_000_000;

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
            protected: vec![(0, terms.protected.clone())],
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
        if kind == Kind::User {
            self.refuse_protected(app, &key);
        }
        let open = (app, resource);
        if !self.doubtful.insert(open) {
            let label = self.directory.label(resource);
            self.broken(format!("app {app} was told again to make {label} without a look"));
        }
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
        if kind == Kind::User {
            let before = self.apps[app].existing(kind, id)?.key();
            self.refuse_protected(app, &before);
            self.refuse_protected(app, &key);
        }
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
        let account = self.apps[app].existing(kind, id)?;
        let key = account.key();
        if account.active == active {
            return Ok(());
        }
        self.refuse_protected(app, &key);
        self.refuse_strangers(app, id);
        if !active {
            self.refuse_removal(app, id, Wish::Deactivate);
        }
        if let Some(account) = self.apps[app].accounts.get_mut(&id.0) {
            account.active = active;
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, app: usize, kind: Kind, id: &RemoteId) -> Result<(), Failure> {
        let account = self.apps[app].existing(kind, id)?;
        let key = account.key();
        if account.origin == Origin::There {
            self.broken(format!("app {app} was told to delete {}, which was there before", id.0));
        }
        self.refuse_strangers(app, id);
        self.refuse_removal(app, id, Wish::Delete);
        if kind == Kind::User {
            self.refuse_protected(app, &key);
        }
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

    /// Something may be taken away only if policy said so at some moment since the work began, and
    /// only when the days of grace were over.
    fn refuse_removal(&mut self, app: usize, id: &RemoteId, removal: Wish) {
        let actor = &self.actors[self.actor];
        let (resource, since, label) = (actor.resource, actor.since, actor.label.clone());
        let now_us = self.clock.now_us();
        let history = self.wishes.get(&(app, resource));
        let begun = history.and_then(|all| all.iter().rposition(|held| held.step <= since));
        let mut held = history.into_iter().flat_map(|all| all.iter().skip(begun.unwrap_or(0)));
        if !held.any(|held| permits(held, removal, now_us)) {
            self.broken(format!("{label} took {} of app {app} away against the policy", id.0));
        }
    }

    /// What is protected, and was when the work began, is not touched.
    fn refuse_protected(&mut self, app: usize, key: &str) {
        let actor = &self.actors[self.actor];
        let (since, label) = (actor.since, actor.label.clone());
        let all = &self.apps[app].protected;
        let begun = all.iter().rposition(|(step, _)| *step <= since).unwrap_or(0);
        if all.iter().skip(begun).all(|(_, names)| names.contains(key)) {
            self.broken(format!("{label} touched {key} of app {app}, which is protected"));
        }
    }
}

fn permits(held: &Held, removal: Wish, now_us: i64) -> bool {
    let Some(leave) = held.wish else { return false };
    let over_us = held.since_us + i64::from(leave.days) * DAY_US - TOLERANCE_US;
    let is_over = leave.days == 0 || now_us >= over_us;
    match (removal, leave.wish) {
        // What is deleted after a while is switched off meanwhile.
        (Wish::Deactivate, Wish::Delete) => true,
        (Wish::Deactivate, Wish::Deactivate) | (Wish::Delete, Wish::Delete) => is_over,
        _ => false,
    }
}
