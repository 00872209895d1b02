//! Every statement of the everyday operations is a look-up, whatever the directory's size.

use super::apps::AppRow;
use super::assignments::AssignmentRow;
use super::changes::{ChangeOp, NewChange};
use super::links::LinkRow;
use super::pushes::{Moved, Nesting};
use super::*;
use crate::id::{AppId, ChangeId, ClientId, ResourceId, new_uuid};
use crate::scim::filter::{Condition, parse};
use crate::scim::schema::{Registry, ResourceType};
use diesel::RunQueryDsl;
use diesel::connection::{Connection as _, InstrumentationEvent};
use diesel::sql_types::Text;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn kind(name: &str) -> ResourceType {
    ResourceType::clone(Registry::standard().named(name).unwrap())
}

fn attributes(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn condition(name: &str, text: &str) -> Condition {
    parse(text).unwrap().resolve(&kind(name)).unwrap()
}

/// What a day brings.
fn day(t: &mut Transaction<'_>) -> Result<()> {
    let id = |n| ResourceId(new_uuid(n));
    let (user, group) = (kind("User"), kind("Group"));
    let body = attributes(&json!({"userName": "a", "title": "x", "emails": [{"value": "a@b.c"}]}));
    let next = attributes(&json!({"userName": "b", "title": "y"}));
    let (ann, bob) = (id(1), id(2));
    t.insert_resource(&user, ann, &body, 1)?;
    t.insert_resource(&user, bob, &next, 1)?;
    let before = t.resource_for_update("User", ann)?.unwrap();
    t.update_resource(&user, &before, &attributes(&json!({"userName": "c"})), 2)?;
    let (inner, outer) = (id(3), id(4));
    for group_id in [inner, outer] {
        let body = attributes(&json!({"displayName": "G"}));
        t.insert_resource(&group, group_id, &body, 1)?;
    }
    let before = t.resource_for_update("Group", inner)?.unwrap();
    t.add_members(inner, &[ann, bob], 2)?;
    t.add_members(outer, &[inner], 2)?;
    t.touch_resource(&before, 2)?;
    t.which_are_members(inner, &[ann])?;
    t.member_count(inner)?;
    t.members(inner, None, 10)?;
    t.members_of(&[inner, outer])?;
    t.groups_of(&[ann, bob])?;
    let named = condition("Group", &format!("members[value eq \"{ann}\"]"));
    let inner_row = t.resource("Group", inner)?.unwrap();
    t.meets(&group, &inner_row, &named)?;
    t.remove_members_where(inner, &named)?;
    t.remove_members(inner, &[bob])?;
    t.replace_members(inner, &[ann], 3)?;
    let change = NewChange {
        resource: ann,
        kind: "User".into(),
        op: ChangeOp::Update,
        version: 1,
        actor: "client:okta".into(),
        joined: Vec::new(),
        left: Vec::new(),
    };
    assigning(t, ann, outer)?;
    t.record_change(ChangeId(new_uuid(1)), 1, &change)?;
    t.publish_changes(10)?;
    t.changes(0, 10)?;
    t.client_named("okta", None, (ClientId(new_uuid(1)), 1))?;
    t.token(&[0; 32])?;
    t.token_used(&[0; 32], 1)?;
    t.delete_resource(ann)
}

/// What a day brings to an app: somebody below a group that is assigned to it.
fn assigning(t: &mut Transaction<'_>, person: ResourceId, group: ResourceId) -> Result<()> {
    let app = AppId(new_uuid(1));
    t.insert_app(&AppRow {
        id: app,
        name: "app".into(),
        adapter: "sandbox".into(),
        settings: Map::new(),
        scope: None,
        policy: json!({}),
        enabled: true,
        paused: None,
        mapping: 1,
        sample: None,
        revision: 1,
        reconciled_us: None,
        created_us: 1,
        modified_us: 1,
    })?;
    for (resource, kind) in [(person, "User"), (group, "Group")] {
        t.put_assignment(&AssignmentRow {
            app,
            resource,
            kind: kind.into(),
            fields: Map::new(),
            author: "client:okta".into(),
            assigned_us: 1,
            modified_us: 1,
        })?;
    }
    t.assignments(app, None, Some(person), 10)?;
    t.assignments(app, Some("Group"), Some(person), 10)?;
    t.assignment(app, person)?;
    t.assignments_of(app, &[person, group])?;
    t.mark_below(app, group, 2)?;
    t.users_below(&[person, group])?;
    t.put_references(app, person, &[group])?;
    t.references(app, person)?;
    t.mark_referrers(app, group, 2)?;
    t.put_references(app, person, &[])?;
    telling(t, app, person, group)?;
    t.delete_link(app, person, true)?;
    t.remove_assignment(app, person).map(drop)
}

/// What an app is told of somebody who joins and leaves a group, whatever counts as a member.
fn telling(
    t: &mut Transaction<'_>,
    app: AppId,
    person: ResourceId,
    group: ResourceId,
) -> Result<()> {
    for (resource, kind) in [(person, "User"), (group, "Group")] {
        t.put_link(&LinkRow {
            app,
            resource,
            kind: kind.into(),
            remote_id: Some(resource.to_string()),
            state: "linked".into(),
            origin: "created".into(),
            record: Map::new(),
            pushed_us: 1,
            leaving_us: None,
            seen_us: None,
            drift: Map::new(),
            mapping: None,
        })?;
    }
    for nesting in Nesting::EVERY {
        let (joined, left) = (&[person][..], &[group][..]);
        t.mark_moved(app, Moved { group, joined, left: &[] }, nesting, 2)?;
        t.mark_moved(app, Moved { group, joined: &[], left }, nesting, 2)?;
        t.mark_groups_of(app, person, nesting, 2)?;
        t.compare_members(app, group, nesting)?;
        t.groups_that_differ(app, &[group], nesting)?;
        t.differing_members(app, group, 10, nesting)?;
        let due = t.due_members(app, group, None, 10, nesting, false)?;
        t.settle_members(app, group, &due)?;
    }
    Ok(())
}

#[tokio::test]
async fn everyday_statements_are_look_ups() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("r.db").display());
    let store = Store::open(&url, &Options::default(), true).unwrap();
    let organization = store.organization_named("default", 1).await.unwrap().id;
    let plans = store
        .write(organization, |t| {
            let statements = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&statements);
            t.conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    seen.lock().push(query.to_string());
                }
            });
            day(t)?;
            t.conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
            let statements = std::mem::take(&mut *statements.lock());
            let mut plans = Vec::new();
            for statement in statements {
                let sql = statement.split(" -- binds").next().unwrap().replace('`', "\"");
                if sql.contains("SAVEPOINT") {
                    continue;
                }
                let lines: Vec<Line> =
                    diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(t.conn)?;
                plans.push((sql, lines.into_iter().map(|line| line.detail).collect::<Vec<_>>()));
            }
            Ok(plans)
        })
        .await
        .unwrap();
    assert!(plans.len() > 30, "statements were seen: {}", plans.len());
    for (sql, plan) in plans {
        for line in &plan {
            let made_here = [
                "above",
                "below",
                "within",
                "belongs",
                "page",
                "who",
                "told",
                "heir",
                "inside",
                "gone",
                "due",
                "(subquery",
                "CONSTANT",
                "VALUES CLAUSE",
            ];
            let scan =
                line.starts_with("SCAN ") && !made_here.iter().any(|name| line.contains(name));
            // An index of which only the organization is used is the whole organization; but for
            // its own row, the index of what is not published, and where one row is enough.
            let whole = ["(organization=?)", "(organization=? AND kind=?)"]
                .iter()
                .any(|used| line.ends_with(used));
            let rightly = line.starts_with("SEARCH organization ")
                || line.contains("change_unpublished")
                || line.contains("change_published")
                || sql.contains("\"token\".\"prefix\" FROM");
            assert!(!scan && (!whole || rightly), "{sql}\n{}", plan.join("\n"));
        }
    }
}
