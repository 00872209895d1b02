//! The world of one seed: a directory, two or three apps with accounts of their own, two instances.

use super::app::{App, Origin, key_field};
use super::dice::Dice;
use super::directory::{DEPARTMENTS, Directory, Group, Person};
use super::files::Database;
use super::scene::Scene;
use super::script::Scripted;
use super::task::{Task, complete};
use super::terms::{Leave, Scope, Terms, Wish};
use super::writes::Writes;
use crate::adapters::adapter::Adapter;
use crate::clock::Clock;
use crate::id::{AppId, InstanceId, ResourceId, new_uuid, repeatable};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use crate::outbound::application::Workshop;
use crate::outbound::engine::{Engine, Parts};
use crate::outbound::policy::{Drift, Lost};
use crate::scim::schema::Registry;
use crate::scim::value::fold;
use crate::store::apps::AppRow;
use crate::store::mappings::MappingRow;
use crate::store::{Reader, Result, Transaction};
use crate::vault::Vault;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// When a run begins: 2024-07-01T00:00:00Z.
const BEGIN: i64 = 1_719_792_000_000_000;
/// Most days of grace.
pub(super) const LONGEST_GRACE: u32 = 3;
/// How many instances share the work.
pub(super) const INSTANCES: usize = 2;

/// Everything that belongs to one seed.
pub(super) struct World {
    // Work goes before the database that it may be waiting for.
    pub(super) tasks: Vec<Task>,
    pub(super) scene: Arc<Mutex<Scene>>,
    pub(super) clock: Clock,
    pub(super) engines: Vec<Engine>,
    pub(super) registry: Arc<Registry>,
    pub(super) database: Database,
}

impl World {
    /// The world of a seed; a harsh one is full of faults.
    pub(super) fn new(seed: u64, is_harsh: bool) -> Self {
        repeatable::seed(Some(seed));
        let clock = Clock::held_at(BEGIN);
        let database = Database::new();
        let scene = Arc::new(Mutex::new(Scene::new(seed, clock.clone())));
        let vault = Vault::ephemeral();
        let engines = (0..INSTANCES).map(|_| {
            Engine::new(Parts {
                workshop: Workshop {
                    store: database.store.clone(),
                    vault: vault.clone(),
                    clock: clock.clone(),
                },
                base_url: "http://localhost/scim/v2".into(),
                wake: Arc::new(Notify::new()),
                instance: InstanceId(new_uuid(BEGIN)),
                concurrency: 2,
            })
        });
        let engines = engines.collect();
        let registry = complete(database.store.registry(database.organization)).unwrap();
        let troubles = {
            let mut scene = scene.lock();
            scene.quiet = scene.dice.chance(400);
            let troubles = scene.dice.pick(&[0, 150, 300, 500]);
            if is_harsh { 500 } else { troubles }
        };
        scene.lock().troubles = troubles;
        let world = Self { tasks: Vec::new(), scene, clock, engines, registry, database };
        world.people_move_in();
        world.apps_move_in();
        world.scene.lock().note_wishes();
        world
    }

    pub(super) fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock()
    }

    /// One transaction that nothing comes between.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        complete(self.database.store.write(self.database.organization, work)).unwrap()
    }

    /// One look that nothing comes between.
    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        complete(self.database.store.read(self.database.organization, work)).unwrap()
    }

    /// One transaction of the directory.
    pub(super) fn directory(
        &self,
        work: impl Fn(&mut Writes<'_, '_>) -> Result<()> + Send + 'static,
    ) {
        let (registry, clock) = (Arc::clone(&self.registry), self.clock.clone());
        self.write(move |transaction| work(&mut Writes::new(transaction, &registry, &clock)));
    }

    /// Time goes on, and to an instant that no other step has.
    pub(super) fn tick(&self, by: Duration) {
        const SLOT: i64 = 200_000;
        self.clock.advance(by + Duration::from_millis(200));
        let step = {
            let mut scene = self.scene();
            scene.step += 1;
            scene.step
        };
        if let Clock::Held(micros) = &self.clock {
            let now = micros.load(std::sync::atomic::Ordering::SeqCst);
            let own = i64::try_from(step).unwrap() * 16 % SLOT;
            micros.store(now / SLOT * SLOT + own, std::sync::atomic::Ordering::SeqCst);
        }
    }

    fn people_move_in(&self) {
        let (people, groups) = {
            let mut scene = self.scene();
            let scene = &mut *scene;
            for at in 0..6 + scene.dice.below(7) {
                let person = newcomer(&mut scene.dice, &format!("p{at}"));
                scene.directory.people.push(person);
            }
            let ids: Vec<ResourceId> =
                scene.directory.people.iter().map(|person| person.id).collect();
            for at in 0..2 + scene.dice.below(3) {
                let mut group = Group::new(ResourceId(scene.dice.uuid()), &format!("G{at}"));
                for id in &ids {
                    if scene.dice.chance(300) {
                        group.members.insert(*id);
                    }
                }
                // Only into those before it, so that there is no ring.
                if let Some(before) = scene.directory.groups.last()
                    && scene.dice.chance(300)
                {
                    group.members.insert(before.id);
                }
                scene.directory.groups.push(group);
            }
            for at in 1..scene.directory.people.len() {
                if scene.dice.chance(400) {
                    let manager = scene.dice.pick(&ids);
                    scene.directory.people[at].manager = Some(manager);
                }
            }
            (scene.directory.people.clone(), scene.directory.groups.clone())
        };
        self.directory(move |writes| {
            for person in &people {
                writes.create("User", person.id, &person.body(), &[])?;
            }
            for group in &groups {
                let members: Vec<ResourceId> = group.members.iter().copied().collect();
                writes.create("Group", group.id, &named(&group.name), &members)?;
            }
            Ok(())
        });
    }

    fn apps_move_in(&self) {
        let rows = {
            let mut scene = self.scene();
            let scene = &mut *scene;
            for _ in 0..2 + scene.dice.below(2) {
                let terms = decided(&mut scene.dice, &scene.directory);
                let id = AppId(scene.dice.uuid());
                let chunk = 1 + scene.dice.below(3);
                let mut app = App::new(id, terms, chunk, scene.dice.chance(500));
                furnish(
                    &mut scene.dice,
                    &mut app,
                    &scene.directory.people,
                    &scene.directory.groups,
                );
                scene.apps.push(app);
            }
            let all = scene.apps.iter().enumerate();
            all.map(|(at, app)| (app_row(at, app), app.terms.mapping())).collect::<Vec<_>>()
        };
        self.write(move |transaction| {
            for (row, document) in &rows {
                transaction.insert_app(row)?;
                transaction.insert_mapping(row.id, &mapping_row(1, document.clone()))?;
            }
            Ok(())
        });
    }

    /// The scripted app.
    pub(super) fn adapter(&self, at: usize) -> Arc<dyn Adapter> {
        Arc::new(Scripted { scene: Arc::clone(&self.scene), app: at })
    }
}

pub(super) fn named(name: &str) -> Value {
    json!({ "schemas": [crate::scim::urn::GROUP], "displayName": name })
}

pub(super) fn mapping_row(version: i64, document: Value) -> MappingRow {
    MappingRow { version, document, author: "operator:test".into(), note: None, at_us: BEGIN }
}

fn app_row(at: usize, app: &App) -> AppRow {
    AppRow {
        id: app.id,
        name: format!("app{at}"),
        adapter: "sandbox".into(),
        settings: Map::new(),
        scope: app.terms.scope(),
        policy: app.terms.policy(),
        enabled: true,
        paused: None,
        mapping: 1,
        sample: None,
        revision: 1,
        reconciled_us: None,
        created_us: BEGIN,
        modified_us: BEGIN,
    }
}

/// Somebody new.
pub(super) fn newcomer(dice: &mut Dice, user_name: &str) -> Person {
    let mut person = Person::new(ResourceId(dice.uuid()), user_name);
    person.title = dice.chance(600).then(|| format!("T{}", dice.below(100)));
    person.nick = dice.chance(400).then(|| format!("N{}", dice.below(100)));
    person.department = dice.pick(&DEPARTMENTS);
    person.active = dice.chance(850);
    if dice.chance(40) {
        person.family = None;
    }
    person
}

/// What an administrator may have decided.
fn decided(dice: &mut Dice, directory: &Directory) -> Terms {
    let wishes = [(2, Wish::Nothing), (5, Wish::Deactivate), (4, Wish::Delete)];
    let active = [(1, Wish::Nothing), (6, Wish::Deactivate), (2, Wish::Delete)];
    let mut protected = BTreeSet::new();
    for person in &directory.people {
        if dice.chance(60) {
            protected.insert(fold(&person.user_name));
        }
    }
    Terms {
        scope: new_scope(dice, &directory.groups),
        nick: dice.chance(300),
        deactivated: leave(dice, &active),
        deleted: leave(dice, &wishes),
        out_of_scope: leave(dice, &wishes),
        groups: dice.chance(800),
        group_deleted: leave(dice, &[(1, Wish::Nothing), (4, Wish::Delete)]),
        flatten: dice.chance(500),
        protected,
        lost: dice.weighed(&[(6, Lost::Recreate), (2, Lost::Park), (2, Lost::Release)]),
        drift: dice.weighed(&[(6, Drift::Enforce), (2, Drift::Tolerate), (2, Drift::Ask)]),
        reconcile_hours: dice.weighed(&[(6, 0), (2, 1), (2, 24)]),
    }
}

/// What happens to leavers, in half of all cases after days of grace.
pub(super) fn leave(dice: &mut Dice, wishes: &[(usize, Wish)]) -> Leave {
    let wish = dice.weighed(wishes);
    Leave { wish, days: dice.weighed(&[(4, 0), (2, 1), (2, LONGEST_GRACE)]) }
}

pub(super) fn new_scope(dice: &mut Dice, groups: &[Group]) -> Scope {
    match dice.weighed(&[(4, 0), (2, 1), (3, 2), (3, 3)]) {
        0 => Scope::Everybody,
        1 => Scope::Active,
        2 => Scope::Department(dice.pick(&DEPARTMENTS)),
        _ => Scope::Within(groups[dice.below(groups.len())].id),
    }
}

/// Accounts that are there before Rollcall comes: some of people in the directory, one pair that
/// both match, some of nobody.
fn furnish(dice: &mut Dice, app: &mut App, people: &[Person], groups: &[Group]) {
    let record = |kind: Kind, key: String, dice: &mut Dice| {
        let mut record = BTreeMap::from([(key_field(kind).to_owned(), Value::from(key))]);
        if kind == Kind::User {
            record.insert("lastName".into(), format!("Old{}", dice.below(9)).into());
            record.insert("phone".into(), "+1".into());
        }
        Record(record)
    };
    for person in people {
        if !dice.chance(200) {
            continue;
        }
        let key = if dice.chance(300) {
            person.user_name.to_uppercase()
        } else {
            person.user_name.clone()
        };
        let record = record(Kind::User, key, dice);
        let active = dice.chance(800);
        app.put(Kind::User, record, active, Origin::There);
    }
    if dice.chance(400) {
        let name = people[dice.below(people.len())].user_name.clone();
        for key in [name.to_uppercase(), name] {
            if app.accounts.values().all(|one| one.record.0["loginName"] != key) {
                let record = record(Kind::User, key, dice);
                app.put(Kind::User, record, true, Origin::There);
            }
        }
    }
    let stranger = record(Kind::User, "stranger".into(), dice);
    let stranger = app.put(Kind::User, stranger, true, Origin::There);
    for group in groups {
        if dice.chance(200) {
            let record = record(Kind::Group, group.name.to_uppercase(), dice);
            let id = app.put(Kind::Group, record, true, Origin::There);
            if dice.chance(500) {
                app.accounts.get_mut(&id).unwrap().members.insert(stranger.clone());
            }
        }
    }
}
