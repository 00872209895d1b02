//! What administrators do about policies, plans and pauses, and about accounts that an app lost.

use super::app::App;
use super::task::{Ended, Task, complete};
use super::terms::{Leave, Wish};
use super::world::{INSTANCES, World, leave};
use crate::id::{ResourceId, RunId};
use crate::outbound::application::Application;
use crate::outbound::policy::{Drift, Lost};
use crate::outbound::{links, sync};
use crate::scim::value::fold;
use crate::store::apps::{AppRow, Pause};
use std::sync::Arc;

impl World {
    /// One of an app's decisions becomes another one.
    pub(super) fn change_policy(&self, app: usize) {
        let (id, policy, now_us) = {
            let mut scene = self.scene();
            let scene = &mut *scene;
            scene.resolve_late(None);
            let people = scene.directory.people.len();
            let quiet = scene.quiet;
            let (what, who) = (scene.dice.below(7 - usize::from(quiet)), scene.dice.below(people));
            let App { terms, unsynced, protected, .. } = &mut scene.apps[app];
            let dice = &mut scene.dice;
            let wishes = [(2, Wish::Nothing), (5, Wish::Deactivate), (4, Wish::Delete)];
            let told = match what {
                at @ 0..=3 => {
                    let one = match at {
                        0 => &mut terms.deactivated,
                        1 => &mut terms.deleted,
                        2 => &mut terms.group_deleted,
                        _ => &mut terms.out_of_scope,
                    };
                    let before = one.wish;
                    let days = leave(dice, &wishes);
                    *one = if quiet || dice.chance(700) {
                        Leave { wish: before, ..days }
                    } else {
                        days
                    };
                    // Who left before is asked only by a Quick Sync; whoever waits needs none.
                    *unsynced |= one.wish != before;
                    format!("leavers of kind {at} of app{app}: {one:?}")
                }
                4 => {
                    terms.lost = dice.pick(&[Lost::Recreate, Lost::Park, Lost::Release]);
                    format!("what app{app} loses: {:?}", terms.lost)
                }
                5 => {
                    terms.drift = dice.pick(&[Drift::Enforce, Drift::Tolerate, Drift::Ask]);
                    format!("what is changed in app{app}: {:?}", terms.drift)
                }
                _ => {
                    let name = fold(&scene.directory.people[who].user_name);
                    if !terms.protected.remove(&name) {
                        terms.protected.insert(name);
                    }
                    protected.push((scene.step, terms.protected.clone()));
                    *unsynced = true;
                    format!("app{app} protects {:?}", terms.protected)
                }
            };
            scene.say(&told);
            (scene.apps[app].id, scene.apps[app].terms.policy(), self.clock.now_us())
        };
        self.write(move |transaction| {
            transaction.lock_organization()?;
            let row = transaction.app(id)?.unwrap();
            transaction.update_app(&AppRow { policy: policy.clone(), ..row }, now_us)
        });
        self.scene().note_wishes();
    }

    /// Nobody has days of grace any more, and whoever waits for them is not forgotten.
    pub(super) fn end_grace(&self) {
        let apps = self.scene().apps.len();
        for app in 0..apps {
            let (id, policy) = {
                let mut scene = self.scene();
                let terms = &mut scene.apps[app].terms;
                let all = [&mut terms.deactivated, &mut terms.deleted, &mut terms.out_of_scope];
                for leave in all {
                    leave.days = 0;
                }
                terms.group_deleted.days = 0;
                (scene.apps[app].id, scene.apps[app].terms.policy())
            };
            let now_us = self.clock.now_us();
            self.write(move |transaction| {
                transaction.lock_organization()?;
                let row = transaction.app(id)?.unwrap();
                transaction.update_app(&AppRow { policy: policy.clone(), ..row }, now_us)
            });
        }
        self.scene().say("days of grace are over everywhere");
        self.scene().note_wishes();
    }

    /// An app is paused by hand, or for its maintenance; or pauses that are over end.
    pub(super) fn pause(&self, app: usize) {
        let (id, what, minutes) = {
            let mut scene = self.scene();
            (scene.apps[app].id, scene.dice.below(3), 1 + scene.dice.below(20))
        };
        let now_us = self.clock.now_us();
        if what == 0 {
            complete(self.database.store.end_pauses(now_us)).unwrap();
            return self.scene().say("pauses that are over end");
        }
        let until_us = (what == 1).then(|| now_us + i64::try_from(minutes).unwrap() * 60_000_000);
        let by = if what == 1 { Pause::MAINTENANCE } else { Pause::ADMIN };
        let pause = Pause { until_us, ..Pause::new(by, "It is paused.") };
        self.write(move |transaction| transaction.pause_app(id, None, Some(&pause), now_us));
        self.scene().say(&format!("app{app} is paused by {by}"));
    }

    /// Runs that the clock asks for are asked for.
    pub(super) fn schedule(&mut self) {
        let instance = self.scene().dice.below(INSTANCES);
        let engine = self.engines[instance].clone();
        let actor = self.enter(format!("i{instance} schedule"));
        self.scene().say("the schedule is looked at");
        self.tasks.push(Task::new((actor, instance, 0), async move {
            Ended::Synced(sync::schedule(&engine).await)
        }));
    }

    /// A plan that waits for somebody is confirmed, or approved.
    pub(super) fn confirm(&self, app: usize) {
        let id = self.scene().apps[app].id;
        let runs = self.read(move |reader| reader.runs(id, 100));
        let waits = |state: &str| ["planned", "held", "planning"].contains(&state);
        if let Some(run) = runs.into_iter().find(|run| waits(&run.state)) {
            self.scene().say(&format!("a plan of app{app} is confirmed: it was {}", run.state));
            self.let_run(app, run.id, run.state == "held");
        }
    }

    fn let_run(&self, app: usize, run: RunId, is_held: bool) {
        let (engine, organization) = (&self.engines[0], self.database.organization);
        let id = self.scene().apps[app].id;
        complete(async {
            let Ok(Some(application)) = engine.application(organization, id).await else { return };
            let (row, turns) = (application.row.clone(), sync::Turns::of(&application));
            if is_held {
                let (by, reason) =
                    ("operator:test".to_owned(), "It is as it should be.".to_owned());
                let approval = sync::Approval { by, reason };
                sync::approve(engine, organization, (row, turns), run, approval).await.unwrap();
            }
            sync::confirm(engine, organization, turns, run).await.unwrap();
        });
    }

    /// Whatever waits for somebody's approval gets it.
    pub(super) fn approve(&self, app: usize) {
        let (id, now_us) = (self.scene().apps[app].id, self.clock.now_us());
        let runs = self.read(move |reader| reader.runs(id, 100));
        for run in runs.into_iter().filter(|run| run.state == "held") {
            self.scene().say(&format!("a held run of app{app} is approved"));
            self.let_run(app, run.id, true);
        }
        self.write(move |transaction| transaction.approve_waiting(id, u64::MAX, now_us).map(drop));
    }

    /// Those whose accounts an app lost are looked for anew.
    pub(super) fn relink(&mut self, app: usize) {
        let (engine, organization) = (self.engines[0].clone(), self.database.organization);
        let (id, adapter) = (self.scene().apps[app].id, self.adapter(app));
        for resource in self.holders(app).bereft() {
            let label = self.scene().directory.label(resource);
            self.scene().say(&format!("{label} is linked anew in app{app}"));
            let actor = self.enter(format!("somebody relinks {label} in app{app}"));
            self.scene().actors[actor].resource = resource;
            let (engine, adapter) = (engine.clone(), Arc::clone(&adapter));
            self.tasks.push(Task::new((actor, 0, app), async move {
                let application = engine.application(organization, id).await.unwrap().unwrap();
                let application = Application { adapter, ..Application::clone(&application) };
                let by = Some("operator:test".to_owned());
                match links::relink(&engine, &application, resource, by).await {
                    Err(links::Error::Store(error)) => Ended::Synced(Err(error)),
                    // It says why not: they are gone, or have no account and need none.
                    _ => Ended::Synced(Ok(())),
                }
            }));
        }
    }

    /// Whether an app has lost somebody's object, and it says so where people look.
    pub(super) fn is_bereft(&self, app: usize, resource: ResourceId) -> bool {
        self.holders(app).bereft().contains(&resource)
    }

    /// Nothing was taken for gone that the app was not asked for.
    pub(super) fn check_parted(&self) {
        let parted = self.read(|reader| reader.probe("SELECT rowid, app, remote FROM parted"));
        let mut scene = self.scene();
        for (_, name, remote) in parted {
            let at = scene.apps.iter().position(|app| app.id.0.simple().to_string() == name);
            let Some(at) = at else { continue };
            if !scene.denied.contains(&(at, remote.clone())) {
                scene.broken(format!(
                    "{remote} of app{at} was taken for gone, and nobody had asked"
                ));
            }
        }
    }
}
