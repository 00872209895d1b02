//! What a run may take away, and what somebody approves, is a number.

use super::bridge::{Bridge, patch};
use super::guarding::{Crowd, crowd, guard, members, off};
use crate::world::{audited, both};
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::time::Duration;

const HELD: &str = "/api/v1/apps/sandbox/guard/approve";

async fn quiet(bridge: &Bridge) -> usize {
    off(&bridge.accounts("sandbox", "User").await)
}

async fn enable(bridge: &Bridge, enabled: bool) -> Value {
    bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": enabled })).await;
    latest(bridge).await
}

/// The latest run, once nothing is under way.
async fn latest(bridge: &Bridge) -> Value {
    bridge.accounts("sandbox", "User").await;
    let runs = bridge.admin(Method::GET, "/apps/sandbox/runs", Value::Null).await;
    runs["items"][0].clone()
}

async fn dry(bridge: &Bridge) -> String {
    let run = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({})).await;
    assert_eq!(run["state"], "planned", "{run}");
    run["id"].as_str().unwrap().to_owned()
}

async fn hold(bridge: &Bridge, held: bool) {
    bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "paused": held })).await;
}

async fn confirm(bridge: &Bridge, run: &str) -> (u16, Value) {
    bridge.send(Method::POST, &format!("/api/v1/runs/{run}/confirm"), None).await
}

both! {
    /// A plan that renames a group is older than the removals that wait: confirming it takes nobody out.
    async fn an_old_plan_does_not_take_out_whom_it_did_not_count(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let crowd = crowd(&bridge, 20).await;
        let group = crowd.group(&bridge, "Technicians").await;
        quiet(&bridge).await;
        assert_eq!(members(&world, &bridge).await, 20);
        hold(&bridge, true).await;
        let name = patch("replace", "displayName", &json!("Engineers"));
        bridge.push(Method::PATCH, &format!("/Groups/{group}"), name).await;
        bridge.published().await;
        let (old, other) = (dry(&bridge).await, dry(&bridge).await);
        let view = bridge.admin(Method::GET, &format!("/runs/{old}"), Value::Null).await;
        assert_eq!(view["plan"]["removals"]["memberships"], 0, "{view}");

        // Confirmed while the group is due: its turn comes after fifteen have left.
        let (status, answer) = confirm(&bridge, &other).await;
        assert_eq!(status, 200, "{answer}");
        Crowd::of(&crowd.ids[..15]).leave(&bridge, &group).await;
        bridge.published().await;
        hold(&bridge, false).await;
        quiet(&bridge).await;
        assert_eq!(members(&world, &bridge).await, 20);
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["heldRemovals"]["memberships"]), (&json!(1), &json!(15)), "{now}");

        // Confirmed while the group waits: it goes on waiting, and the run comes to its end.
        let (status, answer) = confirm(&bridge, &old).await;
        assert_eq!(status, 200, "{answer}");
        let ended = latest_of(&bridge, &old).await;
        assert_eq!((&ended["state"], &ended["done"], &ended["failed"]), (&json!("done"), &json!(0), &json!(1)), "{ended}");
        assert_eq!(members(&world, &bridge).await, 20);
        assert_eq!(guard(&bridge).await["heldRemovals"]["memberships"], 15);
        bridge.stop().await;
    }

    /// What waited for more than a day, or would pass the limits by now, is planned again.
    async fn a_plan_that_waited_is_planned_again(world: World) {
        let clock = Clock::held_at(Clock::System.now_us());
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        bridge.sandbox().await;
        let crowd = crowd(&bridge, 30).await;
        quiet(&bridge).await;
        hold(&bridge, true).await;
        Crowd::of(&crowd.ids[..4]).set_active(&bridge, false).await;
        bridge.published().await;
        let (first, second, third) = (dry(&bridge).await, dry(&bridge).await, dry(&bridge).await);
        confirm(&bridge, &first).await;
        hold(&bridge, false).await;
        assert_eq!(quiet(&bridge).await, 4);
        assert_eq!(guard(&bridge).await["lastHour"]["deactivations"], 4, "a run counts");
        let (status, problem) = confirm(&bridge, &second).await;
        assert_eq!(status, 409, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(
            "4 of 26 accounts would be switched off, after 4 within the last hour; the limit is 5: \
             plan it again (POST /api/v1/apps/sandbox/sync)"
        ), "{detail}");
        clock.advance(Duration::from_hours(24) + Duration::from_secs(1));
        let (status, problem) = confirm(&bridge, &third).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("the plan is older than 24 hours: plan"), "{problem}");
        let (status, again) = confirm(&bridge, &first).await;
        assert_eq!((status, &again["state"]), (200, &json!("done")), "what was confirmed stays so: {again}");
        bridge.stop().await;
    }

    /// Switching provisioning off and on does not begin another hour.
    async fn what_a_run_takes_away_counts_for_the_hour(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let crowd = crowd(&bridge, 30).await;
        quiet(&bridge).await;
        enable(&bridge, false).await;
        Crowd::of(&crowd.ids[..6]).set_active(&bridge, false).await;
        bridge.published().await;
        let run = enable(&bridge, true).await;
        assert_eq!((&run["state"], &run["done"]), (&json!("done"), &json!(6)), "{run}");
        assert_eq!(quiet(&bridge).await, 6);
        assert_eq!(guard(&bridge).await["lastHour"]["deactivations"], 6);
        // One more by itself is one too many, and so is another run.
        Crowd::of(&crowd.ids[29..]).set_active(&bridge, false).await;
        assert_eq!((quiet(&bridge).await, &guard(&bridge).await["held"]), (6, &json!(1)));
        enable(&bridge, false).await;
        Crowd::of(&crowd.ids[6..8]).set_active(&bridge, false).await;
        bridge.published().await;
        let run = enable(&bridge, true).await;
        assert_eq!(run["state"], "held", "{run}");
        assert_eq!(
            run["held"]["sentence"],
            "3 of 24 accounts would be switched off, after 6 within the last hour; the limit is 5"
        );
        assert_eq!(run["held"]["breaches"], json!([
            { "limit": "deactivations", "count": 3, "lastHour": 6, "most": 5, "total": 24 },
        ]));
        assert_eq!(quiet(&bridge).await, 6);

        // What somebody approves is not counted.
        let id = run["id"].as_str().unwrap();
        let reason = json!({ "reason": "The interns leave." });
        bridge.admin(Method::POST, &format!("/runs/{id}/approve"), reason).await;
        assert_eq!(quiet(&bridge).await, 9);
        assert_eq!(guard(&bridge).await["lastHour"]["deactivations"], 6);
        bridge.stop().await;
    }

    /// A share is one of those who have access: accounts that are off are not among them.
    async fn accounts_that_are_off_make_no_limit_larger(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let crowd = crowd(&bridge, 50).await;
        crowd.group(&bridge, "Everybody").await;
        quiet(&bridge).await;
        let scope = json!({ "scope": "userName ge \"p024\"" });
        bridge.admin(Method::PATCH, "/apps/sandbox?approve=24", scope).await;
        assert_eq!(quiet(&bridge).await, 24);
        let now = guard(&bridge).await;
        assert_eq!((&now["of"]["accounts"], &now["of"]["active"]), (&json!(51), &json!(26)), "{now}");
        assert_eq!((&now["most"]["deactivations"], &now["most"]["deletions"]), (&json!(5), &json!(5)), "{now}");
        let fewer = Some(json!({ "scope": "userName ge \"p032\"" }));
        let (status, problem) = bridge.send(Method::PATCH, "/api/v1/apps/sandbox", fewer).await;
        assert_eq!(status, 409, "{problem}");
        assert_eq!(problem["breaches"], json!([
            { "limit": "deactivations", "count": 8, "most": 5, "total": 26 },
        ]));
        bridge.stop().await;
    }

    /// One group that waits may lose many: an approval names how many members, and why.
    async fn an_approval_names_what_is_lost(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let few = json!({ "guard": { "memberships": { "count": 3, "percent": null } } });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "sandbox", "enabled": true, "policy": few,
        })).await;
        let crowd = crowd(&bridge, 130).await;
        let group = crowd.group(&bridge, "Technicians").await;
        quiet(&bridge).await;
        assert_eq!(members(&world, &bridge).await, 130);
        Crowd::of(&crowd.ids[..120]).leave(&bridge, &group).await;
        quiet(&bridge).await;
        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["heldRemovals"]), (&json!(1), &json!({
            "deactivations": 0, "deletions": 0, "memberships": 120,
        })), "{now}");
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await.to_string();
        assert!(parked.contains("120 more of this group wait for approval."), "{parked}");

        let without = Some(json!({ "upTo": 120 }));
        assert_eq!(bridge.send(Method::POST, HELD, without).await.0, 400);
        let blank = Some(json!({ "upTo": 120, "reason": " " }));
        let (status, problem) = bridge.send(Method::POST, HELD, blank).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("reason")), "{problem}");
        let one = Some(json!({ "upTo": 1, "reason": "moved" }));
        let (status, problem) = bridge.send(Method::POST, HELD, one).await;
        assert_eq!(status, 409, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("1 objects wait for approval, which take away 120 members of groups"), "{detail}");
        assert_eq!(members(&world, &bridge).await, 130);

        // Whoever leaves after it was approved is not among those: all wait again.
        let all = Some(json!({ "upTo": 120, "reason": "moved" }));
        hold(&bridge, true).await;
        assert_eq!(bridge.send(Method::POST, HELD, all).await, (202, json!({ "released": 1 })));
        Crowd::of(&crowd.ids[120..127]).leave(&bridge, &group).await;
        bridge.published().await;
        hold(&bridge, false).await;
        quiet(&bridge).await;
        assert_eq!(members(&world, &bridge).await, 130, "it cannot be told who was meant");
        let now = guard(&bridge).await;
        assert_eq!((&now["heldRemovals"]["memberships"], &now["lastHour"]["memberships"]), (&json!(127), &json!(0)), "{now}");
        let rest = json!({ "upTo": 127, "reason": "moved, too" });
        bridge.admin(Method::POST, "/apps/sandbox/guard/approve", rest).await;
        quiet(&bridge).await;
        assert_eq!(members(&world, &bridge).await, 3);
        Crowd::of(&crowd.ids[127..]).leave(&bridge, &group).await;
        quiet(&bridge).await;
        let now = guard(&bridge).await;
        assert_eq!((members(&world, &bridge).await, &now["lastHour"]["memberships"]), (0, &json!(3)), "{now}");
        assert_eq!(audited(&world.url, "guard.approve").iter().map(|one| one.2.as_str()).collect::<Vec<_>>(), [
            "1 objects that waited approved, which take away 120 members of groups. Reason: moved",
            "1 objects that waited approved, which take away 127 members of groups. Reason: moved, too",
        ]);
        bridge.stop().await;
    }
}

/// A run, once nothing is under way.
async fn latest_of(bridge: &Bridge, run: &str) -> Value {
    bridge.accounts("sandbox", "User").await;
    bridge.admin(Method::GET, &format!("/runs/{run}"), Value::Null).await
}
