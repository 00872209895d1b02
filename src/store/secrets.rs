//! Sealed secrets. The store never sees what is inside.

use super::schema::secret;
use super::{Reader, Result, Transaction};
use diesel::prelude::*;

/// A sealed secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Name of the setting.
    pub name: String,
    /// Which key opens it.
    pub key_id: String,
    /// Nonce, ciphertext and tag.
    pub sealed: Vec<u8>,
}

impl Reader<'_> {
    /// The secrets of an owner, by name.
    pub fn secrets(&mut self, owner: &str) -> Result<Vec<SecretRow>> {
        let rows: Vec<(String, String, Vec<u8>)> = secret::table
            .filter(secret::organization.eq(self.organization).and(secret::owner.eq(owner)))
            .order(secret::name)
            .select((secret::name, secret::key_id, secret::sealed))
            .load(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(name, key_id, sealed)| SecretRow { name, key_id, sealed })
            .collect())
    }
}

impl Transaction<'_> {
    /// Puts a secret in place of the one of that name.
    pub fn put_secret(&mut self, owner: &str, row: &SecretRow, now_us: i64) -> Result<()> {
        self.delete_secret(owner, &row.name)?;
        diesel::insert_into(secret::table)
            .values((
                secret::organization.eq(self.organization),
                secret::owner.eq(owner),
                secret::name.eq(&row.name),
                secret::key_id.eq(&row.key_id),
                secret::sealed.eq(&row.sealed),
                secret::modified_us.eq(now_us),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Removes a secret.
    pub fn delete_secret(&mut self, owner: &str, name: &str) -> Result<()> {
        diesel::delete(secret::table.find((self.organization, owner, name)))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Removes every secret of an owner.
    pub fn delete_secrets(&mut self, owner: &str) -> Result<()> {
        let organization = self.organization;
        diesel::delete(
            secret::table
                .filter(secret::organization.eq(organization).and(secret::owner.eq(owner))),
        )
        .execute(self.reader.conn)?;
        Ok(())
    }
}
