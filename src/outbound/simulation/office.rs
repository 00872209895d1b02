//! What administrators do: change who belongs in an app and what it is told, synchronise, retry, let
//! an app go on, put right what is asked of a person.

use super::app::{Account, Origin};
use super::directory::Standing;
use super::steps::{edited, renamed_group};
use super::task::{Ended, Task};
use super::world::{INSTANCES, World, mapping_row, new_scope};
use crate::adapters::adapter::Adapter;
use crate::id::{AppId, OrganizationId, ResourceId};
use crate::mapping::field::Kind;
use crate::outbound::application::{Application, Error as ApplicationError};
use crate::outbound::engine::Engine;
use crate::outbound::sync;
use crate::store::apps::AppRow;
use crate::store::{self};
use std::collections::BTreeMap;
use std::sync::Arc;

impl World {
    /// Something that an administrator may do at any time.
    pub(super) fn administrate(&mut self) {
        let (what, app) = {
            let mut scene = self.scene();
            let apps = scene.apps.len();
            let weights = [
                (6, 0),
                (3, 1),
                (4, 2),
                (3, 3),
                (3, 4),
                (3, 5),
                (2, 6),
                (2, 7),
                (6, 8),
                (3, 9),
                (8, 10),
                (3, 11),
                (3, 12),
                (3, 13),
                (2, 14),
            ];
            let what = scene.dice.weighed(&weights);
            let what = if scene.quiet && [2, 4, 6, 7].contains(&what) { 10 } else { what };
            (what, scene.dice.below(apps))
        };
        match what {
            0 => self.retry(app),
            1 => self.release(app),
            2 => self.synchronise(app),
            3 => self.change_scope(app),
            4 => self.change_mapping(app),
            5 => self.let_go_on(app),
            6 => self.cancel(app),
            7 => self.switch(app),
            9 => self.change_nesting(app),
            10 => self.change_policy(app),
            11 => self.pause(app),
            12 => self.schedule(),
            13 => self.confirm(app),
            14 => self.relink(app),
            _ => self.keep_runs(app),
        }
    }

    fn app_id(&self, app: usize) -> AppId {
        self.scene().apps[app].id
    }

    pub(super) fn retry(&self, app: usize) {
        let (id, now_us) = (self.app_id(app), self.clock.now_us());
        let count = self.write(move |transaction| transaction.retry_parked(id, None, now_us));
        self.scene().say(&format!("{count} parked objects of app{app} are retried"));
    }

    fn release(&self, app: usize) {
        let (id, now_us) = (self.app_id(app), self.clock.now_us());
        self.write(move |transaction| transaction.release_waiting(id, now_us));
        self.scene().say(&format!("what waits for app{app} is due"));
    }

    pub(super) fn let_go_on(&self, app: usize) {
        let (id, now_us) = (self.app_id(app), self.clock.now_us());
        let paused = self.write(move |transaction| {
            let paused = transaction.app(id)?.is_some_and(|row| row.paused.is_some());
            if paused {
                transaction.pause_app(id, None, None, now_us)?;
            }
            Ok(paused)
        });
        if paused {
            self.scene().say(&format!("app{app} goes on"));
        }
    }

    /// Somebody asks for a Quick Sync, and mostly confirms it at once.
    pub(super) fn synchronise(&mut self, app: usize) {
        let (instance, id, confirm) = {
            let mut scene = self.scene();
            scene.apps[app].unsynced = true;
            let confirm = scene.calm || scene.dice.chance(700);
            (scene.dice.below(INSTANCES), scene.apps[app].id, confirm)
        };
        let (engine, organization) = (self.engines[instance].clone(), self.database.organization);
        let adapter = self.adapter(app);
        let actor = self.enter(format!("i{instance} Quick Sync of app{app}"));
        self.scene().say(&format!("Quick Sync of app{app}"));
        self.tasks.push(Task::new((actor, instance, app), async move {
            Ended::Synced(quick_sync(&engine, organization, (id, confirm), adapter).await)
        }));
    }

    /// An instance looks after the runs of an app.
    pub(super) fn keep_runs(&mut self, app: usize) {
        let (instance, id) = {
            let mut scene = self.scene();
            (scene.dice.below(INSTANCES), scene.apps[app].id)
        };
        let (engine, organization) = (self.engines[instance].clone(), self.database.organization);
        let adapter = self.adapter(app);
        let actor = self.enter(format!("i{instance} runs of app{app}"));
        self.tasks.push(Task::new((actor, instance, app), async move {
            Ended::Synced(keep_runs(&engine, organization, id, adapter).await)
        }));
    }

    /// The newest run is cancelled.
    fn cancel(&self, app: usize) {
        let (id, now_us) = (self.app_id(app), self.clock.now_us());
        let run = self.write(move |transaction| {
            let run = transaction.runs(id, 1)?.pop();
            run.as_ref().map(|run| transaction.cancel_run(run.id, now_us)).transpose()?;
            Ok(run)
        });
        if run.is_some() {
            self.scene().apps[app].unsynced = true;
            self.scene().say(&format!("the last run of app{app} is cancelled"));
        }
    }

    fn change_scope(&self, app: usize) {
        let (scope, nesting, id, now_us) = {
            let mut scene = self.scene();
            let scene = &mut *scene;
            scene.resolve_late(None);
            let scope = new_scope(&mut scene.dice, &scene.directory.groups);
            scene.apps[app].terms.scope = scope.clone();
            scene.say(&format!("the scope of app{app} is {scope:?}"));
            let app = &scene.apps[app];
            (app.terms.scope(), app.terms.nesting(), app.id, self.clock.now_us())
        };
        self.write(move |transaction| {
            let row = transaction.app(id)?.unwrap();
            let enabled = row.enabled;
            transaction.update_app(&AppRow { scope: scope.clone(), ..row }, now_us)?;
            if enabled {
                transaction.mark_everybody(id, true, now_us)?;
                transaction.compare_all_members(id, nesting)?;
            }
            Ok(())
        });
        self.scene().note_wishes();
    }

    /// Groups in groups are told in the other way.
    fn change_nesting(&self, app: usize) {
        let (id, policy, nesting, now_us) = {
            let mut scene = self.scene();
            let terms = &mut scene.apps[app].terms;
            terms.flatten = !terms.flatten;
            let told = format!("groups of app{app} are flat: {}", terms.flatten);
            scene.say(&told);
            let app = &scene.apps[app];
            (app.id, app.terms.policy(), app.terms.nesting(), self.clock.now_us())
        };
        self.write(move |transaction| {
            transaction.lock_organization()?;
            let row = transaction.app(id)?.unwrap();
            let enabled = row.enabled;
            transaction.update_app(&AppRow { policy: policy.clone(), ..row }, now_us)?;
            if enabled {
                transaction.compare_anew(id, nesting, now_us)?;
            }
            Ok(())
        });
    }

    fn change_mapping(&self, app: usize) {
        let (id, document, now_us) = {
            let mut scene = self.scene();
            let nick = !scene.apps[app].terms.nick;
            scene.apps[app].terms.nick = nick;
            scene.apps[app].unsynced = true;
            scene.say(&format!("the job title in app{app} is the nick name: {nick}"));
            (scene.apps[app].id, scene.apps[app].terms.mapping(), self.clock.now_us())
        };
        self.write(move |transaction| {
            let row = transaction.app(id)?.unwrap();
            let version = transaction.newest_mapping(id)? + 1;
            transaction.insert_mapping(id, &mapping_row(version, document.clone()))?;
            transaction.update_app(&AppRow { mapping: version, ..row }, now_us)
        });
    }

    /// *Setup Provisioning* goes off, or on again.
    fn switch(&mut self, app: usize) {
        let (id, now_us) = (self.app_id(app), self.clock.now_us());
        let row = self.read(move |reader| reader.app(id)).unwrap();
        if !row.enabled {
            return self.switch_on(app);
        }
        self.scene().say(&format!("app{app} is switched off"));
        self.scene().apps[app].unsynced = true;
        self.write(move |transaction| {
            transaction.update_app(&AppRow { enabled: false, ..row.clone() }, now_us)
        });
    }

    pub(super) fn switch_on(&mut self, app: usize) {
        let (instance, id) = {
            let mut scene = self.scene();
            (scene.dice.below(INSTANCES), scene.apps[app].id)
        };
        let row = self.read(move |reader| reader.app(id)).unwrap();
        if row.enabled {
            return;
        }
        let (engine, organization) = (self.engines[instance].clone(), self.database.organization);
        let adapter = self.adapter(app);
        let actor = self.enter(format!("i{instance} switching app{app} on"));
        self.scene().say(&format!("app{app} is switched on"));
        self.tasks.push(Task::new((actor, instance, app), async move {
            let row = AppRow { enabled: true, ..row };
            Ended::Synced(switch_on(&engine, organization, row, adapter).await)
        }));
    }

    /// Everything that is asked of people at the end of a run.
    pub(super) fn put_right(&mut self) -> Result<(), String> {
        let apps = self.scene().apps.len();
        for app in 0..apps {
            self.let_go_on(app);
            self.switch_on(app);
            self.settle_disputes(app);
            self.make_way(app);
        }
        self.settle()?;
        for app in 0..apps {
            if std::mem::take(&mut self.scene().apps[app].unsynced) {
                self.synchronise(app);
                self.scene().apps[app].unsynced = false;
            }
        }
        self.settle()?;
        for app in 0..apps {
            self.approve(app);
            self.relink(app);
        }
        self.settle()?;
        self.give_names();
        self.undo_meddling()?;
        for app in 0..apps {
            self.retry(app);
        }
        self.settle()?;
        self.let_grace_pass()
    }

    /// Of two accounts that match somebody, one that nobody holds is removed in the app.
    fn settle_disputes(&self, app: usize) {
        let holders = self.holders(app);
        let mut scene = self.scene();
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for account in scene.apps[app].accounts.values() {
            if account.kind == Kind::User {
                keys.entry(account.key()).or_default().push(account.id.clone());
            }
        }
        for ids in keys.values().filter(|ids| ids.len() > 1) {
            let free = ids.iter().find(|id| {
                holders.last(id).is_none() && scene.apps[app].accounts[*id].origin == Origin::There
            });
            if let Some(free) = free {
                scene.apps[app].take(free);
                scene.say(&format!("{free} of app{app} is removed: it matched too"));
            }
        }
    }

    /// An account that keeps a name which somebody else has by now is renamed in the app: that of
    /// somebody who left and is told nothing but to be off, or one of two who swap their names.
    fn make_way(&self, app: usize) {
        let holders = self.holders(app);
        let mut scene = self.scene();
        let scene = &mut *scene;
        let terms = &scene.apps[app].terms;
        let directory = &scene.directory;
        // Whoever has it keeps it, as long as it is called as they are.
        let keeps = |holder: ResourceId, account: &Account| {
            directory.standing(holder, terms) == Standing::Member
                && directory.is_called(holder, &account.key())
        };
        let mut ways: Vec<(String, Option<ResourceId>)> = Vec::new();
        for person in &directory.people {
            let own = holders.of(person.id);
            // Who is switched off may have a new name too.
            let is_told = match directory.standing(person.id, terms) {
                Standing::Member => true,
                Standing::Deactivated => own.is_some(),
                Standing::Deleted | Standing::OutOfScope => false,
            };
            if !is_told {
                continue;
            }
            for other in scene.apps[app].matching(Kind::User, &person.user_name) {
                let holder = holders.last(&other.id).map(|(holder, _)| holder);
                // What nobody has by now may be taken over.
                let is_free = holder.is_none_or(|holder| holders.of(holder) != Some(&other.id));
                let is_theirs = own == Some(&other.id) || (own.is_none() && is_free);
                if !is_theirs && !holder.is_some_and(|holder| keeps(holder, other)) {
                    ways.push((other.id.clone(), holder));
                }
            }
        }
        for (id, holder) in ways {
            let name = format!("once-{id}");
            scene.say(&format!("{id} of app{app} is renamed {name}: it is in the way"));
            let app = &mut scene.apps[app];
            app.meddled.extend(holder);
            if let Some(account) = app.accounts.get_mut(&id) {
                account.record.0.insert("loginName".into(), name.into());
                if holder.is_none() {
                    account.first.0 = account.record.clone();
                }
            }
        }
    }

    /// Whoever has no family name, which every app needs, gets one.
    fn give_names(&self) {
        let people = self.scene().directory.people.len();
        for at in 0..people {
            let change = {
                let mut scene = self.scene();
                let person = &scene.directory.people[at];
                if !person.there || person.family.is_some() {
                    continue;
                }
                edited(&mut scene, at, |person| {
                    person.family = Some("Given".into());
                    "gets a family name".into()
                })
            };
            self.apply(change);
        }
    }

    /// What was changed in apps is put right by changing the same in the directory: until apps are
    /// read and compared, only what changes is sent.
    fn undo_meddling(&mut self) -> Result<(), String> {
        let mut meddled: Vec<ResourceId> = Vec::new();
        {
            let mut scene = self.scene();
            let scene = &mut *scene;
            for app in &mut scene.apps {
                meddled.extend(std::mem::take(&mut app.meddled));
                // Whoever switched an account off that should be on switches it on again.
                for (id, holder) in std::mem::take(&mut app.switched_off) {
                    let stays = scene.directory.wish(holder, &app.terms).is_none();
                    if let Some(account) = app.accounts.get_mut(&id).filter(|_| stays) {
                        account.active = true;
                    }
                }
            }
        }
        meddled.sort_unstable();
        meddled.dedup();
        for id in meddled {
            let change = {
                let mut scene = self.scene();
                let scene = &mut *scene;
                let person = scene.directory.place(id);
                let group = scene.directory.groups.iter().position(|one| one.id == id);
                let step = scene.step;
                match (person, group) {
                    (Some(at), _) if scene.directory.people[at].there => {
                        Some(edited(scene, at, |person| {
                            person.title = Some(format!("R{step}"));
                            person.nick = Some(format!("S{step}"));
                            person.family = Some(format!("Q{step}"));
                            "changes throughout".into()
                        }))
                    }
                    (_, Some(at)) if scene.directory.groups[at].there => {
                        Some(renamed_group(scene, at))
                    }
                    _ => None,
                }
            };
            if let Some(change) = change {
                self.apply(change);
            }
        }
        self.settle()
    }

    /// Runs that say they are running although there is nothing left to do.
    pub(super) fn check_runs(&self) {
        let apps = self.scene().apps.len();
        for app in 0..apps {
            let id = self.app_id(app);
            let runs = self.read(move |reader| reader.runs(id, 100));
            for run in &runs {
                if ["planning", "cancelled", "failed"].contains(&run.state.as_str()) {
                    continue;
                }
                let name = run.id.0.simple();
                let items = self.read(move |reader| {
                    reader.probe(&format!(
                        "SELECT COUNT(*), '', '' FROM run_item WHERE run_id = x'{name}'"
                    ))
                });
                let counts =
                    run.summary["counts"].as_object().into_iter().flat_map(|all| all.values());
                let counts = counts.filter_map(|one| one.as_object()).flatten();
                let planned: i64 = counts
                    .filter(|(action, _)| *action != "unchanged")
                    .filter_map(|(_, count)| count.as_i64())
                    .sum();
                if items[0].0 != planned {
                    let items = items[0].0;
                    self.scene().broken(format!(
                        "a run of app{app} has {items} objects, and says that it has {planned}"
                    ));
                }
            }
            for run in runs.iter().filter(|run| run.state == "running") {
                self.scene().broken(format!(
                    "a run of app{app} does not end: {} of {} are done, {} failed",
                    run.done, run.total, run.failed
                ));
            }
        }
    }
}

/// A run that is asked for and planned by the same instance, unless it dies between.
async fn quick_sync(
    engine: &Engine,
    organization: OrganizationId,
    (app, confirm): (AppId, bool),
    adapter: Arc<dyn Adapter>,
) -> store::Result<()> {
    let request = sync::Request { kind: "sync", author: "operator:test".into(), confirm };
    let run = sync::row(engine, app, &request);
    engine.store().write(organization, move |transaction| transaction.insert_run(&run)).await?;
    keep_runs(engine, organization, app, adapter).await
}

/// What an instance does about runs from time to time: plans those that are to be planned, and starts
/// those whose turn it is.
async fn keep_runs(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    adapter: Arc<dyn Adapter>,
) -> store::Result<()> {
    let application = match engine.application(organization, app).await {
        Ok(Some(application)) => application,
        Err(ApplicationError::Store(error)) => return Err(error),
        _ => return Ok(()),
    };
    let application = Arc::new(Application { adapter, ..Application::clone(&application) });
    let runs = engine.store().read(organization, move |reader| reader.runs(app, 100)).await?;
    for run in runs.into_iter().rev() {
        match run.state.as_str() {
            "planning" => {
                if let Some(lease) = sync::lease(engine, app).await? {
                    sync::planner::made(engine, &application, run, &lease).await?;
                    engine.store().release_lease(&lease).await?;
                }
            }
            "queued" => {
                let (id, now_us) = (run.id, engine.clock().now_us());
                let turns = sync::Turns::of(&application);
                engine
                    .store()
                    .write(organization, move |transaction| {
                        sync::start(transaction, turns, id, now_us).map(|_| ())
                    })
                    .await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn switch_on(
    engine: &Engine,
    organization: OrganizationId,
    row: AppRow,
    adapter: Arc<dyn Adapter>,
) -> store::Result<()> {
    let app = row.id;
    let request = sync::Request { kind: "setup", author: "operator:test".into(), confirm: true };
    let run = sync::row(engine, app, &request);
    let change = sync::Change { row, actor: "operator:test".into(), action: "app.provisioning.on" };
    match sync::changed(engine, organization, change, run).await {
        // Somebody else changed the app meanwhile: it is said, and done again by hand.
        Err(store::Error::Stale) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => keep_runs(engine, organization, app, adapter).await,
    }
}
