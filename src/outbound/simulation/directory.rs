//! What the directory holds, as the harness knows it: who should have an account follows from this
//! and from nothing that Rollcall says.

use super::terms::{Leave, Scope, Terms, Wish};
use crate::id::ResourceId;
use crate::scim::urn::{ENTERPRISE_USER, USER};
use crate::scim::value::fold;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where people work.
pub(super) const DEPARTMENTS: [&str; 3] = ["Sales", "Service", "Office"];

/// Somebody who is in the directory, or was.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: ResourceId,
    pub(super) user_name: String,
    /// Without one, no app takes them.
    pub(super) family: Option<String>,
    pub(super) title: Option<String>,
    pub(super) nick: Option<String>,
    pub(super) department: &'static str,
    pub(super) manager: Option<ResourceId>,
    pub(super) active: bool,
    pub(super) there: bool,
    /// Every user name so far, folded.
    pub(super) names: BTreeSet<String>,
    /// What they were before their last change.
    pub(super) before: Option<Box<Self>>,
}

/// A group that is in the directory, or was.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: ResourceId,
    pub(super) name: String,
    pub(super) members: BTreeSet<ResourceId>,
    pub(super) there: bool,
    /// Every name so far, folded.
    pub(super) names: BTreeSet<String>,
}

/// Whether somebody should have an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Member,
    Deactivated,
    Deleted,
    OutOfScope,
}

/// Everybody and every group, those that are gone too.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    pub(super) people: Vec<Person>,
    pub(super) groups: Vec<Group>,
}

impl Person {
    pub(super) fn new(id: ResourceId, user_name: &str) -> Self {
        Self {
            id,
            user_name: user_name.to_owned(),
            family: Some(format!("F-{user_name}")),
            title: None,
            nick: None,
            department: DEPARTMENTS[0],
            manager: None,
            active: true,
            there: true,
            names: BTreeSet::from([fold(user_name)]),
            before: None,
        }
    }

    /// Everything but the name is as it was.
    pub(super) fn go_back(&mut self, before: &Self) {
        self.family.clone_from(&before.family);
        self.title.clone_from(&before.title);
        self.nick.clone_from(&before.nick);
        self.department = before.department;
        self.manager = before.manager;
        self.active = before.active;
    }

    pub(super) fn rename(&mut self, user_name: String) {
        self.names.insert(fold(&user_name));
        self.user_name = user_name;
    }

    /// The SCIM resource.
    pub(super) fn body(&self) -> Value {
        let mut enterprise = json!({ "department": self.department });
        if let Some(manager) = self.manager {
            enterprise["manager"] = json!({ "value": manager.to_string() });
        }
        let mut body = Map::new();
        body.insert("schemas".into(), json!([USER, ENTERPRISE_USER]));
        body.insert("userName".into(), self.user_name.clone().into());
        body.insert("active".into(), self.active.into());
        if let Some(family) = &self.family {
            body.insert("name".into(), json!({ "familyName": family }));
        }
        for (name, value) in [("title", &self.title), ("nickName", &self.nick)] {
            if let Some(value) = value {
                body.insert(name.into(), value.clone().into());
            }
        }
        body.insert(ENTERPRISE_USER.into(), enterprise);
        body.into()
    }
}

impl Group {
    pub(super) fn new(id: ResourceId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            members: BTreeSet::new(),
            there: true,
            names: BTreeSet::from([fold(name)]),
        }
    }

    pub(super) fn rename(&mut self, name: String) {
        self.names.insert(fold(&name));
        self.name = name;
    }
}

impl Directory {
    pub(super) fn person(&self, id: ResourceId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// Where somebody stands among all people.
    pub(super) fn place(&self, id: ResourceId) -> Option<usize> {
        self.people.iter().position(|person| person.id == id)
    }

    pub(super) fn group(&self, id: ResourceId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// By what a resource is called in the log: `p3`, `g0`.
    pub(super) fn label(&self, id: ResourceId) -> String {
        let person = self.place(id);
        let group = self.groups.iter().position(|group| group.id == id);
        match (person, group) {
            (Some(at), _) => format!("p{at}"),
            (_, Some(at)) => format!("g{at}"),
            _ => id.to_string(),
        }
    }

    /// Names under which a resource was ever known, folded.
    pub(super) fn names(&self, id: ResourceId) -> BTreeSet<String> {
        let person = self.person(id).map(|person| person.names.clone());
        person.or_else(|| self.group(id).map(|group| group.names.clone())).unwrap_or_default()
    }

    /// Whether somebody has this name, folded, now.
    pub(super) fn is_called(&self, id: ResourceId, name: &str) -> bool {
        self.person(id).is_some_and(|person| fold(&person.user_name) == name)
    }

    /// Whether an account of somebody may be one that nobody touches.
    pub(super) fn is_shielded(&self, id: ResourceId, terms: &Terms) -> bool {
        self.person(id).is_some_and(|person| !person.names.is_disjoint(&terms.protected))
    }

    /// Whether somebody is in a group, directly or through another.
    pub(super) fn is_within(&self, id: ResourceId, group: ResourceId) -> bool {
        let Some(group) = self.group(group).filter(|group| group.there) else { return false };
        group.members.contains(&id)
            || group
                .members
                .iter()
                .any(|inner| self.group(*inner).is_some() && self.is_within(id, *inner))
    }

    /// Who counts as a member of a group in an app.
    pub(super) fn members(&self, group: ResourceId, terms: &Terms) -> BTreeSet<ResourceId> {
        if terms.flatten {
            let people = self.people.iter().map(|person| person.id);
            return people.filter(|id| self.is_within(*id, group)).collect();
        }
        self.group(group).map(|group| group.members.clone()).unwrap_or_default()
    }

    /// Whether somebody should have an account in an app.
    pub(super) fn standing(&self, id: ResourceId, terms: &Terms) -> Standing {
        if let Some(group) = self.group(id) {
            return match &terms.scope {
                _ if !group.there => Standing::Deleted,
                Scope::Within(only) if *only != id => Standing::OutOfScope,
                _ => Standing::Member,
            };
        }
        let Some(person) = self.person(id).filter(|person| person.there) else {
            return Standing::Deleted;
        };
        let in_scope = match &terms.scope {
            Scope::Everybody => true,
            Scope::Active => person.active,
            Scope::Department(name) => person.department == *name,
            Scope::Within(group) => self.is_within(id, *group),
        };
        match (in_scope, person.active) {
            (false, _) => Standing::OutOfScope,
            (true, false) => Standing::Deactivated,
            (true, true) => Standing::Member,
        }
    }

    /// What is to become of the account of somebody who should have none.
    pub(super) fn wish(&self, id: ResourceId, terms: &Terms) -> Option<Leave> {
        let is_group = self.group(id).is_some();
        match self.standing(id, terms) {
            Standing::Member => None,
            Standing::Deleted if is_group => Some(terms.group_deleted),
            _ if is_group => Some(Leave { wish: Wish::Nothing, days: 0 }),
            Standing::Deleted => Some(terms.deleted),
            Standing::Deactivated => Some(terms.deactivated),
            Standing::OutOfScope => Some(terms.out_of_scope),
        }
    }
}
