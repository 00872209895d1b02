//! What is true now for one object and one app: everything that a plan depends on, read at once.
//!
//! The worker reads one object, a plan or an impact a page of them, through the same function, so
//! they cannot see different things.

mod some;

pub(super) use some::{Both, some};

use super::application::Application;
use super::drift;
use super::engine::Engine;
use super::plan::{Following, Link, Origin, Situation, Standing};
use super::policy::Policy;
use crate::adapters::adapter::{MemberChange, RemoteId};
use crate::id::{AppId, ResourceId};
use crate::mapping::compiled::Mapping;
use crate::mapping::field::Kind;
use crate::mapping::form::Facts;
use crate::mapping::record::{Desired, Record};
use crate::mapping::scope::{Assigned, Candidate, Decision, Rules};
use crate::scim::projection::remove_secrets;
use crate::scim::schema::{Registry, ResourceType};
use crate::store::assignments::AssignmentRow;
use crate::store::links::LinkRow;
use crate::store::members::Membership;
use crate::store::pushes::Nesting;
use crate::store::resources::Stored;
use crate::store::{self, Reader};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// What decides about an app: what is in force, or a draft of it.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// What the app should hold of whom.
    pub(super) mapping: Arc<Mapping>,
    /// Who belongs in it.
    pub(super) scope: Arc<Rules>,
    /// What its administrator decided beside that.
    pub(super) policy: Arc<Policy>,
}

impl Terms {
    fn reads_groups(&self) -> bool {
        self.scope.reads_groups() || self.mapping.reads_groups()
    }

    fn reads_assignments(&self, kind: Kind) -> bool {
        self.scope.reads_assignments() || self.mapping.reads_assignments(kind)
    }
}

/// A resource that is there, with everything that terms read.
#[derive(Debug, Clone)]
pub(super) struct Present {
    /// The complete resource.
    pub(super) resource: Map<String, Value>,
    /// How it is assigned to the app.
    assignments: Vec<Assigned>,
    /// Values given at assignments, by app field.
    assigned: Map<String, Value>,
    /// Accounts in the app of those to whom it refers.
    accounts: BTreeMap<String, String>,
}

/// What was read about one object.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Its id.
    pub(super) id: ResourceId,
    /// The resource; none where it is gone from the directory.
    pub(super) present: Option<Present>,
    /// What is remembered of its account.
    pub(super) link: Option<LinkRow>,
    /// Those to whose accounts its values refer.
    pub(super) targets: Vec<ResourceId>,
    /// Those to whose accounts they are noted to refer, where that was read.
    pub(super) noted: Vec<ResourceId>,
    /// How many groups it is a member of itself, where that was read.
    pub(super) groups: u64,
    /// When it last changed itself; 0 where it is gone.
    pub(super) changed_us: i64,
    /// The first members of whom the app is to be told, where that was read.
    members: MemberChange,
}

impl Reading {
    /// What is left of somebody who is gone from the directory.
    pub(super) fn gone(link: LinkRow) -> Self {
        Self {
            id: link.resource,
            present: None,
            link: Some(link),
            targets: Vec::new(),
            noted: Vec::new(),
            groups: 0,
            changed_us: 0,
            members: MemberChange::default(),
        }
    }

    /// What is left once the app has lost the account: the link as it is then, and no members.
    pub(super) fn lose(&mut self, link: Option<LinkRow>) {
        self.link = link;
        self.members = MemberChange::default();
    }

    /// Whoever it refers to has this account no more.
    pub(super) fn forget_account(&mut self, target: ResourceId, remote_id: &str) {
        if let Some(present) = &mut self.present {
            let key = target.to_string();
            if present.accounts.get(&key).is_some_and(|remote| remote == remote_id) {
                present.accounts.remove(&key);
            }
        }
    }
}

impl Present {
    fn facts(&self) -> Facts<'_> {
        Facts { resource: &self.resource, assigned: &self.assigned, accounts: &self.accounts }
    }

    fn candidate(&self) -> Candidate<'_> {
        Candidate { resource: &self.resource, assignments: &self.assignments }
    }

    /// What the mapping makes of it.
    pub(super) fn desired(&self, terms: &Terms, kind: Kind, is_new: bool) -> Desired {
        terms.mapping.desired(kind, &self.facts(), is_new)
    }

    /// Whether it belongs in the app, and why. Scopes are about people; groups follow them.
    pub(super) fn decision(&self, terms: &Terms, kind: Kind) -> Decision {
        if kind == Kind::User {
            return terms.scope.explain(self.candidate());
        }
        let in_scope = self.is_in_scope(terms, kind);
        let sentence = if in_scope {
            "In scope: the app is told of this group."
        } else {
            "Out of scope: the app is told only of groups that its scope names or that are assigned."
        };
        Decision { in_scope, sentence: sentence.to_owned(), parts: Vec::new() }
    }

    fn is_in_scope(&self, terms: &Terms, kind: Kind) -> bool {
        match kind {
            Kind::User => terms.scope.takes(self.candidate()),
            Kind::Group => {
                let id = self.resource.get("id").and_then(Value::as_str).unwrap_or_default();
                terms.scope.takes_group(id, !self.assignments.is_empty())
            }
        }
    }

    /// In which way somebody is out of scope: because nobody assigned them, or for another reason.
    fn outside(&self, terms: &Terms, kind: Kind) -> Standing {
        let parts = self.decision(terms, kind).parts;
        let mut failing = parts.iter().filter(|part| !part.holds).peekable();
        let unassigned = failing.peek().is_some() && failing.all(|part| part.rule == "assigned");
        if unassigned { Standing::Unassigned } else { Standing::OutOfScope }
    }

    /// Accounts in the app of those to whom it refers, by their ids here.
    pub(super) fn accounts(&self) -> &BTreeMap<String, String> {
        &self.accounts
    }
}

/// Reads one object.
///
/// # Errors
/// The store's.
pub(super) async fn read(
    engine: &Engine,
    application: &Application,
    terms: &[Terms],
    kind: Kind,
    id: ResourceId,
    beside: Beside,
) -> store::Result<Reading> {
    let gatherer = Gatherer { beside, ..Gatherer::new(engine, application, terms) };
    let refers = terms.iter().any(|terms| terms.mapping.has_references(kind));
    engine
        .store()
        .glance(application.organization, move |reader| {
            let noted = if refers { reader.references(gatherer.app, id)? } else { Vec::new() };
            let stored = reader.resource(kind.as_str(), id)?;
            if let Some(stored) = stored
                && let Some(reading) = gatherer.gather(reader, kind, vec![stored])?.pop()
            {
                return Ok(Reading { noted, ..reading });
            }
            let link = reader.link(gatherer.app, id)?;
            Ok(Reading {
                id,
                present: None,
                link,
                targets: Vec::new(),
                noted,
                groups: 0,
                changed_us: 0,
                members: MemberChange::default(),
            })
        })
        .await
}

/// What is read beside what terms need.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    /// The groups of people.
    pub(super) groups: bool,
    /// At most so many members of groups of whom the app would be told.
    pub(super) members: usize,
}

/// Reads the next objects of a kind in order of their ids.
///
/// # Errors
/// The store's.
pub(super) async fn page(
    engine: &Engine,
    application: &Application,
    terms: &[Terms],
    kind: Kind,
    range: (Option<ResourceId>, i64),
    beside: Beside,
) -> store::Result<Vec<Reading>> {
    page_with(engine, application, terms, kind, range, beside, |_, page| Ok(page)).await
}

/// Reads the next objects of a kind in order of their ids, and what `more` reads about them at the
/// same moment.
///
/// # Errors
/// The store's, and those of `more`.
pub(super) async fn page_with<T, F>(
    engine: &Engine,
    application: &Application,
    terms: &[Terms],
    kind: Kind,
    (after, limit): (Option<ResourceId>, i64),
    beside: Beside,
    more: F,
) -> store::Result<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Reader<'_>, Vec<Reading>) -> store::Result<T> + Send + 'static,
{
    let gatherer = Gatherer { beside, ..Gatherer::new(engine, application, terms) };
    engine
        .store()
        .read(application.organization, move |reader| {
            let page = reader.page_of(kind.as_str(), after, limit)?;
            let readings = gatherer.gather(reader, kind, page)?;
            more(reader, readings)
        })
        .await
}

/// Puts together what terms read of resources.
struct Gatherer {
    app: AppId,
    registry: Arc<Registry>,
    base: String,
    terms: Vec<Terms>,
    beside: Beside,
    /// An assignment that is taken for one that is not there.
    without: Option<ResourceId>,
    nesting: Nesting,
}

impl Gatherer {
    fn new(engine: &Engine, application: &Application, terms: &[Terms]) -> Self {
        Self {
            app: application.row.id,
            registry: Arc::clone(&application.registry),
            base: engine.base_url().to_owned(),
            terms: terms.to_vec(),
            beside: Beside::default(),
            without: None,
            nesting: application.nesting(),
        }
    }

    fn gather(
        &self,
        reader: &mut Reader<'_>,
        kind: Kind,
        page: Vec<Stored>,
    ) -> store::Result<Vec<Reading>> {
        let registry = Arc::clone(&self.registry);
        let Some(definition) = registry.named(kind.as_str()) else { return Ok(Vec::new()) };
        let ids: Vec<ResourceId> = page.iter().map(|stored| stored.id).collect();
        let mut links = reader.links_of(self.app, &ids)?;
        let with_assignments = self.terms.iter().any(|terms| terms.reads_assignments(kind));
        let with_groups = self.beside.groups
            || with_assignments
            || self.terms.iter().any(|terms| terms.reads_groups());
        let mut groups = HashMap::new();
        if with_groups && kind == Kind::User {
            groups = reader.groups_of(&ids)?;
        }
        let mut assignments = HashMap::new();
        if with_assignments {
            let mut who = ids.clone();
            who.extend(groups.values().flatten().map(|membership| membership.group));
            who.sort_unstable();
            who.dedup();
            assignments = reader.assignments_of(self.app, &who)?;
            if let Some(without) = &self.without {
                assignments.remove(without);
            }
        }
        let mut differing = HashSet::new();
        if kind == Kind::Group && self.beside.members > 0 {
            differing = reader.groups_that_differ(self.app, &ids, self.nesting)?;
        }
        let mut readings = Vec::with_capacity(page.len());
        for stored in page {
            let memberships = groups.remove(&stored.id).unwrap_or_default();
            let count = memberships.iter().filter(|one| !one.indirect).count();
            let (ways, assigned) = reaching(stored.id, &assignments, &memberships);
            let resource = completed(definition, &stored, &self.base, memberships);
            let mut targets: Vec<ResourceId> = self
                .terms
                .iter()
                .flat_map(|terms| terms.mapping.references(kind, &resource))
                .filter_map(|id| id.parse().ok())
                .collect();
            targets.sort_unstable();
            targets.dedup();
            let accounts = BTreeMap::new();
            let mut members = MemberChange::default();
            if differing.contains(&stored.id) {
                let (id, limit) = (stored.id, self.beside.members);
                for (remote, joins) in
                    reader.differing_members(self.app, id, limit, self.nesting)?
                {
                    let told = if joins { &mut members.add } else { &mut members.remove };
                    told.push(RemoteId(remote));
                }
            }
            readings.push(Reading {
                id: stored.id,
                present: Some(Present { resource, assignments: ways, assigned, accounts }),
                link: links.remove(&stored.id),
                targets,
                noted: Vec::new(),
                groups: u64::try_from(count).unwrap_or_default(),
                changed_us: stored.modified_us,
                members,
            });
        }
        self.refer(reader, &mut readings)?;
        Ok(readings)
    }

    /// Looks up the accounts of those to whom the page refers, all at once.
    fn refer(&self, reader: &mut Reader<'_>, readings: &mut [Reading]) -> store::Result<()> {
        let mut targets: Vec<ResourceId> =
            readings.iter().flat_map(|reading| reading.targets.iter().copied()).collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            return Ok(());
        }
        let links = reader.links_of(self.app, &targets)?;
        for reading in readings {
            let Some(present) = &mut reading.present else { continue };
            let found = reading.targets.iter().filter_map(|target| {
                let remote = links.get(target)?.account()?.clone();
                Some((target.to_string(), remote))
            });
            present.accounts = found.collect();
        }
        Ok(())
    }
}

/// How somebody is assigned, and what values that gives: the person's own assignment first, then
/// those of their groups, first assigned first.
fn reaching(
    id: ResourceId,
    assignments: &HashMap<ResourceId, AssignmentRow>,
    memberships: &[Membership],
) -> (Vec<Assigned>, Map<String, Value>) {
    let mut found: Vec<(Option<String>, &AssignmentRow)> = memberships
        .iter()
        .filter_map(|membership| {
            let row = assignments.get(&membership.group)?;
            let name = membership.display.clone();
            Some((Some(name.unwrap_or_else(|| membership.group.to_string())), row))
        })
        .collect();
    found.sort_by_key(|(_, row)| (row.assigned_us, row.resource));
    if let Some(own) = assignments.get(&id) {
        found.insert(0, (None, own));
    }
    let mut ways = Vec::with_capacity(found.len());
    let mut values = Map::new();
    for (through, row) in found {
        ways.push(Assigned { through });
        for (field, value) in &row.fields {
            if !values.contains_key(field) {
                values.insert(field.clone(), value.clone());
            }
        }
    }
    (ways, values)
}

/// The complete resource, as mappings read it.
fn completed(
    definition: &ResourceType,
    stored: &Stored,
    base: &str,
    groups: Vec<Membership>,
) -> Map<String, Value> {
    let mut complete = stored.complete(definition, base);
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|membership| {
            json!({
                "value": membership.group.to_string(),
                "display": membership.display,
                "type": if membership.indirect { "indirect" } else { "direct" },
            })
        })
        .collect();
    if !groups.is_empty() {
        complete.insert("groups".into(), groups.into());
    }
    // No form, however it is written, reads what is never read back.
    remove_secrets(definition, &mut complete);
    complete
}

/// What terms make of what was read; pure.
pub(super) fn judge(
    application: &Application,
    terms: &Terms,
    kind: Kind,
    reading: &Reading,
    now_us: i64,
) -> Situation {
    let link = reading.link.clone();
    let standing = match &reading.present {
        None => Standing::Deleted,
        Some(present) if !present.is_in_scope(terms, kind) => present.outside(terms, kind),
        Some(present) => match present.resource.get("active") {
            Some(Value::Bool(false)) if kind == Kind::User => Standing::Deactivated,
            _ => Standing::Member,
        },
    };
    // An account that may have been made and may not is still to be made.
    let is_new = link.as_ref().is_none_or(|link| link.remote_id.is_none());
    let desired = match (&reading.present, standing) {
        (Some(present), Standing::Member | Standing::Deactivated) => {
            present.desired(terms, kind, is_new)
        }
        _ => Desired::default(),
    };
    Situation {
        kind,
        standing,
        desired,
        link: link.map(remembered),
        found: None,
        match_fields: application.match_fields_by(&terms.policy, kind),
        unsearchable: application.unsearchable(kind),
        policy: Arc::clone(&terms.policy),
        now_us,
        can_deactivate: true,
        members: reading.members.clone(),
    }
}

fn remembered(row: LinkRow) -> Link {
    Link {
        remote: row.remote_id.map(RemoteId),
        active: row.state != "deactivated",
        origin: if row.origin == "created" { Origin::Created } else { Origin::Adopted },
        record: Record(row.record.into_iter().collect()),
        otherwise: drift::to_put_right(&drift::read(&row.drift)),
        leaving_us: row.leaving_us,
        state: match row.state.as_str() {
            "lost" => Following::Lost,
            "released" => Following::Released,
            _ => Following::Kept,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;

    #[test]
    fn no_form_reads_what_is_never_read_back() {
        let badge = serde_json::from_value(json!({
            "id": "urn:example:badge:2.0:User", "name": "Badge", "extends": "User",
            "attributes": [{ "name": "badge", "type": "complex", "subAttributes": [
                { "name": "number" }, { "name": "pin", "returned": "never" },
            ] }],
        }));
        let registry = Registry::with(&[badge.unwrap()], 0);
        let document = json!({
            "userName": "ann",
            "urn:example:badge:2.0:User": { "badge": { "number": "7", "pin": "9182" } },
        });
        let stored = Stored {
            id: ResourceId(new_uuid(1)),
            kind: "User".to_owned(),
            version: 1,
            attributes: document.as_object().cloned().unwrap(),
            created_us: 0,
            modified_us: 0,
        };
        let read = completed(registry.named("User").unwrap(), &stored, "", Vec::new());
        assert_eq!(read["urn:example:badge:2.0:User"], json!({ "badge": { "number": "7" } }));
        assert_eq!(read["userName"], json!("ann"));
    }

    #[test]
    fn ones_own_assignment_comes_first_and_then_the_group_that_was_assigned_first() {
        let app = AppId(new_uuid(1));
        let [ann, low, high, other] = [1, 2, 3, 4].map(|at| ResourceId(new_uuid(at)));
        let row = |resource, assigned_us, fields: Value| {
            let row = AssignmentRow {
                app,
                resource,
                kind: String::new(),
                fields: fields.as_object().cloned().unwrap_or_default(),
                author: String::new(),
                assigned_us,
                modified_us: assigned_us,
            };
            (resource, row)
        };
        let membership = |group, name: &str| Membership {
            group,
            display: Some(name.to_owned()),
            indirect: group == high,
        };
        let assignments = HashMap::from([
            row(ann, 90, json!({ "role": "own" })),
            row(low, 40, json!({ "role": "low", "desk": "low", "floor": "low" })),
            row(high, 30, json!({ "desk": "high" })),
            row(other, 1, json!({ "role": "other" })),
        ]);
        let memberships = [membership(low, "Low"), membership(high, "High")];
        let (ways, values) = reaching(ann, &assignments, &memberships);
        let through: Vec<Option<&str>> = ways.iter().map(|way| way.through.as_deref()).collect();
        assert_eq!(through, [None, Some("High"), Some("Low")]);
        assert_eq!(Value::Object(values), json!({ "role": "own", "desk": "high", "floor": "low" }));
        assert_eq!(reaching(ann, &HashMap::new(), &memberships), (Vec::new(), Map::new()));
    }
}
