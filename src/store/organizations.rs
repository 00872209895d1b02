//! Organizations.

use super::{Result, Store};
use crate::id::{OrganizationId, ResourceId};

/// A tenant: owns everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its number.
    pub id: OrganizationId,
    /// Its name in URLs.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The person whose values mappings are shown with, unless changed.
    pub admin: Option<ResourceId>,
}

impl Store {
    /// Every organization. Blocking tables without an organization key are read through the store,
    /// not through a [`super::Reader`].
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        todo!()
    }

    /// The organization of that slug, made when missing. The first is number 1, `default`.
    pub async fn organization_named(&self, _slug: &str, _now_us: i64) -> Result<Organization> {
        todo!()
    }

    /// Sets the person whose values mappings are shown with.
    pub async fn set_organization_admin(
        &self,
        _organization: OrganizationId,
        _admin: Option<ResourceId>,
    ) -> Result<()> {
        todo!()
    }
}
