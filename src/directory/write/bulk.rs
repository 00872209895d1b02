//! Several writes in one transaction (RFC 7644 §3.7), each kept or undone by itself.

use super::Answered;
use super::within::{Behalf, Creation, Outcome, Patch, Replacement, new_id};
use crate::directory::answer::location;
use crate::directory::{Caller, Precondition, Service, Tags, not_found, resource_id};
use crate::id::ResourceId;
use crate::scim::bulk::{Action, Method, Operation, Request, Step};
use crate::scim::dialect::Forgiven;
use crate::scim::error::{Fault, shortened};
use crate::scim::schema::ResourceType;
use crate::store::resources::Stored;
use crate::store::{Error, Result, Transaction};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What became of one operation.
#[derive(Debug)]
pub struct Done {
    /// Where the resource is, or would be; none for a POST that failed and for an operation whose
    /// path says nothing.
    pub location: Option<String>,
    /// The resource's entity tag, where it is there.
    pub etag: Option<String>,
    /// The status, or what went wrong.
    pub result: Result<u16>,
}

/// An operation that was read as far as that goes without the database.
struct Prepared {
    location: Option<String>,
    write: Result<Write>,
}

enum Write {
    Create(Creation, Arc<ResourceType>),
    Replace(ResourceId, Precondition, Replacement),
    Patch(ResourceId, Precondition, Patch, Arc<ResourceType>),
    Delete(ResourceId, Precondition, Arc<ResourceType>),
}

/// What a write comes to.
struct Written {
    /// The resource, unless it is gone.
    stored: Option<Stored>,
    status: u16,
    /// Whether anything differs.
    changed: bool,
    /// What was forgiven.
    forgiven: Forgiven,
}

impl Written {
    fn of(outcome: Outcome, status: u16) -> Self {
        let Outcome { stored, changed, forgiven, .. } = outcome;
        Self { stored: Some(stored), status, changed, forgiven }
    }
}

impl Service {
    /// Does the operations of a bulk request in one transaction, each all or nothing; what fails is
    /// told and does not disturb the others. Answers what became of each, in their order; nothing
    /// for those that were not reached before `failOnErrors`.
    ///
    /// # Errors
    /// [`Error::Busy`] and [`Error::Database`], when nothing was done.
    pub async fn bulk(
        &self,
        caller: &Caller,
        request: Request,
        base: &str,
    ) -> Result<Vec<Option<Done>>> {
        let steps = request.steps();
        let fail_on_errors = request.fail_on_errors.unwrap_or(usize::MAX);
        let forgiven = request.forgiven;
        let links: Vec<Link> = request.operations.iter().map(Link::of).collect();
        let prepared = self.prepare(caller, request.operations, base);
        let (behalf, base) = (self.behalf(caller), base.to_owned());
        self.write(caller, move |transaction| {
            let mut run = Run {
                behalf: &behalf,
                base: &base,
                links: &links,
                prepared: &prepared,
                done: links.iter().map(|_| None).collect(),
                failures: 0,
                changed: false,
                forgiven,
            };
            for step in &steps {
                if run.failures >= fail_on_errors {
                    break;
                }
                run.step(transaction, step)?;
            }
            Ok(Answered { answer: run.done, changed: run.changed, forgiven: run.forgiven })
        })
        .await
    }

    /// Reads what the operations send. New resources get their ids here, so that references to them
    /// can be read as ids.
    fn prepare(&self, caller: &Caller, operations: Vec<Operation>, base: &str) -> Vec<Prepared> {
        let start_us = self.clock.now_us();
        let mut ids: HashMap<String, ResourceId> = HashMap::new();
        let mut times = Vec::with_capacity(operations.len());
        for (operation, now_us) in operations.iter().zip(start_us..) {
            let post = operation.action.as_ref().is_ok_and(|one| one.method == Method::Post);
            let new = post.then(|| (new_id(now_us), now_us));
            if let (Some((id, _)), Some(bulk_id)) = (new, &operation.sent.bulk_id) {
                ids.insert(bulk_id.clone(), id);
            }
            times.push(new);
        }
        let id = |bulk_id: &str| ids.get(bulk_id).map(ToString::to_string);
        let one = |(operation, new): (Operation, Option<(ResourceId, i64)>)| match operation.action
        {
            Ok(action) => prepare(caller, action.resolved(&id), new, base),
            Err(error) => {
                let post = operation.sent.method.as_deref() == Some("POST");
                let path = operation.sent.path.filter(|_| !post);
                let location = path.map(|path| format!("{base}/{}", path.trim_start_matches('/')));
                Prepared { location, write: Err(error.into()) }
            }
        };
        operations.into_iter().zip(times).map(one).collect()
    }
}

fn prepare(
    caller: &Caller,
    action: Action,
    new: Option<(ResourceId, i64)>,
    base: &str,
) -> Prepared {
    let Action { kind, method, subject, version, data } = action;
    let location = subject.as_ref().map(|subject| format!("{base}{}/{subject}", kind.endpoint));
    let if_match = version.map(|version| Tags::parse(&version));
    let precondition = Precondition { if_match, if_none_match: None };
    let id = subject.as_deref().map(|text| resource_id(text).ok_or_else(|| not_found(&kind, text)));
    let write = match (method, new, id) {
        (Method::Post, Some((id, now_us)), _) => {
            Creation::read(caller, &kind, id, data, now_us).map(|made| Write::Create(made, kind))
        }
        (Method::Put, _, Some(id)) => id.and_then(|id| {
            Replacement::read(caller, &kind, data).map(|new| Write::Replace(id, precondition, new))
        }),
        (Method::Patch, _, Some(id)) => id.and_then(|id| {
            Patch::read(caller, &kind, &data).map(|new| Write::Patch(id, precondition, new, kind))
        }),
        (Method::Delete, _, Some(id)) => id.map(|id| Write::Delete(id, precondition, kind)),
        // A POST has an id, and the others a subject: the request was read so.
        _ => Err(Error::NotFound),
    };
    Prepared { location, write }
}

/// How an operation hangs together with the others.
struct Link {
    bulk_id: Option<String>,
    needs: Vec<usize>,
}

impl Link {
    fn of(operation: &Operation) -> Self {
        Self { bulk_id: operation.sent.bulk_id.clone(), needs: operation.needs.clone() }
    }
}

/// A bulk request at work.
struct Run<'r> {
    behalf: &'r Behalf,
    base: &'r str,
    links: &'r [Link],
    prepared: &'r [Prepared],
    done: Vec<Option<Done>>,
    failures: usize,
    changed: bool,
    forgiven: Forgiven,
}

impl Run<'_> {
    fn step(&mut self, transaction: &mut Transaction<'_>, step: &Step) -> Result<()> {
        match step {
            Step::One(at) => {
                let written = transaction
                    .savepoint(|transaction| self.one(transaction, *at, &HashSet::new()));
                self.settle(*at, written)
            }
            Step::Circle(all) => self.circle(transaction, all),
            Step::Knot(all) => {
                for &at in all {
                    self.settle(at, Err(refused(Fault::Knot)))?;
                }
                Ok(())
            }
        }
    }

    /// All of them or none: the first that fails says why, the others name it.
    fn circle(&mut self, transaction: &mut Transaction<'_>, all: &[usize]) -> Result<()> {
        let circle: HashSet<usize> = all.iter().copied().collect();
        let mut failed = None;
        let written = transaction.savepoint(|transaction| {
            let each = |&at: &usize| {
                let written = self.one(transaction, at, &circle);
                if let Err(error) = &written {
                    failed = Some((at, error.clone()));
                }
                written
            };
            all.iter().map(each).collect::<Result<Vec<Written>>>()
        });
        match (written, failed) {
            (Ok(written), _) => {
                for (&at, written) in all.iter().zip(written) {
                    self.settle(at, Ok(written))?;
                }
            }
            (Err(_), Some((first, error))) => {
                for &at in all {
                    let error = if at == first { error.clone() } else { self.missing(first) };
                    self.settle(at, Err(error))?;
                }
            }
            (Err(error), None) => return Err(error),
        }
        Ok(())
    }

    /// Does one operation, if those that it refers to were done, or are of its circle.
    fn one(
        &self,
        transaction: &mut Transaction<'_>,
        at: usize,
        circle: &HashSet<usize>,
    ) -> Result<Written> {
        let (Some(link), Some(prepared)) = (self.links.get(at), self.prepared.get(at)) else {
            return Err(Error::NotFound);
        };
        let undone = |need: &&usize| {
            let done = self.done.get(**need).and_then(Option::as_ref);
            let failed = done.is_none_or(|done| done.result.is_err());
            failed && **need != at && !circle.contains(need)
        };
        if let Some(need) = link.needs.iter().find(undone) {
            return Err(self.missing(*need));
        }
        let behalf = self.behalf;
        match prepared.write.as_ref().map_err(Clone::clone)? {
            Write::Create(creation, _) => {
                Ok(Written::of(behalf.create(transaction, creation)?, 201))
            }
            Write::Replace(id, precondition, replacement) => {
                let outcome = behalf.replace(transaction, *id, precondition, replacement)?;
                Ok(Written::of(outcome, 200))
            }
            Write::Patch(id, precondition, patch, kind) => {
                let outcome = behalf.patch(transaction, *id, precondition, patch)?;
                // As alone: nobody adds a member to be sent all of them.
                Ok(Written::of(outcome, if kind.has_members() { 204 } else { 200 }))
            }
            Write::Delete(id, precondition, kind) => {
                behalf.delete(transaction, kind, *id, precondition)?;
                let forgiven = Forgiven::default();
                Ok(Written { stored: None, status: 204, changed: true, forgiven })
            }
        }
    }

    /// What an operation is told that refers to one that failed.
    fn missing(&self, need: usize) -> Error {
        let bulk_id = self.links.get(need).and_then(|link| link.bulk_id.as_deref());
        refused(Fault::BulkIdFailed { bulk_id: shortened(bulk_id.unwrap_or_default()) })
    }

    /// Writes down what became of an operation.
    fn settle(&mut self, at: usize, written: Result<Written>) -> Result<()> {
        let Some(prepared) = self.prepared.get(at) else { return Ok(()) };
        let location = prepared.location.clone();
        let done = match written {
            Ok(Written { stored, status, changed, forgiven }) => {
                self.changed |= changed;
                self.forgiven = self.forgiven.and(forgiven);
                let made = match (&prepared.write, &stored) {
                    (Ok(Write::Create(_, kind)), Some(stored)) => {
                        Some(self::location(self.base, kind, stored.id))
                    }
                    _ => None,
                };
                let etag = stored.as_ref().map(Stored::etag);
                Done { location: made.or(location), etag, result: Ok(status) }
            }
            // These may have cost the whole transaction.
            Err(error @ (Error::Busy | Error::Database(_))) => return Err(error),
            Err(error) => {
                self.failures += 1;
                Done { location, etag: None, result: Err(of_an_operation(error)) }
            }
        };
        if let Some(place) = self.done.get_mut(at) {
            *place = Some(done);
        }
        Ok(())
    }
}

/// The same failure in the words of an operation.
fn of_an_operation(error: Error) -> Error {
    match error {
        Error::Stale => refused(Fault::StaleVersion),
        other => other,
    }
}

fn refused(fault: Fault) -> Error {
    Error::Refused(fault.into())
}
