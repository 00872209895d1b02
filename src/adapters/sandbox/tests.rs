use super::*;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Accounts in memory, with the promises of [`Accounts`].
#[derive(Default)]
pub(in crate::adapters) struct Memory(Mutex<BTreeMap<(Kind, String), Account>>);

impl Memory {
    fn is_taken(map: &BTreeMap<(Kind, String), Account>, kind: Kind, account: &Account) -> bool {
        map.iter().any(|((other, id), one)| {
            *other == kind && *id != account.remote_id && one.match_key == account.match_key
        })
    }
}

fn taken() -> Failure {
    Failure::Conflict { detail: "taken".into() }
}

#[async_trait]
impl Accounts for Memory {
    async fn get(&self, kind: Kind, remote_id: &str) -> Result<Option<Account>, Failure> {
        Ok(self.0.lock().get(&(kind, remote_id.to_owned())).cloned())
    }

    async fn find(&self, kind: Kind, match_key: &str) -> Result<Option<Account>, Failure> {
        let map = self.0.lock();
        let mut all = map.iter().filter(|((other, _), _)| *other == kind);
        Ok(all.find(|(_, account)| account.match_key == match_key).map(|(_, one)| one.clone()))
    }

    async fn insert(&self, kind: Kind, account: Account) -> Result<(), Failure> {
        let mut map = self.0.lock();
        if Self::is_taken(&map, kind, &account) {
            return Err(taken());
        }
        map.insert((kind, account.remote_id.clone()), account);
        Ok(())
    }

    async fn replace(&self, kind: Kind, account: Account) -> Result<(), Failure> {
        let mut map = self.0.lock();
        if Self::is_taken(&map, kind, &account) {
            return Err(taken());
        }
        map.insert((kind, account.remote_id.clone()), account).map(|_| ()).ok_or(Failure::Gone)
    }

    async fn remove(&self, kind: Kind, remote_id: &str) -> Result<(), Failure> {
        self.0.lock().remove(&(kind, remote_id.to_owned()));
        Ok(())
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, Failure> {
        let map = self.0.lock();
        let all = map.iter().filter(|((other, id), _)| {
            *other == kind && after.is_none_or(|after| id.as_str() > after)
        });
        Ok(all.take(limit).map(|(_, account)| account.clone()).collect())
    }
}

fn sandbox() -> Sandbox {
    Sandbox::new(Arc::new(Memory::default()))
}

fn record(value: Value) -> Record {
    serde_json::from_value(value).unwrap()
}

fn by_name(kind: Kind, name: &str) -> Key {
    Key { field: key_field(kind).into(), value: name.into() }
}

#[tokio::test]
async fn an_account_lives_and_dies() {
    let app = sandbox();
    let william = record(
        json!({ "loginName": "William@Zylker", "lastName": "Woods", "firstName": "William" }),
    );
    let made = app.create(Kind::User, &william, "once").await.unwrap();
    assert_eq!(made.active, Some(true));
    let found = app.find(Kind::User, &by_name(Kind::User, "WILLIAM@zylker")).await.unwrap();
    assert_eq!(found.as_slice(), std::slice::from_ref(&made));
    let again = app.create(Kind::User, &william, "once").await;
    assert!(matches!(again, Err(Failure::Conflict { .. })));

    let change = Change {
        set: [("department".to_owned(), json!("Sales")), ("loginName".to_owned(), json!("will"))]
            .into(),
        cleared: vec!["firstName".into()],
        ..Change::default()
    };
    app.update(Kind::User, &made.id, &change, &Record::default()).await.unwrap();
    let read = app.read(Kind::User, &made.id).await.unwrap();
    assert_eq!(
        read.record,
        record(json!({ "loginName": "will", "lastName": "Woods", "department": "Sales" }))
    );
    assert!(app.find(Kind::User, &by_name(Kind::User, "william@zylker")).await.unwrap().is_empty());
    assert_eq!(app.find(Kind::User, &by_name(Kind::User, "will")).await.unwrap().len(), 1);

    app.set_active(Kind::User, &made.id, false).await.unwrap();
    assert_eq!(app.read(Kind::User, &made.id).await.unwrap().active, Some(false));
    app.delete(Kind::User, &made.id).await.unwrap();
    app.delete(Kind::User, &made.id).await.unwrap();
    assert_eq!(app.read(Kind::User, &made.id).await, Err(Failure::Gone));
    assert_eq!(app.set_active(Kind::User, &made.id, true).await, Err(Failure::Gone));
}

#[tokio::test]
async fn what_a_real_app_would_refuse_is_refused() {
    let app = sandbox();
    let cases = [
        (json!({ "lastName": "W" }), "loginName", "mandatory"),
        (json!({ "loginName": "", "lastName": "W" }), "loginName", "mandatory"),
        (json!({ "loginName": "w" }), "lastName", "mandatory"),
        (
            json!({ "loginName": "w", "lastName": "W", "shoeSize": "44" }),
            "shoeSize",
            "no such field",
        ),
        (json!({ "loginName": "w", "firstName": "x".repeat(41) }), "firstName", "at most 40"),
        (json!({ "loginName": "w", "role": "boss" }), "role", "technician, manager, member"),
        (json!({ "loginName": "w", "phone": 1 }), "phone", "wrong type"),
    ];
    for (fields, field, needle) in cases {
        let refused = app.create(Kind::User, &record(fields), "once").await;
        let Err(Failure::Refused(reason)) = refused else { panic!("{refused:?}") };
        assert_eq!(reason.field.as_deref(), Some(field));
        assert!(reason.detail.contains(needle) && !reason.remedy.is_empty(), "{reason:?}");
    }
    let made = app
        .create(Kind::User, &record(json!({ "loginName": "w", "lastName": "W" })), "once")
        .await
        .unwrap();
    let change = Change { cleared: vec!["loginName".into()], ..Change::default() };
    let cleared = app.update(Kind::User, &made.id, &change, &Record::default()).await;
    assert!(matches!(cleared, Err(Failure::Refused(_))));
    assert_eq!(app.read(Kind::User, &made.id).await.unwrap().record, made.record);
}

struct Nobody;

#[async_trait]
impl Told for Nobody {
    async fn members(&self) -> Result<Vec<RemoteId>, Failure> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn groups_hold_members_as_a_set() {
    let accounts = Arc::new(Memory::default());
    let app = Sandbox::new(Arc::clone(&accounts) as Arc<dyn Accounts>);
    let made = app.create(Kind::Group, &record(json!({ "name": "T" })), "once").await.unwrap();
    let ids = |names: &[&str]| names.iter().map(|id| RemoteId((*id).into())).collect::<Vec<_>>();
    let change = MemberChange { add: ids(&["b", "a", "b"]), remove: Vec::new() };
    app.members(&made.id, &change, &Nobody).await.unwrap();
    app.members(&made.id, &MemberChange { add: ids(&["c"]), remove: ids(&["a", "z"]) }, &Nobody)
        .await
        .unwrap();
    let account = accounts.get(Kind::Group, &made.id.0).await.unwrap().unwrap();
    assert_eq!(account.members, ["b", "c"]);
    assert_eq!(made.active, None);
    let off = app.set_active(Kind::Group, &made.id, false).await;
    assert!(matches!(off, Err(Failure::Unsupported(_))));
}

#[tokio::test]
async fn lists_go_on_where_they_stopped() {
    let app = sandbox();
    for number in 0..250 {
        let fields = record(json!({ "loginName": format!("user{number}"), "lastName": "W" }));
        app.create(Kind::User, &fields, "once").await.unwrap();
    }
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let page = app.list(Kind::User, from.as_deref()).await.unwrap();
        seen.extend(page.accounts.into_iter().map(|account| account.id));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 250);
}

#[tokio::test]
async fn requests_are_the_steps_in_words() {
    let id = RemoteId("7".into());
    let change = Change {
        set: [("role".to_owned(), json!("manager"))].into(),
        cleared: vec!["phone".into()],
        ..Change::default()
    };
    let steps = [
        Step::Find(by_name(Kind::User, "w")),
        Step::Update(id.clone(), change, Record::default()),
        Step::Deactivate(id),
    ];
    let shown = sandbox().requests(Kind::User, &steps).await.unwrap();
    assert_eq!(
        serde_json::to_value(shown).unwrap(),
        json!([
            { "method": "find", "url": "sandbox:users", "body": { "loginName": "w" } },
            { "method": "update", "url": "sandbox:users/7",
              "body": { "role": "manager", "phone": null } },
            { "method": "deactivate", "url": "sandbox:users/7" },
        ])
    );
}
