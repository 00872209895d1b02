//! Clients and their tokens.

use super::connection::on_backend;
use super::schema::{client, leniency, token};
use super::{Error, Reader, Result, Transaction};
use crate::id::{ClientId, ResourceId};
use crate::scim::dialect::{Dialect, Leniency};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// An identity provider or script that holds tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its name, unique in the organization.
    pub name: String,
    /// How it speaks SCIM.
    pub dialect: Dialect,
    /// When it came to be.
    pub created_us: i64,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRow {
    /// SHA-256 of the whole token text.
    pub hash: [u8; 32],
    /// Its first characters, by which people recognise it.
    pub prefix: String,
    /// Whose it is.
    pub client: Client,
    /// What it may do: `scim.write`, `scim.read`, `scim.me`, `admin`, `audit`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_us: i64,
    /// From when it is refused.
    pub expires_us: Option<i64>,
    /// When it was last used, to the minute.
    pub used_us: Option<i64>,
    /// The person for whom it speaks.
    pub subject: Option<ResourceId>,
}

/// How often a client needed a leniency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    /// Whose requests.
    pub client: ClientId,
    /// What they were forgiven.
    pub leniency: Leniency,
    /// How many requests.
    pub count: i64,
    /// When the last of them was.
    pub last_us: i64,
}

/// How exactly the last use of a token is kept: a row is not rewritten for every request.
const USED_STEP_US: i64 = 60_000_000;

type ClientColumns = (ClientId, String, String, i64);
type TokenColumns = (Vec<u8>, String, String, i64, Option<i64>, Option<i64>, Option<ResourceId>);

#[diesel::dsl::auto_type]
fn token_columns() -> _ {
    let on = client::organization.eq(token::organization).and(client::id.eq(token::client_id));
    token::table.inner_join(client::table.on(on)).select((
        (
            token::hash,
            token::prefix,
            token::scopes,
            token::created_us,
            token::expires_us,
            token::used_us,
            token::subject_id,
        ),
        (client::id, client::name, client::dialect, client::created_us),
    ))
}

fn read_client((id, name, dialect, created_us): ClientColumns) -> Result<Client> {
    let dialect = Dialect::named(&dialect)
        .ok_or_else(|| Error::Corrupt(format!("client {id}: unknown dialect")))?;
    Ok(Client { id, name, dialect, created_us })
}

fn read_token((token, client): (TokenColumns, ClientColumns)) -> Result<TokenRow> {
    let (hash, prefix, scopes, created_us, expires_us, used_us, subject) = token;
    let hash = <[u8; 32]>::try_from(hash)
        .map_err(|hash| Error::Corrupt(format!("token {prefix}: hash of {} bytes", hash.len())))?;
    let scopes = scopes.split_whitespace().map(str::to_owned).collect();
    let client = read_client(client)?;
    Ok(TokenRow { hash, prefix, client, scopes, created_us, expires_us, used_us, subject })
}

impl Reader<'_> {
    /// A token by its hash, unless its client is disabled.
    pub fn token(&mut self, hash: &[u8; 32]) -> Result<Option<TokenRow>> {
        token_columns()
            .filter(token::organization.eq(self.organization))
            .filter(token::hash.eq(hash.as_slice()))
            .filter(client::disabled_us.is_null())
            .first(self.conn)
            .optional()?
            .map(read_token)
            .transpose()
    }

    /// Every token, newest first.
    pub fn tokens(&mut self) -> Result<Vec<TokenRow>> {
        let rows: Vec<(TokenColumns, ClientColumns)> = token_columns()
            .filter(token::organization.eq(self.organization))
            .order((token::created_us.desc(), token::prefix))
            .load(self.conn)?;
        rows.into_iter().map(read_token).collect()
    }

    /// Every client, by name.
    pub fn clients(&mut self) -> Result<Vec<Client>> {
        let rows: Vec<ClientColumns> = client::table
            .filter(client::organization.eq(self.organization))
            .order(client::name)
            .select((client::id, client::name, client::dialect, client::created_us))
            .load(self.conn)?;
        rows.into_iter().map(read_client).collect()
    }

    /// What clients have been forgiven, the most used first.
    pub fn leniencies(&mut self) -> Result<Vec<Uses>> {
        let rows: Vec<(ClientId, String, i64, i64)> = leniency::table
            .filter(leniency::organization.eq(self.organization))
            .order((leniency::uses.desc(), leniency::name))
            .select((leniency::client_id, leniency::name, leniency::uses, leniency::used_us))
            .load(self.conn)?;
        // One that this version does not know is another version's to show.
        let known = rows.into_iter().filter_map(|(client, name, count, last_us)| {
            Some(Uses { client, leniency: Leniency::named(&name)?, count, last_us })
        });
        Ok(known.collect())
    }

    /// Whether the organization has, or ever had, a client: clients outlive their tokens.
    pub fn has_clients(&mut self) -> Result<bool> {
        let any = client::table
            .filter(client::organization.eq(self.organization))
            .select(client::name)
            .first::<String>(self.conn)
            .optional()?;
        Ok(any.is_some())
    }
}

impl Transaction<'_> {
    /// A client by name, made when missing (`new` gives the id and the time); the dialect is set
    /// when given.
    pub fn client_named(
        &mut self,
        name: &str,
        dialect: Option<Dialect>,
        new: (ClientId, i64),
    ) -> Result<Client> {
        let (id, created_us) = new;
        let row = (
            client::organization.eq(self.organization),
            client::id.eq(id),
            client::name.eq(name),
            client::dialect.eq(dialect.unwrap_or_default().as_str()),
            client::created_us.eq(created_us),
        );
        on_backend!(&mut *self.conn, c => diesel::insert_into(client::table)
            .values(row)
            .on_conflict((client::organization, client::name))
            .do_nothing()
            .execute(c))?;
        let organization = self.organization;
        let by_name = client::organization.eq(organization).and(client::name.eq(name));
        if let Some(dialect) = dialect {
            diesel::update(client::table.filter(by_name))
                .set(client::dialect.eq(dialect.as_str()))
                .execute(self.conn)?;
        }
        let found = client::table
            .filter(by_name)
            .select((client::id, client::name, client::dialect, client::created_us))
            .first(self.conn)?;
        read_client(found)
    }

    /// Changes how a client speaks SCIM. Answers how it did before; none where there is no such
    /// client.
    pub fn set_dialect(&mut self, name: &str, dialect: Dialect) -> Result<Option<Dialect>> {
        let organization = self.organization;
        let by_name = client::organization.eq(organization).and(client::name.eq(name));
        let before: Option<ClientColumns> = client::table
            .filter(by_name)
            .select((client::id, client::name, client::dialect, client::created_us))
            .first(self.conn)
            .optional()?;
        let Some(before) = before else { return Ok(None) };
        diesel::update(client::table.filter(by_name))
            .set(client::dialect.eq(dialect.as_str()))
            .execute(self.conn)?;
        Ok(Some(read_client(before)?.dialect))
    }

    /// Adds to what clients have been forgiven.
    pub fn add_leniencies(&mut self, more: &[Uses]) -> Result<()> {
        for uses in more {
            let row = (
                leniency::organization.eq(self.organization),
                leniency::client_id.eq(uses.client),
                leniency::name.eq(uses.leniency.name()),
                leniency::uses.eq(uses.count),
                leniency::used_us.eq(uses.last_us),
            );
            on_backend!(&mut *self.conn, c => diesel::insert_into(leniency::table)
                .values(row)
                .on_conflict((leniency::organization, leniency::client_id, leniency::name))
                .do_update()
                .set((
                    leniency::uses.eq(leniency::uses + excluded(leniency::uses)),
                    leniency::used_us.eq(excluded(leniency::used_us)),
                ))
                .execute(c))?;
        }
        Ok(())
    }

    /// Stores a token.
    pub fn insert_token(&mut self, token: &TokenRow) -> Result<()> {
        diesel::insert_into(token::table)
            .values((
                token::organization.eq(self.organization),
                token::hash.eq(token.hash.as_slice()),
                token::prefix.eq(&token.prefix),
                token::client_id.eq(token.client.id),
                token::scopes.eq(token.scopes.join(" ")),
                token::created_us.eq(token.created_us),
                token::expires_us.eq(token.expires_us),
                token::used_us.eq(token.used_us),
                token::subject_id.eq(token.subject),
            ))
            .execute(self.conn)?;
        Ok(())
    }

    /// Revokes tokens by prefix or by client name; answers how many.
    pub fn revoke_tokens(&mut self, prefix_or_client: &str) -> Result<usize> {
        let clients: Vec<ClientId> = client::table
            .filter(client::organization.eq(self.organization))
            .filter(client::name.eq(prefix_or_client))
            .select(client::id)
            .load(self.conn)?;
        // A client's name is unique, so there is one or none.
        let of_client = clients.first().copied().unwrap_or(ClientId(uuid::Uuid::nil()));
        let named = token::prefix.eq(prefix_or_client).or(token::client_id.eq(of_client));
        let rows = token::table.filter(token::organization.eq(self.organization)).filter(named);
        Ok(diesel::delete(rows).execute(self.conn)?)
    }

    /// Notes that a token was used.
    pub fn token_used(&mut self, hash: &[u8; 32], now_us: i64) -> Result<()> {
        let stale = token::used_us.is_null().or(token::used_us.lt(now_us - USED_STEP_US));
        let row = token::table.find((self.organization, hash.as_slice())).filter(stale);
        diesel::update(row).set(token::used_us.eq(now_us)).execute(self.conn)?;
        Ok(())
    }
}
