//! What every app should hold, worked out from the directory and the policies alone, and whether it
//! does. Of Rollcall's memory only who holds which object is asked: an app cannot be asked that.

use super::app::{Account, App, Origin, Wish};
use super::directory::{Directory, Standing};
use super::world::World;
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Something that an app should hold otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) app: usize,
    /// Whose object it is; none for an object of nobody.
    pub(super) resource: Option<ResourceId>,
    pub(super) what: String,
}

/// Who holds an app's objects, as Rollcall wrote it down.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Everybody who ever held an object, in order, and whether as its maker.
    ever: BTreeMap<String, Vec<(ResourceId, bool)>>,
    /// The object of each who holds one now.
    now: BTreeMap<ResourceId, String>,
}

impl Holders {
    /// Who held an object last, and whether Rollcall took it for its own.
    pub(super) fn last(&self, object: &str) -> Option<(ResourceId, bool)> {
        self.ever.get(object).and_then(|all| all.last()).copied()
    }

    pub(super) fn of(&self, resource: ResourceId) -> Option<&String> {
        self.now.get(&resource)
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
            if let Some(remote) = link.remote_id {
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
    holders: &'a Holders,
}

impl View<'_> {
    fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        let people = self.directory.people.iter().map(|person| person.id);
        for id in people {
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
            found.push(Difference { app: self.at, resource, what });
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
        let wanted = [
            ("loginName", json!(person.user_name)),
            ("lastName", json!(person.family)),
            ("jobTitle", json!(title)),
            ("department", json!(person.department)),
            ("manager", json!(manager)),
        ];
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
            self.holders.last(member).is_none()
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
                Origin::Made(resource) => {
                    (Some(*resource), Some(format!("{} was made and forgotten", account.id)))
                }
            };
        };
        let wrong = match self.directory.wish(holder, &self.app.terms) {
            None => {
                let name = self.directory.names(holder);
                let is_theirs = self.holders.of(holder) == Some(&account.id);
                (!is_theirs && name.contains(&account.key()) && account.active)
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
