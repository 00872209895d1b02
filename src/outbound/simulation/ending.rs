//! How a run ends: faults stop, everything comes to rest, an administrator does what is asked of
//! one, and then nothing may be wrong any more.

use super::task::Task;
use super::world::{INSTANCES, LONGEST_GRACE, World};
use crate::adapters::adapter::Reason;
use crate::id::{AppId, ResourceId};
use crate::outbound::worker::Effect;
use std::time::Duration;

/// Longer than any lease, any wait and any wish of an app.
const LONG: Duration = Duration::from_mins(40);
/// How often everything may have to be looked at until it rests.
const MOST_ROUNDS: usize = 60;
/// How often an administrator may have to look.
const MOST_LOOKS: usize = 5;
/// A day, and as much as clocks may have gone back.
const DAY: Duration = Duration::from_hours(25);
/// How far a clock may go back.
const BACK_US: i64 = 10_000_000;

impl World {
    /// Lets everything that is begun and everything that is due come to its end.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        for _ in 0..MOST_ROUNDS {
            let instance = self.scene().dice.below(INSTANCES);
            self.tick(LONG);
            self.finish();
            self.dispatch();
            self.finish();
            let before = self.scene().actors.len();
            let apps = self.scene().apps.len();
            for app in 0..apps {
                self.keep_runs(app);
                self.finish();
                self.claim_of(instance, app, 200, false);
                self.finish();
            }
            if self.scene().actors.len() == before + 2 * apps {
                return self.scene().whole();
            }
        }
        Err("work does not come to rest".into())
    }

    /// Lets so many days pass as any policy gives those who leave.
    pub(super) fn let_grace_pass(&mut self) -> Result<(), String> {
        self.tick(DAY * LONGEST_GRACE);
        self.settle()
    }

    /// Finishes what is begun, in any order.
    fn finish(&mut self) {
        while !self.tasks.is_empty() {
            self.tick(Duration::ZERO);
            self.go_on();
        }
    }

    /// The end of a run.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.scene().resolve_late(None);
        self.scene().calm = true;
        self.scene().say("--- faults stop");
        self.settle()?;
        if self.scene().quiet {
            self.check_explained(0)?;
            self.end_grace();
            self.settle()?;
        }
        for days in 0..=LONGEST_GRACE {
            self.check_explained(days)?;
            self.tick(DAY);
            self.settle()?;
        }
        self.check_strangers();
        for _ in 0..MOST_LOOKS {
            self.check_explained(LONGEST_GRACE)?;
            self.scene().say("--- an administrator looks");
            self.put_right()?;
            if self.differences().is_empty() && self.waiting().is_empty() {
                break;
            }
        }
        let mut wrong: Vec<String> = self.differences().into_iter().map(|one| one.what).collect();
        wrong.extend(self.waiting());
        if !wrong.is_empty() {
            return Err(format!("not as the directory says: {}", wrong.join("; ")));
        }
        self.check_strangers();
        self.check_runs();
        self.check_parted();
        self.scene().whole()
    }

    /// Jobs that are left, in words.
    fn waiting(&self) -> Vec<String> {
        let apps: Vec<AppId> = self.scene().apps.iter().map(|app| app.id).collect();
        let mut waiting = Vec::new();
        for (at, id) in apps.into_iter().enumerate() {
            let (queue, parked) = self.read(move |reader| {
                Ok((reader.queue(id)?, reader.job_states(id, None, None, 1_000)?))
            });
            if queue.ready + queue.running > 0 {
                waiting.push(format!("app{at} has {queue:?}"));
            }
            for job in parked {
                if !self.misses_member(at, job.resource) {
                    let who = self.scene().directory.label(job.resource);
                    waiting.push(format!("app{at} {who}: parked, {:?}", job.error));
                }
            }
        }
        waiting
    }

    /// Whatever is not as it should be says so: a job with its reason, or an app that is paused or
    /// off. What somebody changed in the app, or what waits for a Quick Sync, cannot be known. After so
    /// many days, whatever may be so for as long is over.
    fn check_explained(&self, days: u32) -> Result<(), String> {
        for difference in self.differences().into_iter().filter(|one| one.days <= days) {
            let (app, is_unknown) = {
                let scene = self.scene();
                let app = &scene.apps[difference.app];
                let resource = difference.resource;
                (app.id, app.unsynced || resource.is_some_and(|id| app.meddled.contains(&id)))
            };
            let is_bereft =
                difference.resource.is_some_and(|id| self.is_bereft(difference.app, id));
            if is_unknown || is_bereft || self.is_explained(app, difference.resource) {
                continue;
            }
            return Err(format!("nothing says why {}", difference.what));
        }
        Ok(())
    }

    fn is_explained(&self, app: AppId, resource: Option<ResourceId>) -> bool {
        let (row, jobs) = self.read(move |reader| {
            let wanted: Vec<ResourceId> = resource.into_iter().collect();
            Ok((reader.app(app)?, reader.job_states(app, Some(&wanted), None, 1)?))
        });
        let row = row.unwrap();
        let rests = !row.enabled || row.paused.is_some();
        rests
            || jobs.iter().any(|job| {
                let error = job.error.as_deref().unwrap_or_default();
                match job.state.as_str() {
                    "parked" => serde_json::from_str::<Reason>(error)
                        .is_ok_and(|one| !one.detail.is_empty() && !one.remedy.is_empty()),
                    _ => !error.is_empty(),
                }
            })
    }

    /// What an app answered last is written down for the operator, if it was a failure.
    pub(super) fn check_visible(&self, task: &Task, effect: &Effect) {
        let (failed, resource, label) = {
            let scene = self.scene();
            let actor = &scene.actors[task.actor];
            (actor.failed.clone(), actor.resource, actor.label.clone())
        };
        let Some((failure, at_us)) = failed.filter(|_| *effect != Effect::Lost) else { return };
        let app = self.scene().apps[task.app].id;
        let (app, resource) = (app.0.simple().to_string(), resource.0.simple().to_string());
        let last = self.read(move |reader| {
            reader.probe(&format!(
                "SELECT at_us, outcome, action FROM attempt WHERE organization = 1 \
                 AND app_id = x'{app}' AND resource_id = x'{resource}' ORDER BY rowid DESC LIMIT 1"
            ))
        });
        if last.first().is_none_or(|(written_us, _, _)| *written_us < at_us - BACK_US) {
            self.scene().broken(format!("{label}: nobody is told that {failure}"));
        }
    }
}
