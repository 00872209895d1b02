use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

fn record(fields: &[(&str, Value)]) -> Record {
    Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn situation() -> Situation {
    Situation {
        kind: Kind::User,
        standing: Standing::Member,
        desired: Desired {
            always: record(&[("login", json!("ww")), ("title", json!("Technician"))]),
            on_create: record(&[("locale", json!("en"))]),
            ..Desired::default()
        },
        link: None,
        found: None,
        match_fields: vec!["login".into()],
        unsearchable: Vec::new(),
        policy: Arc::default(),
        now_us: 0,
        can_deactivate: true,
        members: crate::adapters::adapter::MemberChange::default(),
    }
}

fn linked(fields: &[(&str, Value)]) -> Link {
    Link::new(RemoteId("r1".into()), true, Origin::Created, record(fields))
}

fn policy(wish: Leaving) -> Arc<Policy> {
    let (deactivated, deleted, out_of_scope, unassigned) = (wish, wish, wish, wish);
    let rest = Policy::default();
    Arc::new(Policy { deactivated, deleted, out_of_scope, unassigned, ..rest })
}

fn observed(id: &str, fields: &[(&str, Value)]) -> Observed {
    Observed { id: RemoteId(id.into()), record: record(fields), active: Some(true) }
}

#[test]
fn nobody_is_made_before_a_look() {
    let mut now = situation();
    let key = Key { field: "login".into(), value: json!("ww") };
    assert_eq!(next(&now), Next::Look(vec![key]));
    now.found = Some(vec![]);
    let made =
        record(&[("login", json!("ww")), ("title", json!("Technician")), ("locale", json!("en"))]);
    assert_eq!(next(&now), Next::Create(made));
}

#[test]
fn one_match_is_adopted_several_are_parked() {
    let mut now = situation();
    let one = observed("r9", &[("login", json!("ww"))]);
    now.found = Some(vec![Found { observed: one.clone(), taken: false }]);
    assert_eq!(next(&now), Next::Adopt(one.clone()));
    now.found = Some(vec![Found { observed: one.clone(), taken: true }]);
    assert!(matches!(next(&now), Next::Park(_)));
    let two = observed("r8", &[]);
    now.found =
        Some(vec![Found { observed: one, taken: false }, Found { observed: two, taken: false }]);
    let Next::Park(parked) = next(&now) else { panic!("not parked") };
    assert_eq!(
        (parked.cause, parked.candidates),
        (Cause::Disputed, vec!["r9".into(), "r8".into()])
    );
    let detail = parked.reason.detail;
    assert!(detail.contains("r8") && detail.contains("r9"), "{detail}");
}

#[test]
fn keys_are_looked_by_in_their_order_and_only_where_the_app_can_be_searched() {
    let mut now = situation();
    now.match_fields = vec!["badge".into(), "title".into(), "login".into()];
    let Next::Look(keys) = next(&now) else { panic!("no look") };
    let fields: Vec<&str> = keys.iter().map(|key| key.field.as_str()).collect();
    assert_eq!(fields, ["title", "login"], "what has no value is no key");
    now.unsearchable = vec!["badge".into()];
    assert!(matches!(next(&now), Next::Look(_)), "nobody is looked for by it");
    now.unsearchable = vec!["title".into()];
    let Next::Park(parked) = next(&now) else { panic!("not parked") };
    assert_eq!((parked.cause, parked.reason.field.as_deref()), (Cause::Unsupported, Some("title")));
    now.standing = Standing::Deleted;
    now.link = Some(Link { remote: None, ..linked(&[("title", json!("Boss"))]) });
    assert!(matches!(next(&now), Next::Park(_)), "nor a leaver whose creation is in doubt");
}

#[test]
fn only_what_differs_is_sent() {
    let mut now = situation();
    now.link = Some(linked(&[("login", json!("ww")), ("title", json!("Boss")), ("own", json!(1))]));
    let Next::Update(id, change, whole) = next(&now) else { panic!("no update") };
    assert_eq!(id.0, "r1");
    assert_eq!(change.set, BTreeMap::from([("title".to_owned(), json!("Technician"))]));
    assert!(change.cleared.is_empty() && change.added.is_empty());
    assert_eq!(whole.0.get("own"), Some(&json!(1)), "what is not mapped is left alone");
    now.link = Some(linked(&[("login", json!("ww")), ("title", json!("Technician"))]));
    assert_eq!(next(&now), Next::Done(Verdict::InSync));
}

#[test]
fn an_emptied_field_is_cleared_once() {
    let mut now = situation();
    now.desired.always = record(&[("login", json!("ww")), ("title", Value::Null)]);
    now.link = Some(linked(&[("login", json!("ww")), ("title", json!("Boss"))]));
    let Next::Update(_, change, whole) = next(&now) else { panic!("no update") };
    assert_eq!(change.cleared, ["title"]);
    now.link = Some(Link { record: whole, ..linked(&[]) });
    assert_eq!(next(&now), Next::Done(Verdict::InSync));
}

#[test]
fn a_leaver_is_handled_as_the_policy_says() {
    let table = [
        // (standing, wish, origin, active) -> expected
        (Standing::Deactivated, Removal::Nothing, Origin::Created, true, "left"),
        (Standing::Deactivated, Removal::Deactivate, Origin::Created, true, "off"),
        (Standing::Deactivated, Removal::Deactivate, Origin::Created, false, "is off"),
        (Standing::Deactivated, Removal::Delete, Origin::Created, true, "delete"),
        (Standing::Deactivated, Removal::Delete, Origin::Adopted, true, "off"),
        (Standing::Deleted, Removal::Delete, Origin::Created, false, "delete"),
        (Standing::Deleted, Removal::Deactivate, Origin::Created, true, "off"),
        (Standing::Deleted, Removal::Deactivate, Origin::Created, false, "unlink"),
        (Standing::Deleted, Removal::Nothing, Origin::Created, true, "unlink"),
        (Standing::OutOfScope, Removal::Deactivate, Origin::Adopted, true, "off"),
    ];
    for (standing, wish, origin, active, expected) in table {
        let mut now = situation();
        now.standing = standing;
        now.desired = Desired::default();
        now.policy = policy(Leaving::now(wish));
        now.link = Some(Link { active, origin, ..linked(&[]) });
        let what = match next(&now) {
            Next::SetActive(_, false) => "off",
            Next::Delete(_) => "delete",
            Next::Unlink => "unlink",
            Next::Done(Verdict::LeftAlone) => "left",
            Next::Done(Verdict::SwitchedOff) => "is off",
            other => panic!("{other:?}"),
        };
        assert_eq!(what, expected, "{standing:?} {wish:?} {origin:?} active: {active}");
    }
}

#[test]
fn an_account_that_is_off_gives_up_a_name_and_changes_nothing_else() {
    let mut now = situation();
    now.standing = Standing::Deactivated;
    now.link = Some(linked(&[("login", json!("old")), ("title", json!("Boss"))]));
    assert_eq!(next(&now), Next::SetActive(RemoteId("r1".into()), false), "off first");
    let off = |fields: &[(&str, Value)]| Some(Link { active: false, ..linked(fields) });
    now.link = off(&[("login", json!("old")), ("title", json!("Boss"))]);
    let Next::Update(_, change, whole) = next(&now) else { panic!("keeps the name") };
    assert_eq!(change.set, BTreeMap::from([("login".to_owned(), json!("ww"))]));
    assert!(change.cleared.is_empty());
    assert_eq!(whole.0.get("title"), Some(&json!("Boss")));
    now.link = off(&[("login", json!("ww")), ("title", json!("Boss"))]);
    assert_eq!(next(&now), Next::Done(Verdict::SwitchedOff));
    for standing in [Standing::Deleted, Standing::OutOfScope] {
        let desired = Desired::default();
        let now =
            Situation { standing, desired, link: off(&[("login", json!("old"))]), ..now.clone() };
        assert!(!matches!(next(&now), Next::Update(..)), "of those nothing is told");
    }
}

#[test]
fn somebody_without_an_account_does_not_get_one_by_leaving() {
    for standing in [Standing::Deactivated, Standing::Deleted, Standing::OutOfScope] {
        let now = Situation { standing, desired: Desired::default(), ..situation() };
        assert_eq!(next(&now), Next::Done(Verdict::NoAccount));
    }
}

#[test]
fn a_creation_in_doubt_is_looked_for_even_when_the_person_left() {
    let mut now = situation();
    now.standing = Standing::Deleted;
    now.desired = Desired::default();
    now.link = Some(Link { remote: None, ..linked(&[("login", json!("ww"))]) });
    assert!(matches!(next(&now), Next::Look(_)));
    now.found = Some(vec![Found { observed: observed("r1", &[]), taken: false }]);
    assert!(matches!(next(&now), Next::Adopt(_)));
    now.found = Some(vec![]);
    assert_eq!(next(&now), Next::Unlink);
}

/// Who was renamed while the answer was awaited got a second account.
#[test]
fn a_creation_in_doubt_is_looked_for_by_the_name_that_was_sent() {
    let mut now = situation();
    let key = |name: &str| Key { field: "login".into(), value: json!(name) };
    now.link =
        Some(Link::in_doubt(record(&[("login", json!("before")), ("title", json!("Boss"))])));
    assert_eq!(next(&now), Next::Look(vec![key("before")]));
    let found = |taken| Found { observed: observed("r1", &[("login", json!("before"))]), taken };
    now.found = Some(vec![found(false)]);
    assert!(matches!(next(&now), Next::Adopt(_)));
    // Nothing was made, or it went to whoever has that name by now: the present name decides.
    for lost in [vec![], vec![found(true)]] {
        now.found = Some(lost);
        assert_eq!(next(&now), Next::Unlink);
    }
    (now.link, now.found) = (None, None);
    assert_eq!(next(&now), Next::Look(vec![key("ww")]));
    now.link = Some(Link::in_doubt(record(&[("login", json!("ww")), ("title", json!("Boss"))])));
    assert_eq!(next(&now), Next::Look(vec![key("ww")]));
    now.found = Some(vec![]);
    assert!(matches!(next(&now), Next::Create(_)), "another title is no other name");
    now.found =
        Some(vec![Found { observed: observed("r1", &[("login", json!("WW"))]), taken: true }]);
    assert!(matches!(next(&now), Next::Park(_)), "the name of now is somebody else's");
}

#[test]
fn what_may_have_been_made_for_somebody_is_known_by_its_keys() {
    let fields = ["login".to_owned(), "mail".to_owned()];
    let key = Key { field: "login".into(), value: json!("ww") };
    let sent = |login: &str| record(&[("login", json!(login)), ("mail", json!("w@z.example"))]);
    let shown = |fields: &[(&str, Value)]| observed("r1", fields);
    assert!(may_be(&shown(&[("login", json!("WW"))]), &sent("Ww"), &key, &fields), "in any case");
    assert!(may_be(&shown(&[]), &sent("ww"), &key, &fields), "an app may show less than it finds");
    assert!(may_be(&shown(&[("mail", json!("W@Z.example"))]), &sent("bb"), &key, &fields));
    assert!(!may_be(&shown(&[("login", json!("ww"))]), &sent("bb"), &key, &fields));
    let nothing = record(&[("login", Value::Null)]);
    assert!(!may_be(&shown(&[("login", Value::Null)]), &nothing, &key, &fields));
}

#[test]
fn a_comeback_is_switched_on_not_made_again() {
    let mut now = situation();
    now.link = Some(Link { active: false, ..linked(&[("login", json!("ww"))]) });
    assert_eq!(next(&now), Next::SetActive(RemoteId("r1".into()), true));
}

#[test]
fn days_of_grace_are_waited_for() {
    let day = 86_400_000_000;
    let mut now = situation();
    now.standing = Standing::Unassigned;
    now.desired = Desired::default();
    now.now_us = day;
    now.policy = policy(Leaving::after(Removal::Delete, 30));
    now.link = Some(linked(&[]));
    assert_eq!(next(&now), Next::Note(Some(day)), "from then on the days count");
    now.link.as_mut().unwrap().leaving_us = Some(day);
    assert_eq!(next(&now), Next::SetActive(RemoteId("r1".into()), false), "off meanwhile");
    now.link.as_mut().unwrap().active = false;
    now.now_us = 31 * day - 1;
    assert_eq!(next(&now), Next::Wait(31 * day));
    now.now_us = 31 * day;
    assert_eq!(next(&now), Next::Delete(RemoteId("r1".into())));
    now.link.as_mut().unwrap().origin = Origin::Adopted;
    assert_eq!(
        next(&now),
        Next::Done(Verdict::SwitchedOff),
        "what was there before is not deleted"
    );
    now.policy = policy(Leaving::after(Removal::Deactivate, 30));
    now.link = Some(Link { leaving_us: Some(day), ..linked(&[]) });
    now.now_us = 2 * day;
    assert_eq!(next(&now), Next::Wait(31 * day), "access stays for the days of grace");
    now.now_us = 31 * day;
    assert_eq!(next(&now), Next::SetActive(RemoteId("r1".into()), false));
}

#[test]
fn who_comes_back_within_the_days_of_grace_stays() {
    let mut now = situation();
    now.link =
        Some(Link { leaving_us: Some(5), active: false, ..linked(&[("login", json!("ww"))]) });
    assert_eq!(next(&now), Next::Note(None), "the next days count anew");
    now.link.as_mut().unwrap().leaving_us = None;
    assert_eq!(next(&now), Next::SetActive(RemoteId("r1".into()), true));
}

#[test]
fn a_protected_account_is_never_touched() {
    let by_id = vec!["R1".to_owned()];
    let by_name = vec!["WW".to_owned()];
    for protected in [by_id.clone(), by_name] {
        let guarded = Policy { protected, ..Policy::default() };
        for standing in [Standing::Member, Standing::Deactivated, Standing::OutOfScope] {
            let link = linked(&[("login", json!("ww"))]);
            let now = Situation {
                standing,
                policy: Arc::new(guarded.clone()),
                link: Some(link),
                ..situation()
            };
            assert_eq!(next(&now), Next::Done(Verdict::Protected), "{standing:?}");
        }
    }
    let policy = Arc::new(Policy { protected: by_id, ..Policy::default() });
    let found = Some(vec![Found { observed: observed("r1", &[]), taken: false }]);
    let now = Situation { found, policy, ..situation() };
    assert_eq!(next(&now), Next::Done(Verdict::Protected), "nor taken over");
}

#[test]
fn what_was_released_is_left_alone_and_what_was_lost_is_asked_about() {
    let mut now = situation();
    now.link = Some(Link { state: Following::Released, ..linked(&[]) });
    assert_eq!(next(&now), Next::Done(Verdict::Released));
    now.standing = Standing::Deactivated;
    assert_eq!(next(&now), Next::Done(Verdict::Released));
    now.standing = Standing::Deleted;
    assert_eq!(next(&now), Next::Unlink);
    now = situation();
    now.policy = Arc::new(Policy { lost: Lost::Park, ..Policy::default() });
    now.link = Some(Link { state: Following::Lost, ..linked(&[]) });
    let Next::Park(parked) = next(&now) else { panic!("nobody is asked") };
    assert_eq!(parked.cause, Cause::Lost);
    now.standing = Standing::OutOfScope;
    assert_eq!(next(&now), Next::Unlink);
}

/// An app of one account, and an executor for it.
fn run(mut now: Situation, mut account: Option<(Record, bool)>) -> (Option<(Record, bool)>, Next) {
    for _ in 0..8 {
        match next(&now) {
            Next::Look(_) => {
                now.found = Some(
                    account
                        .iter()
                        .map(|(record, active)| Found {
                            observed: Observed {
                                id: RemoteId("r1".into()),
                                record: record.clone(),
                                active: Some(*active),
                            },
                            taken: false,
                        })
                        .collect(),
                );
            }
            Next::Create(record) => {
                assert!(account.is_none(), "made twice");
                account = Some((record.clone(), true));
                now.link = Some(Link { record, ..linked(&[]) });
            }
            Next::Adopt(seen) => {
                let active = seen.active.unwrap_or(true);
                now.link = Some(Link::new(seen.id, active, Origin::Adopted, seen.record));
            }
            Next::Update(_, change, whole) => {
                let (record, _) = account.as_mut().unwrap();
                for (field, value) in change.set {
                    record.0.insert(field, value);
                }
                for field in change.cleared {
                    record.0.remove(&field);
                }
                now.link.as_mut().unwrap().record = whole;
            }
            Next::SetActive(_, active) => {
                account.as_mut().unwrap().1 = active;
                now.link.as_mut().unwrap().active = active;
            }
            Next::Delete(_) => {
                account = None;
                now.link = None;
            }
            Next::Unlink => (now.link, now.found) = (None, None),
            Next::Note(since) => now.link.as_mut().unwrap().leaving_us = since,
            end @ (Next::Done(_) | Next::Park(_) | Next::Wait(_)) => return (account, end),
        }
    }
    panic!("does not end: {now:?}");
}

fn values() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        "[a-c]".prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    prop::collection::btree_map("[f-j]", value, 0..5)
}

proptest! {
    /// Whatever the app holds, it ends up holding what is desired, and what is not desired stays.
    #[test]
    fn every_beginning_ends_in_sync(always in values(), there in prop::option::of((values(), any::<bool>()))) {
        let mut now = situation();
        now.desired = Desired { always: Record(always.clone()), ..Desired::default() };
        now.desired.always.0.insert("login".into(), json!("ww"));
        let there = there.map(|(mut fields, active)| {
            fields.retain(|_, value| !value.is_null());
            (Record(fields), active)
        });
        let before = there.clone();
        let (account, end) = run(now.clone(), there);
        prop_assert_eq!(end, Next::Done(Verdict::InSync));
        let (record, active) = account.unwrap();
        prop_assert!(active);
        for (field, value) in &now.desired.always.0 {
            prop_assert_eq!(record.0.get(field).unwrap_or(&Value::Null), value);
        }
        if let Some((before, _)) = before {
            for (field, value) in &before.0 {
                if !now.desired.always.0.contains_key(field) {
                    prop_assert_eq!(record.0.get(field), Some(value));
                }
            }
        }
    }
}
