//! Whatever happens in whatever order, an app ends with everybody below its groups, or with whoever is
//! in them. Directory, publisher and workers take turns at random, between any two of their steps.

#![allow(clippy::manual_is_multiple_of, reason = "plainer in a test")]

use crate::world::{NOW, World, both};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rollcall::clock::Clock;
use rollcall::directory::{Caller, Precondition, Service, View};
use rollcall::id::{AppId, ClientId, OrganizationId, ResourceId, new_uuid};
use rollcall::scim::dialect::Dialect;
use rollcall::store::Store;
use rollcall::store::jobs::{Job, Priority};
use rollcall::store::links::LinkRow;
use rollcall::store::pushes::{DueMember, Moved, Nesting};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const CASES: usize = 60;
const GROUPS: usize = 5;
const PEOPLE: usize = 6;
/// Longer than a case.
const LEASE: i64 = NOW + 1_000_000_000_000;

/// What happens next; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody, or a group, joins a group.
    Join(usize, usize),
    Leave(usize, usize),
    /// Others take the places of all.
    Replace(usize, Vec<usize>),
    NewGroup(Vec<usize>),
    NewPerson,
    DeleteGroup(usize),
    DeletePerson(usize),
    /// The account in the app is lost and made anew.
    Remake(usize),
    /// The account is left alone, and another one is taken over.
    Swap(usize),
    /// Changes become work.
    Publish(i64),
    /// One of two workers goes on with what it does.
    Work(usize),
    /// Another way of counting members.
    Switch,
}

fn step() -> impl Strategy<Value = Step> {
    let any = || 0..1_000_usize;
    prop_oneof![
        8 => (any(), any()).prop_map(|(group, who)| Step::Join(group, who)),
        5 => (any(), any()).prop_map(|(group, who)| Step::Leave(group, who)),
        1 => (any(), prop::collection::vec(any(), 0..3)).prop_map(|(group, who)| Step::Replace(group, who)),
        1 => prop::collection::vec(any(), 0..3).prop_map(Step::NewGroup),
        1 => Just(Step::NewPerson),
        2 => any().prop_map(Step::DeleteGroup),
        1 => any().prop_map(Step::DeletePerson),
        1 => any().prop_map(Step::Remake),
        1 => any().prop_map(Step::Swap),
        6 => (1..4_i64).prop_map(Step::Publish),
        24 => (0..2_usize).prop_map(Step::Work),
        1 => Just(Step::Switch),
    ]
}

/// A worker in the middle of something.
enum Hand {
    Claimed(Job),
    Read(Job, Vec<DueMember>),
    Told(Job, Vec<DueMember>),
}

struct Play {
    store: Store,
    service: Service,
    clock: Clock,
    organization: OrganizationId,
    caller: Caller,
    app: AppId,
    nesting: Nesting,
    /// The directory as it should be: groups with their members, and people.
    groups: BTreeMap<ResourceId, BTreeSet<ResourceId>>,
    people: BTreeSet<ResourceId>,
    /// The app: its groups with their members, and accounts by whose they are.
    told: BTreeMap<ResourceId, BTreeSet<String>>,
    accounts: BTreeMap<ResourceId, String>,
    hands: [Option<Hand>; 2],
    made: usize,
}

impl Play {
    async fn new(world: &World, case: usize) -> Self {
        let clock = Clock::held_at(NOW);
        let organization =
            world.store.organization_named(&format!("case{case}"), NOW).await.unwrap().id;
        let app = world.app_in(organization, AppId(new_uuid(NOW)), "app").await;
        let caller = Caller {
            organization,
            dialect: Dialect::Standard,
            client: ClientId(new_uuid(NOW)),
            actor: "client:test".into(),
            registry: world.store.registry(organization).await.unwrap(),
            self_service: false,
        };
        Self {
            store: world.store.clone(),
            service: Service::new(world.store.clone(), clock.clone(), Arc::default()),
            clock,
            organization,
            caller,
            app,
            nesting: Nesting::Flatten,
            groups: BTreeMap::new(),
            people: BTreeSet::new(),
            told: BTreeMap::new(),
            accounts: BTreeMap::new(),
            hands: [None, None],
            made: 0,
        }
    }

    async fn create(&mut self, kind: &str, body: Value) -> ResourceId {
        self.made += 1;
        let kind = Arc::clone(self.caller.registry.named(kind).unwrap());
        let view = View { base: String::new(), shown: None, brief: true, forgiven: <_>::default() };
        self.service.create(&self.caller, &kind, body, view).await.unwrap().id
    }

    /// Answers whether the directory took it: circles are refused.
    async fn patch(&self, group: ResourceId, op: Value) -> bool {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [op],
        });
        let kind = Arc::clone(self.caller.registry.named("Group").unwrap());
        let view = View { base: String::new(), shown: None, brief: true, forgiven: <_>::default() };
        let done =
            self.service.patch(&self.caller, &kind, group, &body, Precondition::default(), view);
        done.await.is_ok()
    }

    async fn delete(&self, kind: &str, id: ResourceId) {
        let kind = Arc::clone(self.caller.registry.named(kind).unwrap());
        self.service.delete(&self.caller, &kind, id, Precondition::default()).await.unwrap();
    }

    fn group(&self, choice: usize) -> Option<ResourceId> {
        let all: Vec<_> = self.groups.keys().copied().collect();
        (!all.is_empty()).then(|| all[choice % all.len()])
    }

    fn person(&self, choice: usize) -> Option<ResourceId> {
        let all: Vec<_> = self.people.iter().copied().collect();
        (!all.is_empty()).then(|| all[choice % all.len()])
    }

    /// A person, or as often a group.
    fn anybody(&self, choice: usize) -> Option<ResourceId> {
        if choice % 2 == 0 { self.person(choice / 2) } else { self.group(choice / 2) }
    }

    fn anybodies(&self, choices: &[usize]) -> BTreeSet<ResourceId> {
        choices.iter().filter_map(|choice| self.anybody(*choice)).collect()
    }

    async fn step(&mut self, step: &Step) {
        self.clock.advance(Duration::from_millis(10));
        match step {
            Step::Join(group, who) => {
                let (Some(group), Some(who)) = (self.group(*group), self.anybody(*who)) else {
                    return;
                };
                let op = json!({ "op": "add", "path": "members", "value": values([who]) });
                if self.patch(group, op).await {
                    self.groups.get_mut(&group).unwrap().insert(who);
                }
            }
            Step::Leave(group, choice) => {
                let Some(group) = self.group(*group) else { return };
                let members: Vec<_> = self.groups[&group].iter().copied().collect();
                if members.is_empty() {
                    return;
                }
                let who = members[choice % members.len()];
                let path = format!("members[value eq \"{who}\"]");
                assert!(self.patch(group, json!({ "op": "remove", "path": path })).await);
                self.groups.get_mut(&group).unwrap().remove(&who);
            }
            Step::Replace(group, choices) => {
                let Some(group) = self.group(*group) else { return };
                let who = self.anybodies(choices);
                let op =
                    json!({ "op": "replace", "path": "members", "value": values(who.clone()) });
                if self.patch(group, op).await {
                    self.groups.insert(group, who);
                }
            }
            Step::NewGroup(choices) => {
                let who = self.anybodies(choices);
                let name = format!("Group {}", self.made);
                let body = json!({ "displayName": name, "members": values(who.clone()) });
                let id = self.create("Group", body).await;
                self.groups.insert(id, who);
            }
            Step::NewPerson => {
                let body = json!({ "userName": format!("person{}", self.made) });
                let id = self.create("User", body).await;
                self.people.insert(id);
            }
            Step::DeleteGroup(choice) => {
                let Some(group) = self.group(*choice) else { return };
                self.delete("Group", group).await;
                self.groups.remove(&group);
                self.groups.values_mut().for_each(|members| {
                    members.remove(&group);
                });
            }
            Step::DeletePerson(choice) => {
                let Some(person) = self.person(*choice) else { return };
                self.delete("User", person).await;
                self.people.remove(&person);
                self.groups.values_mut().for_each(|members| {
                    members.remove(&person);
                });
            }
            Step::Remake(choice) => {
                if let Some(person) =
                    self.person(*choice).filter(|id| self.accounts.contains_key(id))
                {
                    let old = self.accounts.remove(&person).unwrap();
                    self.told.values_mut().for_each(|members| {
                        members.remove(&old);
                    });
                    self.forget(person, true).await;
                    self.link(person, "User").await;
                }
            }
            Step::Swap(choice) => {
                if let Some(person) =
                    self.person(*choice).filter(|id| self.accounts.contains_key(id))
                {
                    self.forget(person, false).await;
                    self.link(person, "User").await;
                }
            }
            Step::Publish(limit) => {
                self.publish(*limit).await;
            }
            Step::Work(hand) => {
                self.work(*hand).await;
            }
            Step::Switch => {
                self.nesting = match self.nesting {
                    Nesting::Members => Nesting::Flatten,
                    Nesting::Flatten => Nesting::Members,
                };
                let (app, nesting) = (self.app, self.nesting);
                self.write(move |t| t.compare_anew(app, nesting, NOW)).await;
            }
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut rollcall::store::Transaction<'_>) -> rollcall::store::Result<T>
        + Send
        + 'static,
    ) -> T {
        self.store.write(self.organization, work).await.unwrap()
    }

    /// As the dispatcher does. Answers whether anything was published.
    async fn publish(&self, limit: i64) -> bool {
        let (app, nesting) = (self.app, self.nesting);
        self.write(move |t| {
            let changes = t.publish_changes(limit)?;
            for row in &changes {
                let change = &row.change;
                t.mark_due(app, &[(change.resource, &change.kind, Priority::Group)], NOW)?;
                let moved =
                    Moved { group: change.resource, joined: &change.joined, left: &change.left };
                if !moved.is_empty() {
                    t.mark_moved(app, moved, nesting, NOW)?;
                }
            }
            Ok(!changes.is_empty())
        })
        .await
    }

    async fn link(&mut self, id: ResourceId, kind: &'static str) {
        self.made += 1;
        let remote = format!("{kind} {}", self.made);
        self.accounts.insert(id, remote.clone());
        let row = LinkRow {
            app: self.app,
            resource: id,
            kind: kind.into(),
            remote_id: Some(remote),
            state: "linked".into(),
            origin: "created".into(),
            record: Map::new(),
            pushed_us: NOW,
            leaving_us: None,
            seen_us: None,
            drift: Map::new(),
            mapping: None,
        };
        let (app, nesting) = (self.app, self.nesting);
        self.write(move |t| {
            t.put_link(&row)?;
            if kind == "Group" {
                t.compare_members(app, id, nesting)?;
            }
            t.mark_groups_of(app, id, nesting, NOW)
        })
        .await;
    }

    async fn forget(&self, id: ResourceId, account_gone: bool) {
        let app = self.app;
        self.write(move |t| t.delete_link(app, id, account_gone)).await;
    }

    /// One step of a worker. Answers whether it had something to do.
    async fn work(&mut self, number: usize) -> bool {
        let (app, nesting) = (self.app, self.nesting);
        match self.hands[number].take() {
            None => {
                let mut jobs = self.write(move |t| t.claim_jobs(app, NOW, 1, LEASE, false)).await;
                let Some(job) = jobs.pop() else { return false };
                let id = job.resource;
                if job.kind == "User" {
                    let is_there = self.people.contains(&id);
                    if is_there && !self.accounts.contains_key(&id) {
                        self.link(id, "User").await;
                    }
                    // Some accounts of leavers are deleted, others stay.
                    if !is_there
                        && id.0.as_u128() % 2 == 0
                        && let Some(old) = self.accounts.remove(&id)
                    {
                        self.told.values_mut().for_each(|members| {
                            members.remove(&old);
                        });
                        self.forget(id, true).await;
                    }
                    self.write(move |t| t.close_job(app, &job, NOW)).await;
                    return true;
                }
                if !self.groups.contains_key(&id) {
                    if let Some(old) = self.accounts.remove(&id) {
                        self.told.values_mut().for_each(|members| {
                            members.remove(&old);
                        });
                    }
                    self.told.remove(&id);
                    self.forget(id, true).await;
                    self.write(move |t| t.close_job(app, &job, NOW)).await;
                    return true;
                }
                if !self.accounts.contains_key(&id) {
                    self.link(id, "Group").await;
                    self.told.insert(id, BTreeSet::new());
                }
                self.hands[number] = Some(Hand::Claimed(job));
            }
            Some(Hand::Claimed(job)) => {
                let group = job.resource;
                let due = self
                    .store
                    .read(self.organization, move |r| {
                        r.due_members(app, group, None, 4, nesting, false)
                    })
                    .await
                    .unwrap();
                if due.is_empty() {
                    self.write(move |t| t.close_job(app, &job, NOW)).await;
                } else {
                    self.hands[number] = Some(Hand::Read(job, due));
                }
            }
            Some(Hand::Read(job, due)) => {
                let group = self.told.get_mut(&job.resource).unwrap();
                group.extend(due.iter().filter_map(|one| one.join.clone()));
                group.retain(|id| due.iter().all(|one| one.leave.as_ref() != Some(id)));
                self.hands[number] = Some(Hand::Told(job, due));
            }
            Some(Hand::Told(job, due)) => {
                let group = job.resource;
                self.write(move |t| t.settle_members(app, group, &due)).await;
                self.hands[number] = Some(Hand::Claimed(job));
            }
        }
        true
    }

    /// Lets everything come to rest.
    async fn rest(&mut self) {
        while self.publish(100).await || self.work(0).await || self.work(1).await {}
    }

    /// Who counts as a member of a group, found the slow way.
    fn members(&self, group: ResourceId) -> BTreeSet<ResourceId> {
        if self.nesting == Nesting::Members {
            return self.groups[&group].clone();
        }
        let mut found = BTreeSet::new();
        for id in &self.groups[&group] {
            if self.people.contains(id) {
                found.insert(*id);
            } else {
                found.extend(self.members(*id));
            }
        }
        found
    }

    async fn check(&self, steps: &[Step]) {
        let expected: BTreeMap<ResourceId, BTreeSet<String>> = self
            .groups
            .keys()
            .map(|id| {
                (*id, self.members(*id).iter().map(|one| self.accounts[one].clone()).collect())
            })
            .collect();
        assert_eq!(self.told, expected, "{:?} {steps:?}", self.nesting);
        let (app, nesting) = (self.app, self.nesting);
        let ids: Vec<ResourceId> = self.groups.keys().copied().collect();
        let differing = self
            .store
            .read(self.organization, move |r| r.groups_that_differ(app, &ids, nesting))
            .await
            .unwrap();
        assert!(differing.is_empty(), "a plan would say otherwise");
    }

    /// What a plan says would be told of each group is what is not equal.
    async fn check_plan(&self, steps: &[Step]) {
        let (app, nesting) = (self.app, self.nesting);
        let ids: Vec<ResourceId> =
            self.groups.keys().filter(|id| self.told.contains_key(id)).copied().collect();
        let of_whom = ids.clone();
        let (differing, members) = self
            .store
            .read(self.organization, move |r| {
                let mut members = BTreeMap::new();
                for id in &of_whom {
                    members.insert(*id, r.differing_members(app, *id, 100, nesting)?);
                }
                Ok((r.groups_that_differ(app, &of_whom, nesting)?, members))
            })
            .await
            .unwrap();
        for id in ids {
            let wanted: BTreeSet<String> =
                self.members(id).iter().filter_map(|one| self.accounts.get(one).cloned()).collect();
            let join = wanted.difference(&self.told[&id]).map(|id| (id.clone(), true));
            let leave = self.told[&id].difference(&wanted).map(|id| (id.clone(), false));
            let expected: BTreeSet<_> = join.chain(leave).collect();
            let planned: BTreeSet<_> = members[&id].iter().cloned().collect();
            assert_eq!(planned.len(), members[&id].len(), "nobody is named twice");
            assert_eq!(planned, expected, "{nesting:?} {steps:#?}");
            assert_eq!(differing.contains(&id), !expected.is_empty());
        }
    }
}

fn values(ids: impl IntoIterator<Item = ResourceId>) -> Value {
    ids.into_iter().map(|id| json!({ "value": id.to_string() })).collect()
}

both! {
    async fn an_app_ends_with_everybody_who_counts(world: World) {
        let seed = [world.database as u8 + 11; 32];
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let (mut nested, mut full) = (0, 0);
        for case in 0..CASES {
            let steps = prop::collection::vec(step(), 20..90).new_tree(&mut runner).unwrap().current();
            let mut play = Play::new(&world, case).await;
            if case % 4 == 3 {
                play.nesting = Nesting::Members;
            }
            for _ in 0..PEOPLE {
                play.step(&Step::NewPerson).await;
            }
            for _ in 0..GROUPS {
                play.step(&Step::NewGroup(Vec::new())).await;
            }
            for step in &steps {
                play.step(step).await;
            }
            // What nobody is working on is told to the byte by a plan.
            while play.hands.iter().any(Option::is_some) {
                for hand in 0..2 {
                    if play.hands[hand].is_some() {
                        play.work(hand).await;
                    }
                }
            }
            play.check_plan(&steps).await;
            play.rest().await;
            play.check(&steps).await;
            nested += play.groups.values().flatten().filter(|id| play.groups.contains_key(id)).count();
            full += play.told.values().filter(|members| members.len() > 1).count();
        }
        assert!(nested > 0 && full > 0, "too little to mean anything: {nested} {full}");
    }
}
