//! Lists: conditions lowered to SQL, with an in-memory residual where nothing is indexed.

mod branch;
mod element;
mod lower;
mod membership;
mod order;
mod page;
mod predicate;
mod residual;
mod search;
mod text;
mod walk;

pub use search::Found;

use super::connection::Backend;
use super::resources::Stored;
use super::{Reader, Result};
use crate::id::{OrganizationId, ResourceId};
use crate::scim::filter::{Condition, eval};
use crate::scim::list::{Direction, Query};
use crate::scim::schema::ResourceType;
use branch::Branch;
use lower::{Lowering, Related, mentions};
use order::Order;
use page::Selection;
use predicate::{Lowered, Test};

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// All matches, not only those on the page.
    pub total: usize,
    /// The page.
    pub resources: Vec<Stored>,
}

/// Most rows that a filter on unindexed attributes examines before it is refused as `tooMany`.
pub const RESIDUAL_BOUND: i64 = 50_000;

impl Reader<'_> {
    /// One page of the resources of a type that meet a query. Attributes of `meta` and `$ref` are
    /// compared as they are below an empty base URL.
    ///
    /// # Errors
    /// [`super::Error::TooMany`] when an unindexed filter leaves more than [`RESIDUAL_BOUND`] rows.
    pub fn list(&mut self, kind: &ResourceType, query: &Query) -> Result<Page> {
        let sort = query.sort.as_ref();
        let (field, descending) = (sort.map(|s| &s.field), sort.map(|s| s.descending));
        let branch = Branch::new(self, kind, &query.condition, field, descending);
        match (branch.plain(), descending) {
            (Some(order), _) => branch.selection.page(self, order, query),
            (None, None) => residual::page(self, &branch, query.start_index, query.count),
            (None, Some(descending)) => {
                let direction =
                    if descending { Direction::Descending } else { Direction::Ascending };
                let entries = search::in_memory(self, &[branch], direction)?;
                let page = entries.iter().skip(query.start_index.saturating_sub(1));
                let ids: Vec<ResourceId> = page.take(query.count).map(|entry| entry.1).collect();
                Ok(Page { total: entries.len(), resources: residual::by_ids(self, &ids)? })
            }
        }
    }

    /// Whether one resource meets a condition (scopes of apps): a look-up, never a scan.
    pub fn meets(
        &mut self,
        kind: &ResourceType,
        resource: &Stored,
        condition: &Condition,
    ) -> Result<bool> {
        if mentions(condition, Related::Members) {
            let lowered = self.lowered(kind, condition);
            if lowered.exact {
                let mut selection = Selection::new(kind, self.organization, &lowered);
                selection.only(resource.id);
                return Ok(selection.total(self)? > 0);
            }
        }
        let mut documents = residual::complete(self, kind, vec![resource.clone()], condition)?;
        Ok(documents.pop().is_some_and(|(_, document)| eval::matches(condition, &document)))
    }

    /// How the database would find a page, in its own words: for administrators, and for tests
    /// that look-ups stay look-ups.
    pub fn explain(&mut self, kind: &ResourceType, query: &Query) -> Result<String> {
        let lowered = self.lowered(kind, &query.condition);
        let selection = Selection::new(kind, self.organization, &lowered);
        let order = match &query.sort {
            None => None,
            Some(sort) => Order::new(kind, self, &sort.field, sort.descending),
        };
        selection.explain(self, &order.unwrap_or_else(Order::by_id), query)
    }

    fn lowered(&self, kind: &ResourceType, condition: &Condition) -> Lowered {
        let organization = self.organization;
        let backend = self.conn.backend();
        Lowering { kind, organization, backend }.lower(condition, false)
    }
}

/// The test of a row that a condition becomes on SQLite, as text with `?` for every value; none
/// where the answer needs no test, or the database can make none.
pub fn tested(
    kind: &ResourceType,
    organization: OrganizationId,
    condition: &Condition,
) -> Option<String> {
    let lowering = Lowering { kind, organization, backend: Backend::Sqlite };
    match lowering.lower(condition, false).test {
        Test::Sql(sql) => Some(sql.text()),
        Test::True | Test::False => None,
    }
}
