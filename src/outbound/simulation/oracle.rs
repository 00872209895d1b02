//! What every app should hold, worked out from the directory and the policies alone, and whether it
//! does. Of Rollcall's memory only who holds which object is asked: an app cannot be asked that.

use super::app::{Account, App, Origin};
use super::directory::{Directory, Standing};
use super::terms::Wish;
use super::world::World;
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// States of those whose object is lost, or left alone since it was.
const BEREFT: [&str; 2] = ["lost", "released"];

/// Something that an app should hold otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) app: usize,
    /// Whose object it is; none for an object of nobody.
    pub(super) resource: Option<ResourceId>,
    /// Days of grace within which it may be so.
    pub(super) days: u32,
    pub(super) what: String,
}

/// Who holds an app's objects, as Rollcall wrote it down.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Everybody who ever held an object, in order, and whether as its maker.
    ever: BTreeMap<String, Vec<(ResourceId, bool)>>,
    /// The object of each who holds one now.
    now: BTreeMap<ResourceId, String>,
    /// How Rollcall stands with each.
    states: BTreeMap<ResourceId, String>,
}

impl Holders {
    /// Who held an object last, and whether Rollcall took it for its own.
    pub(super) fn last(&self, object: &str) -> Option<(ResourceId, bool)> {
        self.ever.get(object).and_then(|all| all.last()).copied()
    }

    pub(super) fn of(&self, resource: ResourceId) -> Option<&String> {
        self.now.get(&resource)
    }

    pub(super) fn state(&self, resource: ResourceId) -> Option<&str> {
        self.states.get(&resource).map(String::as_str)
    }

    /// Those whose object is lost, or left alone since it was.
    pub(super) fn bereft(&self) -> Vec<ResourceId> {
        let lost = self.states.iter().filter(|(_, state)| BEREFT.contains(&state.as_str()));
        lost.map(|(id, _)| *id).collect()
    }
}

impl World {
    /// Who holds the objects of an app.
    pub(super) fn holders(&self, app: usize) -> Holders {
        let id = self.scene().apps[app].id;
        let name = id.0.simple().to_string();
        let (ever, links) = self.read(move |reader| {
            let ever = reader.probe(&format!(
                "SELECT rowid, resource, remote || ' ' || origin FROM held WHERE app = '{name}' \
                 ORDER BY rowid"
            ))?;
            Ok((ever, reader.links(id, None, 10_000)?))
        });
        let mut holders = Holders::default();
        for (_, resource, object) in ever {
            let resource = ResourceId(Uuid::parse_str(&resource).unwrap());
            let (remote, origin) = object.split_once(' ').unwrap();
            let entry = holders.ever.entry(remote.to_owned()).or_default();
            entry.push((resource, origin == "created"));
        }
        for link in links {
            let is_kept = !BEREFT.contains(&link.state.as_str());
            holders.states.insert(link.resource, link.state);
            if let Some(remote) = link.remote_id.filter(|_| is_kept) {
                holders.now.insert(link.resource, remote);
            }
        }
        holders
    }

    /// Whether the account of some member of a group is lost, which nobody is told as long as there
    /// is nothing to tell the account.
    pub(super) fn misses_member(&self, app: usize, group: ResourceId) -> bool {
        let holders = self.holders(app);
        let scene = self.scene();
        let members = scene.directory.members(group, &scene.apps[app].terms);
        members.into_iter().any(|member| {
            let object = holders.of(member);
            object.is_some_and(|object| !scene.apps[app].accounts.contains_key(object))
        })
    }

    /// Everything that some app should hold otherwise.
    pub(super) fn differences(&self) -> Vec<Difference> {
        let apps = self.scene().apps.len();
        (0..apps)
            .flat_map(|at| {
                let holders = self.holders(at);
                let scene = self.scene();
                let view = View {
                    at,
                    app: &scene.apps[at],
                    directory: &scene.directory,
                    denied: &scene.denied,
                    holders: &holders,
                };
                view.differences()
            })
            .collect()
    }
}

struct View<'a> {
    at: usize,
    app: &'a App,
    directory: &'a Directory,
    /// Objects that an app said not to have.
    denied: &'a BTreeSet<(usize, String)>,
    holders: &'a Holders,
}

impl View<'_> {
    fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        let people = self.directory.people.iter().map(|person| person.id);
        for id in people {
            if self.directory.is_shielded(id, &self.app.terms) {
                continue;
            }
            if self.directory.standing(id, &self.app.terms) == Standing::Member {
                self.note(&mut found, Some(id), self.account_of_member(id));
            }
        }
        if self.app.terms.groups {
            for group in &self.directory.groups {
                if self.directory.standing(group.id, &self.app.terms) == Standing::Member {
                    self.note(&mut found, Some(group.id), self.group(group.id));
                }
            }
        }
        for account in self.app.accounts.values() {
            let (whose, wrong) = self.left_over(account);
            self.note(&mut found, whose, wrong);
        }
        found
    }

    fn note(
        &self,
        found: &mut Vec<Difference>,
        resource: Option<ResourceId>,
        wrong: Option<String>,
    ) {
        if let Some(what) = wrong {
            let whose = resource.map(|id| self.directory.label(id)).unwrap_or_default();
            let what = format!("app{} {whose}: {what}", self.at);
            let wish = resource.and_then(|id| self.directory.wish(id, &self.app.terms));
            let days = wish.map_or(0, |leave| leave.days);
            found.push(Difference { app: self.at, resource, days, what });
        }
    }

    /// What is wrong with the account of somebody who should have one.
    fn account_of_member(&self, id: ResourceId) -> Option<String> {
        let person = self.directory.person(id)?;
        let matching = self.app.matching(Kind::User, &person.user_name);
        let [account] = matching.as_slice() else {
            return Some(format!("has {} accounts called {}", matching.len(), person.user_name));
        };
        if !account.active {
            return Some(format!("{} is switched off", account.id));
        }
        if self.holders.of(id) != Some(&account.id) {
            return Some(format!("{} is not known as theirs", account.id));
        }
        let title = if self.app.terms.nick { &person.nick } else { &person.title };
        let manager = person.manager.and_then(|manager| self.holders.of(manager));
        let is_bereft = person.manager.and_then(|manager| self.holders.state(manager));
        let is_bereft = is_bereft.is_some_and(|state| BEREFT.contains(&state));
        let mut wanted = vec![
            ("loginName", json!(person.user_name)),
            ("lastName", json!(person.family)),
            ("jobTitle", json!(title)),
            ("department", json!(person.department)),
        ];
        // Nobody says what others are told of whom somebody said to leave alone.
        if !is_bereft {
            wanted.push(("manager", json!(manager)));
        }
        wrong_field(account, &wanted)
    }

    /// What is wrong with a group of which the app should be told.
    fn group(&self, id: ResourceId) -> Option<String> {
        let group = self.directory.group(id)?;
        let matching = self.app.matching(Kind::Group, &group.name);
        let [account] = matching.as_slice() else {
            return Some(format!("there are {} groups called {}", matching.len(), group.name));
        };
        if self.holders.of(id) != Some(&account.id) {
            return Some(format!("{} is not known as its own", account.id));
        }
        let members = self.directory.members(id, &self.app.terms);
        let wanted: BTreeSet<&String> =
            members.iter().filter_map(|member| self.held_and_there(*member)).collect();
        let is_strange = |member: &&String| {
            let last = self.holders.last(member);
            let is_lost = last.and_then(|(id, _)| self.holders.state(id));
            if is_lost.is_some_and(|state| BEREFT.contains(&state)) {
                return true;
            }
            last.is_none()
                && self.app.accounts.get(*member).is_some_and(|one| one.origin == Origin::There)
        };
        let held: BTreeSet<&String> =
            account.members.iter().filter(|member| !is_strange(member)).collect();
        if wanted != held {
            return Some(format!("{} holds {held:?} instead of {wanted:?}", account.id));
        }
        let fields = [("name", json!(group.name)), ("reference", json!(id.to_string()))];
        wrong_field(account, &fields)
    }

    fn held_and_there(&self, id: ResourceId) -> Option<&String> {
        self.holders.of(id).filter(|object| self.app.accounts.contains_key(*object))
    }

    /// What is wrong with an object whose last holder should have none, and whose it is.
    fn left_over(&self, account: &Account) -> (Option<ResourceId>, Option<String>) {
        let Some((holder, made)) = self.holders.last(&account.id) else {
            return match &account.origin {
                Origin::There => (None, None),
                Origin::Made(resource)
                    if self.directory.is_shielded(*resource, &self.app.terms) =>
                {
                    (None, None)
                }
                Origin::Made(resource) => {
                    (Some(*resource), Some(format!("{} was made and forgotten", account.id)))
                }
            };
        };
        // Who goes keeps what they have where somebody said to leave it alone, or where the app said
        // that it was gone.
        let is_gone = self.holders.of(holder) != Some(&account.id)
            && self.denied.contains(&(self.at, account.id.clone()));
        let is_left = (self.holders.state(holder) == Some("released") || is_gone)
            && self.directory.standing(holder, &self.app.terms) != Standing::Member;
        if is_left || self.directory.is_shielded(holder, &self.app.terms) {
            return (None, None);
        }
        let wrong = match self.directory.wish(holder, &self.app.terms).map(|leave| leave.wish) {
            None => {
                let names = self.directory.names(holder);
                let is_theirs = self.holders.of(holder) == Some(&account.id);
                // What the app said not to have is not found again by a name of before.
                let is_hidden = is_gone && !self.directory.is_called(holder, &account.key());
                (!is_theirs && !is_hidden && names.contains(&account.key()) && account.active)
                    .then(|| format!("{} is a second account", account.id))
            }
            Some(Wish::Nothing) => None,
            Some(Wish::Delete) if made => Some(format!("{} should be deleted", account.id)),
            Some(_) => (account.active && account.kind == Kind::User)
                .then(|| format!("{} should be switched off", account.id)),
        };
        (Some(holder), wrong)
    }
}

/// The first field that has another value than it should.
fn wrong_field(account: &Account, wanted: &[(&str, Value)]) -> Option<String> {
    wanted.iter().find_map(|(field, wanted)| {
        let held = account.record.0.get(*field).unwrap_or(&Value::Null);
        (held != wanted).then(|| format!("{}: {field} is {held} instead of {wanted}", account.id))
    })
}
