//! Resources: the rows behind `/Users` and `/Groups`.

use super::{Reader, Result, Transaction};
use crate::id::ResourceId;
use crate::scim::schema::ResourceType;
use serde_json::{Map, Value};

/// A resource as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: ResourceId,
    /// Name of its resource type.
    pub kind: String,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Canonical attributes (see [`crate::scim::resource::Valid`]); no id, meta, members, groups.
    pub attributes: Map<String, Value>,
    /// When it came to be.
    pub created_us: i64,
    /// When it last changed.
    pub modified_us: i64,
}

impl Stored {
    /// The complete SCIM resource but for `members` and `groups`: `schemas`, `id`, attributes,
    /// `meta` with `location` below `base`.
    pub fn complete(&self, _kind: &ResourceType, _base: &str) -> Map<String, Value> {
        todo!()
    }

    /// The weak entity tag: `W/"3"`.
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

impl Reader<'_> {
    /// A resource by id.
    pub fn resource(&mut self, _kind: &str, _id: ResourceId) -> Result<Option<Stored>> {
        todo!()
    }

    /// A resource of any type by id.
    pub fn resource_any(&mut self, _id: ResourceId) -> Result<Option<Stored>> {
        todo!()
    }
}

impl Transaction<'_> {
    /// A resource by id, locked against other writers until the transaction ends.
    pub fn resource_for_update(&mut self, _kind: &str, _id: ResourceId) -> Result<Option<Stored>> {
        todo!()
    }

    /// Inserts a resource and its index rows.
    ///
    /// # Errors
    /// [`super::Error::Taken`] for a userName in use.
    pub fn insert_resource(
        &mut self,
        _kind: &ResourceType,
        _id: ResourceId,
        _attributes: &Map<String, Value>,
        _now_us: i64,
    ) -> Result<Stored> {
        todo!()
    }

    /// Replaces the attributes of a locked resource, raises its version, and writes only the index
    /// rows that differ.
    pub fn update_resource(
        &mut self,
        _kind: &ResourceType,
        _before: &Stored,
        _attributes: &Map<String, Value>,
        _now_us: i64,
    ) -> Result<Stored> {
        todo!()
    }

    /// Raises the version only: members changed. Does not read the document's index rows.
    pub fn touch_resource(&mut self, _before: &Stored, _now_us: i64) -> Result<Stored> {
        todo!()
    }

    /// Deletes a resource, its index rows and its memberships (both ways).
    pub fn delete_resource(&mut self, _id: ResourceId) -> Result<()> {
        todo!()
    }
}
