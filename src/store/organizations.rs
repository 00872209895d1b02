//! Organizations.

use super::connection::on_backend;
use super::schema::organization;
use super::{Error, Reader, Result, Store, Transaction};
use crate::id::{OrganizationId, ResourceId};
use diesel::prelude::*;

/// A tenant: owns everything below.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
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

/// The table has no organization key, so whose view it is read through makes no difference.
const ANY: OrganizationId = OrganizationId(0);

impl Store {
    /// Every organization. Blocking tables without an organization key are read through the store,
    /// not through a [`super::Reader`].
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        self.glance(ANY, |reader| Ok(columns().order(organization::id).load(reader.conn)?)).await
    }

    /// The organization of that slug, made when missing. The first is number 1, `default`.
    pub async fn organization_named(&self, slug: &str, now_us: i64) -> Result<Organization> {
        let slug = slug.to_owned();
        let known = slug.clone();
        if let Some(found) = self.glance(ANY, move |reader| named(reader, &known)).await? {
            return Ok(found);
        }
        self.write(ANY, move |transaction| {
            insert(transaction, &slug, now_us)?;
            named(transaction, &slug)?.ok_or(Error::NotFound)
        })
        .await
    }

    /// Sets the person whose values mappings are shown with.
    pub async fn set_organization_admin(
        &self,
        organization: OrganizationId,
        admin: Option<ResourceId>,
    ) -> Result<()> {
        self.write(organization, move |transaction| {
            let row = organization::table.find(organization);
            match diesel::update(row)
                .set(organization::admin_id.eq(admin))
                .execute(transaction.conn)?
            {
                0 => Err(Error::NotFound),
                _ => Ok(()),
            }
        })
        .await
    }
}

#[diesel::dsl::auto_type]
fn columns() -> _ {
    organization::table.select((
        organization::id,
        organization::slug,
        organization::name,
        organization::admin_id,
    ))
}

fn named(reader: &mut Reader<'_>, slug: &str) -> Result<Option<Organization>> {
    Ok(columns().filter(organization::slug.eq(slug)).first(reader.conn).optional()?)
}

/// Makes an organization unless another caller just did. Two that make different ones at once
/// want the same number: the later is told to try again, and does.
fn insert(transaction: &mut Transaction<'_>, slug: &str, now_us: i64) -> Result<()> {
    let last: Option<i64> =
        organization::table.select(diesel::dsl::max(organization::id)).first(transaction.conn)?;
    let row = (
        organization::id.eq(last.unwrap_or(0) + 1),
        organization::slug.eq(slug),
        organization::name.eq(slug),
        organization::created_us.eq(now_us),
    );
    let inserted = on_backend!(&mut *transaction.conn, c => diesel::insert_into(organization::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    if inserted == 0 && named(transaction, slug)?.is_none() {
        return Err(Error::Busy);
    }
    Ok(())
}
