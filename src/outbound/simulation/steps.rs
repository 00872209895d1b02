//! What may happen next, as dice decide: work goes on or dies, the directory and the apps change,
//! time passes, administrators do something.

use super::directory::{DEPARTMENTS, Directory, Group, Person};
use super::scene::Scene;
use super::task::{Ended, Task, complete};
use super::world::{INSTANCES, World, named, newcomer};
use crate::adapters::adapter::Adapter;
use crate::id::{AppId, OrganizationId, ResourceId};
use crate::mapping::field::Kind;
use crate::outbound::application::Application;
use crate::outbound::dispatch;
use crate::outbound::engine::Engine;
use crate::outbound::queue::{self, Claimed};
use crate::outbound::worker::{self, Effect};
use crate::scim::value::fold;
use crate::store::jobs::Job;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Most pieces of work at once.
const MOST_TASKS: usize = 10;
/// How often work goes on until it has surely heard that its job is somebody else's.
const SURELY_REFUSED: u32 = 3;

impl World {
    /// One step of the troubled part of a run.
    pub(super) fn trouble(&mut self) {
        let by = Duration::from_millis(u64::try_from(self.scene().dice.below(2_000)).unwrap());
        self.tick(by);
        let what = {
            let mut scene = self.scene();
            let weights =
                [(680, 0), (90, 1), (40, 2), (90, 3), (18, 4), (12, 5), (14, 6), (24, 7), (10, 8)];
            scene.dice.weighed(&weights)
        };
        match what {
            0 if !self.tasks.is_empty() => self.go_on(),
            2 => self.dispatch(),
            3 => self.change_directory(),
            4 => self.kill(),
            5 => self.jump(),
            6 => self.meddle(),
            7 => self.administrate(),
            8 => self.scene().resolve_late(None),
            _ => self.claim(),
        }
    }

    /// One piece of work goes on to its next await.
    pub(super) fn go_on(&mut self) {
        let at = self.scene().dice.below(self.tasks.len());
        self.step(at);
    }

    /// A piece of work goes on; what it came to is looked at.
    pub(super) fn step(&mut self, at: usize) {
        let Some(ended) = self.tasks[at].step(&self.scene) else { return };
        let task = self.tasks.remove(at);
        let label = self.scene().actors[task.actor].label.clone();
        match ended {
            Ended::Pushed(effect) => {
                self.scene().say(&format!("{label}: ends, {effect:?}"));
                let claims_more = !matches!(effect, Effect::Lost | Effect::Nothing);
                if claims_more && task.overtaken.is_some_and(|times| times >= SURELY_REFUSED) {
                    self.scene().broken(format!("{label} wrote, and the job was somebody else's"));
                }
                self.check_visible(&task, &effect);
            }
            Ended::Claimed(Claimed::Jobs(application, mut jobs)) => {
                let fate = if self.scene().calm { 1_000 } else { self.scene().dice.below(1_000) };
                if fate < 30 && !jobs.is_empty() {
                    // Claimed, and lost before anything was begun.
                    self.scene().say(&format!("{label}: {} jobs are lost", jobs.len()));
                    jobs.clear();
                } else if fate < 60 && !jobs.is_empty() {
                    self.scene().say(&format!("{label}: {} jobs go back", jobs.len()));
                    let (engine, organization) =
                        (&self.engines[task.instance], self.database.organization);
                    let id = self.scene().apps[task.app].id;
                    complete(queue::give_back(engine, organization, id, std::mem::take(&mut jobs)));
                }
                drop(application);
                for job in jobs {
                    let since = self.scene().actors[task.actor].since;
                    let who = self.scene().directory.label(job.resource);
                    let label = format!("i{} app{} {who} #{}", task.instance, task.app, job.fence);
                    self.scene().say(&format!(
                        "{label} is claimed: generation {}, attempts {}",
                        job.generation, job.attempts
                    ));
                    let actor = self.scene().enter(label, job.resource, since);
                    let engine = self.engines[task.instance].clone();
                    let (resource, fence) = (job.resource, job.fence);
                    let place = (self.database.organization, self.scene().apps[task.app].id);
                    let work = begun(engine, place, self.adapter(task.app), job);
                    for other in &mut self.tasks {
                        // The answer to a claim may be heard after that to a later one.
                        if other.app == task.app
                            && other.resource == Some(resource)
                            && other.fence < fence
                        {
                            other.overtaken.get_or_insert(0);
                        }
                    }
                    let mut new = Task::new((actor, task.instance, task.app), work);
                    new.resource = Some(resource);
                    new.fence = fence;
                    self.tasks.push(new);
                }
            }
            Ended::Claimed(Claimed::Stop | Claimed::Trouble) => {}
            Ended::Dispatched(done) => {
                let marked = done.unwrap();
                self.scene().say(&format!("{label}: {marked} jobs are marked"));
            }
            Ended::Synced(done) => {
                done.unwrap();
                self.scene().say(&format!("{label}: ends"));
            }
        }
    }

    /// An instance begins to publish changes.
    pub(super) fn dispatch(&mut self) {
        let instance = self.scene().dice.below(INSTANCES);
        let (engine, organization) = (self.engines[instance].clone(), self.database.organization);
        let actor = self.enter(format!("i{instance} dispatch"));
        self.tasks.push(Task::new((actor, instance, 0), async move {
            Ended::Dispatched(dispatch::dispatch(&engine, organization).await)
        }));
    }

    /// An instance begins to claim work of an app.
    pub(super) fn claim(&mut self) {
        if self.tasks.len() >= MOST_TASKS {
            return;
        }
        let (instance, app, limit, ahead) = {
            let mut scene = self.scene();
            let apps = scene.apps.len();
            let dice = &mut scene.dice;
            (dice.below(INSTANCES), dice.below(apps), 1 + dice.below(4), dice.chance(100))
        };
        self.claim_of(instance, app, limit, ahead);
    }

    pub(super) fn claim_of(&mut self, instance: usize, app: usize, limit: usize, ahead: bool) {
        let (engine, organization) = (self.engines[instance].clone(), self.database.organization);
        let id = self.scene().apps[app].id;
        let now_us = self.clock.now_us();
        let actor = self.enter(format!("i{instance} claims of app{app}"));
        self.tasks.push(Task::new((actor, instance, app), async move {
            Ended::Claimed(queue::claim(&engine, organization, id, limit, now_us, ahead).await)
        }));
    }

    pub(super) fn enter(&self, label: String) -> usize {
        let mut scene = self.scene();
        let step = scene.step;
        scene.enter(label, ResourceId(uuid::Uuid::nil()), step)
    }

    /// Something changes in the directory.
    pub(super) fn change_directory(&mut self) {
        let change = change(&mut self.scene());
        let Some(change) = change else { return };
        self.apply(change);
    }

    /// A change is written, and known.
    #[expect(clippy::needless_pass_by_value, reason = "a change is made once")]
    pub(super) fn apply(&self, change: Change) {
        self.scene().say(&change.told);
        // No request is still under way when what it was about changes: no app could tell.
        let about = match &change.what {
            What::Person(at) => Some(self.scene().directory.people[*at].id),
            What::Group(at) => Some(self.scene().directory.groups[*at].id),
            What::Delete(_, id) => Some(*id),
            _ => None,
        };
        self.scene().resolve_late(about);
        match change.what {
            What::New(at) => {
                let person = self.scene().directory.people[at].clone();
                self.directory(move |writes| writes.create("User", person.id, &person.body(), &[]));
            }
            What::Person(at) => {
                let person = self.scene().directory.people[at].clone();
                self.directory(move |writes| writes.replace("User", person.id, &person.body()));
            }
            What::Group(at) => {
                let group = self.scene().directory.groups[at].clone();
                self.directory(move |writes| {
                    writes.replace("Group", group.id, &named(&group.name))
                });
            }
            What::NewGroup(at) => {
                let group = self.scene().directory.groups[at].clone();
                let members: Vec<ResourceId> = group.members.iter().copied().collect();
                self.directory(move |writes| {
                    writes.create("Group", group.id, &named(&group.name), &members)
                });
            }
            What::Join(group, member) => {
                self.directory(move |writes| writes.join(group, member));
            }
            What::Leave(group, member) => {
                self.directory(move |writes| writes.leave(group, member));
            }
            What::Delete(kind, id) => {
                self.directory(move |writes| writes.delete(kind.as_str(), id));
            }
        }
        self.scene().note_wishes();
    }
}

/// A job that was claimed is worked on by the app as it is by then, as the queue does it.
async fn begun(
    engine: Engine,
    (organization, app): (OrganizationId, AppId),
    adapter: Arc<dyn Adapter>,
    job: Job,
) -> Ended {
    let now_us = engine.clock().now_us();
    let claimed = queue::claim(&engine, organization, app, 0, now_us, false).await;
    let Claimed::Jobs(application, _) = claimed else {
        queue::give_back(&engine, organization, app, vec![job]).await;
        return Ended::Pushed(Effect::Lost);
    };
    let application = Application { adapter, ..Application::clone(&application) };
    Ended::Pushed(worker::work(&engine, &application, job, None).await)
}

/// A change of the directory that the model has seen and the database has not.
pub(super) struct Change {
    told: String,
    what: What,
}

enum What {
    New(usize),
    Person(usize),
    Group(usize),
    NewGroup(usize),
    Join(ResourceId, ResourceId),
    Leave(ResourceId, ResourceId),
    Delete(Kind, ResourceId),
}

/// A change of one field of somebody.
pub(super) fn edited(
    scene: &mut Scene,
    at: usize,
    edit: impl FnOnce(&mut Person) -> String,
) -> Change {
    let person = &mut scene.directory.people[at];
    let before = Person { before: None, ..person.clone() };
    let told = edit(person);
    person.before = Some(Box::new(before));
    scene.last = at;
    Change { told: format!("p{at} {told}"), what: What::Person(at) }
}

/// A group gets another name.
pub(super) fn renamed_group(scene: &mut Scene, at: usize) -> Change {
    let name = format!("G{at}r{}", scene.step);
    scene.directory.groups[at].rename(name.clone());
    Change { told: format!("g{at} is renamed {name}"), what: What::Group(at) }
}

fn change(scene: &mut Scene) -> Option<Change> {
    let there: Vec<usize> =
        (0..scene.directory.people.len()).filter(|at| scene.directory.people[*at].there).collect();
    let groups: Vec<usize> =
        (0..scene.directory.groups.len()).filter(|at| scene.directory.groups[*at].there).collect();
    let weights = [
        (14, 0),
        (6, 1),
        (8, 2),
        (8, 3),
        (14, 4),
        (10, 5),
        (6, 6),
        (9, 7),
        (10, 8),
        (8, 9),
        (2, 10),
        (4, 11),
        (1, 12),
        (2, 13),
        (14, 14),
    ];
    let mut what = scene.dice.weighed(&weights);
    // A name that was given up is wanted at once.
    if latest_free(scene).is_some() && scene.dice.chance(150) {
        what = 7;
    }
    // What is just being told is taken back, at the worst moment.
    if scene.unanswered.is_some() && scene.dice.chance(300) {
        what = 14;
    }
    if there.is_empty() && what != 7 {
        return None;
    }
    let at = if there.is_empty() { 0 } else { scene.dice.pick(&there) };
    let number = scene.step;
    match what {
        0 => {
            let which = scene.dice.below(4);
            Some(edited(scene, at, |person| {
                let value = (which.is_multiple_of(2) || !number.is_multiple_of(3))
                    .then(|| format!("V{number}"));
                let field = if which < 2 { &mut person.title } else { &mut person.nick };
                field.clone_from(&value);
                format!("gets {} {value:?}", if which < 2 { "title" } else { "nick name" })
            }))
        }
        1 => {
            let family = scene.dice.chance(850).then(|| format!("F{number}"));
            Some(edited(scene, at, |person| {
                person.family.clone_from(&family);
                format!("gets family name {family:?}")
            }))
        }
        2 => {
            let department = scene.dice.pick(&DEPARTMENTS);
            Some(edited(scene, at, |person| {
                person.department = department;
                format!("goes to {department}")
            }))
        }
        3 => {
            let other = scene.dice.pick(&there);
            let manager = scene.dice.chance(800).then(|| scene.directory.people[other].id);
            Some(edited(scene, at, |person| {
                person.manager = manager;
                format!("has manager {:?}", manager.map(|_| format!("p{other}")))
            }))
        }
        4 => Some(edited(scene, at, |person| {
            person.active = !person.active;
            format!("is active: {}", person.active)
        })),
        5 => {
            // The worst moment is while it is not known what became of an account.
            let doubted: Vec<usize> = scene.in_doubt();
            let at = if !doubted.is_empty() && scene.dice.chance(500) {
                scene.dice.pick(&doubted)
            } else {
                at
            };
            let former = if scene.dice.chance(400) { free_name(scene) } else { None };
            let name = former.unwrap_or_else(|| format!("p{at}r{number}"));
            Some(edited(scene, at, |person| {
                person.rename(name.clone());
                format!("is renamed {name}")
            }))
        }
        6 => {
            let id = scene.directory.people[at].id;
            scene.directory.people[at].there = false;
            leave_all(&mut scene.directory, id);
            Some(Change { told: format!("p{at} is deleted"), what: What::Delete(Kind::User, id) })
        }
        7 => Some(hired(scene)),
        8 | 9 if !groups.is_empty() => {
            let group = scene.dice.pick(&groups);
            let id = scene.directory.people[at].id;
            let entry = &mut scene.directory.groups[group];
            let (told, what) = if entry.members.remove(&id) {
                (format!("p{at} leaves g{group}"), What::Leave(entry.id, id))
            } else {
                entry.members.insert(id);
                (format!("p{at} joins g{group}"), What::Join(entry.id, id))
            };
            Some(Change { told, what })
        }
        10 if groups.len() > 1 => {
            // A later group takes in an earlier one, so that there is no ring.
            let place = 1 + scene.dice.below(groups.len() - 1);
            let (outer, inner) = (groups[place], groups[scene.dice.below(place)]);
            let inner_id = scene.directory.groups[inner].id;
            let entry = &mut scene.directory.groups[outer];
            let (told, what) = if entry.members.remove(&inner_id) {
                (format!("g{inner} leaves g{outer}"), What::Leave(entry.id, inner_id))
            } else {
                entry.members.insert(inner_id);
                (format!("g{inner} joins g{outer}"), What::Join(entry.id, inner_id))
            };
            Some(Change { told, what })
        }
        11 if !groups.is_empty() => {
            let at = scene.dice.pick(&groups);
            Some(renamed_group(scene, at))
        }
        12 if groups.len() > 1 => {
            let at = scene.dice.pick(&groups);
            let id = scene.directory.groups[at].id;
            scene.directory.groups[at].there = false;
            leave_all(&mut scene.directory, id);
            scene.directory.groups[at].members.clear();
            Some(Change { told: format!("g{at} is deleted"), what: What::Delete(Kind::Group, id) })
        }
        13 => {
            let at = scene.directory.groups.len();
            let mut group = Group::new(ResourceId(scene.dice.uuid()), &format!("G{at}"));
            for person in &there {
                if scene.dice.chance(300) {
                    group.members.insert(scene.directory.people[*person].id);
                }
            }
            scene.directory.groups.push(group);
            Some(Change { told: format!("g{at} is new"), what: What::NewGroup(at) })
        }
        14 => {
            let unanswered = scene.unanswered.take().and_then(|id| scene.directory.place(id));
            let at = unanswered.unwrap_or(scene.last);
            let before = scene.directory.people[at].before.clone()?;
            scene.directory.people[at].there.then(|| {
                edited(scene, at, |person| {
                    person.go_back(&before);
                    "is as before".into()
                })
            })
        }
        _ => None,
    }
}

fn leave_all(directory: &mut Directory, id: ResourceId) {
    for group in &mut directory.groups {
        group.members.remove(&id);
    }
}

/// Somebody comes, and maybe by a name that somebody else had.
fn hired(scene: &mut Scene) -> Change {
    let at = scene.directory.people.len();
    let former = if scene.dice.chance(600) { free_name(scene) } else { None };
    let name = former.unwrap_or_else(|| format!("p{at}"));
    let person = newcomer(&mut scene.dice, &name);
    scene.directory.people.push(person);
    Change { told: format!("p{at} comes, as {name}"), what: What::New(at) }
}

/// A name that somebody had and nobody has: often the one that was given up last.
fn free_name(scene: &mut Scene) -> Option<String> {
    if let Some(latest) = latest_free(scene)
        && scene.dice.chance(600)
    {
        return Some(latest);
    }
    let people = &scene.directory.people;
    let had: BTreeSet<&String> = people.iter().flat_map(|person| &person.names).collect();
    let free: Vec<String> =
        had.into_iter().filter(|name| is_free(&scene.directory, name)).cloned().collect();
    (!free.is_empty()).then(|| free[scene.dice.below(free.len())].clone())
}

/// The name that whoever changed last gave up by that, if nobody has it.
fn latest_free(scene: &Scene) -> Option<String> {
    let before = scene.directory.people[scene.last].before.as_ref()?;
    let name = fold(&before.user_name);
    is_free(&scene.directory, &name).then_some(name)
}

fn is_free(directory: &Directory, name: &str) -> bool {
    !directory.people.iter().any(|person| person.there && fold(&person.user_name) == *name)
}
