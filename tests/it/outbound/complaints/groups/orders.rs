//! A thousand groups whose people come in a thousand orders.

#![allow(clippy::needless_pass_by_value, reason = "plainer in a test")]

use super::scene::{bulk, group_body, made, people, values};
use crate::outbound::bridge::{Bridge, patch};
use crate::world::{ORG, World};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use rollcall::id::AppId;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

const GROUPS: usize = 1_000;
/// People of one group.
const PEOPLE: usize = 2;
/// Longer than all of it takes on a slow machine; nothing is asserted about time.
const PATIENCE: Duration = Duration::from_mins(10);

/// What happens to one group and its people, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// The group is made, with those who were put into it.
    Group,
    /// Somebody comes into the app.
    Arrives(usize),
    /// Somebody is put into the group.
    Joins(usize),
}

/// Everything that happens, one event of each group at a time and everything told in between, so that
/// the app is told of each group in the order of its own.
pub async fn every_order_ends_alike(world: &World) {
    let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
    // Nobody is in the app until they are employees.
    let app =
        json!({ "name": "sandbox", "adapter": "sandbox", "scope": "userType eq \"Employee\"" });
    let app = bridge.admin(Method::POST, "/apps", app).await;
    let app = AppId(app["id"].as_str().unwrap().parse().unwrap());
    let ids = people(&bridge, GROUPS * PEOPLE).await;
    bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": true })).await;
    quiet(&bridge).await;

    let seed = [world.database as u8 + 41; 32];
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let events: Vec<Event> = [Event::Group]
        .into_iter()
        .chain((0..PEOPLE).flat_map(|at| [Event::Arrives(at), Event::Joins(at)]))
        .collect();
    let orders: Vec<Vec<Event>> = (0..GROUPS)
        .map(|_| Just(events.clone()).prop_shuffle().new_tree(&mut runner).unwrap().current())
        .collect();
    let different: BTreeSet<String> = orders.iter().map(|order| format!("{order:?}")).collect();
    assert!(different.len() > 100, "too few orders: {}", different.len());

    let mut groups: BTreeMap<usize, String> = BTreeMap::new();
    for round in 0..events.len() {
        let (mut changes, mut new) = (Vec::new(), Vec::new());
        for (at, order) in orders.iter().enumerate() {
            let person = |who: usize| ids[at * PEOPLE + who].as_str();
            match order[round] {
                Event::Arrives(who) => changes.push(change(
                    &format!("/Users/{}", person(who)),
                    patch("replace", "userType", &json!("Employee")),
                )),
                // Whoever was put in before there was a group comes with it.
                Event::Joins(who) => changes.extend(groups.get(&at).map(|group| {
                    let op = patch("add", "members", &values([person(who)]));
                    change(&format!("/Groups/{group}"), op)
                })),
                Event::Group => {
                    let before = order[..round].iter().filter_map(|event| match event {
                        Event::Joins(who) => Some(person(*who)),
                        _ => None,
                    });
                    new.push((at, group_body(&format!("Group {at}"), &values(before))));
                }
            }
        }
        bulk(&bridge, changes).await;
        let (places, bodies): (Vec<usize>, Vec<Value>) = new.into_iter().unzip();
        groups.extend(places.into_iter().zip(made(&bridge, "/Groups", bodies).await));
        quiet(&bridge).await;
    }

    let (accounts, told) = world
        .store
        .read(ORG, move |reader| {
            let accounts = reader.sandbox_accounts(app, "User", None, 10_000)?;
            Ok((accounts, reader.sandbox_accounts(app, "Group", None, 10_000)?))
        })
        .await
        .unwrap();
    let names: HashMap<&str, &str> = accounts
        .iter()
        .map(|one| (one.remote_id.as_str(), one.record["loginName"].as_str().unwrap()))
        .collect();
    assert_eq!((accounts.len(), told.len()), (GROUPS * PEOPLE, GROUPS));
    for group in told {
        let name = group.record["name"].as_str().unwrap();
        let at: usize = name.strip_prefix("Group ").unwrap().parse().unwrap();
        let members: BTreeSet<String> =
            group.members.iter().map(|id| names[id.as_str()].to_owned()).collect();
        let expected: BTreeSet<String> =
            (0..PEOPLE).map(|who| format!("p{}@zylker.example", at * PEOPLE + who)).collect();
        assert_eq!(members, expected, "{name}: {:?}", orders[at]);
    }
    bridge.stop().await;
}

fn change(path: &str, body: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": body })
}

async fn quiet(bridge: &Bridge) {
    let waiting = async {
        loop {
            let path = "/apps/sandbox/accounts?kind=Group&wait=30";
            bridge.admin(Method::GET, path, Value::Null).await;
            let app = bridge.admin(Method::GET, "/apps/sandbox", Value::Null).await;
            let queue = &app["queue"];
            assert_eq!(queue["parked"], 0, "{app}");
            if queue["ready"] == 0 && queue["running"] == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it never comes to rest");
}
