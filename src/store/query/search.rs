//! Queries over one resource type or several, by index and by cursor.

use super::branch::{self, Branch};
use super::{residual, walk};
use crate::id::ResourceId;
use crate::scim::cursor::{Bound, Key};
use crate::scim::list::{Direction, Paging, Part, Query, Search, Sort};
use crate::store::resources::Stored;
use crate::store::{Reader, Result};
use std::cmp::Ordering;
use std::ops::ControlFlow;

/// A page of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How many there are; not counted again for a page that begins at a place.
    pub total: Option<usize>,
    /// The page.
    pub resources: Vec<Stored>,
    /// Where the page before this one begins, if there is one and pages are asked for by place.
    pub previous: Option<Bound>,
    /// Where the page after this one begins.
    pub next: Option<Bound>,
}

impl Reader<'_> {
    /// One page of the resources that meet a query.
    ///
    /// # Errors
    /// As [`Reader::list`]; [`crate::store::Error::Refused`] (`invalidCursor`) for a place that is
    /// none in this list.
    pub fn search(&mut self, search: &Search) -> Result<Found> {
        let branches = self.branches(search);
        match &search.page {
            Paging::Index { start_index, count } => {
                self.by_index(search, &branches, *start_index, *count)
            }
            Paging::Cursor { count, from } => {
                self.by_cursor(search, &branches, *count, from.as_ref())
            }
        }
    }

    /// How the database would find a page from a place on, as [`Reader::explain`] says it of pages
    /// by number.
    ///
    /// # Errors
    /// As [`Reader::search`].
    pub fn explain_from(&mut self, search: &Search) -> Result<String> {
        let branches = self.branches(search);
        let from = match &search.page {
            Paging::Index { .. } => None,
            Paging::Cursor { from, .. } => from.as_ref(),
        };
        walk::explain(self, &branches, search.sorted.is_some(), from, search.count())
    }

    fn branches<'s>(&self, search: &'s Search) -> Vec<Branch<'s>> {
        let descending = search.sorted.map(|direction| direction == Direction::Descending);
        let branch = |part: &'s Part| {
            Branch::new(self, &part.kind, &part.condition, part.field.as_ref(), descending)
        };
        search.parts.iter().map(branch).collect()
    }

    fn by_index(
        &mut self,
        search: &Search,
        branches: &[Branch<'_>],
        start_index: usize,
        count: usize,
    ) -> Result<Found> {
        let mut skipped = start_index.saturating_sub(1);
        let (mut total, mut resources) = (0, Vec::new());
        match search.sorted {
            Some(direction) if branches.len() > 1 => {
                if plain(branches) {
                    for branch in branches {
                        total += self.total(branch, &mut 0)?;
                    }
                    resources = walk::at(self, branches, skipped, count)?;
                } else {
                    let entries = in_memory(self, branches, direction)?;
                    total = entries.len();
                    let ids: Vec<ResourceId> =
                        entries.iter().skip(skipped).take(count).map(|entry| entry.1).collect();
                    resources = residual::by_ids(self, &ids)?;
                }
            }
            _ => {
                for part in &search.parts {
                    let sort = search.sorted.zip(part.field.clone()).map(|(direction, field)| {
                        Sort { field, descending: direction == Direction::Descending }
                    });
                    let query = Query {
                        condition: part.condition.clone(),
                        sort,
                        start_index: skipped + 1,
                        count: count - resources.len(),
                    };
                    let page = self.list(&part.kind, &query)?;
                    total += page.total;
                    skipped = skipped.saturating_sub(page.total);
                    resources.extend(page.resources);
                }
            }
        }
        Ok(Found { total: Some(total), resources, previous: None, next: None })
    }

    fn by_cursor(
        &mut self,
        search: &Search,
        branches: &[Branch<'_>],
        count: usize,
        from: Option<&Bound>,
    ) -> Result<Found> {
        let backward = from.is_some_and(|bound| bound.backward);
        let sorted = search.sorted.is_some();
        let in_sql = !sorted || plain(branches);
        let mut total = None;
        // One more than asked for tells whether there is another page.
        let mut resources = match search.sorted.filter(|_| !in_sql) {
            None => walk::from(self, branches, sorted, from, count + 1)?,
            Some(direction) => {
                let entries = in_memory(self, branches, direction)?;
                total = Some(entries.len());
                let ids = from_place(&entries, direction, from, count + 1);
                residual::by_ids(self, &ids)?
            }
        };
        if from.is_some() {
            total = None;
        } else if resources.len() <= count {
            total = Some(resources.len());
        } else if total.is_none() {
            let (mut sum, mut examined) = (0, 0);
            for branch in branches {
                sum += self.total(branch, &mut examined)?;
            }
            total = Some(sum);
        }
        let more = resources.len() > count;
        resources.truncate(count);
        if backward {
            resources.reverse();
        }
        let (mut previous, mut next) = (None, None);
        if count > 0 {
            let place = |resource: Option<&Stored>, backward| {
                let position = branch::position(branches, resource?, sorted, in_sql)?;
                Some(Bound { position, backward, inclusive: false })
            };
            // An empty page lies where it was looked for.
            let first = place(resources.first(), true).or_else(|| turned(from, true));
            let last = place(resources.last(), false).or_else(|| turned(from, false));
            previous = first.filter(|_| if backward { more } else { from.is_some() });
            next = last.filter(|_| backward || more);
        }
        Ok(Found { total, resources, previous, next })
    }

    fn total(&mut self, branch: &Branch<'_>, examined: &mut i64) -> Result<usize> {
        if branch.exact {
            let total = branch.selection.total(self)?;
            return Ok(usize::try_from(total).unwrap_or(usize::MAX));
        }
        residual::count(self, branch, examined)
    }
}

/// Whether the database makes the list by itself.
fn plain(branches: &[Branch<'_>]) -> bool {
    branches.iter().all(|branch| branch.plain().is_some())
}

/// The place from which the page that was looked for lies in the other direction.
fn turned(from: Option<&Bound>, backward: bool) -> Option<Bound> {
    from.filter(|bound| bound.backward != backward).map(Bound::turned)
}

type Entry = (Key, ResourceId);

/// Everything that meets a query, in its order.
pub(super) fn in_memory(
    reader: &mut Reader<'_>,
    branches: &[Branch<'_>],
    direction: Direction,
) -> Result<Vec<Entry>> {
    let (mut entries, mut examined) = (Vec::new(), 0);
    for branch in branches {
        residual::scan(reader, branch, None, false, &mut examined, |resource, document| {
            entries.push((branch.key(&resource, document, false), resource.id));
            ControlFlow::Continue(())
        })?;
    }
    entries.sort_unstable_by(|a, b| order(direction, a, b));
    Ok(entries)
}

/// Missing values last, or first when descending (RFC 7644 §3.4.2.3); equal ones in the order of
/// creation.
fn order(direction: Direction, (a, a_id): &Entry, (b, b_id): &Entry) -> Ordering {
    let turn = |ordering: Ordering| match direction {
        Direction::Ascending => ordering,
        Direction::Descending => ordering.reverse(),
    };
    match (a, b) {
        (Key::Unsorted, Key::Unsorted) => turn(a_id.cmp(b_id)),
        _ => turn(a.cmp(b)).then(a_id.cmp(b_id)),
    }
}

/// Up to `count` entries from a place on, in the direction in which it lies.
fn from_place(
    entries: &[Entry],
    direction: Direction,
    from: Option<&Bound>,
    count: usize,
) -> Vec<ResourceId> {
    let Some(bound) = from else {
        return entries.iter().take(count).map(|entry| entry.1).collect();
    };
    let place = (bound.position.key.clone(), ResourceId(bound.position.id));
    let before = |entry: &Entry| match order(direction, entry, &place) {
        Ordering::Less => true,
        Ordering::Equal => bound.backward == bound.inclusive,
        Ordering::Greater => false,
    };
    let (earlier, later) = entries.split_at(entries.partition_point(before));
    if bound.backward {
        earlier.iter().rev().take(count).map(|entry| entry.1).collect()
    } else {
        later.iter().take(count).map(|entry| entry.1).collect()
    }
}
