//! Reading what was done: the audit log, runs and plans, page by page.

use super::bridge::Bridge;
use crate::world::{NOW, ORG, both};
use reqwest::Method;
use rollcall::id::{RunId, new_uuid};
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every item of a list, and how many pages it took.
async fn all(bridge: &Bridge, path: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let with = if path.contains('?') { '&' } else { '?' };
        let here =
            if after.is_empty() { path.to_owned() } else { format!("{path}{with}after={after}") };
        let page = bridge.admin(Method::GET, &here, Value::Null).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        pages += 1;
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return (items, pages),
        }
    }
}

fn ids(items: &[Value]) -> BTreeSet<&str> {
    items.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

both! {
    /// Everything was recorded, and nobody could read it.
    async fn the_audit_log_is_read_newest_first_and_page_by_page(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "paused": true })).await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "paused": false })).await;
        world.store.write(ORG, |transaction| {
            (0..230).try_for_each(|at| {
                let detail = format!("{at} approved: the interns leave");
                transaction.record_audit(NOW + at, "client:tests", "guard.approve", "elsewhere", Some(&detail))
            })
        }).await.unwrap();

        let (items, pages) = all(&bridge, "/audit").await;
        assert!(pages == 3 && items.len() > 230, "{pages} pages of {} entries", items.len());
        assert_eq!(ids(&items).len(), items.len(), "nothing twice");
        let order: Vec<&str> = items.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert!(order.is_sorted_by(|newer, older| newer > older), "newest first");

        let (approved, pages) = all(&bridge, "/audit?action=guard.approve&subject=elsewhere").await;
        assert_eq!((approved.len(), pages), (230, 3));
        let last = approved.iter().find(|one| one["detail"].as_str().unwrap().starts_with("229 ")).unwrap();
        assert_eq!((&last["actor"], &last["action"]), (&json!("client:tests"), &json!("guard.approve")));
        assert_eq!(last["detail"], "229 approved: the interns leave");
        assert_eq!(last["at"], "2024-07-01T00:00:00.000Z");
        let (of_app, _) = all(&bridge, "/audit?subject=sandbox").await;
        let actions: BTreeSet<&str> = of_app.iter().map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["app.create", "app.provisioning.on", "app.update"].into());
        let (of_ann, _) = all(&bridge, &format!("/audit?subject={ann}")).await;
        assert_eq!((of_ann.len(), &of_ann[0]["action"]), (1, &json!("User.create")));
        let text = serde_json::to_string(&items).unwrap();
        assert!(!text.contains("Woods") && !text.contains("ann@"), "no values of a profile");
        assert_eq!(all(&bridge, "/audit?action=guard.approve&subject=sandbox").await.0, [] as [Value; 0]);

        for (query, field) in [("action=approve", "action"), ("action=a..b", "action"), ("subject=", "subject"), ("after=7", "after")] {
            let (status, problem) = bridge.send(Method::GET, &format!("/api/v1/audit?{query}"), None).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
        }
        bridge.stop().await;
    }

    /// The list ended at 50, and said that there was nothing more.
    async fn every_run_of_an_app_can_be_listed(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let over = |app: &Value| app["run"]["state"] == "done";
        let first = bridge.until("sandbox", "it is set up", over).await["run"]["id"].clone();
        let id: RunId = first.as_str().unwrap().parse().unwrap();
        world.store.write(ORG, move |transaction| {
            let run = transaction.run(id)?.unwrap();
            (0..210).try_for_each(|at| {
                let id = RunId(new_uuid(run.started_us + at));
                transaction.insert_run(&rollcall::store::runs::RunRow { id, ..run.clone() })
            })
        }).await.unwrap();
        let (runs, pages) = all(&bridge, "/apps/sandbox/runs").await;
        assert_eq!((runs.len(), pages, ids(&runs).len()), (211, 3, 211));
        assert!(ids(&runs).contains(first.as_str().unwrap()));
        let (status, problem) = bridge.send(Method::GET, "/api/v1/apps/sandbox/runs?after=x", None).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("after")), "{problem}");
        bridge.stop().await;
    }

    /// A word that no plan knows found nothing, as if there were nothing to do.
    async fn an_action_that_no_plan_knows_is_refused_by_name(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let run = bridge.admin(Method::POST, "/apps/sandbox/sync", json!({})).await;
        let path = format!("/api/v1/runs/{}/plan?action=", run["id"].as_str().unwrap());
        for action in ["create", "adopt", "update", "deactivate", "reactivate", "delete", "refused"] {
            let (status, page) = bridge.send(Method::GET, &format!("{path}{action}"), None).await;
            assert_eq!((status, &page["items"]), (200, &json!([])), "{action}");
        }
        let (status, problem) = bridge.send(Method::GET, &format!("{path}bogus"), None).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("action")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("reactivate"), "{problem}");
        bridge.stop().await;
    }
}
