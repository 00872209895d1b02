//! Groups in groups, as an app is told of them.

use super::bridge::{Bridge, patch};
use crate::world::{ORG, World, both};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use rollcall::id::AppId;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Nothing is asked about.
const UNLIMITED: fn(&str) -> Value = |nested| {
    let limit = json!({ "count": null, "percent": null });
    json!({ "nestedGroups": nested, "guard": { "memberships": limit, "deletions": limit } })
};

/// The sandbox, told of groups in groups in one way or the other.
async fn sandbox(bridge: &Bridge, nested: &str) {
    let app = json!({
        "name": "sandbox", "adapter": "sandbox", "enabled": true, "policy": UNLIMITED(nested),
    });
    bridge.admin(Method::POST, "/apps", app).await;
}

async fn group(bridge: &Bridge, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name, "members": members,
    });
    bridge.push(Method::POST, "/Groups", body).await["id"].as_str().unwrap().to_owned()
}

async fn join(bridge: &Bridge, group: &str, member: &str) {
    let op = patch("add", "members", &json!([{ "value": member }]));
    bridge.push(Method::PATCH, &format!("/Groups/{group}"), op).await;
}

async fn leave(bridge: &Bridge, group: &str, member: &str) {
    let path = format!("members[value eq \"{member}\"]");
    bridge
        .push(Method::PATCH, &format!("/Groups/{group}"), patch("remove", &path, &Value::Null))
        .await;
}

/// The sandbox's groups by name, with the names of their members, once it is quiet.
async fn held(world: &World, bridge: &Bridge) -> BTreeMap<String, BTreeSet<String>> {
    bridge.accounts("sandbox", "User").await;
    let app = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
    assert_eq!(app["queue"]["parked"], 0, "{app}");
    let app = AppId(app["id"].as_str().unwrap().parse().unwrap());
    let (people, groups) = world
        .store
        .read(ORG, move |reader| {
            let people = reader.sandbox_accounts(app, "User", None, 1_000)?;
            Ok((people, reader.sandbox_accounts(app, "Group", None, 1_000)?))
        })
        .await
        .unwrap();
    let names: BTreeMap<String, String> = people
        .iter()
        .map(|one| (one.remote_id.clone(), one.record["loginName"].as_str().unwrap()))
        .chain(
            groups.iter().map(|one| (one.remote_id.clone(), one.record["name"].as_str().unwrap())),
        )
        .map(|(id, name)| (id, name.split('@').next().unwrap().to_owned()))
        .collect();
    groups
        .iter()
        .map(|group| {
            let members = group.members.iter().map(|id| names[id].clone()).collect();
            (names[&group.remote_id].clone(), members)
        })
        .collect()
}

fn sets(expected: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    expected
        .iter()
        .map(|(name, members)| {
            ((*name).to_owned(), members.iter().map(|one| (*one).to_owned()).collect())
        })
        .collect()
}

/// What is done to the directory; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Join(usize, usize),
    Leave(usize, usize),
    Empty(usize),
    NewGroup(usize),
    DeleteGroup(usize),
    DeletePerson(usize),
    Switch,
    /// Everything is told before it goes on.
    Rest,
}

fn step() -> impl Strategy<Value = Step> {
    let any = || 0..1_000_usize;
    prop_oneof![
        14 => (any(), any()).prop_map(|(group, who)| Step::Join(group, who)),
        7 => (any(), any()).prop_map(|(group, who)| Step::Leave(group, who)),
        1 => any().prop_map(Step::Empty),
        2 => any().prop_map(Step::NewGroup),
        2 => any().prop_map(Step::DeleteGroup),
        1 => any().prop_map(Step::DeletePerson),
        1 => Just(Step::Switch),
        2 => Just(Step::Rest),
    ]
}

/// The directory as it should be, by names.
#[derive(Default)]
struct Model {
    ids: BTreeMap<String, String>,
    people: BTreeSet<String>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl Model {
    fn group(&self, choice: usize) -> Option<String> {
        let all: Vec<&String> = self.groups.keys().collect();
        (!all.is_empty()).then(|| all[choice % all.len()].clone())
    }

    fn anybody(&self, choice: usize) -> Option<String> {
        let all: Vec<&String> = self.people.iter().chain(self.groups.keys()).collect();
        (!all.is_empty()).then(|| all[choice % all.len()].clone())
    }

    fn forget(&mut self, name: &str) {
        self.groups.remove(name);
        self.people.remove(name);
        self.groups.values_mut().for_each(|members| {
            members.remove(name);
        });
    }

    fn below(&self, group: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for name in &self.groups[group] {
            if self.people.contains(name) {
                found.insert(name.clone());
            } else {
                found.extend(self.below(name));
            }
        }
        found
    }

    fn expected(&self, flat: bool) -> BTreeMap<String, BTreeSet<String>> {
        let members =
            |name: &String| if flat { self.below(name) } else { self.groups[name].clone() };
        self.groups.keys().map(|name| (name.clone(), members(name))).collect()
    }
}

both! {
    async fn everybody_below_a_group_is_its_member(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        sandbox(&bridge, "flatten").await;
        let (ann, bob) = (bridge.person("ann").await, bridge.person("bob").await);
        let low = group(&bridge, "Low", &[&ann]).await;
        let middle = group(&bridge, "Middle", &[&low]).await;
        let high = group(&bridge, "High", &[&middle, &bob]).await;
        assert_eq!(held(&world, &bridge).await, sets(&[
            ("Low", &["ann"]), ("Middle", &["ann"]), ("High", &["ann", "bob"]),
        ]));
        // Somebody who joins the lowest joins all above; the account may come later than that.
        let cid = bridge.person("cid").await;
        join(&bridge, &low, &cid).await;
        assert_eq!(held(&world, &bridge).await, sets(&[
            ("Low", &["ann", "cid"]), ("Middle", &["ann", "cid"]), ("High", &["ann", "bob", "cid"]),
        ]));
        // By two ways: losing one of them is losing nothing.
        join(&bridge, &high, &cid).await;
        leave(&bridge, &low, &cid).await;
        assert_eq!(held(&world, &bridge).await, sets(&[
            ("Low", &["ann"]), ("Middle", &["ann"]), ("High", &["ann", "bob", "cid"]),
        ]));
        // The group in between goes, and with it the way of whoever was below it.
        bridge.push(Method::DELETE, &format!("/Groups/{middle}"), Value::Null).await;
        assert_eq!(held(&world, &bridge).await, sets(&[("Low", &["ann"]), ("High", &["bob", "cid"])]));
        bridge.stop().await;
    }

    async fn another_way_of_counting_is_told_when_it_is_saved(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        sandbox(&bridge, "members").await;
        let ann = bridge.person("ann").await;
        let low = group(&bridge, "Low", &[&ann]).await;
        group(&bridge, "High", &[&low]).await;
        let nested = sets(&[("Low", &["ann"]), ("High", &["Low"])]);
        let flat = sets(&[("Low", &["ann"]), ("High", &["ann"])]);
        assert_eq!(held(&world, &bridge).await, nested);
        for (way, expected) in [("flatten", &flat), ("flatten", &flat), ("members", &nested), ("flatten", &flat)] {
            let change = json!({ "policy": UNLIMITED(way) });
            bridge.admin(Method::PATCH, "/apps/sandbox", change).await;
            assert_eq!(held(&world, &bridge).await, *expected);
        }
        // What changes while the app is off is told when it is on again.
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "policy": UNLIMITED("members") })).await;
        assert_eq!(held(&world, &bridge).await, flat);
        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
        assert_eq!(held(&world, &bridge).await, nested);
        bridge.stop().await;
    }

    /// Another way of counting can empty groups, so it is weighed as a scope is.
    async fn another_way_of_counting_is_asked_about_when_it_takes_much_away(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        sandbox(&bridge, "flatten").await;
        let mut people = Vec::new();
        for n in 0..8 {
            people.push(bridge.person(&format!("p{n}")).await);
        }
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        let low = group(&bridge, "Low", &people).await;
        group(&bridge, "High", &[&low]).await;
        assert_eq!(held(&world, &bridge).await["High"].len(), 8);
        let limited = json!({
            "nestedGroups": "flatten", "guard": { "memberships": { "count": 6, "percent": null } },
        });
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "policy": limited })).await;
        let change = json!({ "policy": {
            "nestedGroups": "members", "guard": { "memberships": { "count": 6, "percent": null } },
        }});
        let path = "/api/v1/apps/sandbox";
        let (status, problem) = bridge.send(Method::PATCH, path, Some(change.clone())).await;
        assert_eq!((status, &problem["approve"]), (409, &json!(8)), "{problem}");
        assert_eq!(held(&world, &bridge).await["High"].len(), 8, "nothing was saved");
        let path = "/apps/sandbox?approve=8&reason=agreed";
        bridge.admin(Method::PATCH, path, change).await;
        assert_eq!(held(&world, &bridge).await["High"], ["Low".to_owned()].into());
        bridge.stop().await;
    }

    async fn whatever_happens_the_app_ends_with_everybody_below(world: World) {
        let seed = [world.database as u8 + 23; 32];
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let mut model = Model::default();
        for n in 0..8 {
            let name = format!("p{n}");
            model.ids.insert(name.clone(), bridge.person(&name).await);
            model.people.insert(name);
        }
        for n in 0..4 {
            let name = format!("G{n}");
            model.ids.insert(name.clone(), group(&bridge, &name, &[]).await);
            model.groups.insert(name, BTreeSet::new());
        }
        sandbox(&bridge, "flatten").await;
        let (mut flat, mut seen) = (true, 0);
        let mut done = Vec::new();
        for _ in 0..4 {
            let steps = prop::collection::vec(step(), 25).new_tree(&mut runner).unwrap().current();
            for step in steps.into_iter().chain([Step::Rest]) {
                match &step {
                    Step::Join(group, who) => {
                        let (Some(group), Some(who)) = (model.group(*group), model.anybody(*who)) else { continue };
                        let op = patch("add", "members", &json!([{ "value": model.ids[&who] }]));
                        let path = format!("/scim/v2/Groups/{}", model.ids[&group]);
                        let (status, _) = bridge.send(Method::PATCH, &path, Some(op)).await;
                        if status < 300 {
                            model.groups.get_mut(&group).unwrap().insert(who);
                        } else {
                            assert_eq!(status, 400, "a circle is refused");
                        }
                    }
                    Step::Leave(group, choice) => {
                        let Some(group) = model.group(*group) else { continue };
                        let members: Vec<String> = model.groups[&group].iter().cloned().collect();
                        if members.is_empty() { continue }
                        let who = &members[choice % members.len()];
                        leave(&bridge, &model.ids[&group], &model.ids[who]).await;
                        model.groups.get_mut(&group).unwrap().remove(who);
                    }
                    Step::Empty(group) => {
                        let Some(group) = model.group(*group) else { continue };
                        let op = patch("replace", "members", &json!([]));
                        bridge.push(Method::PATCH, &format!("/Groups/{}", model.ids[&group]), op).await;
                        model.groups.insert(group, BTreeSet::new());
                    }
                    Step::NewGroup(who) => {
                        let name = format!("G{}", model.ids.len());
                        let who = model.anybody(*who).into_iter().collect::<BTreeSet<_>>();
                        let ids: Vec<&str> = who.iter().map(|one| model.ids[one].as_str()).collect();
                        let id = group(&bridge, &name, &ids).await;
                        model.ids.insert(name.clone(), id);
                        model.groups.insert(name, who);
                    }
                    Step::DeleteGroup(group) => {
                        let Some(group) = model.group(*group) else { continue };
                        bridge.push(Method::DELETE, &format!("/Groups/{}", model.ids[&group]), Value::Null).await;
                        model.forget(&group);
                    }
                    Step::DeletePerson(choice) => {
                        let Some(person) = model.people.iter().nth(choice % 8).cloned() else { continue };
                        bridge.push(Method::DELETE, &format!("/Users/{}", model.ids[&person]), Value::Null).await;
                        model.forget(&person);
                    }
                    Step::Switch => {
                        flat = !flat;
                        let way = if flat { "flatten" } else { "members" };
                        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "policy": UNLIMITED(way) })).await;
                    }
                    Step::Rest => {
                        let expected = model.expected(flat);
                        seen += expected.values().map(BTreeSet::len).sum::<usize>();
                        assert_eq!(held(&world, &bridge).await, expected, "flat: {flat} {done:?}");
                    }
                }
                done.push(step);
            }
        }
        assert!(seen > 0, "too little to mean anything: {seen}");
        bridge.stop().await;
    }
}
