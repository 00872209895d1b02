//! In which order operations that refer to each other work.
//!
//! Only a POST can be referred to. Ids are given before anything is written, so a reference in an
//! attribute asks for no order of its own; but it must not be kept when the POST fails, and a
//! member must be there before it joins. Hence a POST goes before whoever refers to it. POSTs that
//! refer to each other in a circle work together: with the members before their groups, if there
//! is such an order.

use super::{Operation, Step};
use std::collections::{BTreeMap, BTreeSet};

/// The steps, in the order in which they work.
pub(super) fn steps(operations: &[Operation]) -> Vec<Step> {
    let mut search = Search {
        operations,
        visits: vec![Visit::default(); operations.len()],
        next: 0,
        open: Vec::new(),
        steps: Vec::new(),
    };
    for at in 0..operations.len() {
        search.visit(at);
    }
    search.steps
}

/// Tarjan's search for circles, which finds them after all that they refer to.
struct Search<'o> {
    operations: &'o [Operation],
    visits: Vec<Visit>,
    next: usize,
    open: Vec<usize>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Default)]
struct Visit {
    number: Option<usize>,
    /// The lowest number that can be reached from here.
    lowest: usize,
    open: bool,
}

impl Search<'_> {
    /// Visits an operation and what it refers to, which is no deeper than there are operations.
    fn visit(&mut self, at: usize) -> Visit {
        let Some(operation) = self.operations.get(at) else { return Visit::default() };
        if let Some(seen) = self.visits.get(at).filter(|visit| visit.number.is_some()) {
            return *seen;
        }
        let number = self.next;
        self.next += 1;
        let mut visit = Visit { number: Some(number), lowest: number, open: true };
        self.set(at, visit);
        self.open.push(at);
        for &need in &operation.needs {
            let known = self.visits.get(need).is_some_and(|visit| visit.number.is_some());
            let found = self.visit(need);
            if !known {
                visit.lowest = visit.lowest.min(found.lowest);
            } else if found.open {
                visit.lowest = visit.lowest.min(found.number.unwrap_or(number));
            }
        }
        if visit.lowest == number {
            let start = self.open.iter().rposition(|open| *open == at).unwrap_or_default();
            let circle: BTreeSet<usize> = self.open.drain(start..).collect();
            for &member in &circle {
                if let Some(visit) = self.visits.get_mut(member) {
                    visit.open = false;
                }
            }
            visit.open = false;
            self.steps.push(step(self.operations, circle));
        }
        self.set(at, visit);
        visit
    }

    fn set(&mut self, at: usize, visit: Visit) {
        if let Some(place) = self.visits.get_mut(at) {
            *place = visit;
        }
    }
}

/// What to do about operations that cannot do without each other.
fn step(operations: &[Operation], circle: BTreeSet<usize>) -> Step {
    // Who waits for whom, and for how many.
    let mut followers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut waits: BTreeMap<usize, usize> = BTreeMap::new();
    for &at in &circle {
        let members = operations.get(at).map_or(&[] as &[usize], |found| &found.members);
        let members: Vec<usize> = members.iter().copied().filter(|m| circle.contains(m)).collect();
        waits.insert(at, members.len());
        for member in members {
            followers.entry(member).or_default().push(at);
        }
    }
    let mut ready: BTreeSet<usize> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at).collect();
    let mut order = Vec::with_capacity(circle.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for follower in followers.remove(&at).unwrap_or_default() {
            let Some(count) = waits.get_mut(&follower) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.insert(follower);
            }
        }
    }
    match order.as_slice() {
        _ if order.len() < circle.len() => Step::Knot(circle.into_iter().collect()),
        [one] => Step::One(*one),
        _ => Step::Circle(order),
    }
}
