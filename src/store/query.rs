//! Lists: conditions lowered to SQL, with an in-memory residual where nothing is indexed.

use super::resources::Stored;
use super::{Reader, Result};
use crate::scim::filter::Condition;
use crate::scim::list::Query;
use crate::scim::schema::ResourceType;

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
    /// One page of the resources of a type that meet a query.
    ///
    /// # Errors
    /// [`super::Error::TooMany`] when an unindexed filter leaves more than [`RESIDUAL_BOUND`] rows.
    pub fn list(&mut self, _kind: &ResourceType, _query: &Query) -> Result<Page> {
        todo!()
    }

    /// Whether one resource meets a condition (scopes of apps): a look-up, never a scan.
    pub fn meets(
        &mut self,
        _kind: &ResourceType,
        _resource: &Stored,
        _condition: &Condition,
    ) -> Result<bool> {
        todo!()
    }
}
